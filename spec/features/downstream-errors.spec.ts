/** Calls of another API that fail, over HTTP: what the caller is answered, what an error handler gets, and what neither is shown. */
import { inspect } from 'node:util';
import type { Request, Response } from 'express';
import 'reflect-metadata';
import { Get, JsonController, Middleware, type ExpressErrorMiddlewareInterface } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AllowAnonymous,
  AsApplication,
  AuthError,
  ClaimsChallengeError,
  ConfigurationError,
  ConsentRequiredError,
  DownstreamApi,
  DownstreamError,
  initialize,
  InsufficientScopeError,
  InteractionRequiredError,
  InvalidTokenError,
  MissingTokenError,
  OnBehalfOf,
  RequiresAuth,
  TokenUnavailableError,
  type ClientCredential,
  type IdentityOptions,
} from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { serve, type Answer, type Api } from '../support/api.js';
import { startStubApi, type StubApi } from '../support/downstream-api.js';
import { forgetWarnings } from '../support/isolation.js';

let issuer: TestIssuer;
let stub: StubApi;
let answering: Api;
let forwarding: Api;
/** By how much the clock of the library is ahead. */
let aheadMs = 0;

const hour = 60 * 60 * 1000;

@JsonController()
@RequiresAuth()
class ProfileController {
  @Get('/me')
  me(@OnBehalfOf('graph') graph: DownstreamApi) {
    return graph.get('/me');
  }

  @Get('/users')
  users(@AsApplication('graph') graph: DownstreamApi) {
    return graph.get('/users');
  }

  @Get('/later')
  later(@OnBehalfOf('graph') graph: DownstreamApi) {
    aheadMs = 2 * hour;
    return graph.get('/me');
  }

  @Get('/outside')
  outside(@OnBehalfOf('graph') graph: DownstreamApi) {
    return graph.get('/../other');
  }

  @Get('/open')
  @AllowAnonymous()
  open(@OnBehalfOf('graph') graph: DownstreamApi) {
    return graph.get('/me');
  }
}

/** What the error handler of the application got. */
let forwarded: unknown;

@Middleware({ type: 'after' })
class ErrorHandler implements ExpressErrorMiddlewareInterface {
  error(error: unknown, _request: Request, response: Response): void {
    forwarded = error;
    response.status(418).end();
  }
}

beforeAll(async () => {
  issuer = await startTestIssuer();
  stub = await startStubApi();
  answering = await serve([ProfileController]);
  forwarding = await serve([ProfileController], { middlewares: [ErrorHandler], defaultErrorHandler: false });
});

afterAll(async () => {
  await Promise.all([answering.close(), forwarding.close(), stub.close(), issuer.close()]);
});

const configure = (options: IdentityOptions = {}, credential?: ClientCredential | (() => ClientCredential)) =>
  initialize({
    ...issuer.options,
    now: () => Date.now() + aheadMs,
    downstream: {
      credential: credential ?? issuer.downstreamOptions.credential,
      apis: { graph: { baseUrl: `${stub.url}/v1.0`, scopes: ['https://graph.example/User.Read'], timeoutMs: 200 } },
    },
    ...options,
  });

let printed: string;

beforeEach(() => {
  aheadMs = 0;
  printed = '';
  forwarded = undefined;
  stub.received.length = 0;
  stub.respond = (response) => response.end('{"id":"ada"}');
  forgetWarnings();
  const keep = (...values: unknown[]) => {
    printed += inspect(values, { depth: 20, maxStringLength: Infinity });
    return true;
  };
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
    vi.spyOn(console, method).mockImplementation(keep);
  vi.spyOn(process, 'emitWarning').mockImplementation(keep);
  vi.stubEnv('DEBUG', 'microsoft-identity-decorators');
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  issuer.setFault();
});

const mark = 'm4rk3r';
const claims = `{"access_token" : {"polids":{"essential":true,"values":["${mark}-claims"]}}}`;

/** A refusal of the authority, in which each member that is not to be passed on has a mark. */
function refuse(error: string, codes: readonly number[], more: object = {}, status = 400): () => void {
  const document = {
    error,
    error_description: `AADSTS${String(codes[0] ?? 1)}: ${mark}-description Trace ID: ${mark}`,
    error_codes: codes,
    timestamp: `${mark}-timestamp`,
    trace_id: `${mark}-trace`,
    correlation_id: `${mark}-correlation`,
    error_uri: `https://${mark}.example`,
    ...more,
  };
  return () => {
    issuer.setFault({ on: 'token', status, body: JSON.stringify(document) });
  };
}

const fault = (given: Parameters<TestIssuer['setFault']>[0]) => () => {
  issuer.setFault({ on: 'token', ...given });
};

const respond = (status: number, headers: Record<string, string> = {}) => {
  stub.respond = (response) => response.writeHead(status, headers).end(`${mark}-of-graph`);
};

interface Expected {
  readonly errorClass: new (...given: never[]) => Error;
  readonly code: string;
  readonly status: number;
  readonly text?: string;
  readonly challenge?: () => string;
  readonly retryAfter?: string;
  readonly reason?: string;
}

const written = (error: string, text: string) => () => `Bearer error="${error}", error_description="${text}"`;

const text = {
  missing: 'This request needs an access token.',
  caller: 'This kind of caller is not accepted.',
  expired: 'The access token expired.',
  claims: 'This request needs an access token with more claims.',
  consent: 'The user or an administrator has not consented to the permissions that this request needs.',
  interaction: 'The user must sign in again.',
  token: 'A token for another API is not available at the moment.',
  downstream: 'Another API, which this request needs, did not answer as it should.',
};

const missing: Expected = {
  errorClass: MissingTokenError,
  code: 'missing_token',
  status: 401,
  text: text.missing,
  challenge: () => 'Bearer',
};
const ofApplication: Expected = {
  errorClass: InsufficientScopeError,
  code: 'insufficient_scope',
  reason: 'caller',
  status: 403,
  text: text.caller,
  challenge: written('insufficient_scope', text.caller),
};
const expired: Expected = {
  errorClass: InvalidTokenError,
  code: 'invalid_token',
  reason: 'expired',
  status: 401,
  text: text.expired,
  challenge: written('invalid_token', text.expired),
};
const challenged: Expected = {
  errorClass: ClaimsChallengeError,
  code: 'insufficient_claims',
  status: 401,
  text: text.claims,
  challenge: () =>
    `Bearer realm="${issuer.options.tenantId}", ` +
    `authorization_uri="${issuer.url}/${issuer.options.tenantId}/oauth2/v2.0/authorize", ` +
    `error="insufficient_claims", claims="${Buffer.from(claims).toString('base64')}"`,
};
const consent: Expected = {
  errorClass: ConsentRequiredError,
  code: 'consent_required',
  status: 403,
  text: text.consent,
  challenge: written('insufficient_scope', text.consent),
};
const interaction: Expected = {
  errorClass: InteractionRequiredError,
  code: 'interaction_required',
  status: 401,
  text: text.interaction,
  challenge: written('invalid_token', text.interaction),
};
const configuration: Expected = { errorClass: ConfigurationError, code: 'invalid_configuration', status: 500 };
const unavailable = (retryAfter = '5'): Expected => ({
  errorClass: TokenUnavailableError,
  code: 'token_unavailable',
  status: 503,
  text: text.token,
  retryAfter,
});
const failed: Expected = { errorClass: DownstreamError, code: 'downstream_failed', status: 502, text: text.downstream };
const busy = (retryAfter: string): Expected => ({ ...failed, status: 503, retryAfter });

function expectAnswer(answer: Answer, { code, status, text: description, challenge, retryAfter }: Expected): void {
  expect({
    status: answer.status,
    challenge: answer.headers['www-authenticate'],
    retryAfter: answer.headers['retry-after'],
    body: answer.body,
  }).toEqual({
    status,
    challenge: challenge?.(),
    retryAfter,
    body: description === undefined ? { error: 'server_error' } : { error: code, error_description: description },
  });
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
}

function expectError(error: unknown, { errorClass, code, status, reason, challenge, retryAfter }: Expected): void {
  expect(error).toBeInstanceOf(errorClass);
  expect(error).toMatchObject({ code, status });
  expect((error as { reason?: unknown }).reason).toBe(reason);
  if (!(error instanceof AuthError)) return;
  expect([error.headers['WWW-Authenticate'], error.headers['Retry-After']]).toEqual([challenge?.(), retryAfter]);
}

/** Nothing of the token, of the secret, or of what the authority and the API wrote. */
function expectNothing(shown: string, token: string | undefined): void {
  expect(shown).not.toContain(mark);
  for (const part of [...(token?.split('.') ?? []), issuer.downstreamOptions.credential.clientSecret]) {
    expect(shown).not.toContain(part);
  }
}

/** A case, asked of an application that the library answers for, and of one that gets the errors itself. */
async function expectBoth(
  expected: Expected,
  arrange: (options?: IdentityOptions) => void,
  { path = '/me', token = issuer.token() }: { path?: string; token?: Promise<string> | 'none' } = {},
): Promise<void> {
  const sent = token === 'none' ? undefined : await token;
  const call = sent === undefined ? {} : { token: sent };
  arrange();
  const answer = await answering.call(path, call);
  expectAnswer(answer, expected);
  expect(answer.text).not.toContain('AADSTS');
  expectNothing(JSON.stringify(answer.headers) + answer.text, sent);
  expect(answer.text).not.toContain(Buffer.from(claims).toString('base64'));

  aheadMs = 0;
  arrange({ errors: 'forward' });
  const handled = await forwarding.call(path, call);
  expect(handled.status).toBe(418);
  expectError(forwarded, expected);
  // The answer of the other API is there for the developer who looks for it, and not for what prints an error.
  expectNothing(inspect(forwarded, { depth: 20, maxStringLength: Infinity }) + JSON.stringify(forwarded), sent);
  expectNothing(printed, sent);
}

describe('an authority that refuses', () => {
  it.each<[string, () => void, Expected]>([
    ['claims', refuse('interaction_required', [50076], { claims }), challenged],
    ['claims, without a suberror', refuse('invalid_grant', [50079], { claims }), challenged],
    ['claims, whatever the error', refuse('invalid_client', [65001], { claims }, 401), challenged],
    ['65001', refuse('invalid_grant', [65001]), consent],
    ['65004', refuse('access_denied', [65004]), consent],
    ['90094', refuse('interaction_required', [90094]), consent],
    ['the suberror consent_required', refuse('invalid_grant', [1], { suberror: 'consent_required' }), consent],
    ['interaction_required', refuse('interaction_required', [53003]), interaction],
    ['login_required', refuse('login_required', [50058]), interaction],
    ['invalid_grant', refuse('invalid_grant', [50173], { suberror: `${mark}-suberror` }), interaction],
    ['invalid_grant without a number', refuse('invalid_grant', []), interaction],
    ['500133', refuse('invalid_grant', [500133]), expired],
    ['invalid_client', refuse('invalid_client', [7000215], {}, 401), configuration],
    ['unauthorized_client', refuse('unauthorized_client', [700016]), configuration],
    ['invalid_scope', refuse('invalid_scope', [70011]), configuration],
    ['invalid_request', refuse('invalid_request', [900144]), configuration],
    ['invalid_resource', refuse('invalid_resource', [500011]), configuration],
    ['unsupported_grant_type', refuse('unsupported_grant_type', [70003]), configuration],
    ...[50013, 500131, 500011, 7000114, 700016].map((code): [string, () => void, Expected] => [
      `invalid_grant with ${String(code)}`,
      refuse('invalid_grant', [code]),
      configuration,
    ]),
    ['an error that is not known', refuse(`${mark}_error`, [1]), configuration],
    ['temporarily_unavailable', refuse('temporarily_unavailable', [90033]), unavailable()],
  ])('%s', async (_, set, expected) => {
    await expectBoth(expected, (options) => {
      configure(options);
      set();
    });
    expect(stub.received).toEqual([]);
  });

  it('the claims to a client that declared cp1 as to any other', async () => {
    await expectBoth(
      challenged,
      (options) => {
        configure(options);
        refuse('interaction_required', [50076], { claims })();
      },
      { token: issuer.token({ xms_cc: ['cp1'] }) },
    );
  });

  it('the application itself: no caller can change it', async () => {
    await expectBoth(
      configuration,
      (options) => {
        configure(options);
        refuse('invalid_grant', [53003], { claims })();
      },
      { path: '/users' },
    );
  });

  it('the claims that the other API asks for', async () => {
    const encoded = Buffer.from(claims).toString('base64');
    stub.respond = (response) => {
      refuse('interaction_required', [50076], { claims })();
      response.writeHead(401, { 'WWW-Authenticate': `Bearer error="insufficient_claims", claims="${encoded}"` }).end();
    };
    await expectBoth(challenged, (options) => {
      configure(options);
      issuer.setFault();
    });
  });
});

describe('an authority that gives no token', () => {
  const noToken = { token_type: 'Bearer', expires_in: 3600 };
  it.each<[string, () => void, string?]>([
    ['429 with a time', fault({ status: 429, headers: { 'Retry-After': '7' } }), '7'],
    ['429 with a time that is too long', fault({ status: 429, headers: { 'Retry-After': '86400' } }), '300'],
    ['429 with no time at all', fault({ status: 429, headers: { 'Retry-After': '0' } }), '1'],
    ['429 without a time', fault({ status: 429 })],
    ['500', fault({ status: 500, body: `${mark} body` })],
    ['503 with a time', fault({ status: 503, headers: { 'Retry-After': '9' } }), '9'],
    ['503 twice', fault({ status: 503 })],
    ['a reset', fault({ down: true })],
    ['no JSON', fault({ body: `<html>${mark}</html>` })],
    ['more than 1 MiB', fault({ body: JSON.stringify({ ...noToken, access_token: mark.repeat(200_000) }) })],
    ['a redirect', fault({ status: 302, headers: { Location: `https://${mark}.example/` }, body: '' })],
    ['200 without a token', fault({ body: JSON.stringify(noToken) })],
    ['200 with an empty token', fault({ body: JSON.stringify({ ...noToken, access_token: '' }) })],
    ['200 with another type of token', fault({ body: (document) => ({ ...document, token_type: 'pop' }) })],
    ['200 without a life', fault({ body: (document) => ({ ...document, expires_in: mark }) })],
  ])('%s', async (_, set, retryAfter) => {
    await expectBoth(unavailable(retryAfter), (options) => {
      configure(options);
      set();
    });
    expect(stub.received).toEqual([]);
  });

  it('no answer in time', async () => {
    const wait = globalThis.setTimeout;
    let pass: () => void = () => undefined;
    vi.spyOn(globalThis, 'setTimeout').mockImplementation((run: () => void, ms?: number) => {
      // The time limit of one try. Its time passes once the request is there.
      if (ms === 5_000) pass = run;
      return wait(run, ms);
    });
    const answer = () => {
      pass();
    };
    await expectBoth(unavailable(), (options) => {
      configure(options);
      issuer.setFault({ on: 'token', answer });
    });
  });

  it('a fetch of the application that throws what it was given', async () => {
    await expectBoth(unavailable(), (options) => {
      const ofApplication: typeof fetch = (input, init) =>
        init?.method === 'POST'
          ? Promise.reject(
              Object.assign(new Error(`failed: ${JSON.stringify(init.body)}`), { config: { input, init } }),
            )
          : fetch(input, init);
      configure({ ...options, fetch: ofApplication });
    });
  });
});

describe('a credential', () => {
  it.each<[string, Expected, ClientCredential | (() => ClientCredential)]>([
    [
      'whose function fails',
      unavailable(),
      () => {
        throw new Error('the vault is away');
      },
    ],
    ['whose assertion fails', unavailable(), { assertion: () => Promise.reject(new Error('no assertion')) }],
    ['whose token file is missing', configuration, { federatedTokenFile: '/there/is/no/such/file' }],
    [
      'whose PEM is not readable',
      configuration,
      () => ({
        certificate: `-----BEGIN CERTIFICATE-----\n${mark}\n`,
        privateKey: `-----BEGIN PRIVATE KEY-----\n${mark}\n`,
      }),
    ],
    ['that is wrong', configuration, { clientSecret: `${mark}-secret` }],
    ['of the wrong form', configuration, () => ({ secret: `${mark}-secret` }) as unknown as ClientCredential],
    ['whose assertion is no JWT', configuration, { assertion: () => `${mark}-assertion` }],
  ])('%s', async (_, expected, credential) => {
    await expectBoth(expected, (options) => {
      configure(options, credential);
    });
  });

  it('whose managed identity does not answer', async () => {
    vi.stubEnv('IDENTITY_ENDPOINT', `${stub.url}/msi/token`);
    vi.stubEnv('IDENTITY_HEADER', `${mark}-header`);
    stub.respond = (response) => response.writeHead(400).end(`{"error":"${mark}"}`);
    await expectBoth(unavailable(), (options) => {
      configure(options, { managedIdentity: 'system' });
    });
  });
});

describe('a caller', () => {
  it('who is not there', async () => {
    await expectBoth(missing, configure, { path: '/open', token: 'none' });
  });

  it('that is an application: there is no token request', async () => {
    const before = issuer.requests.tokens;
    await expectBoth(ofApplication, configure, { token: issuer.appToken() });
    expect(issuer.requests.tokens).toBe(before);
  });

  it('whose token expires after the gate', async () => {
    const before = issuer.requests.tokens;
    await expectBoth(expired, configure, { path: '/later' });
    expect(issuer.requests.tokens).toBe(before);
  });
});

describe('another API', () => {
  it.each<[string, () => void, Expected]>([
    ...[301, 400, 401, 403, 404, 500, 502, 504].map((status): [string, () => void, Expected] => [
      String(status),
      () => {
        respond(status, { 'X-Of-Graph': mark });
      },
      failed,
    ]),
    [
      '429 with a time',
      () => {
        respond(429, { 'Retry-After': '7' });
      },
      busy('7'),
    ],
    [
      '503 without a time',
      () => {
        respond(503);
      },
      busy('5'),
    ],
    ['a reset', () => (stub.respond = (response) => response.socket?.destroy()), failed],
    ['no answer in time', () => (stub.respond = () => undefined), failed],
    ['no JSON', () => (stub.respond = (response) => response.end(`<html>${mark}</html>`)), failed],
    [
      'the token that it was sent',
      () =>
        (stub.respond = (response, { headers }) =>
          response.writeHead(403, { 'X-Sent': String(headers.authorization) }).end(headers.authorization)),
      failed,
    ],
  ])('%s', async (_, set, expected) => {
    await expectBoth(expected, (options) => {
      configure(options);
      set();
    });
  });

  it('is not called where the path leads out of it', async () => {
    await expectBoth(configuration, configure, { path: '/outside' });
    expect(stub.received).toEqual([]);
  });
});

describe('a store that fails', () => {
  it.each([
    ['at once', () => Promise.reject(new Error(`${mark} of the store`))],
    [
      'by throwing',
      () => {
        throw new Error(`${mark} of the store`);
      },
    ],
    ['by answering something else', () => Promise.resolve(`${mark} of the store`)],
  ])('costs the caller nothing: %s', async (_, fails) => {
    const { downstreamOptions, options } = issuer;
    const apis = { graph: { baseUrl: stub.url, scopes: ['https://graph.example/User.Read'] } };
    const store = { get: fails, set: fails, claim: fails as () => Promise<never>, release: fails };
    initialize({ ...options, downstream: { ...downstreamOptions, apis, store } });
    const token = await issuer.token();
    expect(await answering.call('/me', { token })).toMatchObject({ status: 200, body: { id: 'ada' } });
    expectNothing(printed, token);
  });
});
