/** What a developer is told of a request whose header holds no token as Microsoft issues it: on the channel, and by the doctor. */
import { describe, expect, it } from 'vitest';
import { initialize, protect } from '../../src/fetch.js';
import { entraFlags, issuer, read, run, useIssuer } from '../doctor/run.js';
import { start } from '../support/clock.js';
import { collectExplanations } from '../support/explanations.js';
import { notOneToken, withoutToken } from '../support/refused-credentials.js';

useIssuer();

const explanations = collectExplanations();

const route = protect({ scheme: 'entra' }, () => new Response('passed'));

/** The explanation of a request with these headers. */
async function explanationOf(headers: Readonly<Record<string, string>>, tokenHeader?: string) {
  initialize({ ...issuer.options, tokenHeader, now: () => start });
  const response = await route(new Request('https://api.example/', { headers }));
  expect(explanations).toHaveLength(1);
  const [{ code, hint, status, error, reason } = expect.fail('nothing was explained')] = explanations;
  expect(response.status).toBe(status);
  return { code, hint, answer: reason ?? error };
}

describe('a header', () => {
  it.each(withoutToken)('that holds %s is explained', async (_, authorization, code) => {
    const value = authorization(await issuer.token());
    const headers = value === '' ? {} : { authorization: value };
    expect(await explanationOf(headers)).toMatchObject({ code, answer: 'missing_token' });
  });

  it.each(notOneToken)('that holds %s is explained', async (_, authorization, code) => {
    const value = authorization(await issuer.token());
    expect(await explanationOf({ authorization: value })).toMatchObject({ code, answer: 'malformed' });
  });

  it.each([...withoutToken, ...notOneToken])('that holds %s is not quoted', async (_, authorization) => {
    const token = await issuer.token();
    const value = authorization(token);
    const { hint } = await explanationOf(value === '' ? {} : { authorization: value });
    for (const text of ['m4rk3r', 'EwB4', ...token.split('.')]) expect(hint).not.toContain(text);
  });

  it('is named as the option tokenHeader names it', async () => {
    const { code, hint } = await explanationOf({ authorization: 'Bearer m4rk3r' }, 'X-Token');
    expect(code).toBe('no_token');
    expect(hint).toMatch(/^The request has no x-token: Bearer header/);
    explanations.length = 0;
    expect(await explanationOf({ 'x-token': 'null' }, 'X-Token')).toMatchObject({ code: 'unset_token' });
    explanations.length = 0;
    expect(await explanationOf({ 'x-token': 'Basic eA==' }, 'X-Token')).toMatchObject({ code: 'other_scheme' });
    explanations.length = 0;
    expect(await explanationOf({ 'x-token': 'one, two' }, 'X-Token')).toMatchObject({
      code: 'two_headers',
      hint: expect.stringMatching(/^The request has two x-token headers\./) as string,
    });
  });
});

describe('the doctor', () => {
  it.each(notOneToken.filter(([, , code]) => code !== 'empty_token'))(
    'explains %s likewise',
    async (_, authorization, code) => {
      const token = authorization(await issuer.token()).slice('Bearer '.length);
      const { verdict, steps } = read(
        await run([...entraFlags(), '--json', token.replace(/^bearer /i, 'bearer bearer ')]),
      );
      expect(verdict).toMatchObject({ status: 'fail', httpStatus: 401, reason: 'malformed', cause: code });
      expect(steps.find(({ status }) => status === 'fail')).toMatchObject({ cause: code });
    },
  );

  it('explains the scheme alone', async () => {
    const { verdict } = read(await run([...entraFlags(), '--json', 'Bearer']));
    expect(verdict).toMatchObject({ reason: 'malformed', cause: 'empty_token' });
  });
});
