import express from 'express';
import type { ErrorRequestHandler } from 'express';
import Koa from 'koa';
import 'reflect-metadata';
import { Get, JsonController, useExpressServer, useKoaServer } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AllowAnonymous,
  AuthError,
  ClaimsChallengeError,
  ConfigurationError,
  initialize,
  RequiresAuth,
  RequiresAuthContext,
  RequiresB2cAuth,
  ValidateScope,
  type ClaimsRequest,
} from '../../src/index.js';
import { authErrorHandler, requiresAuth } from '../../src/express.js';
import { runAs, startTestIssuer, type TestIssuer, type TokenOverrides } from '../../src/testing.js';
import { expectRefusal, listen, type Answer, type Api } from '../support/api.js';
import { errorOf } from '../support/refusals.js';

// {"access_token":{"acrs":{"essential":true,"value":"c1"}}}
const forContext1 = 'eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiYzEifX19';
// {"access_token":{"nbf":{"essential":true,"value":"1767225600"}}}
const forLater = 'eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNzY3MjI1NjAwIn19fQ==';
const later: ClaimsRequest = { access_token: { nbf: { essential: true, value: '1767225600' } } };

let ran: string[] = [];

@JsonController('/transfers')
@RequiresAuth()
class TransfersController {
  @Get('/context')
  @RequiresAuthContext('c1')
  context() {
    ran.push('context');
    return {};
  }

  @Get('/two-contexts')
  @RequiresAuthContext('c1')
  @RequiresAuthContext('c25')
  twoContexts() {
    ran.push('two-contexts');
    return {};
  }

  @Get('/scoped')
  @ValidateScope('transfer')
  @RequiresAuthContext('c1')
  scoped() {
    ran.push('scoped');
    return {};
  }

  @Get('/b2c')
  @RequiresB2cAuth()
  @RequiresAuthContext('c1')
  b2c() {
    ran.push('b2c');
    return {};
  }

  @Get('/throws')
  throws() {
    throw new ClaimsChallengeError(later);
  }

  @Get('/throws-later')
  async throwsLater() {
    await new Promise((resolve) => setImmediate(resolve));
    throw new ClaimsChallengeError(later);
  }

  @Get('/as-msal-gives-it')
  asMsalGivesIt() {
    throw new ClaimsChallengeError(JSON.stringify(later), { clientsWithoutCp1: 'challenge' });
  }

  @Get('/asks-for-nothing')
  asksForNothing() {
    throw new ClaimsChallengeError({ access_token: {} });
  }

  @Get('/open')
  @AllowAnonymous()
  open() {
    throw new ClaimsChallengeError(later);
  }
}

@RequiresAuthContext('c1')
abstract class ContextBase {
  @Get('/inherited')
  inherited() {
    ran.push('inherited');
    return {};
  }
}

@JsonController('/derived')
@RequiresAuth()
class DerivedController extends ContextBase {}

const controllers = [TransfersController, DerivedController];

/** What was forwarded to the application. */
let forwarded: unknown[] = [];

const handleError: ErrorRequestHandler = (error: AuthError, _request, response, _next) => {
  forwarded.push(error);
  response.status(error.status).set(error.headers).send('by the application');
};

function serveOnExpress(): Promise<Api> {
  const app = express();
  useExpressServer(app, { controllers, defaultErrorHandler: false });
  app.use(handleError);
  return listen(app);
}

function serveOnKoa(): Promise<Api> {
  const app = new Koa();
  app.silent = true;
  app.on('error', (error: unknown) => forwarded.push(error));
  useKoaServer(app, { controllers, defaultErrorHandler: false });
  const handle = app.callback();
  return listen((request, response) => void handle(request, response));
}

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

/** The challenge for a client that declared `cp1`. */
function challengeOf(claims: string): string {
  const { tenantId, instance } = issuer.options;
  return (
    `Bearer realm="${tenantId}", authorization_uri="${instance}/${tenantId}/oauth2/v2.0/authorize", ` +
    `error="insufficient_claims", claims="${claims}"`
  );
}

/** Asserts a claims challenge whole. */
function expectChallenge(answer: Answer, challenge: string): void {
  expect({ status: answer.status, challenge: answer.headers['www-authenticate'], body: answer.body }).toEqual({
    status: 401,
    challenge,
    body: {
      error: 'insufficient_claims',
      error_description: 'This request needs an access token with more claims.',
    },
  });
  expect(answer.headers['cache-control']).toBe('no-store');
}

const tooWeak = 'This request needs a stronger sign-in, which the client application cannot ask for.';
const forbiddenChallenge = `Bearer error="insufficient_scope", error_description="${tooWeak}"`;

/** Asserts the answer to a client that would not understand a challenge. */
function expectTooWeak(answer: Answer): void {
  expect({ status: answer.status, challenge: answer.headers['www-authenticate'], body: answer.body }).toEqual({
    status: 403,
    challenge: forbiddenChallenge,
    body: { error: 'insufficient_scope', error_description: tooWeak },
  });
  expect(answer.headers['cache-control']).toBe('no-store');
}

it('a claims request is base64 of JSON', () => {
  expect(Buffer.from(forContext1, 'base64').toString()).toBe(
    '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}',
  );
  expect(JSON.parse(Buffer.from(forLater, 'base64').toString())).toEqual(later);
});

describe.each([
  ['Express', serveOnExpress],
  ['Koa', serveOnKoa],
])('challenges on %s', (_, start) => {
  let api: Api;
  beforeAll(async () => {
    api = await start();
  });
  afterAll(() => api.close());
  beforeEach(() => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    initialize({ ...issuer.options, b2c: issuer.b2cOptions });
    ran = [];
    forwarded = [];
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const capable = { xms_cc: ['cp1'] };
  const get = async (path: string, claims?: TokenOverrides) =>
    api.call(`/transfers${path}`, { token: await issuer.token(claims) });

  describe('@RequiresAuthContext', () => {
    it('lets in a token that satisfied the context, whatever its client can do', async () => {
      expect((await get('/context', { acrs: ['c1'] })).status).toBe(200);
      expect((await get('/context', { acrs: ['p1', 'c7', 'c1'], ...capable })).status).toBe(200);
      const v1 = await issuer.v1Token({ acrs: ['c1'] });
      expect((await api.call('/transfers/context', { token: v1 })).status).toBe(200);
      expect(ran).toHaveLength(3);
    });

    it.each<[string, TokenOverrides]>([
      ['says nothing of contexts', {}],
      ['satisfied another', { acrs: ['c2'] }],
      ['satisfied one of a longer name', { acrs: ['c10', 'c11'] }],
      ['satisfied one in upper case', { acrs: ['C1'] }],
      ['satisfied none', { acrs: [] }],
      ['has it among words', { acrs: 'c1 c2' }],
      ['has it in another claim', { acr: 'c1', amr: ['c1'], roles: ['c1'] }],
    ])('sends a capable client for another token where the one it has %s', async (_what, claims) => {
      expectChallenge(await get('/context', { ...capable, ...claims }), challengeOf(forContext1));
      expect(ran).toEqual([]);
    });

    it.each<[string, unknown]>([
      ['cp1 among others', ['protapp', 'cp1']],
      ['CP1', ['CP1']],
      ['cp1 without a list', 'cp1'],
    ])('takes a client for capable that declares %s', async (_what, capabilities) => {
      expectChallenge(await get('/context', { xms_cc: capabilities }), challengeOf(forContext1));
    });

    it.each<[string, unknown]>([
      ['nothing', undefined],
      ['an empty list', []],
      ['something else', ['cp10', 'xcp1', 1, null]],
      ['cp1 among words', 'cp1 cp2'],
      ['an object', { cp1: true }],
    ])('answers 403 to a client that declares %s', async (_what, capabilities) => {
      expectTooWeak(await get('/context', { xms_cc: capabilities }));
      expect(ran).toEqual([]);
    });

    it('asks for one context at a time, and for all of them in the end', async () => {
      const challenges: (string | undefined)[] = [];
      for (const acrs of [[], ['c1'], ['c25'], ['c1', 'c25']]) {
        const answer = await get('/two-contexts', { ...capable, acrs });
        const claims = /claims="([^"]*)"/.exec(answer.headers['www-authenticate'] ?? '')?.[1];
        challenges.push(claims && Buffer.from(claims, 'base64').toString());
      }
      const ofContext = (id: string) => `{"access_token":{"acrs":{"essential":true,"value":"${id}"}}}`;
      expect(challenges[0]).toBeOneOf([ofContext('c1'), ofContext('c25')]);
      expect(challenges.slice(1)).toEqual([ofContext('c25'), ofContext('c1'), undefined]);
      expect(ran).toEqual(['two-contexts']);
    });

    it('comes after the token itself', async () => {
      expectRefusal(await api.call('/transfers/context'), 'missing_token');
      expectRefusal(await get('/context', { ...capable, exp: 1 }), { invalidToken: 'expired' });
      expectRefusal(await get('/context', { ...capable, aud: 'other' }), { invalidToken: 'audience' });
    });

    it('adds up with scopes', async () => {
      expect((await get('/scoped', { scp: 'transfer', acrs: ['c1'] })).status).toBe(200);
      expectRefusal(await get('/scoped', { acrs: ['c1'], ...capable }), {
        insufficientScope: 'scope',
        scope: 'transfer',
      });
      expectChallenge(await get('/scoped', { scp: 'transfer', ...capable }), challengeOf(forContext1));
      expect(ran).toEqual(['scoped']);
    });

    it('sends a client of B2C to its policy', async () => {
      const { instance } = issuer.b2cOptions;
      const token = await issuer.b2cToken({ ...capable, tfp: 'b2c_1a_signin' });
      expectChallenge(
        await api.call('/transfers/b2c', { token }),
        `Bearer realm="contoso.onmicrosoft.com", authorization_uri="${instance}/contoso.onmicrosoft.com/B2C_1A_signin/` +
          `oauth2/v2.0/authorize", error="insufficient_claims", claims="${forContext1}"`,
      );
      expect(ran).toEqual([]);
    });

    it('holds for controllers below', async () => {
      const call = async (claims: TokenOverrides) =>
        api.call('/derived/inherited', { token: await issuer.token(claims) });
      expectRefusal(await api.call('/derived/inherited'), 'missing_token');
      expectChallenge(await call(capable), challengeOf(forContext1));
      expectTooWeak(await call({}));
      expect((await call({ acrs: ['c1'] })).status).toBe(200);
      expect(ran).toEqual(['inherited']);
    });

    it('answers a token it knows like one it sees first', async () => {
      const token = await issuer.token(capable);
      for (const _turn of ['first seen', 'seen before']) {
        expectChallenge(await api.call('/transfers/context', { token }), challengeOf(forContext1));
      }
    });
  });

  it('a ClaimsChallengeError of an action for clients without cp1 too is one challenge for all, of a text of MSAL', async () => {
    expectChallenge(await get('/as-msal-gives-it'), challengeOf(forLater));
    expectChallenge(await get('/as-msal-gives-it', capable), challengeOf(forLater));
  });

  describe.each(['/throws', '/throws-later'])('a ClaimsChallengeError of an action, %s', (path) => {
    it('is answered to whom it concerns: a challenge to a capable client, 403 to another', async () => {
      expectChallenge(await get(path, capable), challengeOf(forLater));
      expectTooWeak(await get(path));
    });

    it('is forwarded whole where errors are', async () => {
      initialize({ ...issuer.options, errors: 'forward' });
      const challenged = await get(path, capable);
      const forbidden = await get(path);
      expect([challenged.status, challenged.headers['www-authenticate']]).toEqual([401, challengeOf(forLater)]);
      expect([forbidden.status, forbidden.headers['www-authenticate']]).toEqual([403, forbiddenChallenge]);
      expect(forwarded).toEqual([expect.any(ClaimsChallengeError), expect.any(ClaimsChallengeError)]);
      expect(forwarded.every((error) => error instanceof AuthError)).toBe(true);
    });

    it('is told apart between requests that are under way at once', async () => {
      const answers = await Promise.all([get(path, capable), get(path), get(path, capable), get(path)]);
      expect(answers.map(({ status }) => status)).toEqual([401, 403, 401, 403]);
    });
  });

  it('the gate forwards its own challenge where errors are forwarded', async () => {
    initialize({ ...issuer.options, errors: 'forward' });
    const answer = await get('/context', capable);
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, challengeOf(forContext1)]);
    expect(forwarded).toEqual([expect.any(ClaimsChallengeError)]);
  });

  it('a challenge for nothing is a fault of the API', async () => {
    expectRefusal(await get('/asks-for-nothing', capable), 'server_error');
  });

  it('on an open route, where nobody was verified, a challenge names no authority', async () => {
    for (const answer of [await api.call('/transfers/open'), await get('/open', capable)]) {
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([
        401,
        `Bearer error="insufficient_claims", claims="${forLater}"`,
      ]);
    }
  });
});

it('a handler of Express without a decorator is answered by authErrorHandler, to whom it concerns', async () => {
  initialize(issuer.options);
  const app = express();
  app.get('/', requiresAuth(), () => {
    throw new ClaimsChallengeError(later);
  });
  app.use(authErrorHandler);
  const api = await listen(app);
  const get = async (claims: TokenOverrides) => api.call('/', { token: await issuer.token(claims) });
  expectChallenge(await get({ xms_cc: ['cp1'] }), challengeOf(forLater));
  expectTooWeak(await get({}));
  await api.close();
});

describe('ClaimsChallengeError', () => {
  it.each<[string, () => unknown]>([
    [
      'thrown',
      () => {
        throw new ClaimsChallengeError(later);
      },
    ],
    ['a rejection', () => Promise.reject(new ClaimsChallengeError(later))],
  ])('says in a test what the client of the claims is told, where it is %s', async (_, fail) => {
    expect(await errorOf(() => runAs({ xms_cc: ['cp1'] }, fail))).toMatchObject({
      code: 'insufficient_claims',
      status: 401,
      headers: { 'WWW-Authenticate': `Bearer error="insufficient_claims", claims="${forLater}"` },
    });
    expect(await errorOf(() => runAs({}, fail))).toMatchObject({
      code: 'insufficient_scope',
      status: 403,
      headers: { 'WWW-Authenticate': forbiddenChallenge },
    });
  });

  it('hands on no more of the request for claims than the access token concerns', () => {
    const request = { access_token: { acrs: null }, id_token: { email: null } };
    const { headers } = new ClaimsChallengeError(request);
    const claims = /claims="([^"]*)"/.exec(headers['WWW-Authenticate'] ?? '')?.[1] ?? '';
    expect(Buffer.from(claims, 'base64').toString()).toBe('{"access_token":{"acrs":null}}');
  });

  it('stays one header line, whatever text is asked for', () => {
    const value = 'a"b\r\nSet-Cookie: c=d, é€';
    const { headers } = new ClaimsChallengeError({ access_token: { login: { values: [value] } } });
    const challenge = headers['WWW-Authenticate'] ?? '';
    expect(challenge).toMatch(/^Bearer error="insufficient_claims", claims="[A-Za-z0-9+/=]+"$/);
    const claims = /claims="([^"]*)"/.exec(challenge)?.[1] ?? '';
    expect(JSON.parse(Buffer.from(claims, 'base64').toString())).toEqual({
      access_token: { login: { values: [value] } },
    });
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['no access_token', { id_token: { acrs: null } }],
    ['an access_token of no claim', { access_token: {} }],
    ['an access_token that is no object', { access_token: 'acrs' }],
  ])('cannot be made of %s', async (_, request) => {
    const error = await errorOf(() => new ClaimsChallengeError(request as ClaimsRequest));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({
      message:
        'ClaimsChallengeError takes { access_token: { … } }, with at least one claim, or its JSON text, of at most 4 KiB.',
    });
  });
});

describe('RequiresAuthContext', () => {
  it.each(['c1', 'c9', 'c10', 'c99'])('takes %s', (id) => {
    expect(() => RequiresAuthContext(id)).not.toThrow();
  });

  it.each<[unknown]>([
    ['c0'],
    ['c01'],
    ['c100'],
    ['C1'],
    ['c1 '],
    ['c1\n'],
    ['1'],
    ['mfa'],
    ['c1"'],
    [''],
    [undefined],
  ])('throws where it stands with %j', (id) => {
    expect(() => RequiresAuthContext(id as string)).toThrow(ConfigurationError);
    expect(() => RequiresAuthContext(id as string)).toThrow('An authentication context is named c1 to c99.');
  });

  it('throws where it stands with a value that is no text', () => {
    expect(() => RequiresAuthContext(1 as unknown as string)).toThrow(ConfigurationError);
    expect(() => RequiresAuthContext(1 as unknown as string)).toThrow('@RequiresAuthContext: got 1; it takes');
  });
});
