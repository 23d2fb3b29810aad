/** What the page of the weather sample shows, and whom it serves. */
import { execFileSync } from 'node:child_process';
import axe from 'axe-core';
import { describe, expect, it } from 'vitest';
import {
  challenge,
  chooseCase,
  claim,
  context,
  origin,
  page,
  press,
  send,
  signInAs,
  status,
  visit,
} from './weather-in-browser.js';

describe('what the page of the weather sample shows', () => {
  it('shows what to do in the empty card, for each state of a case', async () => {
    const empty = page.locator('#answer-none');
    await visit();
    expect(await empty.textContent()).toBe('Press Send to call the API.');
    await chooseCase('The right scope');
    expect(await empty.textContent()).toBe('Press Sign in and send, and pick Ann. The answer is shown here.');
    await signInAs('Ann Lindqvist');
    expect(await empty.isVisible()).toBe(false);
    await chooseCase('A second API');
    expect(await empty.textContent()).toBe('Press Send to call the API as Ann Lindqvist.');
    await chooseCase('A missing scope');
    expect(await empty.textContent()).toBe(
      'Press Send to call the API as Ann Lindqvist. This case is meant for Bob: sign in as somebody else.',
    );
    expect(await page.locator('#answer-summary').isVisible()).toBe(false);
  });

  it('shows while signed out what the controls need', async () => {
    const [text, rotate] = [
      page.locator('#controls-none'),
      page.getByRole('button', { name: 'Rotate the signing keys' }),
    ];
    await visit();
    expect(await text.textContent()).toMatch(/^This case sends no token\. Choose one that does/);
    await chooseCase('The right scope');
    expect(await text.textContent()).toMatch(/^No one is signed in for this case\. Sign in/);
    expect(await rotate.isVisible()).toBe(false);
    await signInAs('Ann Lindqvist');
    expect(await text.isVisible()).toBe(false);
    expect(await rotate.isVisible()).toBe(true);
    await press('Sign out');
    await text.waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('sign-in');
    expect(await rotate.isVisible()).toBe(false);
  });

  it('copies the token, and the request as a command that gets the same answer', async () => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const copied = async () => String(await page.evaluate('navigator.clipboard.readText()'));
    const run = (command: string) => execFileSync('sh', ['-c', command], { encoding: 'utf8' });
    await visit();
    expect(await page.getByRole('button', { name: 'Copy the token' }).isVisible()).toBe(false);
    await press('Copy as curl');
    await page.locator('#copied-curl').getByText('Copied.').waitFor();
    expect(run(await copied())).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);

    await chooseCase('The right scope');
    expect(await page.locator('#copied-curl').textContent()).toBe('');
    expect(await page.getByRole('button', { name: 'Copy as curl' }).isVisible()).toBe(false);
    await signInAs('Ann Lindqvist');
    await press('Copy the token');
    await page.locator('#copied-token').getByText('Copied.').waitFor();
    const token = await copied();
    expect(token.split('.')).toHaveLength(3);
    await press('Copy as curl');
    await page.locator('#copied-curl').getByText('Copied.').waitFor();
    const command = await copied();
    expect(command).toContain(`'Authorization: Bearer ${token}'`);
    const answer = run(command);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain('"city":"Oslo"');
  });

  it('shows why a request was refused, in the words of the library', async () => {
    const why = async () => [
      await page.locator('#explanation-code').textContent(),
      await page.locator('#explanation-hint').textContent(),
    ];
    await visit();
    await send();
    expect(await why()).toEqual([
      'no_token',
      'The request has no Authorization: Bearer header. A proxy may have removed it.',
    ]);
    await chooseCase('An administrator');
    await signInAs('Ann Lindqvist');
    expect(await why()).toEqual([
      'role_missing',
      expect.stringContaining('The role Weather.Admin was not assigned to the caller'),
    ]);
    await chooseCase('The right scope');
    await send();
    expect(await page.locator('#explanation').isVisible()).toBe(false);
    expect(await page.locator('#explanation-elsewhere').isVisible()).toBe(false);
    expect(await page.locator('#answer-why').textContent()).toMatch(/^The token is for this API/);
  });

  it('gets an explanation only where it asks for one, with nothing of the token in it', async () => {
    const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url');
    const secret = 'mallory-1-2-3';
    const token = `${part({ alg: 'RS256', kid: secret })}.${part({ iss: `https://${secret}/`, aud: secret })}.c2ln`;
    const answerTo = (headers: Readonly<Record<string, string>>) =>
      page.request.get(`${origin}/api/weather/Oslo`, { headers: { Authorization: `Bearer ${token}`, ...headers } });
    expect((await answerTo({})).headers()['explanation']).toBeUndefined();
    const answer = await answerTo({ Explain: 'yes' });
    expect(answer.status()).toBe(401);
    expect(decodeURIComponent(answer.headers()['explanation'] ?? '')).toMatch(/^\{"code":"\w+","hint":"The [^"]+"\}$/);
    const said = decodeURIComponent(JSON.stringify(answer.headers())) + (await answer.text());
    for (const piece of [secret, ...token.split('.')]) expect(said).not.toContain(piece);
  });

  it('shows a meaning for each claim', async () => {
    const without = async () => {
      const rows = await page.locator('#claims tr').all();
      const meanings = await Promise.all(rows.map(async (row) => (await row.locator('td').last().textContent()) ?? ''));
      return meanings.filter((meaning) => meaning === '' || meaning === 'a claim that your tenant added');
    };
    await visit();
    await chooseCase('The right scope');
    await signInAs('Gus Park');
    expect(await claim('idp')).toBe('https://sts.windows.net/fabrikam/');
    expect(await without()).toEqual([]);
    await chooseCase('A B2C policy');
    await signInAs('Dora Novak');
    expect(await claim('tfp')).toBe('B2C_1_susi');
    expect(await without()).toEqual([]);
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
    expect(await page.locator('#answer-verdict').textContent()).toBe('expired, because the clock is ahead');
    expect(await page.locator('#explanation-code').textContent()).toBe('expired');
    await page.getByLabel("The API's clock is two hours ahead").uncheck();
    await page.getByText('The clock is right.').waitFor();
    await send();
    expect(await status()).toBe('200 OK');
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

  it('shows the cases in one row on a phone, and scrolls to the chosen one', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await visit();
    const chips = await page.locator('#cases button').all();
    const tops = await Promise.all(chips.map(async (chip) => (await chip.boundingBox())?.y));
    expect(tops.length).toBeGreaterThan(4);
    expect(new Set(tops).size).toBe(1);
    await chooseCase('The wrong authority');
    const { x = -1, width = 0 } = (await page.getByRole('button', { name: 'The wrong authority' }).boundingBox()) ?? {};
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x + width).toBeLessThanOrEqual(390);
  });

  it.each([1280, 390])('breaks no rule of axe at %i px', async (width) => {
    await page.setViewportSize({ width, height: 900 });
    await visit();
    expect(await violations()).toEqual([]);
    await send();
    expect(await violations()).toEqual([]);
    await chooseCase('A second factor');
    expect(await violations()).toEqual([]);
    await press('Sign in and send');
    await page.getByRole('heading', { name: 'Pick a person' }).waitFor();
    expect(await violations()).toEqual([]);
    await page.getByRole('button', { name: 'Fay Nguyen' }).click();
    await page.locator('#answer').waitFor();
    expect(await page.locator('#claims-request').isVisible()).toBe(true);
    expect(await violations()).toEqual([]);
    await press('Sign in with these claims');
    await page.getByRole('heading', { name: 'Is it you, Fay Nguyen?' }).waitFor();
    expect(await violations()).toEqual([]);
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

/** The rules of axe that the page breaks as it is now, each with the elements that break it. */
async function violations(): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

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
