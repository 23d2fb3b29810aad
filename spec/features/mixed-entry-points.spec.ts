/** Decorators of another entry point than that of the host hold, or an error names the right one. */
import { Controller, Get as NestGet, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type express5 from 'express';
import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from 'express';
import Koa from 'koa';
import 'reflect-metadata';
import { Get, JsonController, Req, Res, UseBefore, useExpressServer, useKoaServer } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as forExpress from '../../src/express.js';
import * as forRoutingControllers from '../../src/index.js';
import * as forNest from '../../src/nestjs.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expectRefusal, expressReleases, listen, send, type Api } from '../support/api.js';
import { forgetWarnings } from '../support/isolation.js';

let issuer: TestIssuer;
let given: string[] = [];
const ran: string[] = [];

beforeAll(async () => {
  issuer = await startTestIssuer();
});
beforeEach(() => {
  ran.length = 0;
  given = [];
  forgetWarnings();
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => given.push(String(warning)));
  forExpress.initialize(issuer.options);
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => issuer.close());

interface Host {
  readonly name: string;
  /** Serves the routes /method, /class and /open, behind some middleware. */
  readonly start: (...before: RequestHandler[]) => Promise<Api>;
}

class NestMethods {
  @NestGet('/method')
  @forRoutingControllers.RequiresRole('Admin')
  method() {
    ran.push('method');
    return {};
  }

  @NestGet('/open')
  open() {
    return {};
  }
}
Controller()(NestMethods);

@Controller()
@forRoutingControllers.RequiresRole('Admin')
class NestClass {
  @NestGet('/class')
  list() {
    ran.push('class');
    return {};
  }
}

@Controller()
class NestExpressMethods {
  @NestGet('/method')
  @forExpress.RequiresRole('Admin')
  method() {
    ran.push('method');
    return {};
  }

  @NestGet('/open')
  open() {
    return {};
  }
}

@Controller()
@forExpress.RequiresRole('Admin')
class NestExpressClass {
  @NestGet('/class')
  list() {
    ran.push('class');
    return {};
  }
}

@Module({ controllers: [NestMethods, NestClass] })
class RootModule {}

@Module({ controllers: [NestExpressMethods, NestExpressClass] })
class ExpressModule {}

async function startNest(
  module: object,
  adapter: ExpressAdapter | FastifyAdapter,
  before: readonly RequestHandler[],
): Promise<Api> {
  const app = await NestFactory.create(module as typeof RootModule, adapter, { logger: false });
  for (const middleware of before) app.use(middleware);
  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  const server = app.getHttpServer() as Api['server'];
  return { url, server, call: (path, call) => send(url + path, call), close: () => app.close() };
}

const sendEmpty = (response: Response, name: string) => {
  ran.push(name);
  response.json({});
};

class Handlers {
  @forRoutingControllers.RequiresRole('Admin')
  method(_request: Request, response: Response) {
    sendEmpty(response, 'method');
  }

  open(_request: Request, response: Response) {
    response.json({});
  }
}

@forRoutingControllers.RequiresRole('Admin')
class ClassOfHandlers {
  list(_request: Request, response: Response) {
    sendEmpty(response, 'class');
  }

  readonly property = (_request: Request, response: Response) => {
    sendEmpty(response, 'property');
  };

  static shared(_request: Request, response: Response) {
    sendEmpty(response, 'static');
  }
}

class NestHandlers {
  @forNest.RequiresRole('Admin')
  method(_request: Request, response: Response) {
    sendEmpty(response, 'method');
  }

  open(_request: Request, response: Response) {
    response.json({});
  }
}

@forNest.RequiresRole('Admin')
class NestClassOfHandlers {
  list(_request: Request, response: Response) {
    sendEmpty(response, 'class');
  }

  readonly property = (_request: Request, response: Response) => {
    sendEmpty(response, 'property');
  };

  static shared(_request: Request, response: Response) {
    sendEmpty(response, 'static');
  }
}

const handlerOf = (object: object, name: string) => Reflect.get(object, name) as RequestHandler;

function expressApp(
  express: typeof express5,
  methods: object,
  ofClass: object & { readonly constructor: object },
  before: readonly RequestHandler[],
) {
  const app = express();
  app.set('env', 'test');
  for (const middleware of before) app.use(middleware);
  app.get('/method', handlerOf(methods, 'method'));
  app.get('/open', handlerOf(methods, 'open'));
  app.get('/class', handlerOf(ofClass, 'list'));
  app.get('/property', handlerOf(ofClass, 'property'));
  app.get('/static', handlerOf(ofClass.constructor, 'shared'));
  const remember: ErrorRequestHandler = (error, _request, _response, next: NextFunction) => {
    given.push(String(error));
    next(error);
  };
  app.use(remember);
  return app;
}

@JsonController()
class Actions {
  @Get('/method')
  @forExpress.RequiresRole('Admin')
  method() {
    ran.push('method');
    return {};
  }

  @Get('/handler')
  @forExpress.RequiresRole('Admin')
  handler(@Req() _request: Request, @Res() response: Response) {
    ran.push('handler');
    return response.json({});
  }

  @Get('/open')
  open() {
    return {};
  }
}

const routingControllersHosts: readonly Host[] = [
  ...expressReleases.map(({ release, express }) => ({
    name: `routing-controllers on ${release}, with …/express`,
    start: (...before: RequestHandler[]) => {
      const app = express();
      app.set('env', 'test');
      for (const middleware of before) app.use(middleware);
      return listen(useExpressServer(app, { controllers: [Actions] }));
    },
  })),
];

const hosts: readonly (Host & { readonly paths: readonly string[]; readonly withoutGate?: readonly number[] })[] = [
  ...[
    { platform: 'Express', adapter: () => new ExpressAdapter() },
    { platform: 'Fastify', adapter: () => new FastifyAdapter() },
  ].flatMap(({ platform, adapter }) => [
    {
      name: `Nest on ${platform}, with the root entry point`,
      paths: ['method', 'class'],
      start: (...before: RequestHandler[]) => startNest(RootModule, adapter(), before),
    },
    {
      name: `Nest on ${platform}, with …/express`,
      paths: ['method', 'class'],
      start: (...before: RequestHandler[]) => startNest(ExpressModule, adapter(), before),
    },
  ]),
  ...expressReleases.flatMap(({ release, express }) => [
    {
      name: `${release}, with the root entry point`,
      paths: ['method', 'class', 'property', 'static'],
      start: (...before: RequestHandler[]) =>
        listen(expressApp(express, new Handlers(), new ClassOfHandlers(), before)),
    },
    {
      name: `${release}, with …/nestjs`,
      paths: ['method', 'class', 'property', 'static'],
      start: (...before: RequestHandler[]) =>
        listen(expressApp(express, new NestHandlers(), new NestClassOfHandlers(), before)),
    },
  ]),
  // The gate of the root entry point holds for what another one recorded.
  ...routingControllersHosts.map((host) => ({ ...host, paths: ['method', 'handler'], withoutGate: [401, 403] })),
];

describe.each(hosts)('decorators of another entry point: $name', ({ start, paths, withoutGate = [500, 500] }) => {
  const reach = async (api: Api, path: string, claims?: Parameters<TestIssuer['token']>[0]) => {
    const answer = await api.call(`/${path}`, claims === undefined ? {} : { token: await issuer.token(claims) });
    return answer.status;
  };

  it('let nobody reach a method without a gate', async () => {
    const api = await start();
    try {
      expect(await reach(api, 'open')).toBe(200);
      for (const path of paths) {
        expect([await reach(api, path), await reach(api, path, {})]).toEqual(withoutGate);
      }
      expect(ran).toEqual([]);
    } finally {
      await api.close();
    }
  });

  it('hold behind requiresAuth()', async () => {
    const api = await start(forExpress.requiresAuth() as RequestHandler);
    try {
      for (const path of paths) {
        expect([await reach(api, path), await reach(api, path, {})]).toEqual([401, 403]);
        expect(ran).toEqual([]);
        expect(await reach(api, path, { roles: ['Admin'] })).toBe(200);
        expect(ran).toEqual([path]);
        ran.length = 0;
      }
    } finally {
      await api.close();
    }
  });
});

it.each(expressReleases)('the error names the entry points, on $release', async ({ express }) => {
  const api = await listen(expressApp(express, new Handlers(), new ClassOfHandlers(), []));
  try {
    await api.call('/method');
    await api.call('/class');
    await api.call('/static');
  } finally {
    await api.close();
  }
  const entryPoints =
    /those of microsoft-identity-decorators for routing-controllers, of …\/express, of …\/nestjs or of …\/fetch/;
  expect(given).toHaveLength(3);
  for (const error of given) expect(error).toMatch(entryPoints);
  expect(given[0]).toContain('Handlers.method is protected');
  expect(given[1]).toContain('ClassOfHandlers.list is protected');
  expect(given[2]).toContain('ClassOfHandlers.shared is protected');
});

it.each(expressReleases)('an asynchronous handler without its gate is answered, on $release', async ({ express }) => {
  class Asynchronous {
    @forRoutingControllers.RequiresAuth()
    async ofRoot() {
      ran.push('ofRoot');
      return Promise.resolve({});
    }

    @forNest.RequiresAuth()
    async ofNest() {
      ran.push('ofNest');
      return Promise.resolve({});
    }
  }
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown) => rejections.push(reason);
  process.on('unhandledRejection', onRejection);
  const app = express();
  app.set('env', 'test');
  for (const name of ['ofRoot', 'ofNest']) {
    app.get(`/${name}`, Reflect.get(new Asynchronous(), name) as RequestHandler);
  }
  const api = await listen(app);
  expect((await api.call('/ofRoot')).status).toBe(500);
  expect((await api.call('/ofNest')).status).toBe(500);
  await api.close();
  process.off('unhandledRejection', onRejection);
  expect([ran, rejections]).toEqual([[], []]);
  await expect(new Asynchronous().ofRoot()).rejects.toThrow('Asynchronous.ofRoot is protected');
});

describe('a decorator for another framework on a class of routing-controllers', () => {
  it.each([
    ['…/express', forExpress],
    ['…/nestjs', forNest],
  ])('is refused when the class is defined: %s', (_, { RequiresAuth }) => {
    const below = () => {
      @JsonController('/below')
      @RequiresAuth()
      class Below {
        @Get('/')
        list() {
          return {};
        }
      }
      return Below;
    };
    const above = () => {
      @RequiresAuth()
      @JsonController('/above')
      class Above {}
      return Above;
    };
    const right = "has a decorator for another framework. Import its decorators from 'microsoft-identity-decorators'.";
    expect(below).toThrow(`Below is a controller of routing-controllers, and ${right}`);
    expect(above).toThrow(`Above is a controller of routing-controllers, and ${right}`);
  });
});

@JsonController('/extra')
class ExtraController {
  @Get('/added')
  @forRoutingControllers.RequiresAuth()
  @UseBefore(forExpress.requiresScope('orders.write') as RequestHandler)
  added() {
    ran.push('added');
    return { claims: forExpress.getTokenClaims().scp };
  }

  @Get('/alone')
  @UseBefore(forExpress.requiresAuth() as RequestHandler, forExpress.requiresScope('orders.write') as RequestHandler)
  alone() {
    ran.push('alone');
    return { claims: forExpress.getTokenClaims().scp };
  }
}

describe('@UseBefore() with a middleware of …/express on an action', () => {
  it.each(expressReleases)('adds to what the action requires, on $release', async ({ express }) => {
    const api = await listen(useExpressServer(express(), { controllers: [ExtraController] }));
    try {
      for (const path of ['added', 'alone']) {
        expectRefusal(await api.call(`/extra/${path}`), 'missing_token');
        expectRefusal(await api.call(`/extra/${path}`, { token: await issuer.token() }), {
          insufficientScope: 'scope',
          scope: 'orders.write',
        });
        expect(ran).toEqual([]);
        const answer = await api.call(`/extra/${path}`, { token: await issuer.token({ scp: 'orders.write' }) });
        expect([answer.status, answer.body]).toEqual([200, { claims: 'orders.write' }]);
        expect(ran).toEqual([path]);
        ran.length = 0;
      }
    } finally {
      await api.close();
    }
  });

  it('says on Koa what it is', async () => {
    const app = new Koa();
    app.silent = true;
    useKoaServer(app, { controllers: [ExtraController] });
    const handle = app.callback();
    const api = await listen((request, response) => void handle(request, response));
    try {
      const token = await issuer.token({ scp: 'orders.write' });
      expectRefusal(await api.call('/extra/added', { token }), 'server_error');
      expect(given).toEqual([expect.stringMatching(/requiresScope\(\) is a middleware of Express/)]);
      expect((await api.call('/extra/alone', { token })).status).toBe(500);
      expect(ran).toEqual([]);
    } finally {
      await api.close();
    }
  });
});

@JsonController('/groups')
class GroupsController {
  @Get('/')
  @forRoutingControllers.RequiresGroup('payroll')
  list() {
    return {};
  }
}

describe('a middleware of …/express ahead of a controller of routing-controllers', () => {
  it.each(expressReleases)(
    'leaves the groups that it looked up to the gate of the action, on $release',
    async (host) => {
      const resolveGroups = vi.fn(async () => Promise.resolve(['staff', 'payroll']));
      forExpress.initialize({ ...issuer.options, resolveGroups });
      const app = host.express();
      app.use(forExpress.requiresGroup('staff') as RequestHandler);
      const api = await listen(useExpressServer(app, { controllers: [GroupsController] }));
      try {
        const token = await issuer.token({ hasgroups: true });
        expect((await api.call('/groups', { token })).status).toBe(200);
        expect(resolveGroups).toHaveBeenCalledTimes(1);
      } finally {
        await api.close();
      }
    },
  );
});
