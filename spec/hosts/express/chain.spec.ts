import type { RequestHandler } from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  initialize,
  requiresAnyAuth,
  requiresAuth,
  requiresB2cAuth,
  requiresScope,
  type AccessTokenClaims,
} from '../../../src/express.js';
import { expectRefusal, expressReleases, listen, type Api } from '../../support/api.js';
import { forgetWarnings } from '../../support/isolation.js';
import { granted, issuer, outcomeOf, ran, report, serving, silenceWarnings, useIssuer } from './application.js';

useIssuer();

describe.each(expressReleases)('a chain of middlewares on $release', ({ express }) => {
  let api: Api;

  beforeAll(async () => {
    const app = express();
    app.set('env', 'test');
    app.get('/any-of', requiresAuth(), requiresScope('read', 'write'), report);
    app.get('/all-of', requiresAuth(), requiresScope('read'), requiresScope('write'), report);
    app.get('/scope-only', requiresScope('access_as_user'), report);
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
    app.get('/swapped', requiresAuth(), swapToken, requiresScope('access_as_user'), report);
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

  it('requires any name of one middleware, and all of the middlewares', async () => {
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

  it('uses the only configured scheme if none is named before, and answers 500 with both', async () => {
    const warnings = silenceWarnings();
    forgetWarnings();
    expectRefusal(await get('/scope-only', await issuer.token()), 'server_error');
    expect(warnings.mock.calls.map(([message]) => message)).toEqual([
      expect.stringMatching(/^requiresScope\(\) names no scheme, and both Entra ID and B2C are configured\. Add /),
    ]);
    expectRefusal(await get('/late-scheme', await issuer.token()), 'server_error');
    expect(ran).toEqual([]);
    initialize(issuer.options);
    expect((await get('/scope-only', await issuer.token())).status).toBe(200);
    expect((await get('/late-scheme', await issuer.token())).status).toBe(200);
    initialize({ b2c: issuer.b2cOptions });
    expect((await get('/scope-only', await issuer.b2cToken())).status).toBe(200);
  });

  it('checks a token against both schemes if a chain names two', async () => {
    expectRefusal(await get('/both-schemes', await issuer.token()), { invalidToken: 'policy' });
    expectRefusal(await get('/both-schemes', await issuer.b2cToken()), { invalidToken: 'issuer' });
    expect((await get('/narrowed', await issuer.token())).status).toBe(200);
    expectRefusal(await get('/narrowed', await issuer.b2cToken()), { invalidToken: 'issuer' });
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

  it('protects the routers and routes below it', async () => {
    expect(outcomeOf(await get('/mounted/plain', await issuer.token()))).toEqual({ status: 200, ...granted });
    for (const path of ['/mounted/write', '/router/write']) {
      expect((await get(path, await issuer.token({ scp: 'write' }))).status).toBe(200);
      expectRefusal(await get(path, await issuer.token()), { insufficientScope: 'scope', scope: 'write' });
      expectRefusal(await get(path), 'missing_token');
    }
    expectRefusal(await get('/mounted/b2c', await issuer.token()), { invalidToken: 'policy' });
  });

  it('refuses if a middleware replaces the token by another one with the scope', async () => {
    swappedIn = await issuer.token({ aud: 'another-api' });
    expectRefusal(await get('/swapped', await issuer.token()), { invalidToken: 'audience' });
    expect(ran).toEqual([]);
  });

  it('refuses a request on which the claims cannot be set', async () => {
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

  it('replaces `auth` on the request by the verified claims, and keeps them', async () => {
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
});
