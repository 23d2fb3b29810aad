/** `authorizationChecker()`, called by a checker of the application's own. */
import { Agent } from 'node:http';
import type { ErrorRequestHandler } from 'express';
import 'reflect-metadata';
import { useExpressServer, type AuthorizationChecker } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest';
import { authorizationChecker, currentUserChecker, initialize, MissingTokenError } from '../../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expectRefusal, expressReleases, listen, type Api } from '../../support/api.js';
import { forgetWarnings } from '../../support/isolation.js';
import { errorOf } from '../../support/refusals.js';
import { callOn, ExistingController, hosts, ran, serveKoa, withApi, type AppOptions } from './existing-app.js';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

const unhandled = vi.fn();
let warn: MockInstance<typeof process.emitWarning>;
beforeEach(() => {
  initialize(issuer.options);
  ran.length = 0;
  forgetWarnings();
  unhandled.mockClear();
  process.on('unhandledRejection', unhandled);
  warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
});
afterEach(async () => {
  // Node reports an unhandled rejection once the microtasks are done.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', unhandled);
  warn.mockRestore();
  expect(unhandled).not.toHaveBeenCalled();
});

type Check = ReturnType<typeof authorizationChecker>;

const options = (own: (check: Check) => AuthorizationChecker): AppOptions => ({
  authorizationChecker: own(authorizationChecker()),
  currentUserChecker: currentUserChecker(),
});

const urlOf = ({ request }: { readonly request: unknown }) => (request as { readonly url: string }).url;

describe.each(hosts)('on $host', ({ start }) => {
  describe.each([[true], [false]])(
    'with the default error handler of routing-controllers %s',
    (defaultErrorHandler) => {
      let api: Api;
      const seen: unknown[] = [];
      beforeAll(async () => {
        const own = options((check) => async (action, roles) => {
          try {
            const allowed = await check(action, roles);
            seen.push(allowed);
            return allowed && !urlOf(action).includes('blocked');
          } finally {
            seen.push('settled');
          }
        });
        api = await start({ ...own, defaultErrorHandler });
      });
      beforeEach(() => {
        seen.length = 0;
      });
      afterAll(() => api.close());

      it('is false for a request that is refused and answered', async () => {
        expectRefusal(await api.call('/existing/signed-in'), 'missing_token');
        const token = await issuer.token();
        expectRefusal(await api.call('/existing/admin', { token }), { insufficientScope: 'role' });
        expect(seen).toEqual([false, 'settled', false, 'settled']);
        expect(ran).toEqual([]);
        expect(warn).not.toHaveBeenCalled();
      });

      it('is true for a request that may pass, whose action runs in its context', async () => {
        const token = await issuer.token({ sub: 'ada' });
        const answer = await api.call('/existing/signed-in', { token });
        expect(answer).toMatchObject({ status: 200, body: { sub: 'ada', inService: 'ada' } });
        expect(seen).toEqual([true, 'settled']);
      });

      it('leaves the last decision to the checker of the application', async () => {
        const token = await issuer.token();
        // Without its default error handler, routing-controllers hands its own error to the host, as a 500.
        const status = defaultErrorHandler ? 401 : 500;
        expect((await api.call('/existing/signed-in?blocked', { token })).status).toBe(status);
        expect(ran).toEqual([]);
      });

      it('leaves the connection usable after a refusal', async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        try {
          expect(await callOn(agent, `${api.url}/existing/signed-in`)).toEqual({ status: 401, reused: false });
          expect(await callOn(agent, `${api.url}/existing/signed-in`)).toEqual({ status: 401, reused: true });
          expect(await callOn(agent, `${api.url}/existing/open`)).toEqual({ status: 200, reused: true });
        } finally {
          agent.destroy();
        }
      });

      it('answers what a helper throws in an action', async () => {
        const answer = await api.call('/existing/helper', { token: await issuer.token() });
        expectRefusal(answer, { insufficientScope: 'scope', scope: 'write' });
      });

      it('asks for what a decorator of the action demands too', async () => {
        const reader = await issuer.token({ roles: ['Reader'] });
        expectRefusal(await api.call('/existing/gated', { token: reader }), { insufficientScope: 'role' });
        const admin = await issuer.token({ roles: ['Admin'], sub: 'ada' });
        const answer = await api.call('/existing/gated', { token: admin });
        expect(answer).toMatchObject({ status: 200, body: { sub: ['ada', 'ada'] } });
      });
    },
  );

  it('can be returned', () =>
    withApi(start(options((check) => (action, roles) => check(action, roles))), async (api) => {
      expectRefusal(await api.call('/existing/signed-in'), 'missing_token');
      expect((await api.call('/existing/signed-in', { token: await issuer.token() })).status).toBe(200);
    }));

  it('takes a copy of the action', () =>
    withApi(start(options((check) => (action, roles) => check({ ...action }, roles))), async (api) => {
      expectRefusal(await api.call('/existing/signed-in'), 'missing_token');
      expect((await api.call('/existing/signed-in', { token: await issuer.token() })).status).toBe(200);
    }));

  it('is not asked for a request that the checker of the application lets pass first', () => {
    const own = options((check) => async (action, roles) => urlOf(action).includes('key=k') || check(action, roles));
    return withApi(start(own), async (api) => {
      expect(await api.call('/existing/helper?key=k')).toMatchObject({ status: 401 });
      expect((await api.call('/existing/admin')).status).toBe(401);
      expect(ran).toEqual([]);
      expect((await api.call('/existing/notes?key=k', { method: 'POST', ...note })).status).toBe(200);
      expect(ran).toEqual(['notes']);
    });
  });

  it('keeps an action from running where the checker of the application ignores it', () => {
    const own = options((check) => async (action, roles) => (await check(action, roles)) || true);
    return withApi(start(own), async (api) => {
      expectRefusal(await api.call('/existing/admin'), 'missing_token');
      expect(ran).toEqual([]);
      expect(warn).toHaveBeenCalledWith(
        expect.stringMatching(/^ExistingController\.admin does not run: /),
        expect.objectContaining({ type: 'MicrosoftIdentityWarning' }),
      );
      expect((await api.call('/existing/admin', { token: await issuer.token({ roles: ['Admin'] }) })).status).toBe(200);
    });
  });

  it('is waited for by the action where the checker of the application does not wait', () => {
    const own = options((check) => (action, roles) => {
      void check(action, roles);
      return true;
    });
    return withApi(start(own), async (api) => {
      expectRefusal(await api.call('/existing/admin'), 'missing_token');
      // The look-up of a key takes a request to the issuer.
      const madeUp = await issuer.token({ roles: ['Admin'] }, { kid: 'made-up' });
      expectRefusal(await api.call('/existing/admin', { token: madeUp }), { invalidToken: 'key' });
      expect(ran).toEqual([]);
      const token = await issuer.token({ roles: ['Admin'] });
      expect((await api.call('/existing/admin', { token })).status).toBe(200);
      expect(ran).toEqual(['admin']);
    });
  });

  it('is waited for by the action beside the other checks of the request', () => {
    const own = options((check) => async (action, roles) => {
      void check(action, roles);
      void check(action, []);
      await Promise.resolve();
      return true;
    });
    return withApi(start(own), async (api) => {
      const madeUp = await issuer.token({ roles: ['Admin'] }, { kid: 'made-up-too' });
      expectRefusal(await api.call('/existing/admin', { token: madeUp }), { invalidToken: 'key' });
      expect(ran).toEqual([]);
    });
  });

  it('is answered once where the checker of the application throws then', () => {
    const own = options((check) => async (action, roles) => {
      if (!(await check(action, roles))) throw new TypeError('of the application');
      return true;
    });
    return withApi(start(own), async (api) => {
      expectRefusal(await api.call('/existing/signed-in'), 'missing_token');
    });
  });

  it('takes other roles than those of the decorator', () => {
    const own = options((check) => (action, roles) => check(action, roles.length === 0 ? ['Member'] : roles));
    return withApi(start(own), async (api) => {
      const [guest, member] = [await issuer.token(), await issuer.token({ roles: ['Member'] })];
      expectRefusal(await api.call('/existing/signed-in', { token: guest }), { insufficientScope: 'role' });
      expect((await api.call('/existing/signed-in', { token: member })).status).toBe(200);
    });
  });

  it('refuses roles that are not a list', () =>
    withApi(start(options((check) => (action) => check(action, '' as never))), async (api) => {
      expectRefusal(await api.call('/existing/signed-in', { token: await issuer.token() }), 'server_error');
      expect(warn).toHaveBeenCalledWith(
        'authorizationChecker() takes a list of roles.',
        expect.objectContaining({ type: 'MicrosoftIdentityWarning' }),
      );
    }));

  it('refuses names that cannot be roles, and warns the developer', () =>
    withApi(start(options((check) => (action, roles) => check(action, roles))), async (api) => {
      expectRefusal(await api.call('/existing/blank-role', { token: await issuer.token() }), 'server_error');
      expect(warn).toHaveBeenCalledWith(
        expect.stringMatching(/^authorizationChecker\(\) takes the names of app roles\. .+\.$/),
        expect.objectContaining({ type: 'MicrosoftIdentityWarning' }),
      );
      expect(ran).toEqual([]);
    }));
});

const note = { body: '{"text":"x"}', headers: { 'content-type': 'application/json' } };

describe.each(expressReleases)('forwarded refusals on $release', ({ express: ofRelease }) => {
  it.each([
    ['at once', false],
    ['later', true],
  ])("are answered by the application's error handler alone, %s", async (_, waits) => {
    initialize({ ...issuer.options, errors: 'forward' });
    const seen: unknown[] = [];
    const app = ofRelease();
    const allowed: unknown[] = [];
    const own = options((check) => async (action, roles) => {
      const answer = await check(action, roles);
      allowed.push(answer);
      return answer;
    });
    useExpressServer(app, { controllers: [ExistingController], ...own });
    const handler: ErrorRequestHandler = (error, _request, response, _next) => {
      seen.push(error);
      const send = () => response.status(418).json({ sent: false });
      if (waits) setImmediate(send);
      else send();
    };
    app.use(handler);
    await withApi(listen(app), async (api) => {
      expect(await api.call('/existing/signed-in')).toMatchObject({ status: 418, body: { sent: false } });
    });
    expect(seen).toEqual([expect.any(MissingTokenError)]);
    expect(allowed).toEqual([false]);
  });
});

describe('forwarded refusals on Koa', () => {
  it('reject, so that the checker of the application throws them on', async () => {
    initialize({ ...issuer.options, errors: 'forward' });
    const errors: unknown[] = [];
    const own = options((check) => (action, roles) => check(action, roles));
    await withApi(serveKoa({ ...own, defaultErrorHandler: false }, { errors }), async (api) => {
      const answer = await api.call('/existing/signed-in');
      expect(answer).toMatchObject({ status: 401, text: 'This request needs an access token.' });
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    });
    expect(errors).toEqual([expect.any(MissingTokenError)]);
  });
});

describe('a refusal that the checker of the application catches on Koa', () => {
  it('keeps the action from running', async () => {
    initialize({ ...issuer.options, errors: 'forward' });
    const own = options((check) => (action, roles) => check(action, roles).catch(() => true));
    await withApi(serveKoa({ ...own, defaultErrorHandler: false }), async (api) => {
      expect((await api.call('/existing/admin')).status).toBe(500);
      expect(ran).toEqual([]);
    });
  });
});

describe('where no answer can be sent any more', () => {
  const request = { headers: {}, headersDistinct: {} };

  it('closes the connection on Express, and does not go on', async () => {
    const next = vi.fn();
    const response = { headersSent: true, destroy: vi.fn() };
    const settled = vi.fn();
    expect(await authorizationChecker()({ request, response, next }, []).finally(settled)).toBe(false);
    expect(response.destroy).toHaveBeenCalledOnce();
    expect(next).not.toHaveBeenCalled();
    expect(settled).toHaveBeenCalledOnce();
  });

  it('forwards the refusal to `next` on Express where errors are forwarded', async () => {
    initialize({ ...issuer.options, errors: 'forward' });
    const next = vi.fn();
    const response = { headersSent: true, destroy: vi.fn() };
    expect(await authorizationChecker()({ request, response, next }, [])).toBe(false);
    expect(next).toHaveBeenCalledExactlyOnceWith(expect.any(MissingTokenError));
    expect(response.destroy).not.toHaveBeenCalled();
  });

  it('rejects on Koa', async () => {
    const context = { req: request, res: {}, headerSent: true };
    const error = await errorOf(() => authorizationChecker()({ request: {}, response: {}, context }, []));
    expect(error).toBeInstanceOf(MissingTokenError);
  });
});
