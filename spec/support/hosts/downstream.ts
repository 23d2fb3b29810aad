/** Hosts whose routes call another API, on behalf of the caller and as themselves. */
import { Catch, Controller, Get as NestGet, Module, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type express5 from 'express';
import type { Express, NextFunction, Request, RequestHandler, Response } from 'express';
import Koa from 'koa';
import { Get, JsonController, useExpressServer, useKoaServer } from 'routing-controllers';
import * as forExpress from '../../../src/express.js';
import * as forRoutingControllers from '../../../src/index.js';
import { DownstreamApi, type DownstreamOptions } from '../../../src/index.js';
import * as forNest from '../../../src/nestjs.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expressReleases, listen, send, type Api } from '../api.js';
import type { HostUnderTest } from './host.js';

/** Gets the errors that the library hands to the application. */
export type OnError = (error: unknown) => void;

/** What an application answers that handles errors itself. */
export const handledStatus = 418;

/** A host that hands errors to the application, where it is started with a function for them. */
export interface ForwardingHost extends HostUnderTest {
  readonly start: (onError?: OnError) => Promise<Api>;
}

/** Adds the error handler of an application. */
export function handleErrors(app: Express, onError: OnError | undefined): Express {
  if (onError === undefined) return app;
  return app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    onError(error);
    response.status(handledStatus).end();
  });
}

/** An API that answers what it was called with: the path, and claims of the token. */
const answerOfApi: typeof fetch = (input, init) => {
  if (!(typeof input === 'string' && input.startsWith('https://graph.example/'))) return fetch(input, init);
  const { pathname } = new URL(input);
  if (pathname === '/v1.0/broken') return Promise.resolve(new Response('of graph', { status: 500 }));
  const [, payload = ''] = (new Headers(init?.headers).get('authorization') ?? '').split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  const { aud, oid, idtyp, scp, roles } = claims;
  return Promise.resolve(Response.json({ pathname, aud, oid: idtyp === 'app' ? undefined : oid, scp, roles }));
};

const apis: DownstreamOptions['apis'] = {
  graph: { baseUrl: 'https://graph.example/v1.0', scopes: ['https://graph.example/User.Read'] },
};

/** The options of a configuration that calls the API. */
export const optionsOf = (issuer: TestIssuer, clientId = issuer.options.clientId) => ({
  ...issuer.options,
  clientId,
  fetch: answerOfApi,
  downstream: { ...issuer.downstreamOptions, apis },
});

/** The issuer of a second configuration, which decorators are bound to while classes are defined. */
export const partnersIssuer = await startTestIssuer();
const partnersOptions = optionsOf(partnersIssuer);

/** The objects that parameters were filled with. */
export const kept: DownstreamApi[] = [];

function use(api: DownstreamApi, path = '/me'): Promise<unknown> {
  kept.push(api);
  return api.get(path);
}

const ofRoutingControllers = forRoutingControllers.createMicrosoftIdentity(partnersOptions);
const ofNest = forNest.createMicrosoftIdentity(partnersOptions);
const ofExpress = forExpress.createMicrosoftIdentity(partnersOptions);

/** Code below the action: it knows no request. */
const graph = forRoutingControllers.onBehalfOf('graph');
async function service(): Promise<unknown> {
  await Promise.resolve();
  return graph.get('/me');
}

const { OnBehalfOf, AsApplication, RequiresAuth, AllowAnonymous } = forRoutingControllers;

@JsonController()
@RequiresAuth()
class ProfileController {
  @Get('/me')
  me(@OnBehalfOf('graph') api: DownstreamApi) {
    return use(api);
  }

  @Get('/service')
  service() {
    return service();
  }

  @Get('/application')
  application(@AsApplication('graph') api: DownstreamApi) {
    return use(api, '/users');
  }

  @Get('/open')
  @AllowAnonymous()
  async open(@OnBehalfOf('graph') api: DownstreamApi) {
    await Promise.resolve();
    return { isFilled: api instanceof DownstreamApi };
  }

  @Get('/open/me')
  @AllowAnonymous()
  openMe(@OnBehalfOf('graph') api: DownstreamApi) {
    return use(api);
  }

  @Get('/broken')
  broken(@OnBehalfOf('graph') api: DownstreamApi) {
    return use(api, '/broken');
  }

  @Get('/unknown')
  unknown(@OnBehalfOf('grahp') api: DownstreamApi) {
    return use(api);
  }

  @Get('/of-partners')
  ofPartners(@ofRoutingControllers.OnBehalfOf('graph') api: DownstreamApi) {
    return use(api);
  }
}

@JsonController('/partners')
@ofRoutingControllers.RequiresAuth()
class PartnersController {
  @Get('/me')
  me(@ofRoutingControllers.OnBehalfOf('graph') api: DownstreamApi) {
    return use(api);
  }

  @Get('/service')
  async service() {
    await Promise.resolve();
    return ofRoutingControllers.onBehalfOf('graph').get('/me');
  }
}

const controllers = [ProfileController, PartnersController];

@Controller()
@forNest.RequiresAuth()
class NestProfileController {
  readonly #graph = forNest.onBehalfOf('graph');

  @NestGet('/me')
  me(@forNest.OnBehalfOf('graph') api: DownstreamApi) {
    return use(api);
  }

  @NestGet('/service')
  async service() {
    await Promise.resolve();
    return this.#graph.get('/me');
  }

  @NestGet('/application')
  application(@forNest.AsApplication('graph') api: DownstreamApi) {
    return use(api, '/users');
  }

  @NestGet('/open')
  @forNest.AllowAnonymous()
  open(@forNest.OnBehalfOf('graph') api: DownstreamApi) {
    return { isFilled: api instanceof DownstreamApi };
  }

  @NestGet('/open/me')
  @forNest.AllowAnonymous()
  async openMe(@forNest.OnBehalfOf('graph') api: DownstreamApi) {
    return use(api);
  }

  @NestGet('/broken')
  broken(@forNest.OnBehalfOf('graph') api: DownstreamApi) {
    return use(api, '/broken');
  }

  @NestGet('/unknown')
  unknown(@forNest.OnBehalfOf('grahp') api: DownstreamApi) {
    return use(api);
  }

  @NestGet('/of-partners')
  ofPartners(@ofNest.OnBehalfOf('graph') api: DownstreamApi) {
    return use(api);
  }
}

@Controller('/partners')
@ofNest.RequiresAuth()
class NestPartnersController {
  @NestGet('/me')
  me(@ofNest.OnBehalfOf('graph') api: DownstreamApi) {
    return use(api);
  }

  @NestGet('/service')
  async service() {
    await Promise.resolve();
    return ofNest.onBehalfOf('graph').get('/me');
  }
}

@Module({ controllers: [NestProfileController, NestPartnersController] })
class ProfileModule {}

@Catch()
class ErrorFilter implements ExceptionFilter {
  constructor(readonly onError: OnError) {}

  catch(error: unknown, host: ArgumentsHost): void {
    this.onError(error);
    host
      .switchToHttp()
      .getResponse<{ status(code: number): { send(body: string): void } }>()
      .status(handledStatus)
      .send('');
  }
}

async function startNest(adapter: ExpressAdapter | FastifyAdapter, onError?: OnError): Promise<Api> {
  const app = await NestFactory.create(ProfileModule, adapter, { logger: false });
  if (onError !== undefined) app.useGlobalFilters(new ErrorFilter(onError));
  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  const server = app.getHttpServer() as Api['server'];
  return { url, server, call: (path, call) => send(url + path, call), close: () => app.close() };
}

class ExpressProfileController {
  @forExpress.RequiresAuth()
  async me(_: Request, response: Response, _next: NextFunction, @forExpress.OnBehalfOf('graph') api: DownstreamApi) {
    response.json(await use(api));
  }

  @forExpress.RequiresAuth()
  async service(_: Request, response: Response) {
    response.json(await service());
  }

  @forExpress.RequiresAuth()
  async application(
    _: Request,
    response: Response,
    _next: NextFunction,
    @forExpress.AsApplication('graph') api: DownstreamApi,
  ) {
    response.json(await use(api, '/users'));
  }

  @forExpress.AllowAnonymous()
  open(_: Request, response: Response, _next: NextFunction, @forExpress.OnBehalfOf('graph') api?: DownstreamApi) {
    response.json({ isFilled: api instanceof DownstreamApi });
  }

  @forExpress.AllowAnonymous()
  async openMe(
    _: Request,
    response: Response,
    _next: NextFunction,
    @forExpress.OnBehalfOf('graph') api: DownstreamApi,
  ) {
    response.json(await use(api));
  }

  @forExpress.RequiresAuth()
  async broken(
    _: Request,
    response: Response,
    _next: NextFunction,
    @forExpress.OnBehalfOf('graph') api: DownstreamApi,
  ) {
    response.json(await use(api, '/broken'));
  }

  @forExpress.RequiresAuth()
  async unknown(
    _: Request,
    response: Response,
    _next: NextFunction,
    @forExpress.OnBehalfOf('grahp') api: DownstreamApi,
  ) {
    response.json(await use(api));
  }

  @forExpress.RequiresAuth()
  async ofPartners(
    _: Request,
    response: Response,
    _next: NextFunction,
    @ofExpress.OnBehalfOf('graph') api: DownstreamApi,
  ) {
    response.json(await use(api));
  }

  @ofExpress.RequiresAuth()
  async partners(
    _: Request,
    response: Response,
    _next: NextFunction,
    @ofExpress.OnBehalfOf('graph') api: DownstreamApi,
  ) {
    response.json(await use(api));
  }

  @ofExpress.RequiresAuth()
  async partnersService(_: Request, response: Response) {
    response.json(await ofExpress.onBehalfOf('graph').get('/me'));
  }
}

function decoratedApp(express: typeof express5) {
  const app = express();
  const controller = new ExpressProfileController();
  const routes = {
    '/me': 'me',
    '/service': 'service',
    '/application': 'application',
    '/open': 'open',
    '/open/me': 'openMe',
    '/broken': 'broken',
    '/unknown': 'unknown',
    '/of-partners': 'ofPartners',
    '/partners/me': 'partners',
    '/partners/service': 'partnersService',
  } as const;
  for (const [path, method] of Object.entries(routes)) app.get(path, Reflect.get(controller, method) as RequestHandler);
  return app;
}

/** A handler without a decorator. Express 4 does not handle its rejection. */
const handler =
  (run: (request: Request) => unknown): RequestHandler =>
  async (request, response, next) => {
    try {
      response.json(await run(request));
    } catch (error) {
      next(error);
    }
  };

function middlewareApp(express: typeof express5, onError?: OnError) {
  const { onBehalfOf, asApplication, requiresAuth } = forExpress;
  const app = express();
  const ofRequest = (request: Request, name = 'graph') => onBehalfOf(name, request);
  app.get(
    '/open',
    handler((request) => ({ isFilled: ofRequest(request) instanceof DownstreamApi })),
  );
  app.get(
    '/open/me',
    handler((request) => use(ofRequest(request))),
  );
  app.get(
    '/partners/me',
    ofExpress.requiresAuth(),
    handler((request) => use(ofExpress.onBehalfOf('graph', request))),
  );
  app.get(
    '/partners/service',
    ofExpress.requiresAuth(),
    handler(() => ofExpress.onBehalfOf('graph').get('/me')),
  );
  app.use('/', requiresAuth());
  app.get(
    '/me',
    handler((request) => use(ofRequest(request))),
  );
  app.get('/service', handler(service));
  app.get(
    '/application',
    handler(() => use(asApplication('graph'), '/users')),
  );
  app.get(
    '/broken',
    handler((request) => use(ofRequest(request), '/broken')),
  );
  app.get(
    '/unknown',
    handler((request) => use(ofRequest(request, 'grahp'))),
  );
  app.get(
    '/of-partners',
    handler((request) => use(ofExpress.onBehalfOf('graph', request))),
  );
  return onError === undefined ? app.use(forExpress.authErrorHandler) : handleErrors(app, onError);
}

function koaApp(onError: OnError | undefined): Koa {
  const app = new Koa();
  if (onError !== undefined) {
    app.use(async (context, next) => {
      try {
        await next();
      } catch (error) {
        onError(error);
        context.status = handledStatus;
        context.body = '';
      }
    });
  }
  useKoaServer(app, { controllers, defaultErrorHandler: onError === undefined });
  return app;
}

export const hosts: readonly ForwardingHost[] = [
  ...expressReleases.flatMap(({ release, express }): ForwardingHost[] => [
    {
      name: `routing-controllers on ${release}`,
      start: (onError) => {
        const app = useExpressServer(express(), { controllers, defaultErrorHandler: onError === undefined });
        return listen(handleErrors(app, onError));
      },
    },
    {
      name: `decorated methods on ${release}`,
      start: (onError) => listen(handleErrors(decoratedApp(express), onError)),
    },
    { name: `middleware on ${release}`, start: (onError) => listen(middlewareApp(express, onError)) },
  ]),
  {
    name: 'routing-controllers on Koa',
    start: (onError) => {
      const handle = koaApp(onError).callback();
      return listen((request, response) => void handle(request, response));
    },
  },
  { name: 'Nest on Express', start: (onError) => startNest(new ExpressAdapter(), onError) },
  { name: 'Nest on Fastify', start: (onError) => startNest(new FastifyAdapter(), onError) },
];
