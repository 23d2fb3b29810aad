import { Agent, request as httpRequest } from 'node:http';
import express5 from 'express';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { state } from '../../../src/core/access/current-request.js';
import {
  AllowAnonymous,
  ConfigurationError,
  createMicrosoftIdentity,
  denyGuests,
  getTokenClaims,
  initialize,
  InsufficientScopeError,
  MissingTokenError,
  requiresAnyAuth,
  requiresAuth,
  RequiresAuth,
  requiresAuthContext,
  requiresB2cAuth,
  RequiresB2cAuth,
  requiresGroup,
  requiresRole,
  RequiresRole,
  requiresScope,
  requiresScopeOrAppPermission,
  resourceMetadata,
  TokenClaims,
  validateScope,
  ValidateScope,
  type AccessTokenClaims,
  type AuthError,
} from '../../../src/express.js';
import { runAs, startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expectRefusal, expressReleases, listen, type Answer, type Api } from '../../support/api.js';

let issuer: TestIssuer;
let ran: string[] = [];

beforeAll(async () => {
  issuer = await startTestIssuer();
});
beforeEach(() => {
  initialize({ ...issuer.options, b2c: issuer.b2cOptions });
  ran = [];
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => issuer.close());

const silenceWarnings = () => vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);

/** A handler that says that it ran, and for whom. */
const report: RequestHandler = (request, response) => {
  ran.push('report');
  response.json({ sub: request.auth?.sub ?? 'none' });
};

const granted = { sub: 'v2-pairwise-subject' };

/** Serves an app for the length of one test. */
async function serving(
  express: typeof express5,
  mount: (app: ReturnType<typeof express5>) => void,
  test: (api: Api) => Promise<void>,
): Promise<void> {
  const app = express();
  // Express shows callers the stack of an error, and logs it, otherwise.
  app.set('env', 'test');
  mount(app);
  const api = await listen(app);
  try {
    await test(api);
  } finally {
    await api.close();
  }
}

const openAnswer = { status: 200, sub: 'none' };
const outcomeOf = ({ status, body }: Answer) => ({ status, ...(body as object) });

describe.each(expressReleases)('middleware on $release', ({ express }) => {
  let api: Api;

  beforeAll(async () => {
    const app = express();
    app.set('env', 'test');
    app.get('/open', report);
    app.get('/secret', requiresAuth(), requiresScope('access_as_user'), report);
    app.get('/any-of', requiresAuth(), requiresScope('read', 'write'), report);
    app.get('/all-of', requiresAuth(), requiresScope('read'), requiresScope('write'), report);
    app.get('/people', requiresAuth({ callers: 'user' }), report);
    app.get('/admin', requiresAuth(), requiresRole('Admin'), report);
    app.get('/b2c', requiresB2cAuth(), requiresScope('access_as_user'), report);
    app.get('/unconfigured', requiresB2cAuth({ policy: 'B2C_1_other' }), report);
    app.get('/any', requiresAnyAuth(), requiresScope('access_as_user'), report);
    app.get('/scope-only', requiresScope('access_as_user'), report);
    app.get('/permission', requiresAuth(), requiresScopeOrAppPermission({ scope: 'r', appPermission: 'R' }), report);
    app.get('/group', requiresAuth(), requiresGroup('2f8f1e2e-1f3c-4a0e-8a55-0a1f6e1c9d10'), report);
    app.get('/members', requiresAuth(), denyGuests(), report);
    app.get('/step-up', requiresAuth(), requiresAuthContext('c1'), report);
    app.get('/both-schemes', requiresAuth(), requiresB2cAuth(), report);
    app.get('/policy', requiresB2cAuth(), requiresB2cAuth({ policy: 'b2c_1a_SIGNIN' }), report);
    app.get(
      '/policies',
      requiresB2cAuth({ policy: 'B2C_1_susi' }),
      requiresB2cAuth({ policy: 'B2C_1A_signin' }),
      report,
    );
    app.get('/narrowed', requiresAnyAuth(), requiresAuth(), requiresScope('access_as_user'), report);
    app.get('/callers', requiresAuth({ callers: 'user' }), requiresAuth({ callers: 'app' }), report);
    app.get('/late-scheme', requiresScope('access_as_user'), requiresAuth(), report);
    app.post('/notes', requiresAuth(), express.json(), (request, response) => {
      ran.push('notes');
      response.json(request.body);
    });
    app.get('/swapped', requiresAuth(), swapToken, requiresScope('access_as_user'), report);
    app.get('/helpers', requiresAuth(), async (request, response) => {
      await new Promise((resolve) => setImmediate(resolve));
      validateScope('access_as_user');
      validateScope('access_as_user', request);
      response.json({ same: getTokenClaims() === request.auth && getTokenClaims(request) === request.auth });
    });
    const router = express.Router();
    router.get('/plain', report);
    router.get('/write', requiresScope('write'), report);
    router.get('/b2c', requiresB2cAuth(), report);
    app.use('/mounted', requiresAuth(), router);
    const guarded = express.Router();
    guarded.use(requiresAuth());
    guarded.get('/write', requiresScope('write'), report);
    app.use('/router', guarded);
    api = await listen(app);
  });
  afterAll(() => api.close());

  let swappedIn = '';
  const swapToken: RequestHandler = (request, _response, next) => {
    request.headers.authorization = `Bearer ${swappedIn}`;
    next();
  };

  const get = async (path: string, token?: string) => api.call(path, token === undefined ? {} : { token });

  it('lets a valid token in, and hands its claims to the request', async () => {
    expect(outcomeOf(await get('/secret', await issuer.token()))).toEqual({ status: 200, ...granted });
  });

  it('leaves open routes open, and nothing on their requests', async () => {
    expect(outcomeOf(await get('/open'))).toEqual(openAnswer);
    expect(outcomeOf(await get('/open', await issuer.token()))).toEqual(openAnswer);
  });

  it('refuses an anonymous caller, and the handler does not run', async () => {
    expectRefusal(await get('/secret'), 'missing_token');
    expect(ran).toEqual([]);
  });

  it('refuses an expired token', async () => {
    expectRefusal(await get('/secret', await issuer.token({ exp: 1 })), { invalidToken: 'expired' });
    expect(ran).toEqual([]);
  });

  it('refuses a token without the scope, and names the scope', async () => {
    const token = await issuer.token({ scp: 'other' });
    expectRefusal(await get('/secret', token), { insufficientScope: 'scope', scope: 'access_as_user' });
    expect(ran).toEqual([]);
  });

  it('takes any of the names of one middleware, and all of the middlewares', async () => {
    expect((await get('/any-of', await issuer.token({ scp: 'write' }))).status).toBe(200);
    expect((await get('/all-of', await issuer.token({ scp: 'read write' }))).status).toBe(200);
    expectRefusal(await get('/any-of', await issuer.token({ scp: 'other' })), {
      insufficientScope: 'scope',
      scope: 'read write',
    });
    expectRefusal(await get('/all-of', await issuer.token({ scp: 'read' })), {
      insufficientScope: 'scope',
      scope: 'write',
    });
    expectRefusal(await get('/all-of', await issuer.token({ scp: 'write' })), {
      insufficientScope: 'scope',
      scope: 'read',
    });
  });

  it('demands roles', async () => {
    expect((await get('/admin', await issuer.token({ roles: ['Admin'] }))).status).toBe(200);
    expectRefusal(await get('/admin', await issuer.token()), { insufficientScope: 'role' });
  });

  it.each<[string, string, () => Promise<string>]>([
    ['/people', 'This kind of caller is not accepted.', () => issuer.appToken()],
    [
      '/group',
      'The caller is in none of the groups this request needs.',
      () => issuer.token({ groups: ['6a0d7b52-3c9f-4a51-9d0e-52a7a1c0f111'] }),
    ],
    ['/members', 'Guests of the tenant are not accepted.', () => issuer.token({ acct: 1 })],
    ['/permission', 'The access token does not carry the role this request needs.', () => issuer.appToken()],
    [
      '/step-up',
      'This request needs a stronger sign-in, which the client application cannot ask for.',
      () => issuer.token(),
    ],
  ])('refuses on %s what does not satisfy it: %s', async (path, description, token) => {
    const { status, headers, body } = await get(path, await token());
    expect({ status, challenge: headers['www-authenticate'], body }).toEqual({
      status: 403,
      challenge: `Bearer error="insufficient_scope", error_description="${description}"`,
      body: { error: 'insufficient_scope', error_description: description },
    });
    expect(ran).toEqual([]);
  });

  it.each([
    ['/people', {}],
    ['/group', { groups: ['2F8F1E2E-1f3c-4a0e-8a55-0a1f6e1c9d10'] }],
    ['/members', { acct: 0 }],
    ['/permission', { scp: 'r' }],
    ['/step-up', { acrs: ['c1'] }],
  ])('lets in on %s what satisfies it', async (path, overrides) => {
    expect((await get(path, await issuer.token(overrides))).status).toBe(200);
  });

  it('takes B2C tokens where a route asks for them, and either kind where it asks for any', async () => {
    expect((await get('/b2c', await issuer.b2cToken())).status).toBe(200);
    expectRefusal(await get('/b2c', await issuer.token()), { invalidToken: 'policy' });
    expect((await get('/any', await issuer.b2cToken())).status).toBe(200);
    expect((await get('/any', await issuer.token())).status).toBe(200);
  });

  it('answers 500 for a scheme or a policy that is not configured', async () => {
    silenceWarnings();
    expectRefusal(await get('/unconfigured', await issuer.b2cToken()), 'server_error');
    initialize(issuer.options);
    expectRefusal(await get('/b2c', await issuer.b2cToken()), 'server_error');
    expect(ran).toEqual([]);
  });

  it('answers 500 before initialize', async () => {
    silenceWarnings();
    state.identity = undefined;
    expectRefusal(await get('/secret', await issuer.token()), 'server_error');
    expect(ran).toEqual([]);
  });

  it('answers 503 in an outage', async () => {
    issuer.setFault({ down: true });
    expectRefusal(await get('/secret', await issuer.token()), 'issuer_unavailable');
    issuer.setFault();
  });

  it('uses the one scheme that is configured where none was named before, and answers 500 with both', async () => {
    silenceWarnings();
    expectRefusal(await get('/scope-only', await issuer.token()), 'server_error');
    expectRefusal(await get('/late-scheme', await issuer.token()), 'server_error');
    expect(ran).toEqual([]);
    initialize(issuer.options);
    expect((await get('/scope-only', await issuer.token())).status).toBe(200);
    expect((await get('/late-scheme', await issuer.token())).status).toBe(200);
    initialize({ b2c: issuer.b2cOptions });
    expect((await get('/scope-only', await issuer.b2cToken())).status).toBe(200);
  });

  it('holds both schemes against a token where a chain names two', async () => {
    expectRefusal(await get('/both-schemes', await issuer.token()), { invalidToken: 'policy' });
    expectRefusal(await get('/both-schemes', await issuer.b2cToken()), { invalidToken: 'key' });
    expect((await get('/narrowed', await issuer.token())).status).toBe(200);
    expectRefusal(await get('/narrowed', await issuer.b2cToken()), { invalidToken: 'key' });
    expect(ran).toEqual(['report']);
  });

  it('checks the policy that a later middleware names', async () => {
    expect((await get('/policy', await issuer.b2cToken({ tfp: 'B2C_1A_signin' }))).status).toBe(200);
    expectRefusal(await get('/policy', await issuer.b2cToken()), { invalidToken: 'policy' });
    expectRefusal(await get('/policies', await issuer.b2cToken()), { invalidToken: 'policy' });
    expectRefusal(await get('/policies', await issuer.b2cToken({ tfp: 'B2C_1A_signin' })), { invalidToken: 'policy' });
  });

  it('checks the callers that a later middleware names', async () => {
    const description = 'This kind of caller is not accepted.';
    for (const token of [await issuer.token(), await issuer.appToken()]) {
      const { status, headers, body } = await get('/callers', token);
      expect([status, headers['www-authenticate'], body]).toEqual([
        403,
        `Bearer error="insufficient_scope", error_description="${description}"`,
        { error: 'insufficient_scope', error_description: description },
      ]);
    }
    expect(ran).toEqual([]);
  });

  it('serves the routers and routes below it', async () => {
    expect(outcomeOf(await get('/mounted/plain', await issuer.token()))).toEqual({ status: 200, ...granted });
    for (const path of ['/mounted/write', '/router/write']) {
      expect((await get(path, await issuer.token({ scp: 'write' }))).status).toBe(200);
      expectRefusal(await get(path, await issuer.token()), { insufficientScope: 'scope', scope: 'write' });
      expectRefusal(await get(path), 'missing_token');
    }
    expectRefusal(await get('/mounted/b2c', await issuer.token()), { invalidToken: 'policy' });
  });

  it('does not take the scope of another token than the one that was let in', async () => {
    swappedIn = await issuer.token({ aud: 'another-api' });
    expectRefusal(await get('/swapped', await issuer.token()), { invalidToken: 'audience' });
    expect(ran).toEqual([]);
  });

  it('runs before the body is read: 401 for an anonymous malformed body, 400 for a known caller', async () => {
    const call = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text":' };
    expectRefusal(await api.call('/notes', call), 'missing_token');
    const token = await issuer.token();
    expect((await api.call('/notes', { ...call, token })).status).toBe(400);
    expect((await api.call('/notes', { ...call, body: '{"text":"a"}', token })).body).toEqual({ text: 'a' });
    expect(ran).toEqual(['notes']);
  });

  it('treats HEAD as GET, and leaves OPTIONS on a route to Express', async () => {
    const head = await api.call('/secret', { method: 'HEAD' });
    expect([head.status, head.headers['www-authenticate'], head.text]).toEqual([401, 'Bearer', '']);
    const options = await api.call('/secret', { method: 'OPTIONS' });
    expect([options.status, options.headers['allow']?.replace(' ', '')]).toEqual([200, 'GET,HEAD']);
    expect(ran).toEqual([]);
  });

  it('refuses two Authorization headers, which Node would hide', async () => {
    const token = await issuer.token();
    const headers = { authorization: [`Bearer ${token}`, `Bearer ${token}`] };
    expectRefusal(await api.call('/secret', { headers }), 'invalid_request');
  });

  it('never takes a token from query or cookie', async () => {
    const token = await issuer.token();
    expectRefusal(await get(`/secret?access_token=${token}`), 'missing_token');
    expectRefusal(await api.call('/secret', { headers: { cookie: `access_token=${token}` } }), 'missing_token');
  });

  it('finds the current request for the helpers after awaits', async () => {
    expect((await get('/helpers', await issuer.token())).body).toEqual({ same: true });
  });

  it('keeps the connection usable after a refusal, body unread or not', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    const call = (path: string, method: string, body?: string) =>
      new Promise<number>((resolve, reject) => {
        const outgoing = httpRequest(api.url + path, { agent, method });
        outgoing.on('socket', (socket) => sockets.add(socket)).on('error', reject);
        outgoing.on('response', (response) => {
          response.resume().on('end', () => {
            resolve(response.statusCode ?? 0);
          });
        });
        outgoing.end(body);
      });
    expect(await call('/secret', 'GET')).toBe(401);
    expect(await call('/notes', 'POST', 'x'.repeat(200_000))).toBe(401);
    expect(await call('/open', 'GET')).toBe(200);
    expect(sockets.size).toBe(1);
    agent.destroy();
  });

  it('refuses a request that cannot hold its claims, rather than let it pass without them', async () => {
    silenceWarnings();
    const freeze: RequestHandler = (request, _response, next) => {
      Object.defineProperty(request, 'auth', { value: { sub: 'forged' } });
      next();
    };
    await serving(
      express,
      (app) => app.get('/', freeze, requiresAuth(), report),
      async (local) => {
        expectRefusal(await local.call('/', { token: await issuer.token() }), 'server_error');
      },
    );
    expect(ran).toEqual([]);
  });

  it('puts verified claims in the place of what stood on the request, and keeps them there', async () => {
    const write: RequestHandler = (request, _response, next) => {
      request.auth = { sub: 'forged' } as AccessTokenClaims;
      next();
    };
    await serving(
      express,
      (app) => {
        app.get('/before', write, requiresAuth(), report);
        app.get('/after', requiresAuth(), write, report);
      },
      async (local) => {
        const token = await issuer.token();
        expect((await local.call('/before', { token })).body).toEqual(granted);
        expect((await local.call('/after', { token })).status).toBe(500);
      },
    );
    expect(ran).toEqual(['report']);
  });

  it('says so where it stands without its parentheses, rather than hang', async () => {
    await serving(
      express,
      (app) => app.get('/', requiresAnyAuth as unknown as RequestHandler, report),
      async (local) => {
        const answer = await local.call('/', { token: await issuer.token() });
        expect([answer.status, answer.text]).toEqual([500, expect.stringContaining('parentheses') as string]);
      },
    );
    expect(ran).toEqual([]);
  });
});

describe('arguments that no token can satisfy', () => {
  it.each<[string, () => unknown]>([
    ['no scope', () => requiresScope(...([] as unknown as [string]))],
    ['a blank scope', () => requiresScope(' ')],
    ['a full URI', () => requiresScope('api://id/access_as_user')],
    ['a list of roles', () => requiresRole(['a'] as unknown as string)],
    ['no role', () => requiresRole(...([] as unknown as [string]))],
    ['a blank group', () => requiresGroup('')],
    ['an unknown caller', () => requiresAuth({ callers: 'people' as 'user' })],
    ['no policy', () => requiresB2cAuth({ policy: [] })],
    ['a blank policy', () => requiresB2cAuth({ policy: '' })],
    ['an unknown context', () => requiresAuthContext('c0')],
    ['a blank permission', () => requiresScopeOrAppPermission({ scope: 'a', appPermission: '' })],
  ])('throw where the middleware is made: %s', (_, make) => {
    expect(make).toThrow(ConfigurationError);
  });
});

describe.each(expressReleases)("errors: 'forward' on $release", ({ express }) => {
  it("hands refusals of the gate and of handlers to the application's own handler, before anything is sent", async () => {
    initialize({ ...issuer.options, errors: 'forward' });
    const seen: unknown[] = [];
    class Controller {
      @RequiresAuth()
      async write(_request: Request, response: Response) {
        await Promise.resolve();
        validateScope('write');
        response.end();
      }
    }
    await serving(
      express,
      (app) => {
        app.get('/gate', requiresAuth(), report);
        // eslint-disable-next-line @typescript-eslint/unbound-method -- handlers work unbound
        app.get('/handler', new Controller().write);
        app.use((error: AuthError, _request: Request, response: Response, _next: NextFunction) => {
          seen.push(error);
          expect(response.headersSent).toBe(false);
          response.status(error.status).set(error.headers).json({ handled: error });
        });
      },
      async (local) => {
        const anonymous = await local.call('/gate');
        expect([anonymous.status, anonymous.headers['www-authenticate']]).toEqual([401, 'Bearer']);
        expect((await local.call('/handler')).status).toBe(401);
        const answer = await local.call('/handler', { token: await issuer.token() });
        expect([answer.status, answer.body]).toEqual([403, { handled: (seen[2] as AuthError).toJSON() }]);
      },
    );
    expect(seen).toEqual([
      expect.any(MissingTokenError),
      expect.any(MissingTokenError),
      expect.any(InsufficientScopeError),
    ]);
    expect(ran).toEqual([]);
  });
});

class WeatherController {
  readonly unit = '°C';

  @RequiresAuth()
  @ValidateScope('access_as_user')
  report(request: Request, response: Response, _next: NextFunction, @TokenClaims('sub') sub?: string) {
    ran.push('report');
    response.json({ sub, same: request.auth === getTokenClaims() });
  }

  @ValidateScope('access_as_user')
  @RequiresAuth()
  reversed(_request: Request, response: Response) {
    ran.push('reversed');
    response.json({ unit: this.unit });
  }

  @RequiresAuth()
  first(_request: Request, _response: Response, next: NextFunction) {
    ran.push('first');
    next();
  }

  @RequiresRole('Admin')
  admin(_request: Request, response: Response) {
    ran.push('admin');
    response.json({});
  }

  @RequiresB2cAuth()
  b2c(_request: Request, response: Response) {
    ran.push('b2c');
    response.json({});
  }

  open(request: Request, response: Response, _next: NextFunction, @TokenClaims() claims?: AccessTokenClaims) {
    ran.push('open');
    response.json({ claims: claims ?? 'none', auth: request.auth ?? 'none' });
  }

  @RequiresAuth()
  async rejects() {
    await Promise.resolve();
    throw Object.assign(new Error('gone'), { status: 410 });
  }

  @RequiresAuth()
  async rejectsWithNothing() {
    await Promise.resolve();
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is a mistake that people make
    return Promise.reject(undefined);
  }

  @RequiresAuth()
  throws() {
    throw Object.assign(new Error('gone'), { status: 410 });
  }

  @RequiresAuth()
  async helper(_request: Request, response: Response) {
    await new Promise((resolve) => setImmediate(resolve));
    validateScope('write');
    response.json({});
  }

  @RequiresAuth()
  helperSync() {
    validateScope('write');
  }

  @RequiresAuth()
  streaming(_request: Request, response: Response) {
    response.write('partial');
    throw new MissingTokenError();
  }

  @RequiresAuth()
  own(_request: Request, response: Response) {
    response.json({ secret: this.secret() });
  }

  @RequiresRole('Admin')
  secret() {
    return 'secret';
  }

  @RequiresAuth()
  async asksForMore(request: Request, response: Response, next: NextFunction) {
    await this.requiresAdmin(request, response, next);
    ran.push('asksForMore');
    response.json({});
  }

  @RequiresRole('Admin')
  requiresAdmin(_request: Request, _response: Response, _next: NextFunction): unknown {
    return undefined;
  }

  @RequiresAuth()
  async catches(request: Request, response: Response, next: NextFunction) {
    try {
      await this.requiresAdmin(request, response, next);
    } catch (error) {
      response.status(418).json(error);
    }
  }

  async openAsksForMore(request: Request, response: Response, next: NextFunction) {
    await this.requiresAdmin(request, response, next);
    ran.push('openAsksForMore');
    response.json({});
  }
}

@RequiresAuth()
class ProtectedController {
  static readonly version = '1';

  get unit() {
    return new WeatherController().unit;
  }

  report(_request: Request, response: Response, _next: NextFunction, @TokenClaims() claims?: AccessTokenClaims) {
    ran.push('report');
    response.json({ sub: claims?.sub, text: this.text(), unit: this.unit });
  }

  @ValidateScope('write')
  write(_request: Request, response: Response) {
    ran.push('write');
    response.json({});
  }

  @RequiresB2cAuth()
  b2c(_request: Request, response: Response) {
    ran.push('b2c');
    response.json({});
  }

  @AllowAnonymous()
  health(request: Request, response: Response) {
    response.json({ sub: request.auth?.sub ?? 'none' });
  }

  @AllowAnonymous()
  async openHelper() {
    await Promise.resolve();
    getTokenClaims();
  }

  text() {
    return 'text';
  }

  async load() {
    ran.push('load');
    return Promise.resolve('loaded');
  }

  async onError(error: Error, _request: Request, response: Response, _next: NextFunction) {
    ran.push('onError');
    response.status(418).json({ message: error.message, sub: getTokenClaims().sub });
    return Promise.resolve();
  }
}

class MethodBase {
  @RequiresAuth()
  @ValidateScope('read')
  report(_request: Request, response: Response, _next: NextFunction, @TokenClaims('sub') sub?: string): unknown {
    ran.push('base');
    return response.json({ by: 'base', sub });
  }
}

class PlainChild extends MethodBase {}

class Override extends MethodBase {
  override report(request: Request, response: Response, next: NextFunction) {
    ran.push('child');
    return super.report(request, response, next);
  }

  @RequiresAuth()
  own(_request: Request, response: Response) {
    response.json({});
  }
}

@RequiresRole('Admin')
class AdminChild extends MethodBase {}

@AllowAnonymous()
class OpenChild extends MethodBase {}

class ClassChild extends ProtectedController {
  @ValidateScope('read')
  override write(_request: Request, response: Response) {
    ran.push('write');
    response.json({});
  }

  own(_request: Request, response: Response) {
    ran.push('own');
    response.json({});
  }
}

class UndecoratedChild extends ProtectedController {
  override write(_request: Request, response: Response) {
    ran.push('write');
    response.json({});
  }

  own(_request: Request, response: Response) {
    ran.push('own');
    response.json({});
  }
}

class UndecoratedGrandchild extends UndecoratedChild {
  further(_request: Request, response: Response) {
    ran.push('further');
    response.json({});
  }
}

describe.each(expressReleases)('decorators on $release', ({ express }) => {
  let api: Api;
  const weather = new WeatherController();
  const guarded = new ProtectedController();
  const classChild = new ClassChild();

  /* eslint-disable @typescript-eslint/unbound-method -- that handlers work unbound is what is tested */
  beforeAll(async () => {
    const app = express();
    app.set('env', 'test');
    app.get('/unbound', weather.report);
    app.get('/bound', weather.report.bind(weather));
    app.get('/arrow', (request, response, next) => {
      weather.report(request, response, next);
    });
    app.get('/reversed', weather.reversed.bind(weather));
    app.get('/open', weather.open);
    app.get('/admin', requiresAuth(), weather.admin);
    app.get('/admin-alone', weather.admin);
    app.get('/b2c', weather.b2c);
    app.get('/b2c-behind', requiresAuth(), weather.b2c);
    app.get('/chain', weather.first, weather.report);
    app.get('/chain-up', weather.first, weather.admin);
    app.get('/chain-open', weather.first, weather.open);
    app.get('/rejects', weather.rejects);
    app.get('/rejects-behind', requiresAuth(), weather.rejects);
    app.get('/rejects-with-nothing', weather.rejectsWithNothing, report);
    app.get('/throws', weather.throws);
    app.get('/helper', weather.helper);
    app.get('/helper-sync', weather.helperSync);
    app.get('/streaming', weather.streaming);
    app.get('/own', weather.own.bind(weather));
    app.get('/asks-for-more', weather.asksForMore.bind(weather));
    app.get('/catches', weather.catches.bind(weather));
    app.get('/open-asks-for-more', weather.openAsksForMore.bind(weather));
    app.post('/notes', weather.reversed.bind(weather), express.json());
    app.get('/class/report', guarded.report.bind(guarded));
    app.get('/class/write', guarded.write);
    app.get('/class/b2c', guarded.b2c);
    app.get('/class/health', guarded.health);
    app.get('/class/open-helper', guarded.openHelper);
    app.get('/class/chained-health', requiresAuth(), guarded.health);
    app.get('/class/open-calls-text', (_request, response) => response.json({ text: guarded.text() }));
    app.get('/child/plain', new PlainChild().report);
    app.get('/child/override', new Override().report.bind(new Override()));
    app.get('/child/override-unbound', new Override().report);
    app.get('/child/admin', new AdminChild().report);
    app.get('/child/admin-bound', new AdminChild().report.bind(new AdminChild()));
    app.get('/child/opened', new OpenChild().report);
    app.get('/child/class-write', classChild.write);
    app.get('/child/class-own', classChild.own);
    app.get('/child/class-report', classChild.report.bind(classChild));
    const undecorated = new UndecoratedGrandchild();
    app.get('/undecorated/write', undecorated.write);
    app.get('/undecorated/own', undecorated.own);
    app.get('/undecorated/further', undecorated.further);
    app.get('/undecorated/child', new UndecoratedChild().own);
    app.get('/fails', () => {
      throw new Error('failed');
    });
    app.use('/fails', guarded.onError);
    api = await listen(app);
  });
  /* eslint-enable @typescript-eslint/unbound-method */
  afterAll(() => api.close());

  const get = async (path: string, token?: string) => api.call(path, token === undefined ? {} : { token });

  it.each([['/unbound'], ['/bound'], ['/arrow']])('make the method its own gate: %s', async (path) => {
    expectRefusal(await get(path), 'missing_token');
    expectRefusal(await get(path, await issuer.token({ scp: 'other' })), {
      insufficientScope: 'scope',
      scope: 'access_as_user',
    });
    expect(ran).toEqual([]);
    expect((await get(path, await issuer.token())).body).toEqual({ ...granted, same: true });
  });

  it('demand the same in whatever order they are stacked, and leave the instance to the method', async () => {
    expectRefusal(await get('/reversed', await issuer.token({ scp: 'other' })), {
      insufficientScope: 'scope',
      scope: 'access_as_user',
    });
    expect((await get('/reversed', await issuer.token())).body).toEqual({ unit: '°C' });
  });

  it('leave open methods open, with no claims', async () => {
    expect((await get('/open', await issuer.token())).body).toEqual({ claims: 'none', auth: 'none' });
  });

  it('take the scheme of the middleware before them, and verify anew for another', async () => {
    silenceWarnings();
    expect((await get('/admin', await issuer.token({ roles: ['Admin'] }))).status).toBe(200);
    expectRefusal(await get('/admin', await issuer.token()), { insufficientScope: 'role' });
    expectRefusal(await get('/admin-alone', await issuer.token({ roles: ['Admin'] })), 'server_error');
    expect((await get('/b2c', await issuer.b2cToken())).status).toBe(200);
    expectRefusal(await get('/b2c-behind', await issuer.token()), { invalidToken: 'policy' });
    expectRefusal(await get('/b2c-behind', await issuer.b2cToken()), { invalidToken: 'key' });
    expect(ran).toEqual(['admin', 'b2c']);
  });

  it('hold each handler of a chain to what it demands itself', async () => {
    expectRefusal(await get('/chain', await issuer.token({ scp: 'other' })), {
      insufficientScope: 'scope',
      scope: 'access_as_user',
    });
    expectRefusal(await get('/chain-up', await issuer.token()), { insufficientScope: 'role' });
    expect((await get('/chain-up', await issuer.token({ roles: ['Admin'] }))).status).toBe(200);
    expect((await get('/chain', await issuer.token())).status).toBe(200);
    expect(ran).toEqual(['first', 'first', 'first', 'admin', 'first', 'report']);
  });

  it.each([['/rejects'], ['/rejects-behind'], ['/throws']])(
    'hand errors that are not ours to Express: %s',
    async (path) => {
      expect((await get(path, await issuer.token())).status).toBe(410);
    },
  );

  it('do not go on to the next handler where one rejects with nothing', async () => {
    expect((await get('/rejects-with-nothing', await issuer.token())).status).toBe(500);
    expect(ran).toEqual([]);
  });

  it.each([['/helper'], ['/helper-sync']])('answer what a helper throws like the gate does: %s', async (path) => {
    expectRefusal(await get(path, await issuer.token()), { insufficientScope: 'scope', scope: 'write' });
  });

  it('answer a helper in a method that allows anonymous callers', async () => {
    expectRefusal(await get('/class/open-helper'), 'missing_token');
  });

  it('cut off an answer that was under way, rather than mixing two', async () => {
    await expect(get('/streaming', await issuer.token())).rejects.toThrow();
  });

  it('let calls inside a verified request pass', async () => {
    expect((await get('/own', await issuer.token())).body).toEqual({ secret: 'secret' });
  });

  it('hold a call with the request to what the other method demands, and answer its refusal', async () => {
    for (const path of ['/asks-for-more', '/open-asks-for-more']) {
      initialize(issuer.options);
      expectRefusal(await get(path, await issuer.token()), { insufficientScope: 'role' });
      expect(ran).toEqual([]);
      expect((await get(path, await issuer.token({ roles: ['Admin'] }))).status).toBe(200);
      ran = [];
    }
    expectRefusal(await get('/open-asks-for-more'), 'missing_token');
  });

  it('let a handler handle the refusal of a method that it calls', async () => {
    const answer = await get('/catches', await issuer.token());
    expect([answer.status, answer.body]).toEqual([
      418,
      {
        error: 'insufficient_scope',
        error_description: 'The access token does not carry the role this request needs.',
      },
    ]);
  });

  it('run before the body is read', async () => {
    const call = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text":' };
    expectRefusal(await api.call('/notes', call), 'missing_token');
    expect((await api.call('/notes', { ...call, token: await issuer.token() })).body).toEqual({ unit: '°C' });
  });

  it('treat HEAD as GET, and leave OPTIONS to Express', async () => {
    const head = await api.call('/unbound', { method: 'HEAD' });
    expect([head.status, head.headers['www-authenticate'], head.text]).toEqual([401, 'Bearer', '']);
    expect((await api.call('/unbound', { method: 'OPTIONS' })).status).toBe(200);
    expect(ran).toEqual([]);
  });

  it('protect every method of a class', async () => {
    expectRefusal(await get('/class/report'), 'missing_token');
    expect((await get('/class/report', await issuer.token())).body).toEqual({ ...granted, text: 'text', unit: '°C' });
    expectRefusal(await get('/class/write', await issuer.token()), { insufficientScope: 'scope', scope: 'write' });
    expect((await get('/class/write', await issuer.token({ scp: 'write' }))).status).toBe(200);
    expectRefusal(await get('/class/b2c', await issuer.token()), { invalidToken: 'policy' });
    expect((await get('/class/b2c', await issuer.b2cToken())).status).toBe(200);
    expect(ran).toEqual(['report', 'write', 'b2c']);
  });

  it('lift what the class demands where a method allows anonymous callers', async () => {
    expect(outcomeOf(await get('/class/health'))).toEqual(openAnswer);
    expect((await get('/class/chained-health', await issuer.token())).body).toEqual(granted);
  });

  it('refuse a protected method that a plain handler calls without its request', async () => {
    expect((await get('/class/open-calls-text', await issuer.token())).status).toBe(500);
  });

  it('guard error handlers too', async () => {
    expectRefusal(await get('/fails'), 'missing_token');
    expect(ran).toEqual([]);
    const answer = await get('/fails', await issuer.token());
    expect([answer.status, answer.body]).toEqual([418, { message: 'failed', ...granted }]);
  });

  it.each([['/child/plain'], ['/child/override'], ['/child/override-unbound']])(
    'hold for what a derived class inherits or overrides: %s',
    async (path) => {
      expectRefusal(await get(path), 'missing_token');
      expectRefusal(await get(path, await issuer.token()), { insufficientScope: 'scope', scope: 'read' });
      expect(ran).toEqual([]);
      expect((await get(path, await issuer.token({ scp: 'read' }))).body).toEqual({ by: 'base', ...granted });
    },
  );

  it.each([['/child/admin'], ['/child/admin-bound']])('add up from class to class: %s', async (path) => {
    expectRefusal(await get(path, await issuer.token({ scp: 'read' })), { insufficientScope: 'role' });
    expectRefusal(await get(path, await issuer.token({ roles: ['Admin'] })), {
      insufficientScope: 'scope',
      scope: 'read',
    });
    expect((await get(path, await issuer.token({ scp: 'read', roles: ['Admin'] }))).status).toBe(200);
  });

  it('are lifted where a derived class allows anonymous callers', async () => {
    expect((await get('/child/opened')).body).toEqual({ by: 'base' });
  });

  it.each([['/undecorated/write'], ['/undecorated/own'], ['/undecorated/further'], ['/undecorated/child']])(
    'hold for a class below a protected one that bears none: %s',
    async (path) => {
      expectRefusal(await get(path), 'missing_token');
      expect(ran).toEqual([]);
      expect((await get(path, await issuer.token({ scp: 'write' }))).status).toBe(200);
    },
  );

  it('hold for every method of a class below a protected one', async () => {
    for (const path of ['/child/class-write', '/child/class-own', '/child/class-report']) {
      expectRefusal(await get(path), 'missing_token');
    }
    expectRefusal(await get('/child/class-write', await issuer.token({ scp: 'write' })), {
      insufficientScope: 'scope',
      scope: 'read',
    });
    expect((await get('/child/class-own', await issuer.token())).status).toBe(200);
    expect((await get('/child/class-report', await issuer.token())).body).toMatchObject({ ...granted, text: 'text' });
    expect(ran).toEqual(['own', 'report']);
  });
});

describe('a class that bears a requirement', () => {
  it('stays the class it was to everyone who looks', () => {
    expect(new ProtectedController().constructor).toBe(ProtectedController);
    expect(new UndecoratedChild()).toBeInstanceOf(ProtectedController);
    expect([ProtectedController.name, ProtectedController.version]).toEqual(['ProtectedController', '1']);
    expect(Object.getPrototypeOf(UndecoratedChild)).toBe(ProtectedController);
  });

  it('keeps the metadata of other libraries', () => {
    @RequiresAuth()
    @RequiresRole('Admin')
    @Reflect.metadata('key', 'value')
    class Injectable {
      constructor(readonly weather: WeatherController) {}
    }
    expect(Reflect.getMetadata('key', Injectable)).toBe('value');
    expect(new Injectable(new WeatherController()).weather.unit).toBe('°C');
  });
});

describe('a protected method called without a request', () => {
  it('refuses, and names runAs', async () => {
    expect(() => new WeatherController().secret()).toThrow('WeatherController.secret');
    expect(() => new ProtectedController().text()).toThrow('runAs');
    await expect(new ProtectedController().load()).rejects.toThrow(ConfigurationError);
    expect(() => new ClassChild().text()).toThrow(ConfigurationError);
    expect(ran).toEqual([]);
  });

  it('runs inside runAs, its claims filled in and on the request', () => {
    const answers: unknown[] = [];
    const request = { headers: {} } as Request;
    const response = { setHeader: () => response, json: (body: unknown) => answers.push(body) } as unknown as Response;
    const next = vi.fn();
    runAs({ sub: 'ada' }, () => {
      new WeatherController().report(request, response, next);
      new ProtectedController().report(request, response, next);
    });
    expect(answers).toEqual([
      { sub: 'ada', same: true },
      { sub: 'ada', text: 'text', unit: '°C' },
    ]);
    expect(next).not.toHaveBeenCalled();
  });

  it('keeps its name, and the number of parameters that Express fills', () => {
    const { report: method, open } = WeatherController.prototype as unknown as Record<string, () => void>;
    expect([method?.name, method?.length]).toEqual(['report', 3]);
    expect([open?.name, open?.length]).toEqual(['open', 3]);
    // eslint-disable-next-line @typescript-eslint/unbound-method -- it is looked at, not called
    expect(ProtectedController.prototype.onError).toHaveLength(4);
  });
});

describe('decorators that Express cannot heed', () => {
  it('throw for claims in the place of request, response or next', () => {
    expect(() => {
      class Misplaced {
        report(@TokenClaims() claims: AccessTokenClaims) {
          return claims;
        }
      }
      return Misplaced;
    }).toThrow('first three parameters');
  });
});

describe.each(expressReleases)('createMicrosoftIdentity on $release', ({ express }) => {
  it('holds tokens against its own configuration', async () => {
    const other = await startTestIssuer();
    const partners = createMicrosoftIdentity(other.options);
    await partners.ready();
    class PartnerController {
      @partners.RequiresAuth()
      report(request: Request, response: Response) {
        response.json({ tid: request.auth?.tid });
      }
    }
    await serving(
      express,
      (app) => {
        // eslint-disable-next-line @typescript-eslint/unbound-method -- handlers work unbound
        app.get('/decorated', new PartnerController().report);
        app.get('/both', requiresAuth(), partners.requiresAuth(), report);
        app.get('/behind', partners.requiresAuth(), requiresScope('read'), report);
        app.get('/own', partners.requiresScope('read'), report);
        app.get('/own-behind', requiresAuth(), partners.requiresScope('read'), report);
      },
      async (api) => {
        const token = await other.token({ scp: 'read' });
        expect((await api.call('/decorated', { token })).body).toEqual({ tid: other.options.tenantId });
        expect((await api.call('/behind', { token })).status).toBe(200);
        expect((await api.call('/own', { token })).status).toBe(200);
        const ours = await issuer.token({ scp: 'read' });
        for (const path of ['/decorated', '/behind', '/own', '/both', '/own-behind']) {
          expectRefusal(await api.call(path, { token: ours }), { invalidToken: 'key' });
        }
        expectRefusal(await api.call('/behind', { token: await other.token() }), {
          insufficientScope: 'scope',
          scope: 'read',
        });
        expectRefusal(await api.call('/own-behind', { token }), { invalidToken: 'key' });
      },
    );
    partners.close();
    await other.close();
  });
});

describe.each(expressReleases)('resourceMetadata on $release', ({ express }) => {
  const options = () => ({ ...issuer.options, resourceMetadata: { resource: 'https://api.contoso.com/weather' } });
  const path = '/.well-known/oauth-protected-resource/weather';

  it('answers the well-known path, to everyone, and lets all else pass', async () => {
    const identity = initialize(options());
    await serving(
      express,
      (app) => {
        app.use(resourceMetadata(), requiresAuth());
        app.get('/', report);
      },
      async (api) => {
        const answer = await api.call(`${path}?x=1`);
        expect([answer.status, answer.body]).toEqual([200, identity.resourceMetadata]);
        expect(answer.headers).toMatchObject({
          'access-control-allow-origin': '*',
          'content-type': 'application/json; charset=utf-8',
        });
        const head = await api.call(path, { method: 'HEAD' });
        expect([head.status, head.text, head.headers['content-length']]).toEqual([
          200,
          '',
          answer.headers['content-length'],
        ]);
        const challenge = `Bearer resource_metadata="https://api.contoso.com${path}"`;
        for (const [method, elsewhere] of [
          ['POST', path],
          ['GET', `${path}/x`],
          ['GET', '/'],
        ] as const) {
          const refused = await api.call(elsewhere, { method });
          expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, challenge]);
        }
      },
    );
  });

  it('speaks for a configuration of its own', async () => {
    const partners = createMicrosoftIdentity(options());
    await serving(
      express,
      (app) => app.use(resourceMetadata(partners)),
      async (api) => {
        expect((await api.call(path)).body).toEqual(partners.resourceMetadata);
      },
    );
  });

  it('throws where there is nothing to publish', () => {
    expect(() => resourceMetadata()).toThrow('resourceMetadata');
  });
});
