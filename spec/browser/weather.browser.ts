/** What the pages of the weather sample do: sign people in, and call the API. */
import { describe, expect, it } from 'vitest';
import {
  body,
  challenge,
  chooseCase,
  claim,
  keyId,
  origin,
  page,
  press,
  send,
  signInAs,
  startSample,
  status,
  stop,
  visit,
} from './weather-in-browser.js';

const screenshot = 'docs/images/weather.png';

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
    expect(await page.locator('#explanation-code').textContent()).toBe('AADSTS50076');
    // The refusal of the authority is kept, and explained once.
    await send();
    expect(await status()).toBe('401 Unauthorized');
    expect(await page.locator('#explanation-code').textContent()).toBe('AADSTS50076');

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

  it('goes on when the keys are rotated while someone is signed in', async () => {
    // An unknown key is looked up once in five minutes, so this API must not have looked one up yet.
    const fresh = await startSample();
    await visit(fresh.origin);
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
});

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
