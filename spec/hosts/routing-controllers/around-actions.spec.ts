/** What runs around an action and asks a helper: parameters, interceptors, middlewares, checkers of the application. */
import type { NextFunction, Request, Response } from 'express';
import express from 'express';
import Koa from 'koa';
import type { RequestListener } from 'node:http';
import { Readable } from 'node:stream';
import 'reflect-metadata';
import {
  createParamDecorator,
  Get,
  Interceptor,
  JsonController,
  Middleware,
  UseBefore,
  UseInterceptor,
  useExpressServer,
  useKoaServer,
  type Action,
  type ExpressMiddlewareInterface,
  type InterceptorInterface,
  type RoutingControllersOptions,
} from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AllowAnonymous,
  AuthError,
  ClaimsChallengeError,
  ConfigurationError,
  getTokenClaims,
  initialize,
  isAppOnly,
  RequiresAuth,
  userKey,
  validateScope,
} from '../../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expectRefusal, expressReleases, listen, type Api } from '../../support/api.js';

let ran: string[] = [];

const Scoped = (name: string) =>
  createParamDecorator({
    value: () => {
      validateScope(name);
      return name;
    },
  });
const ScopedLater = (name: string) =>
  createParamDecorator({
    value: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      validateScope(name);
      return name;
    },
  });
const ScopedByRequest = (name: string) =>
  createParamDecorator({
    value: (action) => {
      validateScope(name, action.request as object);
      return name;
    },
  });
const Claims = () => createParamDecorator({ value: () => getTokenClaims().sub });
const Caller = () => createParamDecorator({ value: () => ({ key: userKey() ?? 'none', isAppOnly: isAppOnly() }) });
const SteppedUp = () =>
  createParamDecorator({
    value: () => {
      throw new ClaimsChallengeError({ access_token: { acrs: null } });
    },
  });
const Misconfigured = () =>
  createParamDecorator({
    value: () => {
      validateScope('api://other/scope');
    },
  });

class ScopedInterceptor implements InterceptorInterface {
  intercept(_action: Action, content: unknown) {
    validateScope('write');
    return content;
  }
}

@Interceptor()
class GlobalInterceptor implements InterceptorInterface {
  intercept(action: Action, content: unknown) {
    const { url } = action.request as { url: string };
    if (url.startsWith('/around/global-interceptor')) validateScope('write');
    return content;
  }
}

/** Throws away the context of the request, as a pool of connections does. */
let queue: (() => void)[] = [];
const drain = setInterval(() => {
  const waiting = queue;
  queue = [];
  for (const run of waiting) run();
}, 1);
drain.unref();
function loseContext(...parameters: unknown[]) {
  const next = parameters[parameters.length - 1] as () => Promise<void> | void;
  return new Promise<void>((resolve) => {
    // Express gives three, and its next returns nothing.
    queue.push(() => {
      resolve(next());
    });
  });
}

class ScopedMiddleware implements ExpressMiddlewareInterface {
  use(...parameters: [Request, Response, NextFunction]) {
    validateScope('write');
    // Koa's middleware is given two.
    const next = parameters[parameters.length - 1] as unknown as () => unknown;
    return next();
  }
}

@RequiresAuth()
@JsonController('/around')
class AroundController {
  @Get('/parameter')
  parameter(@Scoped('write') scope: string) {
    ran.push('parameter');
    return { scope };
  }

  @Get('/parameter-later')
  parameterLater(@ScopedLater('write') scope: string) {
    ran.push('parameter-later');
    return { scope };
  }

  @Get('/parameter-request')
  parameterRequest(@ScopedByRequest('write') scope: string) {
    ran.push('parameter-request');
    return { scope };
  }

  @Get('/parameter-lost')
  @UseBefore(loseContext)
  parameterLost(@Scoped('write') scope: string) {
    ran.push('parameter-lost');
    return { scope };
  }

  @Get('/step-up')
  stepUp(@SteppedUp() nothing: unknown) {
    ran.push('step-up');
    return { nothing };
  }

  @Get('/misconfigured')
  misconfigured(@Misconfigured() nothing: unknown) {
    ran.push('misconfigured');
    return { nothing };
  }

  @Get('/caller')
  caller(@Caller() caller: object) {
    return caller;
  }

  @Get('/interceptor')
  @UseInterceptor(ScopedInterceptor)
  interceptor() {
    return { secret: true };
  }

  @Get('/interceptor-lost')
  @UseBefore(loseContext)
  @UseInterceptor(ScopedInterceptor)
  interceptorLost() {
    return { secret: true };
  }

  @Get('/interceptor-function')
  @UseInterceptor(async (_action: Action, content: unknown) => {
    await Promise.resolve();
    validateScope('write');
    return content;
  })
  async interceptorFunction() {
    await Promise.resolve();
    return { secret: true };
  }

  @Get('/global-interceptor')
  globalInterceptor() {
    return { secret: true };
  }

  @Get('/middleware')
  @UseBefore(ScopedMiddleware)
  middleware() {
    ran.push('middleware');
    return {};
  }

  @Get('/open')
  @AllowAnonymous()
  open(@Claims() sub: string) {
    ran.push('open');
    return { sub };
  }
}

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

type Start = (options?: RoutingControllersOptions) => Promise<Api>;

/** What reached the application. */
let seen: unknown[] = [];

const onExpress =
  (framework: typeof express): Start =>
  (options) => {
    const app = framework();
    useExpressServer(app, { controllers: [AroundController], interceptors: [GlobalInterceptor], ...options });
    app.use((error: AuthError, _request: Request, response: Response, _next: NextFunction) => {
      seen.push(error);
      response.status(error.status).set(error.headers).send('by the application');
    });
    return listen(app);
  };

const onKoa: Start = (options) => {
  const app = new Koa();
  app.silent = true;
  app.on('error', (error: unknown) => seen.push(error));
  useKoaServer(app, { controllers: [AroundController], interceptors: [GlobalInterceptor], ...options });
  const handle = app.callback();
  return listen((request, response) => void handle(request, response));
};

const hosts: readonly (readonly [string, Start])[] = [
  ...expressReleases.map(({ release, express: framework }) => [release, onExpress(framework)] as const),
  ['Koa', onKoa],
];

describe.each(hosts)('around an action on %s', (_, start) => {
  describe.each([true, false])('with the default error handler of routing-controllers: %s', (defaultErrorHandler) => {
    let api: Api;
    beforeAll(async () => {
      api = await start({ defaultErrorHandler });
    });
    afterAll(() => api.close());
    beforeEach(() => {
      vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      initialize(issuer.options);
      ran = [];
      seen = [];
    });
    afterEach(() => {
      vi.restoreAllMocks();
    });

    const paths = [
      'parameter',
      'parameter-later',
      'parameter-request',
      'parameter-lost',
      'interceptor',
      'interceptor-lost',
      'interceptor-function',
      'global-interceptor',
      'middleware',
    ];

    it.each(paths)('a helper answers as in the action: %s', async (path) => {
      const token = await issuer.token({ scp: 'read' });
      expectRefusal(await api.call(`/around/${path}`, { token }), { insufficientScope: 'scope', scope: 'write' });
      expect([ran, seen]).toEqual([[], []]);
      expect((await api.call(`/around/${path}`, { token: await issuer.token({ scp: 'write' }) })).status).toBe(200);
    });

    it('the helpers find the caller', async () => {
      const token = await issuer.token({ oid: '6f2a4d0e-0a58-4a3b-9a8c-5f2f6d2c1b11' });
      expect((await api.call('/around/caller', { token })).body).toEqual({
        key: `${issuer.options.tenantId}.6f2a4d0e-0a58-4a3b-9a8c-5f2f6d2c1b11`,
        isAppOnly: false,
      });
    });

    it('a claims challenge is addressed to its caller', async () => {
      const challenged = await api.call('/around/step-up', { token: await issuer.token({ xms_cc: ['cp1'] }) });
      expect([challenged.status, challenged.headers['www-authenticate']]).toEqual([
        401,
        `Bearer realm="${issuer.options.tenantId}", authorization_uri="${issuer.options.instance}/${issuer.options.tenantId}/oauth2/v2.0/authorize", error="insufficient_claims", claims="${Buffer.from('{"access_token":{"acrs":null}}').toString('base64')}"`,
      ]);
      expect((await api.call('/around/step-up', { token: await issuer.token() })).status).toBe(403);
      expect(ran).toEqual([]);
    });

    it('a mistake of the developer is server_error, and nothing else', async () => {
      const token = await issuer.token();
      expectRefusal(await api.call('/around/misconfigured', { token }), 'server_error');
      expect([ran, seen]).toEqual([[], []]);
    });

    it('a caller without a token is told so where an open route asks for claims', async () => {
      expectRefusal(await api.call('/around/open'), 'missing_token');
      expect([ran, seen]).toEqual([[], []]);
    });

    it('a refusal goes to the application where errors are forwarded', async () => {
      initialize({ ...issuer.options, errors: 'forward' });
      for (const path of ['parameter', 'interceptor', 'middleware']) {
        seen = [];
        const answer = await api.call(`/around/${path}`, { token: await issuer.token({ scp: 'read' }) });
        expect([answer.status, answer.headers['www-authenticate']]).toEqual([
          403,
          'Bearer error="insufficient_scope", error_description="The access token does not carry the scope this request needs.", scope="write"',
        ]);
        expect(seen).toEqual([expect.any(AuthError)]);
      }
      seen = [];
      await api.call('/around/misconfigured', { token: await issuer.token() });
      expect(seen).toEqual([expect.any(ConfigurationError)]);
    });
  });
});

type ListenerFor = (options: RoutingControllersOptions) => RequestListener;

describe.each<[string, ListenerFor]>([
  ...expressReleases.map(({ release, express: framework }): [string, ListenerFor] => [
    release,
    (options) => useExpressServer(framework(), options),
  ]),
  [
    'Koa',
    (options) => {
      const app = useKoaServer(new Koa(), options);
      // Koa prints the errors of streams.
      app.silent = true;
      const handle = app.callback();
      return (request, response) => void handle(request, response);
    },
  ],
])('a body that is a stream, on %s', (_, listenerFor) => {
  @RequiresAuth()
  @JsonController('/streams')
  class Streams {
    @Get('/at-once')
    atOnce() {
      return Readable.from(rows(0));
    }

    @Get('/later')
    later() {
      return Readable.from(rows(1));
    }
  }

  async function* rows(before: number) {
    for (let row = 0; row < before; row++) yield await Promise.resolve('row');
    validateScope('write');
    yield 'last';
  }

  it('answers the refusal that is thrown in it, and goes on', async () => {
    initialize(issuer.options);
    const api = await listen(listenerFor({ controllers: [Streams], classTransformer: false }));
    try {
      const token = await issuer.token({ scp: 'read' });
      for (let times = 0; times < 20; times++) {
        const refused = await api.call('/streams/at-once', { token });
        expectRefusal(refused, { insufficientScope: 'scope', scope: 'write' });
      }
      // What is under way cannot be taken back: the connection ends.
      await expect(api.call('/streams/later', { token })).rejects.toThrow('aborted');
      const passed = await api.call('/streams/later', { token: await issuer.token({ scp: 'write' }) });
      expect([passed.status, passed.text]).toEqual([200, 'rowlast']);
    } finally {
      await api.close();
    }
  });
});

// The last test: the middleware that it declares is one of every application that names none.
it('a global middleware of Koa refuses after the gate and the action are done', async () => {
  initialize(issuer.options);
  @Middleware({ type: 'before' })
  class AfterAction {
    async use({ req }: { req: object }, next: () => Promise<void>) {
      await next();
      validateScope('write', req);
    }
  }
  const app = new Koa();
  app.silent = true;
  useKoaServer(app, { controllers: [AroundController], middlewares: [AfterAction] });
  const handle = app.callback();
  const api = await listen((request, response) => void handle(request, response));
  try {
    const refused = await api.call('/around/caller', { token: await issuer.token({ scp: 'read' }) });
    expectRefusal(refused, { insufficientScope: 'scope', scope: 'write' });
    expect((await api.call('/around/caller', { token: await issuer.token({ scp: 'write' }) })).status).toBe(200);
  } finally {
    await api.close();
  }
});
