import { Agent, request as httpRequest } from 'node:http';
import { IsString } from 'class-validator';
import express from 'express';
import Koa from 'koa';
import 'reflect-metadata';
import {
  Authorized,
  Body,
  CurrentUser,
  Get,
  JsonController,
  Post,
  Req,
  UseBefore,
  useExpressServer,
  useKoaServer,
  type RoutingControllersOptions,
} from 'routing-controllers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createIdentity } from '../../../src/core/identity.js';
import {
  authorizationChecker,
  ConfigurationError,
  currentUserChecker,
  getTokenClaims,
  initialize,
  MissingTokenError,
  RequiresAuth,
  RequiresB2cAuth,
  TokenClaims,
  validateScope,
  type AccessTokenClaims,
  type CheckerOptions,
} from '../../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expectRefusal, expressReleases, listen, serve, type Api } from '../../support/api.js';
import { errorOf } from '../../support/refusals.js';

let ran: string[] = [];
/** What a service finds that is handed no request. */
const callerOfService = () => getTokenClaims().sub;

class Note {
  @IsString()
  text!: string;
}

@JsonController('/existing')
class ExistingController {
  @Get('/signed-in')
  @Authorized()
  signedIn(@CurrentUser() user: AccessTokenClaims) {
    ran.push('signedIn');
    return { sub: user.sub, frozen: Object.isFrozen(user), inService: callerOfService() };
  }

  @Get('/admin')
  @Authorized(['Admin', 'Owner'])
  admin(@Req() request: object) {
    ran.push('admin');
    return { sub: getTokenClaims(request).sub };
  }

  @Get('/blank-role')
  @Authorized([' '])
  blankRole() {
    ran.push('blankRole');
    return {};
  }

  @Post('/notes')
  @Authorized()
  notes(@Body() note: Note) {
    ran.push('notes');
    return note;
  }

  @Get('/open')
  open(@CurrentUser() user: AccessTokenClaims | undefined) {
    return { user: user ?? 'none' };
  }

  @Get('/helper')
  @Authorized()
  async helper() {
    await Promise.resolve();
    validateScope('write');
    return {};
  }

  @Get('/broken')
  @Authorized()
  broken() {
    throw new TypeError('of the application');
  }

  @Get('/gated')
  @RequiresAuth()
  @Authorized('Admin')
  gated(@CurrentUser() user: AccessTokenClaims, @TokenClaims('sub') sub: string) {
    ran.push('gated');
    return { sub: [user.sub, sub] };
  }

  @Get('/gated-b2c')
  @RequiresB2cAuth()
  @Authorized()
  gatedB2c(@CurrentUser() user: AccessTokenClaims) {
    ran.push('gatedB2c');
    return { sub: user.sub };
  }
}

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  initialize(issuer.options);
  ran = [];
});

type Checkers = Pick<RoutingControllersOptions, 'authorizationChecker' | 'currentUserChecker' | 'defaultErrorHandler'>;

const checkers = (options?: CheckerOptions): Checkers => ({
  authorizationChecker: authorizationChecker(options),
  currentUserChecker: currentUserChecker(),
});

interface KoaExtras {
  readonly around?: Koa.Middleware;
  readonly errors?: unknown[];
}

function serveKoa(options: Checkers, { around, errors = [] }: KoaExtras = {}): Promise<Api> {
  const app = new Koa();
  app.on('error', (error: unknown) => errors.push(error));
  if (around !== undefined) app.use(around);
  useKoaServer(app, { controllers: [ExistingController], ...options });
  const handle = app.callback();
  return listen((request, response) => void handle(request, response));
}

interface HostCase {
  readonly host: string;
  readonly start: (options: Checkers) => Promise<Api>;
}

const hosts: readonly HostCase[] = [
  ...expressReleases.map(({ release, express: ofRelease }) => ({
    host: release,
    start: (options: Checkers) => serve([ExistingController], { ...options, express: ofRelease }),
  })),
  { host: 'Koa', start: (options) => serveKoa(options) },
];

async function withApi(starting: Promise<Api>, use: (api: Api) => Promise<void>): Promise<void> {
  const api = await starting;
  try {
    await use(api);
  } finally {
    await api.close();
  }
}

/** Sends a request on the one connection of an agent. */
function callOn(agent: Agent, url: string): Promise<{ status: number | undefined; reused: boolean }> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { agent });
    outgoing.on('error', reject).on('response', (response) => {
      response.resume().on('end', () => {
        resolve({ status: response.statusCode, reused: outgoing.reusedSocket });
      });
    });
    outgoing.end();
  });
}

describe.each(hosts)('the checkers on $host', ({ start }) => {
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
      expectRefusal(answer, { invalidToken: 'key' });
      expect(ran).toEqual([]);
    }));

  it('verifies with a configuration of its own', async () => {
    const other = await startTestIssuer();
    const identity = createIdentity(other.options);
    try {
      await withApi(start(checkers({ identity })), async (api) => {
        expect((await api.call('/existing/signed-in', { token: await other.token() })).status).toBe(200);
        const answer = await api.call('/existing/signed-in', { token: await issuer.token() });
        expectRefusal(answer, { invalidToken: 'key' });
      });
    } finally {
      identity.close();
      await other.close();
    }
  });

  it('can be awaited by a checker of the application: a refused request is answered by then', () => {
    const check = authorizationChecker();
    const seen: unknown[] = [];
    const options: Checkers = {
      currentUserChecker: currentUserChecker(),
      authorizationChecker: async (action, roles) => {
        const allowed = await check(action, roles);
        seen.push(allowed);
        return allowed && !(action.request as { readonly url: string }).url.includes('blocked');
      },
    };
    return withApi(start(options), async (api) => {
      const token = await issuer.token();
      expectRefusal(await api.call('/existing/signed-in'), 'missing_token');
      expectRefusal(await api.call('/existing/admin', { token }), { insufficientScope: 'role' });
      expect(ran).toEqual([]);
      expect((await api.call('/existing/open')).status).toBe(200);
      expect((await api.call('/existing/signed-in?blocked', { token })).status).toBe(401);
      expect(ran).toEqual([]);
      expect(seen).toContain(true);
    });
  });

  it('can be returned by a checker of the application', () => {
    const check = authorizationChecker();
    const options = { ...checkers(), authorizationChecker: (...given: Parameters<typeof check>) => check(...given) };
    return withApi(start(options), async (api) => {
      expectRefusal(await api.call('/existing/signed-in'), 'missing_token');
      expect((await api.call('/existing/signed-in', { token: await issuer.token() })).status).toBe(200);
    });
  });
});

describe('the checkers', () => {
  it('leave no rejection unhandled, and settle what only looks on', async () => {
    const action = { request: { headers: {}, headersDistinct: {} }, response: {}, context: {} };
    initialize(issuer.options);
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const context = { req: action.request, set: () => undefined, headerSent: true };
    const decision = authorizationChecker()({ ...action, context }, []);
    // Node reports what nobody handles once the microtasks are done.
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).not.toHaveBeenCalled();
    const seen = vi.fn();
    const error = await errorOf(() => decision.finally(seen));
    expect(error).toBeInstanceOf(MissingTokenError);
    expect(seen).toHaveBeenCalledOnce();
    expect(await decision.catch(() => true)).toBe(true);
    process.off('unhandledRejection', unhandled);
  });

  it('refuse options that name nothing', () => {
    expect(() => authorizationChecker({ scheme: 'azure' as 'entra' })).toThrow(
      new ConfigurationError("scheme takes 'entra', 'b2c' or 'any'."),
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
    const handler: express.ErrorRequestHandler = (error, _request, response, _next) => {
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

describe('class-level @Authorized()', () => {
  @JsonController('/staff')
  @Authorized('Staff')
  class StaffController {
    @Get('/list')
    @UseBefore((_request: unknown, _response: unknown, next: () => void) => {
      ran.push('before');
      next();
    })
    list() {
      ran.push('list');
      return {};
    }
  }

  it('asks for its roles too', () =>
    withApi(serve([StaffController], checkers()), async (api) => {
      expectRefusal(await api.call('/staff/list', { token: await issuer.token() }), { insufficientScope: 'role' });
      expect(ran).toEqual(['before']);
      expect((await api.call('/staff/list', { token: await issuer.token({ roles: ['Staff'] }) })).status).toBe(200);
    }));
});
