import { describe, expect, it, vi } from 'vitest';
import {
  authContextRequest,
  ClaimsChallengeError,
  claimsChallengeOfAuthority,
  type ClaimsChallengeOptions,
  type ClaimsRequest,
} from '../../../src/core/access/claims-challenge.js';
import type { ChallengedCaller } from '../../../src/core/challenge.js';
import { address, AuthError, ConfigurationError, InsufficientScopeError } from '../../../src/core/errors.js';

const authority = {
  realm: '11111111-2222-4333-8444-555555555555',
  authorizationUri: 'https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/oauth2/v2.0/authorize',
};
const place = `realm="${authority.realm}", authorization_uri="${authority.authorizationUri}"`;
const stepUp = authContextRequest('c1');
const claims = 'eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiYzEifX19';

const callerWith = (extra: object, where: ChallengedCaller['authority'] = authority): ChallengedCaller => ({
  claims: { iss: 'iss', aud: 'aud', exp: 0, ...extra },
  authority: where,
});
const capable = callerWith({ xms_cc: ['cp1'] });

describe('authContextRequest', () => {
  it('asks for one authentication context, as essential', () => {
    expect(authContextRequest('c1')).toEqual({ access_token: { acrs: { essential: true, value: 'c1' } } });
  });
});

describe('a claims challenge', () => {
  it('sends a client that understands it for a token that says more', () => {
    const error = new ClaimsChallengeError(stepUp, { caller: capable });
    expect(error).toBeInstanceOf(AuthError);
    expect(error).toMatchObject({
      name: 'ClaimsChallengeError',
      code: 'insufficient_claims',
      status: 401,
      statusCode: 401,
      httpCode: 401,
      expose: true,
      headers: {
        'WWW-Authenticate': `Bearer ${place}, error="insufficient_claims", claims="${claims}"`,
        'Cache-Control': 'no-store',
      },
    });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      error: 'insufficient_claims',
      error_description: error.message,
    });
  });

  it('carries the claims request in base64', () => {
    const challenge = new ClaimsChallengeError(stepUp, { caller: capable }).headers['WWW-Authenticate'] ?? '';
    const carried = challenge.slice(challenge.indexOf('claims="') + 'claims="'.length, -1);
    expect(JSON.parse(Buffer.from(carried, 'base64').toString('utf8'))).toEqual({
      access_token: { acrs: { essential: true, value: 'c1' } },
    });
  });

  it('carries whatever claims request it is given, and of it the access token alone', () => {
    const asked = {
      access_token: { nbf: { essential: true, value: '1767225600' }, acrs: { values: ['c1', 'ü"\\'] }, xms_cc: null },
      id_token: { auth_time: null },
    };
    const challenge = new ClaimsChallengeError(asked, { caller: capable }).headers['WWW-Authenticate'] ?? '';
    const [, carried = ''] = /, claims="([A-Za-z0-9+/]+=*)"$/.exec(challenge) ?? [];
    expect(JSON.parse(Buffer.from(carried, 'base64').toString('utf8'))).toEqual({ access_token: asked.access_token });
  });

  it('leaves out where to go where no authority issued the claims', () => {
    const error = new ClaimsChallengeError(stepUp, { caller: { claims: capable.claims, authority: undefined } });
    expect(error.status).toBe(401);
    expect(error.headers['WWW-Authenticate']).toBe(`Bearer error="insufficient_claims", claims="${claims}"`);
  });

  it('leaves out where to go where nobody calls', () => {
    const error = new ClaimsChallengeError(stepUp);
    expect(error).toMatchObject({ code: 'insufficient_claims', status: 401 });
    expect(error.headers['WWW-Authenticate']).toBe(`Bearer error="insufficient_claims", claims="${claims}"`);
  });

  it('is for the caller that it is addressed to', () => {
    const addressed = (caller: ChallengedCaller) => {
      const error = new ClaimsChallengeError(stepUp);
      error[address]({ caller });
      return error;
    };
    expect(addressed(capable).headers['WWW-Authenticate']).toBe(
      `Bearer ${place}, error="insufficient_claims", claims="${claims}"`,
    );
    expect(addressed(callerWith({}))).toMatchObject({ code: 'insufficient_scope', status: 403 });
  });

  it('is for the caller that it was made for, whoever it is addressed to', () => {
    const error = new ClaimsChallengeError(stepUp, { caller: capable });
    for (const caller of [callerWith({}), undefined]) {
      error[address]({ caller });
      expect(error.headers['WWW-Authenticate']).toBe(
        `Bearer ${place}, error="insufficient_claims", claims="${claims}"`,
      );
    }
  });

  it('is chosen anew for each caller, where an application throws one error to several', () => {
    const error = new ClaimsChallengeError(stepUp);
    const unaddressed = [error.message, error.code, error.reason, error.status, error.headers, JSON.stringify(error)];
    error[address]({ caller: callerWith({}) });
    expect(error).toMatchObject({
      message: 'This request needs a stronger sign-in, which the client application cannot ask for.',
      code: 'insufficient_scope',
      reason: 'auth_context',
      status: 403,
      statusCode: 403,
      httpCode: 403,
    });
    error[address]({ caller: undefined });
    expect([error.message, error.code, error.reason, error.status, error.headers, JSON.stringify(error)]).toEqual(
      unaddressed,
    );
  });

  it('names the resource metadata last, to either kind of client', () => {
    const resourceMetadata = 'https://api.example/.well-known/oauth-protected-resource';
    const ends = new RegExp(`, resource_metadata="${resourceMetadata}"$`);
    for (const caller of [capable, callerWith({})]) {
      const error = new ClaimsChallengeError(stepUp);
      error[address]({ caller, resource: { metadataUrl: resourceMetadata, scopesFor: (missing) => missing } });
      expect(error.headers['WWW-Authenticate']).toMatch(ends);
    }
  });
});

describe('a client', () => {
  it.each<[string, unknown]>([
    ['a list', ['cp1']],
    ['a list with others', ['llt', 'cp1']],
    ['a list in upper case', ['CP1']],
    ['a text', 'cp1'],
    ['a text in upper case', 'Cp1'],
  ])('that declares cp1 by %s is sent for more claims', (_, declared) => {
    expect(new ClaimsChallengeError(stepUp, { caller: callerWith({ xms_cc: declared }) })).toMatchObject({
      code: 'insufficient_claims',
      status: 401,
    });
  });

  it.each<[string, object]>([
    ['nothing', {}],
    ['null', { xms_cc: null }],
    ['an empty list', { xms_cc: [] }],
    ['another capability', { xms_cc: ['cp2'] }],
    ['a longer name', { xms_cc: ['cp10'] }],
    ['several in one text', { xms_cc: 'cp1 llt' }],
    ['cp1 in a list in a list', { xms_cc: [['cp1']] }],
    ['true', { xms_cc: true }],
    ['cp1 in another claim', { xms_tcc: ['cp1'] }],
  ])('that declares %s gets 403, which it understands', (_, extra) => {
    expect(new ClaimsChallengeError(stepUp, { caller: capable }).status).toBe(401);
    const error = new ClaimsChallengeError(stepUp, { caller: callerWith(extra) });
    expect(error).toBeInstanceOf(ClaimsChallengeError);
    expect(error).toMatchObject({ code: 'insufficient_scope', reason: 'auth_context', status: 403, expose: true });
    expect(error.headers).toEqual({
      'WWW-Authenticate':
        'Bearer error="insufficient_scope", error_description="This request needs a stronger sign-in, which the client application cannot ask for."',
      'Cache-Control': 'no-store',
    });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      error: 'insufficient_scope',
      error_description: 'This request needs a stronger sign-in, which the client application cannot ask for.',
    });
  });

  it('that cannot be told of the claims is told nothing of them', () => {
    const secret = { access_token: { acrs: { value: 'c42' } } };
    const error = new ClaimsChallengeError(secret, { caller: callerWith({}) });
    const text = JSON.stringify([error, error.headers, error.message]);
    expect(text).not.toContain('c42');
    expect(text).not.toContain(Buffer.from(JSON.stringify(secret)).toString('base64'));
  });
});

const takes =
  'ClaimsChallengeError takes { access_token: { … } }, with at least one claim, or its JSON text, of at most 4 KiB.';

const circular: Record<string, unknown> = {};
circular['value'] = circular;

describe('a claims request that asks for nothing', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['an empty object', {}],
    ['a text', 'c1'],
    ['no claim', { access_token: {} }],
    ['null for the access token', { access_token: null }],
    ['a text for the access token', { access_token: 'acrs' }],
    ['an empty list for the access token', { access_token: [] }],
    ['a list for the access token', { access_token: ['acrs'] }],
    ['undefined for its only claim', { access_token: { acrs: undefined } }],
    ['the ID token alone', { id_token: { acrs: { value: 'c1' } } }],
    ['an object that holds itself', { access_token: { acrs: circular } }],
    ['a number that JSON does not have', { access_token: { acrs: { value: 1n } } }],
    ['an empty text, as MSAL has it where the authority asked for none', ''],
    ['a text of JSON without a claim', '{"access_token":{}}'],
    ['a text of JSON that is a list', '[{"access_token":{"acrs":null}}]'],
    ['a text of JSON for the ID token alone', '{"id_token":{"acrs":null}}'],
    ['a text that is cut off', '{"access_token":{"acrs":null}'],
    ['a text in base64', claims],
    ['a text that can be read in two ways', '{"access_token":{"acrs":null},"access_token":{"nbf":null}}'],
    ['a text over 4 KiB', JSON.stringify({ access_token: { acrs: { value: 'c'.repeat(4060) } } })],
    ['an object over 4 KiB', { access_token: { acrs: { value: 'c'.repeat(4060) } } }],
  ])('is a mistake of the developer: %s', (_, request) => {
    for (const caller of [undefined, capable, callerWith({})]) {
      expect(() => new ClaimsChallengeError(request as ClaimsRequest, { caller })).toThrow(
        new ConfigurationError(takes),
      );
    }
  });
});

describe('a claims request as MSAL gives it', () => {
  // What Entra's token endpoint answers and MSAL has as `claims` of an InteractionRequiredAuthError.
  const text = '{"access_token": {"capolids":{"essential":true,"values":["2ead0ed5-b7c1-4e4f-9a3f-0f8d0f4b8b2e"]}}}';
  const carried = Buffer.from(text).toString('base64');

  it('is passed on byte for byte where it is a text', () => {
    const error = new ClaimsChallengeError(text, { caller: capable });
    expect(error.headers['WWW-Authenticate']).toBe(`Bearer ${place}, error="insufficient_claims", claims="${carried}"`);
  });

  it('asks for the same where it is an object', () => {
    const error = new ClaimsChallengeError(JSON.parse(text) as ClaimsRequest, { caller: capable });
    const [, sent = ''] = /claims="([^"]+)"$/.exec(error.headers['WWW-Authenticate'] ?? '') ?? [];
    expect(JSON.parse(Buffer.from(sent, 'base64').toString())).toEqual(JSON.parse(text));
  });

  it('of 4 KiB is sent', () => {
    const longest = JSON.stringify({ access_token: { acrs: { value: '' } } });
    const request = longest.replace('""', `"${'c'.repeat(4096 - longest.length)}"`);
    expect(new ClaimsChallengeError(request).status).toBe(401);
    expect(() => new ClaimsChallengeError(request.replace('c"', 'cc"'))).toThrow(new ConfigurationError(takes));
  });

  it.each<[string, unknown]>([
    ['a text', 'c1'],
    ['a list', ['c1']],
    ['essential that is no boolean', { essential: 'true' }],
    ['values that are no list', { values: 'c1' }],
    ['value and values', { value: 'c1', values: ['c1'] }],
  ])('is refused where of a claim it asks %s', (_, demand) => {
    const request = { access_token: { nbf: null, acrs: demand } };
    for (const given of [request, JSON.stringify(request)]) {
      expect(() => new ClaimsChallengeError(given as ClaimsRequest)).toThrow(/^ClaimsChallengeError: of a claim null/);
    }
  });
});

describe('the option clientsWithoutCp1', () => {
  const addressed = (options: ClaimsChallengeOptions, caller: ChallengedCaller) => {
    const error = new ClaimsChallengeError(stepUp, options);
    error[address]({ caller });
    return error;
  };

  it('refuses such a client, which is the default', () => {
    for (const options of [{}, { clientsWithoutCp1: undefined }, { clientsWithoutCp1: 'refuse' } as const]) {
      expect(addressed(options, callerWith({}))).toMatchObject({ code: 'insufficient_scope', status: 403 });
      expect(addressed(options, capable)).toMatchObject({ code: 'insufficient_claims', status: 401 });
    }
  });

  it('sends such a client the challenge of the others', () => {
    for (const caller of [callerWith({}), capable]) {
      const error = addressed({ clientsWithoutCp1: 'challenge' }, caller);
      expect(error).toMatchObject({ code: 'insufficient_claims', status: 401, reason: undefined });
      expect(error.headers['WWW-Authenticate']).toBe(
        `Bearer ${place}, error="insufficient_claims", claims="${claims}"`,
      );
    }
  });

  it.each<[string, unknown, string]>([
    ['another value', { clientsWithoutCp1: true }, "clientsWithoutCp1 takes 'refuse' or 'challenge'."],
    ['an unknown option', { clientsWithoutCP1: 'challenge' }, 'is no option; it takes clientsWithoutCp1, caller.'],
    ['a caller in the place of options', capable, 'is no option; it takes clientsWithoutCp1, caller.'],
  ])('is refused with %s', (_, options, message) => {
    expect(() => new ClaimsChallengeError(stepUp, options as ClaimsChallengeOptions)).toThrow(message);
  });
});

describe('instanceof', () => {
  it('holds between two copies of the module, and tells a challenge from other refusals', async () => {
    vi.resetModules();
    const copy = await import('../../../src/core/access/claims-challenge.js');
    expect(copy.ClaimsChallengeError).not.toBe(ClaimsChallengeError);
    expect(new copy.ClaimsChallengeError(stepUp, { caller: capable })).toBeInstanceOf(ClaimsChallengeError);
    expect(new copy.ClaimsChallengeError(stepUp, { caller: capable })).toBeInstanceOf(AuthError);
    expect(new copy.ClaimsChallengeError(stepUp, { caller: capable }).message).toBe(
      'This request needs an access token with more claims.',
    );
    expect(new ClaimsChallengeError(stepUp, { caller: callerWith({}) })).not.toBeInstanceOf(InsufficientScopeError);
    expect(new InsufficientScopeError('scope')).not.toBeInstanceOf(ClaimsChallengeError);
  });
});

describe('the claims challenge of an authority', () => {
  // Neither the order of its members nor its white space is ours to change.
  const asked = '{ "access_token" : {"polids":{"essential":true,"values":["ü"]} } , "x":1}';
  const carried = Buffer.from(asked).toString('base64');

  it.each([
    ['declares cp1', capable],
    ['does not declare cp1', callerWith({})],
  ])('is 401 for a client that %s, with the claims request byte for byte', (_, caller) => {
    const error = claimsChallengeOfAuthority(asked);
    error[address]({ caller });
    expect(error).toMatchObject({ code: 'insufficient_claims', status: 401, reason: undefined });
    expect(error.headers['WWW-Authenticate']).toBe(`Bearer ${place}, error="insufficient_claims", claims="${carried}"`);
  });

  it('is a ClaimsChallengeError', () => {
    const error: unknown = claimsChallengeOfAuthority(asked);
    expect(error).toBeInstanceOf(ClaimsChallengeError);
    expect(error).toBeInstanceOf(AuthError);
    expect((error as Error).name).toBe('ClaimsChallengeError');
  });

  it('keeps what it tells the developer from the caller', () => {
    const error = claimsChallengeOfAuthority(asked, { message: 'AADSTS50076' });
    expect([error.message, error.expose]).toEqual(['AADSTS50076', false]);
    expect(JSON.stringify(error)).not.toContain('AADSTS');
  });
});
