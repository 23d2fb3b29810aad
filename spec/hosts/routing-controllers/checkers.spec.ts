import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Agent } from 'node:http';
import type { ErrorRequestHandler } from 'express';
import type Koa from 'koa';
import 'reflect-metadata';
import { useExpressServer } from 'routing-controllers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createIdentity } from '../../../src/core/identity.js';
import {
  authorizationChecker,
  ConfigurationError,
  initialize,
  MissingTokenError,
  type RequestEvent,
} from '../../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expectRefusal, expressReleases, listen, type Api } from '../../support/api.js';
import { callOn, checkers, ExistingController, hosts, ran, serveKoa, withApi } from './existing-app.js';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  initialize(issuer.options);
  ran.length = 0;
});

describe.each(hosts)('the checkers on $host', ({ host, start }) => {
  describe.each([[true], [false]])(
    'with the default error handler of routing-controllers %s',
    (defaultErrorHandler) => {
      let api: Api;
      beforeAll(async () => {
        api = await start({ ...checkers(), defaultErrorHandler });
      });
      afterAll(() => api.close());

      it('lets a valid token pass @Authorized(), and gives its claims to @CurrentUser() and to services', async () => {
        const answer = await api.call('/existing/signed-in', { token: await issuer.token({ sub: 'ada' }) });
        expect(answer).toMatchObject({ status: 200, body: { sub: 'ada', frozen: true, inService: 'ada' } });
      });

      it('keeps the callers of simultaneous requests apart', async () => {
        const names = ['ada', 'grace', 'edith', 'joan'];
        const answers = await Promise.all(
          names.map(async (sub) => api.call('/existing/signed-in', { token: await issuer.token({ sub }) })),
        );
        expect(answers.map(({ body }) => body)).toEqual(names.map((sub) => ({ sub, frozen: true, inService: sub })));
      });

      it('lets any of the listed roles pass, of a person or an application', async () => {
        const token = await issuer.token({ roles: ['Owner', 'Reader'], sub: 'ada' });
        expect(await api.call('/existing/admin', { token })).toMatchObject({ status: 200, body: { sub: 'ada' } });
        const app = await issuer.appToken({ roles: ['Admin'] });
        expect((await api.call('/existing/admin', { token: app })).status).toBe(200);
      });

      it('refuses a request without a token', async () => {
        expectRefusal(await api.call('/existing/signed-in'), 'missing_token');
        expect(ran).toEqual([]);
      });

      it('refuses an expired token', async () => {
        const answer = await api.call('/existing/signed-in', { token: await issuer.token({ exp: 1 }) });
        expectRefusal(answer, { invalidToken: 'expired' });
        expect(ran).toEqual([]);
      });

      it('refuses a token without any of the roles', async () => {
        const answer = await api.call('/existing/admin', { token: await issuer.token({ roles: ['Reader'] }) });
        expectRefusal(answer, { insufficientScope: 'role' });
        expect(ran).toEqual([]);
      });

      it('takes no scope for a role', async () => {
        const answer = await api.call('/existing/admin', { token: await issuer.token({ scp: 'Admin' }) });
        expectRefusal(answer, { insufficientScope: 'role' });
      });

      it('refuses an invalid body of an anonymous caller as anonymous', async () => {
        const headers = { 'content-type': 'application/json' };
        const answer = await api.call('/existing/notes', { method: 'POST', body: '{"text":1}', headers });
        expectRefusal(answer, 'missing_token');
      });

      it('refuses a malformed body of an anonymous caller as anonymous, where the host reads bodies later', async () => {
        const headers = { 'content-type': 'application/json' };
        const malformed = { method: 'POST', body: '{', headers };
        const answer = await api.call('/existing/notes', malformed);
        // The Koa driver reads bodies before any route.
        if (host === 'Koa') expect(answer.status).toBe(400);
        else expectRefusal(answer, 'missing_token');
        const token = await issuer.token();
        expect((await api.call('/existing/notes', { ...malformed, token })).status).toBe(400);
      });

      it('answers what a helper throws in an action', async () => {
        const answer = await api.call('/existing/helper', { token: await issuer.token() });
        expectRefusal(answer, { insufficientScope: 'scope', scope: 'write' });
        expect((await api.call('/existing/helper', { token: await issuer.token({ scp: 'write' }) })).status).toBe(200);
      });

      it('answers HEAD without a body', async () => {
        const answer = await api.call('/existing/signed-in', { method: 'HEAD' });
        expect(answer).toMatchObject({ status: 401, text: '' });
        expect(answer.headers['www-authenticate']).toBe('Bearer');
      });

      it('answers a role that no token can hold with 500, and warns the developer', async () => {
        const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
        expectRefusal(
          await api.call('/existing/blank-role', { token: await issuer.token({ roles: [' '] }) }),
          'server_error',
        );
        warn.mockRestore();
        expect(ran).toEqual([]);
      });

      it('gives undefined to @CurrentUser() where nothing was verified, also to a bearer of a valid token', async () => {
        const answer = await api.call('/existing/open', { token: await issuer.token() });
        expect(answer).toMatchObject({ status: 200, body: { user: 'none' } });
      });

      it('gives the claims to @CurrentUser() beside a decorator, without @Authorized()', async () => {
        expectRefusal(await api.call('/existing/decorated'), 'missing_token');
        const answer = await api.call('/existing/decorated', { token: await issuer.token({ sub: 'ada' }) });
        expect(answer).toMatchObject({ status: 200, body: { sub: 'ada' } });
      });

      it('leaves the connection usable after a refusal', async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        try {
          expect(await callOn(agent, `${api.url}/existing/signed-in`)).toEqual({ status: 401, reused: false });
          expect(await callOn(agent, `${api.url}/existing/open`)).toEqual({ status: 200, reused: true });
        } finally {
          agent.destroy();
        }
      });

      it("lets the gate's context stand on a route that bears a decorator too, and asks for both", async () => {
        const passing = await api.call('/existing/gated', {
          token: await issuer.token({ sub: 'ada', roles: ['Admin'] }),
        });
        expect(passing).toMatchObject({ status: 200, body: { sub: ['ada', 'ada'] } });
        expectRefusal(await api.call('/existing/gated'), 'missing_token');
        const reader = await issuer.token({ roles: ['Reader'] });
        expectRefusal(await api.call('/existing/gated', { token: reader }), { insufficientScope: 'role' });
        expect(ran).toEqual(['gated']);
      });
    },
  );

  it('checks each request once', () =>
    withApi(start(checkers()), async (api) => {
      const outcomes: unknown[] = [];
      const listen = (event: unknown) => outcomes.push((event as RequestEvent).outcome);
      subscribe('microsoft-identity-decorators:request', listen);
      const token = await issuer.token({ roles: ['Admin'] });
      await api.call('/existing/signed-in', { token });
      await api.call('/existing/admin', { token });
      await api.call('/existing/admin');
      unsubscribe('microsoft-identity-decorators:request', listen);
      expect(outcomes).toEqual(['verified', 'cached', 'refused']);
    }));

  it("leaves an error of the application's own to routing-controllers", () =>
    withApi(start(checkers()), async (api) => {
      const answer = await api.call('/existing/broken', { token: await issuer.token() });
      expect(answer).toMatchObject({ status: 500, body: { name: 'TypeError', message: 'of the application' } });
    }));

  it('answers 503 while the keys of the issuer cannot be had', () =>
    withApi(start(checkers()), async (api) => {
      const token = await issuer.token();
      issuer.setFault({ down: true });
      try {
        expectRefusal(await api.call('/existing/signed-in', { token }), 'issuer_unavailable');
      } finally {
        issuer.setFault();
      }
    }));

  it('answers 500 where Entra ID and B2C are configured and the checker was not told which', () =>
    withApi(start(checkers()), async (api) => {
      initialize({ ...issuer.options, b2c: issuer.b2cOptions });
      const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      expectRefusal(await api.call('/existing/signed-in', { token: await issuer.token() }), 'server_error');
      warn.mockRestore();
      expect(ran).toEqual([]);
    }));

  it('verifies by the scheme it was given', () =>
    withApi(start(checkers({ scheme: 'b2c' })), async (api) => {
      initialize({ ...issuer.options, b2c: issuer.b2cOptions });
      const b2cToken = await issuer.b2cToken();
      expect((await api.call('/existing/signed-in', { token: b2cToken })).status).toBe(200);
      const entraToken = await issuer.token();
      expectRefusal(await api.call('/existing/signed-in', { token: entraToken }), { invalidToken: 'policy' });
    }));

  it('takes the tokens of both authorities where it was told so', () =>
    withApi(start(checkers({ scheme: 'any' })), async (api) => {
      initialize({ ...issuer.options, b2c: issuer.b2cOptions });
      for (const token of [await issuer.token(), await issuer.b2cToken()]) {
        expect((await api.call('/existing/signed-in', { token })).status).toBe(200);
      }
    }));

  it('takes the scheme of the gate where it has none of its own', () =>
    withApi(start(checkers()), async (api) => {
      initialize({ ...issuer.options, b2c: issuer.b2cOptions });
      const answer = await api.call('/existing/gated-b2c', { token: await issuer.b2cToken({ sub: 'ada' }) });
      expect(answer).toMatchObject({ status: 200, body: { sub: 'ada' } });
    }));

  it('does not let the gate of another scheme speak for its own', () =>
    withApi(start(checkers({ scheme: 'entra' })), async (api) => {
      initialize({ ...issuer.options, b2c: issuer.b2cOptions });
      const answer = await api.call('/existing/gated-b2c', { token: await issuer.b2cToken() });
      expectRefusal(answer, { invalidToken: 'issuer' });
      expect(ran).toEqual([]);
    }));

  it('verifies with a configuration of its own', async () => {
    const other = await startTestIssuer();
    const identity = createIdentity(other.options);
    try {
      await withApi(start(checkers({ identity })), async (api) => {
        expect((await api.call('/existing/signed-in', { token: await other.token() })).status).toBe(200);
        const answer = await api.call('/existing/signed-in', { token: await issuer.token() });
        expectRefusal(answer, { invalidToken: 'issuer' });
      });
    } finally {
      identity.close();
      await other.close();
    }
  });
});

describe('the checkers', () => {
  it('refuse options that name nothing', () => {
    expect(() => authorizationChecker({ scheme: 'azure' as 'entra' })).toThrow(
      new ConfigurationError("authorizationChecker: scheme takes 'entra', 'b2c' or 'any'."),
    );
    expect(() => authorizationChecker({ identity: {} as ReturnType<typeof createIdentity> })).toThrow(
      new ConfigurationError('identity takes what initialize() or createMicrosoftIdentity() returned.'),
    );
  });
});

describe.each(expressReleases)('forwarded refusals of the checkers on $release', ({ express: ofRelease }) => {
  it("reach the application's error handler before anything is sent", async () => {
    initialize({ ...issuer.options, errors: 'forward' });
    const seen: unknown[] = [];
    const app = ofRelease();
    useExpressServer(app, { controllers: [ExistingController], ...checkers() });
    const handler: ErrorRequestHandler = (error, _request, response, _next) => {
      seen.push(error);
      response.status(418).json({ sent: false });
    };
    app.use(handler);
    await withApi(listen(app), async (api) => {
      expect(await api.call('/existing/signed-in')).toMatchObject({ status: 418, body: { sent: false } });
    });
    expect(seen).toEqual([expect.any(MissingTokenError)]);
  });
});

describe('the checkers among the middleware of Koa', () => {
  const around: Koa.Middleware = async (context, next) => {
    await next();
    context.set('X-Seen', String(context.status));
  };

  it('let the middleware around add to a refusal', () =>
    withApi(serveKoa(checkers(), { around }), async (api) => {
      const answer = await api.call('/existing/signed-in');
      expectRefusal(answer, 'missing_token');
      expect(answer.headers['x-seen']).toBe('401');
    }));

  it('report nothing to Koa for a refusal that is answered', async () => {
    const errors: unknown[] = [];
    const options = { ...checkers(), defaultErrorHandler: false };
    await withApi(serveKoa(options, { errors }), async (api) => {
      expectRefusal(await api.call('/existing/signed-in'), 'missing_token');
    });
    expect(errors).toEqual([]);
  });

  it.each([[true], [false]])(
    'throw a forwarded refusal to Koa, default error handler of routing-controllers %s',
    async (defaultErrorHandler) => {
      initialize({ ...issuer.options, errors: 'forward' });
      const errors: unknown[] = [];
      await withApi(serveKoa({ ...checkers(), defaultErrorHandler }, { errors }), async (api) => {
        const answer = await api.call('/existing/signed-in');
        expect(answer).toMatchObject({ status: 401, text: 'This request needs an access token.' });
        expect(answer.headers['www-authenticate']).toBe('Bearer');
      });
      expect(errors).toEqual([expect.any(MissingTokenError)]);
    },
  );
});
