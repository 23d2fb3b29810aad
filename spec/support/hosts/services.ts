/** Services with requirements of their own, and hosts whose routes call them. Their routes require a valid token, or nothing. */
import { Controller, Get as NestGet, Module, Param as NestParam } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type express5 from 'express';
import type { Request, RequestHandler, Response as ExpressResponse } from 'express';
import { Hono, type Context } from 'hono';
import Koa from 'koa';
import { Get, JsonController, Param, useExpressServer, useKoaServer } from 'routing-controllers';
import * as forExpress from '../../../src/express.js';
import * as forFetch from '../../../src/fetch.js';
import * as forRoutingControllers from '../../../src/index.js';
import * as forNest from '../../../src/nestjs.js';
import { startTestIssuer } from '../../../src/testing.js';
import { expressReleases, listen, send, type Api } from '../api.js';
import { listenerOf } from './fetch.js';
import type { HostUnderTest } from './host.js';

/** The group that a method requires. */
export const payroll = '0f6d1a52-3b8e-4c17-9d20-5a6b7c8d9e01';

/** What has run since the test began, in order. */
export const ran: string[] = [];

/** The issuer of a second configuration, which decorators are bound to while classes are defined. */
export const partnersIssuer = await startTestIssuer();

type Entry = typeof forExpress | typeof forFetch | typeof forRoutingControllers | typeof forNest;

type FetchRequest = globalThis.Request;

type Operation = () => unknown;

/** The operations of services, by name, decorated by one entry point. */
function operationsOf(entry: Entry): Readonly<Record<string, Operation>> {
  const partners = entry.createMicrosoftIdentity(partnersIssuer.options);
  const { AllowAnonymous, RequiresAuth, RequiresAuthContext, RequiresB2cAuth } = entry;
  const { RequiresGroup, RequiresRole, ValidateScope } = entry;
  const report = async (name: string) => {
    await Promise.resolve();
    ran.push(name);
    return name;
  };

  class Reports {
    @RequiresRole('Admin')
    async remove() {
      return report('remove');
    }

    @RequiresRole('Admin')
    removeNow() {
      ran.push('removeNow');
      return 'removeNow';
    }

    @RequiresAuth({ callers: 'app' })
    async sweep() {
      return report('sweep');
    }

    @ValidateScope('reports.write')
    async write() {
      return report('write');
    }

    @RequiresAuthContext('c1')
    async transfer() {
      return report('transfer');
    }

    @RequiresB2cAuth()
    async customers() {
      return report('customers');
    }

    @RequiresGroup(payroll)
    async salaries() {
      return report('salaries');
    }

    @RequiresGroup(payroll)
    async bonuses() {
      return report('bonuses');
    }

    @RequiresGroup(payroll)
    salariesNow() {
      ran.push('salariesNow');
      return 'salariesNow';
    }

    @partners.RequiresAuth()
    async partners() {
      return report('partners');
    }
  }

  class Audited extends Reports {
    override async remove() {
      ran.push('override');
      return super.remove();
    }

    @AllowAnonymous()
    override removeNow() {
      return super.removeNow();
    }
  }

  @RequiresRole('Admin')
  class AdminService {
    async any() {
      return report('any');
    }
  }

  const reports = new Reports();
  const audited = new Audited();
  const admin = new AdminService();
  return {
    remove: () => reports.remove(),
    removeNow: () => reports.removeNow(),
    sweep: () => reports.sweep(),
    write: () => reports.write(),
    transfer: () => reports.transfer(),
    customers: () => reports.customers(),
    salaries: () => reports.salaries(),
    salariesTwice: async () => [await reports.salaries(), await reports.bonuses(), await reports.salaries()],
    salariesAtOnce: () => Promise.all([reports.salaries(), reports.bonuses(), reports.salaries()]),
    salariesNow: () => reports.salariesNow(),
    partners: () => reports.partners(),
    super: () => audited.remove(),
    liftedSuper: () => audited.removeNow(),
    any: () => admin.any(),
  };
}

const callIn = (operations: ReturnType<typeof operationsOf>) => async (name: string | undefined) => {
  const operation = operations[name ?? ''];
  if (operation === undefined) throw new TypeError(`There is no operation ${String(name)}.`);
  return { result: await operation() };
};

const callForRoutingControllers = callIn(operationsOf(forRoutingControllers));

@JsonController()
class ReportsController {
  @Get('/call/:name')
  @forRoutingControllers.RequiresAuth()
  call(@Param('name') name: string) {
    return callForRoutingControllers(name);
  }

  @Get('/open/:name')
  @forRoutingControllers.AllowAnonymous()
  open(@Param('name') name: string) {
    return callForRoutingControllers(name);
  }
}

const controllers = [ReportsController];

const callForNest = callIn(operationsOf(forNest));

@Controller()
class NestReportsController {
  @NestGet('/call/:name')
  @forNest.RequiresAuth()
  call(@NestParam('name') name: string) {
    return callForNest(name);
  }

  @NestGet('/open/:name')
  @forNest.AllowAnonymous()
  open(@NestParam('name') name: string) {
    return callForNest(name);
  }
}

@Module({ controllers: [NestReportsController] })
class ReportsModule {}

async function startNest(adapter: ExpressAdapter | FastifyAdapter): Promise<Api> {
  const app = await NestFactory.create(ReportsModule, adapter, { logger: false });
  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  const server = app.getHttpServer() as Api['server'];
  return { url, server, call: (path, call) => send(url + path, call), close: () => app.close() };
}

const callForExpress = callIn(operationsOf(forExpress));

class ExpressReportsController {
  @forExpress.RequiresAuth()
  async call(request: Request, response: ExpressResponse) {
    response.json(await callForExpress(String(request.params['name'])));
  }

  @forExpress.AllowAnonymous()
  async open(request: Request, response: ExpressResponse) {
    response.json(await callForExpress(String(request.params['name'])));
  }
}

/** A handler without a decorator. Express 4 does not handle its rejection. */
const undecorated: RequestHandler = (request, response, next) => {
  callForExpress(String(request.params['name'])).then((body) => response.json(body), next);
};

function decoratedApp(express: typeof express5) {
  const app = express();
  const controller = new ExpressReportsController();
  app.get('/call/:name', Reflect.get(controller, 'call') as RequestHandler);
  app.get('/open/:name', Reflect.get(controller, 'open') as RequestHandler);
  return app;
}

function middlewareApp(express: typeof express5) {
  const app = express();
  app.get('/open/:name', undecorated);
  app.get('/call/:name', forExpress.requiresAuth(), undecorated);
  app.use(forExpress.authErrorHandler);
  return app;
}

const callForFetch = callIn(operationsOf(forFetch));

const lastSegmentOf = (request: FetchRequest) => new URL(request.url).pathname.split('/').at(-1);

class FetchReports {
  @forFetch.RequiresAuth()
  async call(request: FetchRequest) {
    return Response.json(await callForFetch(lastSegmentOf(request)));
  }

  @forFetch.AllowAnonymous()
  async open(request: FetchRequest) {
    return Response.json(await callForFetch(lastSegmentOf(request)));
  }
}

function decoratedFetch(request: FetchRequest): Promise<globalThis.Response> {
  const reports = new FetchReports();
  return new URL(request.url).pathname.startsWith('/call/') ? reports.call(request) : reports.open(request);
}

function protectedHono(): Hono {
  const app = new Hono();
  // The handler that a middleware lets pass has no gate of its own.
  app.onError((error, c) => forFetch.toResponse(error, c.req.raw));
  app.get(
    '/call/:name',
    forFetch.protect({ scheme: 'entra' }, async (c: Context) => c.json(await callForFetch(c.req.param('name')))),
  );
  app.get('/open/:name', async (c) => c.json(await callForFetch(c.req.param('name'))));
  return app;
}

export const hosts: readonly HostUnderTest[] = [
  ...expressReleases.flatMap(({ release, express }) => [
    {
      name: `routing-controllers on ${release}`,
      start: () => listen(useExpressServer(express(), { controllers })),
    },
    { name: `decorated methods on ${release}`, start: () => listen(decoratedApp(express)) },
    { name: `middleware on ${release}`, start: () => listen(middlewareApp(express)) },
  ]),
  {
    name: 'routing-controllers on Koa',
    start: () => {
      const app = new Koa();
      useKoaServer(app, { controllers });
      const handle = app.callback();
      return listen((request, response) => void handle(request, response));
    },
  },
  { name: 'decorated methods that take a request', start: () => listen(listenerOf(decoratedFetch)) },
  { name: 'protect on Hono', start: () => listen(listenerOf(async (request) => protectedHono().fetch(request))) },
  { name: 'Nest on Express', start: () => startNest(new ExpressAdapter()) },
  { name: 'Nest on Fastify', start: () => startNest(new FastifyAdapter()) },
];
