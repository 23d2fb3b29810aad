import express from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { authErrorHandler, expressAuthentication } from '../../src/hosts/tsoa.js';
import {
  ClaimsChallengeError,
  ConfigurationError,
  getTokenClaims,
  initialize,
  onBehalfOf,
  validateScope,
} from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expectRefusal, expressReleases, listen, type Answer, type Api } from '../support/api.js';
import { forgetWarnings } from '../support/isolation.js';
import { errorOf, refuses, type RefusalName } from '../support/refusals.js';

/** What `@Security()` lists: any of the members will do, and of one member all names must hold. */
type Security = Readonly<Record<string, string[]>>;

type Authenticate = (
  request: express.Request,
  name: string,
  scopes: string[],
  response: express.Response,
) => Promise<unknown>;

/** Does what the middleware does that tsoa 6.6 generates for a route. */
function authenticateMiddleware(security: readonly Security[]): express.RequestHandler {
  const authenticate: Authenticate = expressAuthentication;
  return async (request, response, next) => {
    const failures: { status?: number }[] = [];
    const attempt = (name: string, scopes: string[]) =>
      authenticate(request, name, scopes, response).catch((error: unknown) => {
        failures.push(error as { status?: number });
        throw error;
      });
    const attempts = security.map(async (alternative) => {
      const users = await Promise.all(Object.entries(alternative).map(([name, scopes]) => attempt(name, scopes)));
      return users[0];
    });
    try {
      Object.assign(request, { user: await Promise.any(attempts) });
      if (!response.writableEnded) next();
    } catch {
      const error = failures.pop() ?? {};
      error.status = error.status ?? 401;
      if (!response.writableEnded) next(error);
    }
  };
}

const routes: Readonly<Record<string, readonly Security[]>> = {
  '/entra': [{ entra: ['access_as_user'] }],
  '/both-scopes': [{ entra: ['access_as_user', 'write'] }],
  '/no-scopes': [{ entra: [] }],
  '/b2c': [{ b2c: ['access_as_user'] }],
  '/policy': [{ 'b2c-B2C_1A_signin': [] }],
  '/any': [{ any: ['access_as_user'] }],
  '/either': [{ b2c: [] }, { entra: [] }],
  '/unknown': [{ api_key: [] }],
};

function appOf(newApp: typeof express, handler?: express.ErrorRequestHandler): express.Express {
  const app = newApp();
  // Express prints what its own handler answers, unless it is told that a test runs.
  app.set('env', 'test');
  for (const [path, security] of Object.entries(routes)) {
    app.get(path, authenticateMiddleware(security), (request, response) => {
      const { user } = request as { user?: { sub?: string } };
      response.json({ sub: user?.sub, ofRequest: getTokenClaims(request).sub, frozen: Object.isFrozen(user) });
    });
  }
  app.get('/helper', authenticateMiddleware([{ entra: [] }]), (request, _response, next) => {
    try {
      validateScope('write', request);
    } catch (error) {
      next(error);
    }
  });
  app.get('/challenge', authenticateMiddleware([{ entra: [] }]), (_request, _response, next) => {
    next(new ClaimsChallengeError({ access_token: { acrs: { essential: true, value: 'c1' } } }));
  });
  app.get('/broken', (_request, _response, next) => {
    next(new TypeError('of the application'));
  });
  app.get('/under-way', (_request, response, next) => {
    response.write('begun');
    next(new ConfigurationError('Too late.'));
  });
  if (handler !== undefined) app.use(handler);
  return app;
}

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  initialize({ ...issuer.options, b2c: issuer.b2cOptions });
});

const requestWith = (token: string) =>
  ({ headers: { authorization: `Bearer ${token}` } }) as unknown as express.Request;

describe('expressAuthentication', () => {
  it.each<[string, string[], RefusalName, Record<string, unknown>, string?]>([
    ['entra', [], 'expired', { exp: 1 }],
    ['entra', ['access_as_user', 'write'], 'scope', {}, 'write'],
    ['entra', ['write', 'access_as_user'], 'scope', {}, 'write'],
    ['b2c', [], 'policy', {}],
    ['entra', [], 'audience', { aud: 'another-api' }],
  ])('rejects for %s %j a token with the fault %s', async (name, scopes, refusal, overrides, challenged) => {
    const token = await issuer.token(overrides);
    await refuses(() => expressAuthentication(requestWith(token), name, scopes), refusal, challenged);
  });

  it('verifies the caller on whose behalf another API is called', async () => {
    const apis = { graph: { baseUrl: 'https://graph.example', scopes: 'https://graph.example/User.Read' } };
    initialize({ ...issuer.options, downstream: { ...issuer.downstreamOptions, apis } });
    const request = requestWith(await issuer.token({ oid: 'ada' }));
    await expressAuthentication(request, 'entra');
    const [, payload = ''] = (await onBehalfOf('graph', request).getAccessToken()).split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ oid: 'ada', scp: 'User.Read' });
    const unverified = requestWith(await issuer.token());
    await refuses(() => onBehalfOf('graph', unverified).getAccessToken(), 'missing_token');
  });

  it.each([['api_key'], ['Entra'], ['b2c-'], ['']])(
    'rejects the name %j, by which nothing could be verified',
    async (name) => {
      const token = await issuer.token();
      expect(await errorOf(() => expressAuthentication(requestWith(token), name))).toBeInstanceOf(ConfigurationError);
    },
  );

  it('rejects a full scope name: the token holds the short one', async () => {
    const token = await issuer.token();
    const scopes = ['api://de2656e6-585f-4684-8e65-3ce50a7770a8/access_as_user'];
    expect(await errorOf(() => expressAuthentication(requestWith(token), 'entra', scopes))).toBeInstanceOf(
      ConfigurationError,
    );
  });

  it('rejects where nothing can be read of the request, and says that the fault is not the caller’s', async () => {
    const request = Object.defineProperty({}, 'headers', {
      get() {
        throw new TypeError('no headers');
      },
    });
    const error = await errorOf(() => expressAuthentication(request as express.Request, 'entra'));
    expect(error).toMatchObject({ code: 'invalid_configuration', status: 500 });
  });

  it('names the resource metadata in the challenge', async () => {
    initialize({ ...issuer.options, resourceMetadata: { resource: 'https://api.example' } });
    const error = await errorOf(() => expressAuthentication({ headers: {} } as express.Request, 'entra'));
    expect(error).toMatchObject({
      headers: {
        'WWW-Authenticate': 'Bearer resource_metadata="https://api.example/.well-known/oauth-protected-resource"',
      },
    });
  });
});

describe.each(expressReleases)('routes as tsoa generates them, on $release', ({ express: ofRelease }) => {
  let api: Api;
  beforeAll(async () => {
    api = await listen(appOf(ofRelease, authErrorHandler));
  });
  afterAll(() => api.close());

  const call = async (path: string, token?: Promise<string>): Promise<Answer> =>
    api.call(path, token === undefined ? {} : { token: await token });

  it.each([['/entra'], ['/no-scopes'], ['/any'], ['/either']])('lets an Entra token pass %s', async (path) => {
    const answer = await call(path, issuer.token({ sub: 'ada' }));
    expect(answer).toMatchObject({ status: 200, body: { sub: 'ada', ofRequest: 'ada', frozen: true } });
  });

  it.each([['/b2c'], ['/any'], ['/either']])('lets a B2C token pass %s', async (path) => {
    expect(await call(path, issuer.b2cToken({ sub: 'ada' }))).toMatchObject({ status: 200, body: { sub: 'ada' } });
  });

  it('lets an application pass by a role', async () => {
    expect((await call('/entra', issuer.appToken({ roles: ['access_as_user'] }))).status).toBe(200);
  });

  it('demands all of the scopes', async () => {
    expect((await call('/both-scopes', issuer.token({ scp: 'write access_as_user' }))).status).toBe(200);
    expectRefusal(await call('/both-scopes', issuer.token({ scp: 'access_as_user' })), {
      insufficientScope: 'scope',
      scope: 'write',
    });
  });

  it('demands the policy that a name holds', async () => {
    expect((await call('/policy', issuer.b2cToken({ tfp: 'B2C_1A_signin' }))).status).toBe(200);
    expectRefusal(await call('/policy', issuer.b2cToken()), { invalidToken: 'policy' });
  });

  it('refuses a request without a token', async () => {
    expectRefusal(await call('/entra'), 'missing_token');
  });

  it('refuses an expired token', async () => {
    expectRefusal(await call('/entra', issuer.token({ exp: 1 })), { invalidToken: 'expired' });
  });

  it('answers 500 for a name that is not known, and warns the developer once', async () => {
    forgetWarnings();
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    expectRefusal(await call('/unknown', issuer.token()), 'server_error');
    expectRefusal(await call('/unknown', issuer.token()), 'server_error');
    expect(warn.mock.calls.map(([text]) => text)).toEqual([
      "@Security() takes 'entra', 'b2c', 'b2c-<policy>' or 'any'.",
    ]);
    warn.mockRestore();
  });

  it('answers what a helper throws in an action', async () => {
    expectRefusal(await call('/helper', issuer.token()), { insufficientScope: 'scope', scope: 'write' });
  });

  it('answers a claims challenge of the application as a gate does', async () => {
    const understanding = await call('/challenge', issuer.token({ xms_cc: ['cp1'] }));
    expect(understanding.status).toBe(401);
    expect(understanding.headers['www-authenticate']).toMatch(
      /^Bearer realm="[^"]+", authorization_uri="[^"]+", error="insufficient_claims", claims="[^"]+"$/,
    );
    const other = await call('/challenge', issuer.token());
    expect([other.status, other.headers['www-authenticate']]).toEqual([
      403,
      'Bearer error="insufficient_scope", error_description="This request needs a stronger sign-in, which the client application cannot ask for."',
    ]);
  });

  it('hands on any other error', async () => {
    expect(await call('/broken')).toMatchObject({
      status: 500,
      headers: { 'content-type': 'text/html; charset=utf-8' },
    });
  });

  it('leaves an answer that is under way to Express, which ends it', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    await expect(call('/under-way')).rejects.toThrow('aborted');
    warn.mockRestore();
  });

  it('keeps status and challenge where Express answers by itself', async () => {
    const bare = await listen(appOf(ofRelease));
    try {
      const answer = await bare.call('/entra');
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(answer.headers['cache-control']).toBe('no-store');
    } finally {
      await bare.close();
    }
  });
});
