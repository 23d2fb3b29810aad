/** The pages of the weather sample in a browser, with the sample in its own process. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const screenshot = 'docs/images/weather.png';

interface Sample {
  readonly process: ChildProcess;
  readonly origin: string;
}

let sample: Sample;
let origin: string;
let browser: Browser;

async function startSample(): Promise<Sample> {
  const variables = Object.entries(process.env).filter(([name]) => !/^AzureAd|^DownstreamApis|^REDIS_URL$/.test(name));
  const started = spawn(process.execPath, ['samples/weather/dist/main.js'], {
    env: { ...Object.fromEntries(variables), PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface(started.stdout)) {
    const [, port] = /^Listening on \S+:(\d+)\./.exec(line) ?? [];
    if (port !== undefined) return { process: started, origin: `http://localhost:${port}` };
  }
  throw new Error('The sample ended before it listened.');
}

async function stop(sample: Sample): Promise<void> {
  const ended = once(sample.process, 'exit');
  sample.process.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
}

beforeAll(async () => {
  for (const project of ['samples/warnings', 'samples/weather']) {
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], { stdio: 'inherit' });
  }
  sample = await startSample();
  browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  });
});

afterAll(async () => {
  await browser.close();
  await stop(sample);
});

let context: BrowserContext;
let page: Page;
let complaints: string[];
let strangers: string[];

beforeEach(async () => {
  origin = sample.origin;
  context = await browser.newContext({ viewport: { width: 1100, height: 1000 }, reducedMotion: 'reduce' });
  context.setDefaultTimeout(8_000);
  complaints = [];
  strangers = [];
  context.on('console', (message) => {
    // Chromium reports every answer of 400 and above; those of the API are what the page is there to show.
    const isRefusal = new URL(message.location().url || origin).pathname.startsWith('/api/');
    if (['error', 'warning'].includes(message.type()) && !isRefusal) complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  context.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (!['localhost', '127.0.0.1'].includes(hostname) && protocol !== 'data:') strangers.push(request.url());
  });
  page = await context.newPage();
});

afterEach(async () => {
  await page.request.put(`${sample.origin}/local-issuer/clock`, { data: { aheadMinutes: 0 } });
  await context.close();
  expect(complaints).toEqual([]);
  expect(strangers).toEqual([]);
});

const visit = async (path = '/') => {
  await page.goto(origin + path);
  await page.waitForSelector('main[aria-busy="false"]');
};
const chooseCase = (title: string) => page.getByRole('navigation', { name: 'Cases' }).getByText(title).click();
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();

/** Signs in, and waits for the answer that the page then shows. */
async function signInAs(person: string, button = 'Sign in and send'): Promise<void> {
  await press(button);
  await page.getByRole('heading', { name: 'Pick a person' }).waitFor();
  await page.getByRole('button', { name: person }).click();
  await page.locator('#answer').waitFor();
}

async function send(): Promise<void> {
  const answered = page.waitForResponse((response) => new URL(response.url()).pathname.startsWith('/api/'));
  await press('Send');
  await answered;
  await page.waitForSelector('main[aria-busy="false"]');
}

const status = () => page.locator('#answer-status').textContent();
const challenge = () => page.locator('#answer-challenge').textContent();
const body = async () => JSON.parse((await page.locator('#answer-body').textContent()) ?? '') as unknown;
const keyId = () => page.locator('#key-id').textContent();

async function claim(name: string): Promise<string | undefined> {
  const rows = await page.locator('#claims tr').all();
  for (const row of rows) {
    const heading = await row.locator('th').textContent();
    if (heading === name) return (await row.locator('td').first().textContent()) ?? undefined;
  }
  return undefined;
}

describe('the page of the weather sample', () => {
  it('calls the API without a token, and shows the challenge', async () => {
    await visit();
    await send();
    expect(await status()).toBe('401 Unauthorized');
    expect(await challenge()).toBe('Bearer');
    expect(await body()).toEqual({
      error: 'missing_token',
      error_description: 'This request needs an access token.',
    });
    expect(await page.locator('#answer-verdict').textContent()).toBe('as expected');
  });

  it('signs in someone with the scope, calls the API, and shows the answer and the claims', async () => {
    await visit();
    await chooseCase('The right scope');
    await signInAs('Ann Lindqvist');
    expect(await status()).toBe('200 OK');
    expect(await body()).toMatchObject({ city: 'Oslo', meanTemperature: '5.7 °C' });
    expect(await challenge()).toBe('none');
    expect(await page.locator('#case-caller').textContent()).toBe('Ann Lindqvist');
    expect(await claim('scp')).toBe('access_as_user alerts.read');
    expect(await claim('name')).toBe('Ann Lindqvist');
    expect(await claim('ver')).toBe('2.0');
    expect(await claim('roles')).toBeUndefined();
  });

  it('keeps her signed in over a reload, until she signs out', async () => {
    await visit();
    await chooseCase('The right scope');
    await signInAs('Ann Lindqvist');
    await page.reload();
    await page.waitForSelector('main[aria-busy="false"]');
    await send();
    expect(await status()).toBe('200 OK');
    await press('Sign out');
    await page.getByRole('button', { name: 'Sign in and send' }).waitFor();
    expect(await page.locator('#case-caller').textContent()).toBe('no one yet');
    await page.reload();
    await page.getByRole('button', { name: 'Sign in and send' }).waitFor();
  });

  it('shows the challenge for a missing scope', async () => {
    await visit();
    await chooseCase('A missing scope');
    await signInAs('Bob Okafor');
    expect(await status()).toBe('403 Forbidden');
    expect(await challenge()).toBe(
      'Bearer error="insufficient_scope", error_description="The access token does not carry the scope this request needs.", scope="access_as_user"',
    );
    expect(await claim('scp')).toBe('alerts.read');
    await page.screenshot({ path: screenshot, fullPage: true });
    await press('Get a new token');
    await page.getByText('There is a new token.').waitFor();
    expect(await claim('scp')).toBe('alerts.read');
  });

  it('lets an administrator in where others are refused', async () => {
    await visit();
    await chooseCase('An administrator');
    await signInAs('Ann Lindqvist');
    expect(await status()).toBe('403 Forbidden');
    expect(await challenge()).toBe(
      'Bearer error="insufficient_scope", error_description="The access token does not carry the role this request needs."',
    );
    await signInAs('Carla Reyes', 'Sign in as somebody else');
    expect(await page.locator('#case-caller').textContent()).toBe('Carla Reyes');
    expect(await status()).toBe('200 OK');
    expect(await body()).toEqual([]);
    expect(await claim('roles')).toBe('["Weather.Admin"]');
  });

  it('calls a second API on behalf of the person', async () => {
    await visit();
    await chooseCase('A second API');
    await signInAs('Ann Lindqvist');
    expect(await status()).toBe('200 OK');
    expect(await body()).toEqual([expect.objectContaining({ event: 'Snow showers' })]);
    expect(await page.locator('#claims-request').isVisible()).toBe(false);
  });

  it('asks for a second factor with a claims challenge, and then shows the warnings', async () => {
    await visit();
    await chooseCase('A second factor');
    await signInAs('Fay Nguyen');
    expect(await status()).toBe('401 Unauthorized');
    expect(await challenge()).toMatch(
      /^Bearer realm="[^"]+", authorization_uri="[^"]+", error="insufficient_claims", claims="[^"]+"$/,
    );
    expect(await page.locator('#answer-verdict').textContent()).toBe('until the token has more claims');
    expect(await page.locator('#claims-request-text').textContent()).toBe(
      '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}',
    );
    expect(await claim('acrs')).toBeUndefined();

    await press('Sign in with these claims');
    await page.getByRole('heading', { name: 'Is it you, Fay Nguyen?' }).waitFor();
    await press('Yes, it is me');
    await page.locator('#answer').waitFor();
    expect(await page.locator('#case-caller').textContent()).toBe('Fay Nguyen');
    expect(await status()).toBe('200 OK');
    expect(await body()).toEqual([expect.objectContaining({ event: 'Snow showers' })]);
    expect(await page.locator('#answer-verdict').textContent()).toBe('as expected');
    expect(await page.locator('#claims-request').isVisible()).toBe(false);
    expect(await claim('acrs')).toBe('["c1"]');

    await press('Get a new token');
    await page.getByText('There is a new token.').waitFor();
    expect(await claim('acrs')).toBe('["c1"]');
    await page.reload();
    await page.waitForSelector('main[aria-busy="false"]');
    await send();
    expect(await status()).toBe('200 OK');
  });

  it('keeps the first token where the second factor is not given', async () => {
    await visit();
    await chooseCase('A second factor');
    await signInAs('Fay Nguyen');
    await press('Sign in with these claims');
    await page.getByRole('heading', { name: 'Is it you, Fay Nguyen?' }).waitFor();
    await press('Cancel');
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').textContent()).toContain('No person was picked.');
    expect(await page.locator('#case-title').textContent()).toBe('A second factor');
  });

  it('tells a guest from a member', async () => {
    await visit();
    await chooseCase('The right scope');
    await signInAs('Gus Park');
    expect(await status()).toBe('200 OK');
    expect(await claim('acct')).toBe('1');
  });

  it('signs in with a B2C policy, whose token is good on its own routes alone', async () => {
    await visit();
    await chooseCase('A B2C policy');
    await signInAs('Dora Novak');
    expect(await status()).toBe('200 OK');
    expect(await body()).toMatchObject({ city: 'Tokyo' });
    expect(await claim('tfp')).toBe('B2C_1_susi');
    await chooseCase('The wrong authority');
    await send();
    expect(await status()).toBe('401 Unauthorized');
    expect(await challenge()).toBe(
      'Bearer error="invalid_token", error_description="The access token comes from another issuer."',
    );
  });

  it('keeps someone of each authority signed in', async () => {
    await visit();
    await chooseCase('The right scope');
    await signInAs('Ann Lindqvist');
    await chooseCase('A B2C policy');
    await signInAs('Dora Novak');
    await chooseCase('The right scope');
    await send();
    expect(await page.locator('#case-caller').textContent()).toBe('Ann Lindqvist');
    expect(await status()).toBe('200 OK');
  });

  it('shows an error where no person was picked', async () => {
    await visit();
    await chooseCase('The right scope');
    await press('Sign in and send');
    await press('Cancel');
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').textContent()).toContain('No person was picked.');
    expect(await page.locator('#case-title').textContent()).toBe('The right scope');
    await page.getByRole('button', { name: 'Sign in and send' }).waitFor();
  });

  it('shows the challenge for a token that has expired', async () => {
    await visit();
    await chooseCase('The right scope');
    await signInAs('Ann Lindqvist');
    await page.getByLabel("The API's clock is two hours ahead").check();
    await page.getByText('The clock is two hours ahead.').waitFor();
    await send();
    expect(await status()).toBe('401 Unauthorized');
    expect(await challenge()).toBe('Bearer error="invalid_token", error_description="The access token expired."');
    await page.getByLabel("The API's clock is two hours ahead").uncheck();
    await page.getByText('The clock is right.').waitFor();
    await send();
    expect(await status()).toBe('200 OK');
  });

  it('goes on when the keys are rotated while someone is signed in', async () => {
    // An unknown key is looked up once in five minutes, so this API must not have looked one up yet.
    const fresh = await startSample();
    origin = fresh.origin;
    await visit();
    await chooseCase('The right scope');
    await signInAs('Ann Lindqvist');
    const keys = [await keyId()];

    // The second key was not published yet when the API loaded its keys.
    for (let rotation = 1; rotation <= 2; rotation++) {
      await press('Rotate the signing keys');
      await page.getByText(`New tokens are signed with a new key (${String(rotation)}).`).waitFor();
      await send();
      expect(await status()).toBe('200 OK');
      expect(await keyId()).toBe(keys.at(-1));

      await press('Get a new token');
      await page.getByText('There is a new token.').waitFor();
      expect(keys).not.toContain(await keyId());
      keys.push(await keyId());
      await send();
      expect(await status()).toBe('200 OK');
    }

    await signInAs('Carla Reyes', 'Sign in as somebody else');
    expect(await status()).toBe('200 OK');
    expect(await keyId()).toBe(keys.at(-1));
    await stop(fresh);
  });

  it('is as wide as a phone, page by page', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    const overflow = () => page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    await visit();
    expect(await overflow()).toBe(0);
    await chooseCase('The right scope');
    await press('Sign in and send');
    await page.getByRole('heading', { name: 'Pick a person' }).waitFor();
    expect(await overflow()).toBe(0);
    await page.getByRole('button', { name: 'Ann Lindqvist' }).click();
    await page.locator('#answer').waitFor();
    expect(await overflow()).toBe(0);
  });

  it('can be used with the keyboard alone', async () => {
    await visit();
    await page.getByRole('button', { name: 'The right scope' }).focus();
    await page.keyboard.press('Enter');
    // The focus is at the case, ahead of its buttons.
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Pick a person' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('#answer').waitFor();
    expect(await page.locator('#case-caller').textContent()).toBe('Ann Lindqvist');
  });

  it('has readable contrast, in light and in dark', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await visit();
      await send();
      expect(await page.evaluate(leastContrast)).toBeGreaterThanOrEqual(4.5);
    }
  });
});

/** Run in the page: the contrast of the text that stands out least from its background (WCAG 2.2 §1.4.3). */
const leastContrast = `(() => {
  const parse = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color[3] !== 0) return color;
    }
    return [255, 255, 255];
  };
  const shown = [...document.querySelectorAll('body *')].filter(
    (element) =>
      element.checkVisibility() &&
      !element.matches(':disabled') &&
      [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== ''),
  );
  return Math.min(
    ...shown.map((element) => {
      const [light, dark] = [parse(getComputedStyle(element).color), ground(element)].map(luminance).sort((a, b) => b - a);
      return (light + 0.05) / (dark + 0.05);
    }),
  );
})()`;

const operationAt = (path: string) => page.locator('.opblock', { has: page.locator(`[data-path="${path}"]`) });

describe('Swagger UI of the weather sample', () => {
  it('signs in for the scope of the API, and calls it', async () => {
    await page.goto(`${origin}/docs`);
    await page.getByRole('button', { name: 'Authorize', exact: true }).click();
    const dialog = page.locator('.auth-container').filter({ hasText: 'entra (OAuth2' });
    const popup = page.waitForEvent('popup');
    await dialog.getByRole('button', { name: 'Apply given OAuth2 credentials' }).click();
    const people = await popup;
    await people.getByRole('button', { name: 'Ann Lindqvist' }).click();
    await dialog.getByRole('button', { name: 'Remove authorization' }).waitFor();
    await page.locator('.close-modal').click();

    const operation = operationAt('/api/weather/{city}');
    await operation.locator('.opblock-summary-control').click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    await operation.getByPlaceholder('city').fill('Oslo');
    const called = page.waitForResponse((response) => response.url().endsWith('/api/weather/Oslo'));
    await operation.getByRole('button', { name: 'Execute' }).click();
    const response = await called;
    expect(response.status()).toBe(200);
    expect(await response.json()).toMatchObject({ city: 'Oslo' });
    const [, token = ''] = (await response.request().headerValue('authorization'))?.split(' ') ?? [];
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { scp: string };
    expect(claims.scp).toBe('access_as_user');
  });

  it('gets the bare challenge where no one signed in', async () => {
    await page.goto(`${origin}/docs`);
    const operation = operationAt('/api/weather/{city}');
    await operation.locator('.opblock-summary-control').click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    await operation.getByPlaceholder('city').fill('Oslo');
    const called = page.waitForResponse((response) => response.url().endsWith('/api/weather/Oslo'));
    await operation.getByRole('button', { name: 'Execute' }).click();
    const response = await called;
    expect(response.status()).toBe(401);
    expect(response.headers()['www-authenticate']).toBe('Bearer');
  });
});
