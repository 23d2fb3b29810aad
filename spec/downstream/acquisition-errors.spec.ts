import { describe, expect, it } from 'vitest';
import { AuthError, ConfigurationError } from '../../src/core/errors.js';
import { errorOf, tokenIn, type AskedFor, type TokenAnswer } from '../../src/downstream/acquisition-errors.js';

const scopes = ['https://graph.microsoft.com/User.Read'];
const ofUser: AskedFor = { api: 'graph', scopes, as: 'user', now: Date.UTC(2030, 0, 1) };
const claims = '{"access_token":{"acrs":{"essential":true, "value":"c1"}}}';

function answer(body: unknown, status = 400, headers: Record<string, string> = {}): TokenAnswer {
  return { status, headers: new Headers(headers), text: typeof body === 'string' ? body : JSON.stringify(body) };
}

function refusal(error: string, codes: readonly number[] = [], more: object = {}, askedFor = ofUser) {
  const description = `AADSTS${String(codes[0])}: text for alice@contoso.com. Trace ID: 11111111`;
  return errorOf(answer({ error, error_codes: codes, error_description: description, ...more }), askedFor);
}

const challengeOf = (error: object) => (error as AuthError).headers['WWW-Authenticate'];

const signIn = {
  name: 'InteractionRequiredError',
  code: 'interaction_required',
  status: 401,
  challenge: 'Bearer error="invalid_token", error_description="The user must sign in again."',
};
const consent = {
  name: 'ConsentRequiredError',
  code: 'consent_required',
  status: 403,
  challenge:
    'Bearer error="insufficient_scope", error_description="The user or an administrator has not consented to the permissions that this request needs."',
};
const claimsChallenge = {
  name: 'ClaimsChallengeError',
  code: 'insufficient_claims',
  status: 401,
  challenge: `Bearer error="insufficient_claims", claims="${Buffer.from(claims).toString('base64')}"`,
};
const expired = {
  name: 'InvalidTokenError',
  code: 'invalid_token',
  status: 401,
  challenge: 'Bearer error="invalid_token", error_description="The access token expired."',
};
const configuration = { name: 'ConfigurationError', code: 'invalid_configuration', status: 500, challenge: undefined };

describe('a refusal of a token on behalf of a user', () => {
  it.each<[string, readonly number[], object, typeof configuration | typeof signIn]>([
    ['interaction_required', [50076], { claims }, claimsChallenge],
    ['invalid_grant', [53003], { claims }, claimsChallenge],
    ['invalid_grant', [65001], { claims }, claimsChallenge],
    ['invalid_client', [50079], { claims }, claimsChallenge],
    ['temporarily_unavailable', [50079], { claims }, claimsChallenge],
    ['invalid_grant', [65001], {}, consent],
    ['invalid_grant', [65004], {}, consent],
    ['invalid_grant', [90094], {}, consent],
    ['interaction_required', [1], { suberror: 'consent_required' }, consent],
    ['interaction_required', [50076], {}, signIn],
    ['login_required', [], {}, signIn],
    ['invalid_grant', [53003], {}, signIn],
    ['invalid_grant', [50076], { claims: 'no JSON' }, signIn],
    ['invalid_grant', [50076], { claims: '["x"]' }, signIn],
    ['invalid_grant', [50076], { claims: JSON.stringify({ x: 'y'.repeat(9000) }) }, signIn],
    ['invalid_grant', [500133], {}, expired],
    ['invalid_grant', [50013], {}, configuration],
    ['invalid_grant', [500131], {}, configuration],
    ['invalid_grant', [500011], {}, configuration],
    ['invalid_grant', [7000114], {}, configuration],
    ['invalid_grant', [700016], {}, configuration],
    ['invalid_client', [7000215], {}, configuration],
    ['unauthorized_client', [], {}, configuration],
    ['invalid_scope', [70011], {}, configuration],
    ['invalid_request', [90002], {}, configuration],
    ['invalid_resource', [500011], {}, configuration],
    ['unsupported_grant_type', [70003], {}, configuration],
    ['something_new', [], {}, configuration],
  ])('%s %j %j', (error, codes, more, expected) => {
    const refused = refusal(error, codes, more);
    const { name, code, status } = refused;
    expect({ name, code, status, challenge: challengeOf(refused) }).toEqual(expected);
    expect(refused).toMatchObject(codes[0] === undefined ? {} : { aadsts: codes[0] });
  });

  it('reads the number in the description where there is no list', () => {
    const text = { error_codes: undefined, error_description: 'AADSTS65001: no consent' };
    expect(refusal('invalid_grant', [], text)).toMatchObject({ name: 'ConsentRequiredError', aadsts: 65001 });
  });

  it('names API and scopes where consent is missing', () => {
    expect(refusal('invalid_grant', [65001])).toMatchObject({ api: 'graph', scopes });
  });

  it('tells the developer the number and what to look at, and the caller neither', () => {
    const error = refusal('invalid_client', [7000215]);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toBe(
      'The authority gave no token for the API graph: AADSTS7000215. The client secret is wrong. Set the value of the secret, not its id, in downstream.credential.',
    );
    expect(refusal('invalid_scope').message).toBe(
      'The authority gave no token for the API graph: invalid_scope. Check downstream.credential and downstream.apis.graph.',
    );
    expect(refusal('login_required').message).toBe(
      'The authority gave no token for the API graph: login_required. The user must sign in again.',
    );
    expect(refusal('interaction_required', [50078]).message).toBe(
      'The authority gave no token for the API graph: AADSTS50078. The user must sign in again.',
    );
    expect(refusal('interaction_required', [50078], {}, { ...ofUser, as: 'application' }).message).toBe(
      'The authority gave no token for the API graph: AADSTS50078. Check downstream.credential and downstream.apis.graph.',
    );
    expect(refusal('interaction_required', [50079]).toJSON()).toEqual({
      error: 'interaction_required',
      error_description: 'The user must sign in again.',
    });
    expect(refusal('interaction_required', [50079]).expose).toBe(false);
  });

  it('holds nothing of the answer but the number and the claims', () => {
    for (const error of ['invalid_grant', 'invalid_client', 'alice@contoso.com']) {
      const refused = refusal(error, [50076]);
      const text = `${String(refused.stack)}${JSON.stringify(refused)}${JSON.stringify(refused.headers)}`;
      expect(text).not.toMatch(/alice|Trace|1111/);
    }
    expect(refusal('invalid_grant', [50076], { claims }).message).not.toContain('acrs');
  });
});

describe('a refusal of a token of the application', () => {
  const ofApplication: AskedFor = { ...ofUser, as: 'application' };

  it('does not challenge the caller, whose sign-in changes nothing', () => {
    expect(refusal('invalid_grant', [53003], { claims }, ofApplication)).toMatchObject({ status: 500, aadsts: 53003 });
    expect(refusal('interaction_required', [], {}, ofApplication)).toBeInstanceOf(ConfigurationError);
    expect(refusal('temporarily_unavailable', [], { claims }, ofApplication)).toMatchObject({ status: 503 });
    expect(refusal('invalid_grant', [65001], {}, ofApplication)).toMatchObject({ status: 403 });
  });
});

describe('an answer that is not about the request', () => {
  it.each<[string, TokenAnswer, string]>([
    ['429', answer({ error: 'x' }, 429), '5'],
    ['429 with Retry-After', answer('', 429, { 'Retry-After': '7' }), '7'],
    ['Retry-After that is too long', answer('', 503, { 'Retry-After': '4000' }), '300'],
    ['Retry-After of 0', answer('', 503, { 'Retry-After': '0' }), '1'],
    ['a date', answer('', 503, { 'Retry-After': 'Tue, 01 Jan 2030 00:00:09 GMT' }), '9'],
    ['500', answer({ error: 'server_error' }, 500), '5'],
    ['temporarily_unavailable', answer({ error: 'temporarily_unavailable' }), '5'],
    ['a redirect', answer('', 302), '5'],
    ['no JSON', answer('<html>', 404), '5'],
    ['JSON without an error', answer({}, 400), '5'],
    ['200 without a token', answer({ token_type: 'Bearer' }, 200), '5'],
  ])('%s is 503', (_, given, retryAfter) => {
    expect(errorOf(given, ofUser)).toMatchObject({
      name: 'TokenUnavailableError',
      code: 'token_unavailable',
      status: 503,
      headers: { 'Retry-After': retryAfter },
    });
  });
});

describe('tokenIn', () => {
  it('finds the token of a 200 alone', () => {
    const good = { token_type: 'bearer', access_token: 'x', expires_in: 60, refresh_in: '30' };
    const token = { token: 'x', expiresInSeconds: 60, refreshInSeconds: 30 };
    expect(tokenIn(answer(good, 200))).toEqual(token);
    expect(tokenIn(answer(good, 201))).toBeUndefined();
    for (const spoiled of [
      { access_token: 1 },
      { access_token: 'a b' },
      { expires_in: 0 },
      { expires_in: 'soon' },
      { token_type: 1 },
    ])
      expect(tokenIn(answer({ ...good, ...spoiled }, 200))).toBeUndefined();
  });
});
