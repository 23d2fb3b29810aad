import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import {
  address,
  AuthError,
  ConfigurationError,
  copyOf,
  InsufficientScopeError,
  InvalidRequestError,
  InvalidTokenError,
  IssuerUnavailableError,
  MissingTokenError,
  type InsufficientScopeReason,
  type InvalidTokenReason,
} from '../../src/core/errors.js';
import * as errors from '../../src/core/errors.js';
import { expectRefused, refusals, type RefusalName } from '../support/refusals.js';

const invalidTokenReasons: readonly InvalidTokenReason[] = [
  'malformed',
  'algorithm',
  'key',
  'signature',
  'expired',
  'not_yet_valid',
  'issuer',
  'audience',
  'tenant',
  'policy',
  'token_type',
];

const insufficientScopeReasons: readonly InsufficientScopeReason[] = [
  'scope',
  'role',
  'client',
  'caller',
  'guest',
  'group',
  'groups_overage',
  'auth_context',
  'check',
];

const made: readonly [RefusalName, () => AuthError][] = [
  ['missing_token', () => new MissingTokenError()],
  ['invalid_request', () => new InvalidRequestError()],
  ...invalidTokenReasons.map((reason): [RefusalName, () => AuthError] => [reason, () => new InvalidTokenError(reason)]),
  ['scope', () => new InsufficientScopeError('scope')],
  ['role', () => new InsufficientScopeError('role')],
  ['client', () => new InsufficientScopeError('client')],
  ['issuer_unavailable', () => new IssuerUnavailableError()],
];

describe.each(made)('the refusal %s', (name, make) => {
  it('carries its class, code, reason, status and challenge', () => {
    expectRefused(make(), name);
  });

  it('gives its status by the names each framework reads, and lets nobody cache it', () => {
    const error = make();
    const { status } = refusals[name];
    expect([error.status, error.statusCode, error.httpCode]).toEqual([status, status, status]);
    expect(error.headers['Cache-Control']).toBe('no-store');
    expect(Object.isFrozen(error.headers)).toBe(true);
  });

  it('is an AuthError and an Error, and no other refusal', () => {
    const error = make();
    const classes = [
      MissingTokenError,
      InvalidRequestError,
      InvalidTokenError,
      InsufficientScopeError,
      IssuerUnavailableError,
    ];
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(AuthError);
    expect(error).not.toBeInstanceOf(ConfigurationError);
    expect(classes.filter((errorClass) => (error as unknown) instanceof errorClass)).toEqual([
      refusals[name].errorClass,
    ]);
    expect(error.name).toBe(refusals[name].errorClass.name);
  });

  it('serializes to error and error_description, and to nothing else', () => {
    const error = make();
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      error: refusals[name].code,
      error_description: error.message,
    });
    expect(error.expose).toBe(true);
  });
});

describe('the description', () => {
  it.each<[string, () => AuthError, string]>([
    ['MissingTokenError', () => new MissingTokenError(), 'This request needs an access token.'],
    [
      'InvalidRequestError',
      () => new InvalidRequestError(),
      'The request must carry exactly one Authorization header.',
    ],
    [
      'IssuerUnavailableError',
      () => new IssuerUnavailableError(),
      'The keys to check access tokens with are not available at the moment.',
    ],
  ])('is fixed where the challenge has none: %s', (_, make, description) => {
    const error = make();
    expect(error.message).toBe(description);
    expect(error.toJSON().error_description).toBe(description);
  });
});

describe('InsufficientScopeError', () => {
  it.each([
    ['caller', 'This kind of caller is not accepted.'],
    ['guest', 'Guests of the tenant are not accepted.'],
    ['group', 'The caller is in none of the groups this request needs.'],
    ['groups_overage', 'The access token does not say which groups the caller is in.'],
    ['auth_context', 'This request needs a stronger sign-in, which the client application cannot ask for.'],
    ['check', 'The caller does not satisfy a rule of this API.'],
  ] as const)('says of the reason %s: %s', (reason, description) => {
    const error = new InsufficientScopeError(reason);
    expect(error).toMatchObject({ code: 'insufficient_scope', reason, status: 403, expose: true });
    expect(error.headers).toEqual({
      'WWW-Authenticate': `Bearer error="insufficient_scope", error_description="${description}"`,
      'Cache-Control': 'no-store',
    });
    expect(JSON.parse(JSON.stringify(error))).toEqual({ error: 'insufficient_scope', error_description: description });
  });

  it('names in its challenge the scopes of which one was needed', () => {
    expectRefused(
      new InsufficientScopeError('scope', ['report.read', 'report.write']),
      'scope',
      'report.read report.write',
    );
  });
});

describe('IssuerUnavailableError', () => {
  it('has no challenge, and says when to try again', () => {
    expect(new IssuerUnavailableError({ retryAfterSeconds: 42 }).headers).toEqual({
      'Retry-After': '42',
      'Cache-Control': 'no-store',
    });
    expect(new IssuerUnavailableError().headers['Retry-After']).toMatch(/^[1-9]\d*$/);
  });

  it('keeps its cause and a message for the developer, and tells the caller neither', () => {
    const cause = new Error('connect ECONNREFUSED 10.0.0.1:443');
    const error = new IssuerUnavailableError({ cause, message: 'Look at tenantId.' });
    expect(error.cause).toBe(cause);
    expect(error.message).toBe('Look at tenantId.');
    expect(JSON.stringify(error)).toBe(
      '{"error":"issuer_unavailable","error_description":"The keys to check access tokens with are not available at the moment."}',
    );
  });
});

describe('ConfigurationError', () => {
  const cause = new Error('why');
  const error = new ConfigurationError('initialize: tenantId: is wrong.', { cause });

  it('is answered with 500, and is no AuthError', () => {
    expect(error).toMatchObject({
      name: 'ConfigurationError',
      code: 'invalid_configuration',
      status: 500,
      statusCode: 500,
      httpCode: 500,
      headers: { 'Cache-Control': 'no-store' },
      expose: false,
      cause,
    });
    expect(error.headers).not.toHaveProperty('WWW-Authenticate');
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(AuthError);
  });

  it('tells the developer what is wrong, and the caller nothing', () => {
    expect(error.message).toBe('initialize: tenantId: is wrong.');
    expect(JSON.stringify(error)).toBe('{"error":"server_error"}');
  });
});

describe('a refusal that is addressed', () => {
  const url = 'https://api.example/.well-known/oauth-protected-resource';
  const resource = { metadataUrl: url, scopesFor: (missing: readonly string[]) => missing };
  const challengeOf = (refusal: AuthError) => {
    refusal[address]({ resource });
    return refusal.headers['WWW-Authenticate'];
  };

  it('names the resource metadata in a bare challenge', () => {
    expect(challengeOf(new MissingTokenError())).toBe(`Bearer resource_metadata="${url}"`);
  });

  it('names it after the parameters of a challenge', () => {
    expect(challengeOf(new InvalidTokenError('expired'))).toBe(
      `Bearer error="invalid_token", error_description="The access token expired.", resource_metadata="${url}"`,
    );
    expect(challengeOf(new InsufficientScopeError('scope', ['read']))).toBe(
      'Bearer error="insufficient_scope", error_description="The access token does not carry the scope this request needs.", ' +
        `scope="read", resource_metadata="${url}"`,
    );
  });

  it('names what to ask for where the caller has to sign in, or lacks a scope, and nowhere else', () => {
    const full = (missing: readonly string[]) => [...missing, 'base'].map((name) => `api://x/${name}`);
    const scopesOf = (refusal: AuthError) => {
      refusal[address]({ resource: { metadataUrl: url, scopesFor: full } });
      return /scope="([^"]*)", resource_metadata/.exec(refusal.headers['WWW-Authenticate'] ?? '')?.[1];
    };
    expect(scopesOf(new MissingTokenError())).toBe('api://x/base');
    expect(scopesOf(new InvalidTokenError('expired'))).toBe('api://x/base');
    expect(scopesOf(new InsufficientScopeError('scope', ['read', 'write']))).toBe(
      'api://x/read api://x/write api://x/base',
    );
    for (const other of [new InsufficientScopeError('role'), new InvalidRequestError()]) {
      expect(scopesOf(other)).toBeUndefined();
    }
  });

  it('names the scopes of the route that refused last', () => {
    const refusal = new MissingTokenError();
    for (const scope of ['api://x/read', 'api://x/write']) {
      refusal[address]({ resource: { metadataUrl: url, scopesFor: () => [scope] } });
      expect(refusal.headers['WWW-Authenticate']).toBe(`Bearer scope="${scope}", resource_metadata="${url}"`);
    }
  });

  it('names it once, and keeps the other headers', () => {
    const refusal = new MissingTokenError();
    expect(challengeOf(refusal)).toBe(challengeOf(refusal));
    expect(refusal.headers).toEqual({
      'WWW-Authenticate': `Bearer resource_metadata="${url}"`,
      'Cache-Control': 'no-store',
    });
    expect(Object.isFrozen(refusal.headers)).toBe(true);
    expect(Object.keys(refusal)).toContain('headers');
  });

  it('has no challenge where it had none', () => {
    const refusal = new IssuerUnavailableError({ retryAfterSeconds: 7 });
    expect(challengeOf(refusal)).toBeUndefined();
    expect(refusal.headers).toEqual({ 'Retry-After': '7', 'Cache-Control': 'no-store' });
  });

  it('keeps the metadata of the API that refused first', () => {
    const refusal = new MissingTokenError();
    refusal[address]({ resource });
    const other = { ...resource, metadataUrl: 'https://other.example' };
    for (const later of [other, undefined]) refusal[address]({ resource: later });
    expect(refusal.headers['WWW-Authenticate']).toBe(`Bearer resource_metadata="${url}"`);
  });

  it.each(made)('is the same refusal, but for the challenge: %s', (name, make) => {
    const [refusal, unaddressed] = [make(), make()];
    refusal[address]({ resource });
    const look = ({ headers: _headers, ...others }: AuthError) => others;
    expect(look(refusal)).toEqual(look(unaddressed));
    expect(Object.keys(refusal)).toEqual(Object.keys(unaddressed));
    expect([refusal.message, JSON.stringify(refusal)]).toEqual([unaddressed.message, JSON.stringify(unaddressed)]);
    const { challenge } = refusals[name];
    const separator = challenge === 'Bearer' ? ' ' : ', ';
    expect(refusal.headers['WWW-Authenticate']).toBe(challenge && `${challenge}${separator}resource_metadata="${url}"`);
  });

  it('keeps the message that is for the developer', () => {
    const refusal = new IssuerUnavailableError({ message: 'Look at tenantId.' });
    refusal[address]({ resource });
    expect([refusal.message, refusal.expose]).toEqual(['Look at tenantId.', false]);
  });

  it('stays as it is where the application froze it', () => {
    const refusal = Object.freeze(new MissingTokenError());
    refusal[address]({ resource });
    expect(refusal.headers['WWW-Authenticate']).toBe('Bearer');
  });

  it('may come from another copy of the module', async () => {
    vi.resetModules();
    const copy = await import('../../src/core/errors.js');
    expect(copy.address).toBe(address);
    expect(challengeOf(new copy.MissingTokenError())).toBe(`Bearer resource_metadata="${url}"`);
  });
});

describe('another copy of the module', () => {
  const everyError = (from: typeof errors): readonly (AuthError | ConfigurationError)[] => [
    new from.MissingTokenError(),
    new from.InvalidRequestError(),
    ...invalidTokenReasons.map((reason) => new from.InvalidTokenError(reason)),
    ...insufficientScopeReasons.map((reason) => new from.InsufficientScopeError(reason, ['read'])),
    new from.IssuerUnavailableError({ retryAfterSeconds: 7 }),
    new from.ConfigurationError('initialize: tenantId: is wrong.'),
  ];

  it('gives each error the same name, text and answer', async () => {
    vi.resetModules();
    const copy = await import('../../src/core/errors.js');
    const look = (error: AuthError | ConfigurationError) => {
      const { name, message, headers, expose } = error;
      return { name, message, headers, expose, body: error.toJSON() };
    };
    expect(everyError(copy).map(look)).toEqual(everyError(errors).map(look));
  });

  it('gives its classes a name that may be changed, as Error has it', async () => {
    vi.resetModules();
    const copy = await import('../../src/core/errors.js');
    const ofError = Object.getOwnPropertyDescriptor(Error.prototype, 'name');
    for (const { prototype } of [
      copy.AuthError,
      copy.MissingTokenError,
      copy.InvalidRequestError,
      copy.InvalidTokenError,
      copy.InsufficientScopeError,
      copy.IssuerUnavailableError,
      copy.ConfigurationError,
    ]) {
      const name = (prototype.constructor as { readonly name: string }).name;
      expect(Object.getOwnPropertyDescriptor(prototype, 'name')).toEqual({ ...ofError, value: name });
    }
  });
});

describe('instanceof', () => {
  it('holds between two copies of the module', async () => {
    vi.resetModules();
    const copy = await import('../../src/core/errors.js');
    expect(copy.InvalidTokenError).not.toBe(InvalidTokenError);
    const error: unknown = new copy.InvalidTokenError('expired');
    expect(error).toBeInstanceOf(InvalidTokenError);
    expect(error).toBeInstanceOf(AuthError);
    expect(error).not.toBeInstanceOf(MissingTokenError);
    expect(new MissingTokenError()).toBeInstanceOf(copy.AuthError);
    expect(new ConfigurationError('x')).toBeInstanceOf(copy.ConfigurationError);
    expect(new ConfigurationError('x')).not.toBeInstanceOf(copy.AuthError);
  });

  it("tells a user's subclass from its base", () => {
    class NoBadgeError extends MissingTokenError {}
    expect(new NoBadgeError()).toBeInstanceOf(NoBadgeError);
    expect(new NoBadgeError()).toBeInstanceOf(MissingTokenError);
    expect(new MissingTokenError()).not.toBeInstanceOf(NoBadgeError);
  });

  it.each([undefined, null, 'MissingTokenError', 401, {}, { code: 'missing_token', status: 401 }])(
    'does not take %j for a refusal',
    (value: unknown) => {
      expect(value instanceof AuthError).toBe(false);
    },
  );
});

describe('copyOf', () => {
  it('keeps what the application wrote to an error', () => {
    const error = Object.assign(new MissingTokenError(), { ticket: 7 });
    expect(copyOf(error)).toMatchObject({ ticket: 7, status: 401 });
  });

  const metadata = 'https://api.contoso.com/metadata';

  it.each<[string, AuthError]>([
    ['a refusal', new InvalidTokenError('expired')],
    ['a refusal with a scope', new InsufficientScopeError('scope', ['a', 'b'])],
    [
      'an error with a cause and a message',
      new IssuerUnavailableError({ cause: new Error('reset'), message: 'for you' }),
    ],
    ['an error with a cause that is undefined', new IssuerUnavailableError({ cause: undefined })],
  ])('is another error with the same answer: %s', (_, error) => {
    const copy = copyOf(error) as AuthError;
    expect(copy).not.toBe(error);
    expect(copy.constructor).toBe(error.constructor);
    const members = (of: AuthError) =>
      Object.entries(Object.getOwnPropertyDescriptors(of)).filter(([name]) => name !== 'stack');
    expect(members(copy)).toEqual(members(error));
    expect(copy.toJSON()).toEqual(error.toJSON());
    expect(copy.stack).toContain(error.constructor.name);
  });

  it('is addressed to no caller, also where the error was, and leaves the error alone', () => {
    const error = new InvalidTokenError('expired');
    const unaddressed = error.headers['WWW-Authenticate'];
    error[address]({
      caller: undefined,
      resource: { metadataUrl: 'https://other.contoso.com/metadata', scopesFor: () => [] },
    });
    const addressed = error.headers['WWW-Authenticate'];
    const copy = copyOf(error) as AuthError;
    expect(copy.headers['WWW-Authenticate']).toBe(unaddressed);
    copy[address]({ caller: undefined, resource: { metadataUrl: metadata, scopesFor: () => [] } });
    expect(copy.headers['WWW-Authenticate']).toBe(`${String(unaddressed)}, resource_metadata="${metadata}"`);
    expect(error.headers['WWW-Authenticate']).toBe(addressed);
  });

  it('is another ConfigurationError', () => {
    const error = new ConfigurationError('wrong', { cause: 'a' });
    const copy = copyOf(error);
    expect(copy).not.toBe(error);
    expect(copy).toBeInstanceOf(ConfigurationError);
    expect(copy).toMatchObject({ message: 'wrong', cause: 'a', status: 500 });
    expect(copyOf(new ConfigurationError('wrong'))).not.toHaveProperty('cause');
  });

  it.each([[new TypeError('a')], ['a'], [undefined], [null]])(
    'is the same where it is no error of this library: %s',
    (value) => {
      expect(copyOf(value)).toBe(value);
    },
  );
});

describe('InsufficientScopeError', () => {
  it.each(['Preis€', 'a"b', 'two words', ''])('refuses %j, which is no scope name', (name) => {
    expect(() => new InsufficientScopeError('scope', ['read', name])).toThrow(
      new ConfigurationError('InsufficientScopeError: a scope name has a character that RFC 6749 §3.3 does not allow.'),
    );
  });
});

describe('what Node prints of a ConfigurationError', () => {
  it('is its stack alone', () => {
    const error = new ConfigurationError('initialize: tenantId: got 1.');
    expect(inspect(error)).toBe(error.stack);
    expect(inspect(error).match(/ {4}at /g)?.length).toBe(error.stack?.match(/ {4}at /g)?.length);
  });

  it('is its stack and its cause', () => {
    const cause = new TypeError('broken');
    expect(inspect(new ConfigurationError('A check threw.', { cause }))).toMatch(
      / A check threw\.\n[^]*\[cause\]: TypeError: broken/,
    );
  });

  it('is its message, where it has no stack', () => {
    const error = Object.assign(new ConfigurationError('Closed.'), { stack: undefined });
    expect(inspect(error)).toBe('ConfigurationError: Closed.');
  });
});
