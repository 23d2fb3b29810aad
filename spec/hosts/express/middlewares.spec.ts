import { Agent, request as httpRequest } from 'node:http';
import type { RequestHandler } from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ConfigurationError,
  denyGuests,
  getTokenClaims,
  initialize,
  requiresAnyAuth,
  requiresAuth,
  requiresAuthContext,
  requiresB2cAuth,
  requiresGroup,
  requiresRole,
  requiresScope,
  requiresScopeOrAppPermission,
  validateScope,
} from '../../../src/express.js';
import { expectRefusal, expressReleases, listen, type Api } from '../../support/api.js';
import { forgetIdentity, forgetWarnings } from '../../support/isolation.js';
import {
  granted,
  issuer,
  openAnswer,
  outcomeOf,
  ran,
  report,
  serving,
  silenceWarnings,
  useIssuer,
} from './application.js';

useIssuer();

describe.each(expressReleases)('middleware on $release', ({ express }) => {
  let api: Api;

  beforeAll(async () => {
    const app = express();
    app.set('env', 'test');
    app.get('/open', report);
    app.get('/secret', requiresAuth(), requiresScope('access_as_user'), report);
    app.get('/people', requiresAuth({ callers: 'user' }), report);
    app.get('/admin', requiresAuth(), requiresRole('Admin'), report);
    app.get('/b2c', requiresB2cAuth(), requiresScope('access_as_user'), report);
    app.get('/unconfigured', requiresB2cAuth({ policy: 'B2C_1_other' }), report);
    app.get('/any', requiresAnyAuth(), requiresScope('access_as_user'), report);
    app.get('/permission', requiresAuth(), requiresScopeOrAppPermission({ scope: 'r', appPermission: 'R' }), report);
    app.get('/group', requiresAuth(), requiresGroup('2f8f1e2e-1f3c-4a0e-8a55-0a1f6e1c9d10'), report);
    app.get('/members', requiresAuth(), denyGuests(), report);
    app.get('/step-up', requiresAuth(), requiresAuthContext('c1'), report);
    app.post('/notes', requiresAuth(), express.json(), (request, response) => {
      ran.push('notes');
      response.json(request.body);
    });
    app.get('/helpers', requiresAuth(), async (request, response) => {
      await new Promise((resolve) => setImmediate(resolve));
      validateScope('access_as_user');
      validateScope('access_as_user', request);
      response.json({ same: getTokenClaims() === request.auth && getTokenClaims(request) === request.auth });
    });
    api = await listen(app);
  });
  afterAll(() => api.close());

  const get = async (path: string, token?: string) => api.call(path, token === undefined ? {} : { token });

  it('accepts a valid token, and sets its claims on the request', async () => {
    expect(outcomeOf(await get('/secret', await issuer.token()))).toEqual({ status: 200, ...granted });
  });

  it('leaves open routes open, and sets nothing on their requests', async () => {
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

  it('requires roles', async () => {
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
  ])('refuses on %s a token that does not satisfy it: %s', async (path, description, token) => {
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
  ])('accepts on %s a token that satisfies it', async (path, overrides) => {
    expect((await get(path, await issuer.token(overrides))).status).toBe(200);
  });

  it('accepts B2C tokens on a route for B2C, and either kind on a route for any', async () => {
    expect((await get('/b2c', await issuer.b2cToken())).status).toBe(200);
    expectRefusal(await get('/b2c', await issuer.token()), { invalidToken: 'policy' });
    expect((await get('/any', await issuer.b2cToken())).status).toBe(200);
    expect((await get('/any', await issuer.token())).status).toBe(200);
  });

  it('answers 500 for a scheme or a policy that is not configured, and warns of the middleware', async () => {
    const warnings = silenceWarnings();
    forgetWarnings();
    expectRefusal(await get('/unconfigured', await issuer.b2cToken()), 'server_error');
    initialize(issuer.options);
    expectRefusal(await get('/b2c', await issuer.b2cToken()), 'server_error');
    expect(ran).toEqual([]);
    // initialize() warns of the other middlewares too.
    const ofB2c = warnings.mock.calls
      .map(([message]) => String(message))
      .filter((text) => text.startsWith('requiresB2c'));
    expect(ofB2c).toEqual([
      'requiresB2cAuth() names a policy that is not among b2c.policies. Add it to that option, or correct its name.',
      'requiresB2cAuth() takes tokens of B2C, which is not configured. Set b2c, or use another scheme.',
    ]);
  });

  it('answers 500 before initialize', async () => {
    silenceWarnings();
    forgetIdentity();
    expectRefusal(await get('/secret', await issuer.token()), 'server_error');
    expect(ran).toEqual([]);
  });

  it('answers 503 in an outage', async () => {
    issuer.setFault({ down: true });
    expectRefusal(await get('/secret', await issuer.token()), 'issuer_unavailable');
    issuer.setFault();
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

  it('answers 500 if the parentheses are missing, and does not hang', async () => {
    await serving(
      express,
      (app) => app.get('/', requiresAnyAuth as unknown as RequestHandler, report),
      async (local) => {
        const answer = await local.call('/', { token: await issuer.token() });
        expect([answer.status, answer.text]).toEqual([
          500,
          expect.stringContaining(
            'requiresAnyAuth is used without its parentheses. Write requiresAnyAuth().',
          ) as string,
        ]);
      },
    );
    expect(ran).toEqual([]);
  });
});

describe('a middleware in the place of a decorator', () => {
  class Orders {
    list(): readonly string[] {
      return [];
    }
  }
  const used = requiresAuth() as unknown as (...parameters: unknown[]) => void;

  it.each<[string, readonly unknown[]]>([
    ['a class', [Orders]],
    ['a method', [Orders.prototype, 'list', Object.getOwnPropertyDescriptor(Orders.prototype, 'list')]],
  ])('is refused on %s', (_, parameters) => {
    const use = () => {
      used(...parameters);
    };
    expect(use).toThrow(ConfigurationError);
    expect(use).toThrow(
      'requiresAuth() is a middleware of Express, and was called by something else. ' +
        'On a class or a method, and on Koa, use the decorator that has the same requirement.',
    );
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
  ])('throws where the middleware is created: %s', (_, make) => {
    expect(make).toThrow(ConfigurationError);
  });
});
