/** A call on behalf of the caller where no gate verified the token of the request. */
import { Controller as NestController, Get as NestGet, Module, type ModuleMetadata } from '@nestjs/common';
import type { NextFunction, Request as ExpressRequest, Response as ExpressResponse } from 'express';
import express from 'express';
import Koa from 'koa';
import 'reflect-metadata';
import { Get, JsonController, useExpressServer, useKoaServer } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as forExpress from '../../src/express.js';
import * as forFetch from '../../src/fetch.js';
import {
  AsApplication,
  createMicrosoftIdentity,
  getTokenClaims,
  initialize,
  MissingTokenError,
  OnBehalfOf,
  onBehalfOf,
  RequiresAuth,
  type DownstreamApi,
} from '../../src/index.js';
import * as forNest from '../../src/nestjs.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { platforms, serve as serveNest, started } from '../hosts/nestjs/application.js';
import { expectRefusal, expressReleases, listen, type Answer } from '../support/api.js';
import { collectExplanations } from '../support/explanations.js';
import { forgetWarnings } from '../support/isolation.js';
import { errorOf } from '../support/refusals.js';

const graph = onBehalfOf('graph');

/** Without any requirement. */
@JsonController('/bare')
class Bare {
  @Get('/parameter')
  parameter(@OnBehalfOf('graph') api: DownstreamApi) {
    return api.get('/me');
  }

  @Get('/application')
  application(@AsApplication('graph', { tenantId: 'caller' }) api: DownstreamApi) {
    return api.get('/me');
  }

  @Get('/service')
  service() {
    return graph.get('/me');
  }
}

@JsonController('/beside')
class Beside {
  @Get('/closed')
  @RequiresAuth()
  closed() {
    return {};
  }

  @Get('/parameter')
  parameter(@OnBehalfOf('graph') api: DownstreamApi) {
    return api.get('/me');
  }

  @Get('/service')
  service() {
    return graph.get('/me');
  }
}

@NestController('bare')
class NestBareParameter {
  @NestGet('parameter')
  parameter(@forNest.OnBehalfOf('graph') api: DownstreamApi) {
    return api.get('/me');
  }
}

@NestController('bare')
class NestBareService {
  @NestGet('service')
  service() {
    return graph.get('/me');
  }

  @NestGet('claims')
  claims() {
    return getTokenClaims();
  }
}

@NestController('beside')
class NestBeside {
  @NestGet('closed')
  @forNest.RequiresAuth()
  closed() {
    return {};
  }

  @NestGet('parameter')
  parameter(@forNest.OnBehalfOf('graph') api: DownstreamApi) {
    return api.get('/me');
  }

  @NestGet('service')
  service() {
    return graph.get('/me');
  }
}

class OpenHandlers {
  @forExpress.AllowAnonymous()
  async parameter(
    _: ExpressRequest,
    response: ExpressResponse,
    _next: NextFunction,
    @forExpress.OnBehalfOf('graph') api: DownstreamApi,
  ) {
    response.json(await api.get('/me'));
  }
}

class OpenFetchHandlers {
  @forFetch.AllowAnonymous()
  async parameter(_: Request, @forFetch.OnBehalfOf('graph') api?: DownstreamApi) {
    return Response.json(await api?.get('/me'));
  }
}

interface Served {
  readonly call: (token?: string) => Promise<Answer>;
  readonly close?: () => Promise<unknown>;
}

const withToken = (token: string | undefined) => (token === undefined ? {} : { token });

const controllers = [Bare, Beside];

async function onServer(listener: Parameters<typeof listen>[0], path: string): Promise<Served> {
  const api = await listen(listener);
  return { call: (token) => api.call(path, withToken(token)), close: () => api.close() };
}

function onKoa(path: string): Promise<Served> {
  const app = new Koa();
  app.silent = true;
  useKoaServer(app, { controllers });
  const handle = app.callback();
  return onServer((request, response) => void handle(request, response), path);
}

/** As routes without `@Security()` that tsoa generates, too. */
function onPlainExpress(framework: typeof express): Promise<Served> {
  const app = framework();
  app.get('/handler', (request, response, next) => {
    onBehalfOf('graph', request)
      .get('/me')
      .then((me) => response.json(me), next);
  });
  app.use(forExpress.authErrorHandler);
  return onServer(app, '/handler');
}

function onDecoratedExpress(framework: typeof express): Promise<Served> {
  const app = framework();
  const handlers = new OpenHandlers();
  app.get('/handler', (...parameters) => void Reflect.apply(Reflect.get(handlers, 'parameter'), handlers, parameters));
  return onServer(app, '/handler');
}

async function onFetch(): Promise<Served> {
  const handlers = new OpenFetchHandlers();
  const call: Served['call'] = async (token) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await handlers.parameter(new Request('https://api.example/', { headers }));
    const text = await response.text();
    return { status: response.status, headers: Object.fromEntries(response.headers), text, body: JSON.parse(text) };
  };
  return Promise.resolve({ call });
}

async function onNest(platform: (typeof platforms)[number], metadata: ModuleMetadata, path: string): Promise<Served> {
  const api = await serveNest(platform, metadata);
  return { call: (token) => api.call(path, withToken(token)) };
}

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

const apis = { graph: { baseUrl: 'https://graph.example/v1.0', scopes: ['https://graph.example/User.Read'] } };
const options = () => ({
  ...issuer.options,
  diagnostics: true,
  downstream: { ...issuer.downstreamOptions, apis },
});

/** The application with the module, whatever its controllers are. */
const withModule = (metadata: ModuleMetadata): ModuleMetadata => {
  class Configured {}
  Module({ imports: [forNest.MicrosoftIdentityModule.forRoot(options())] })(Configured);
  return { ...metadata, imports: [Configured] };
};

/** What called the API, where it is known. */
const anyHelper = /^A helper such as getTokenClaims\(\), validateScope\(\) or onBehalfOf\(\) found no verified token/;

type Case = readonly [name: string, start: () => Promise<Served>, message: RegExp];

const cases: readonly Case[] = [
  ...['/bare', '/beside'].flatMap((path): Case[] => {
    const name = path === '/bare' ? 'Bare' : 'Beside';
    const parameter = new RegExp(`^@OnBehalfOf\\(\\) of ${name}.parameter found no verified token`);
    const service = new RegExp(`^${name}.service: a helper such as .* found no verified token`);
    return [
      ...expressReleases.flatMap(({ release, express: framework }): Case[] => {
        const start = (of: string) => () => onServer(useExpressServer(framework(), { controllers }), path + of);
        return [
          [`a parameter of routing-controllers, ${path} on ${release}`, start('/parameter'), parameter],
          [`a service of routing-controllers, ${path} on ${release}`, start('/service'), service],
        ];
      }),
      [`a parameter of routing-controllers, ${path} on Koa`, () => onKoa(`${path}/parameter`), parameter],
      [`a service of routing-controllers, ${path} on Koa`, () => onKoa(`${path}/service`), service],
    ];
  }),
  [
    'a parameter for the tenant of the caller',
    () => onKoa('/bare/application'),
    /^@AsApplication\(\) of Bare.application found no verified token/,
  ],
  ...expressReleases.flatMap(({ release, express: framework }): Case[] => [
    [`a handler of ${release} without a gate`, () => onPlainExpress(framework), anyHelper],
    [
      `an open handler of ${release}`,
      () => onDecoratedExpress(framework),
      /^@OnBehalfOf\(\) of OpenHandlers.parameter found no verified token/,
    ],
  ]),
  ['an open handler of Fetch', onFetch, /^@OnBehalfOf\(\) of OpenFetchHandlers.parameter found no verified token/],
  ...platforms.flatMap((platform): Case[] => {
    const on = `Nest on ${platform.platform}`;
    const start = (metadata: () => ModuleMetadata, path: string) => () => onNest(platform, metadata(), path);
    const bare = [NestBareParameter, NestBareService];
    return [
      [
        `a parameter beside a protected handler, ${on}`,
        start(() => ({ controllers: [NestBeside] }), '/beside/parameter'),
        /^@OnBehalfOf\(\) of NestBeside.parameter found no verified token/,
      ],
      [
        `a service beside a protected handler, ${on}`,
        start(() => ({ controllers: [NestBeside] }), '/beside/service'),
        /^NestBeside.service: a helper such as .* found no verified token/,
      ],
      [
        `a parameter alone, ${on}`,
        start(() => ({ controllers: [NestBareParameter] }), '/bare/parameter'),
        /^@OnBehalfOf\(\) of NestBareParameter.parameter found no verified token/,
      ],
      [
        `a service of a controller without a decorator, ${on} with the module`,
        start(() => withModule({ controllers: bare }), '/bare/service'),
        anyHelper,
      ],
      [
        `the claims in a controller without a decorator, ${on} with the module`,
        start(() => withModule({ controllers: bare }), '/bare/claims'),
        anyHelper,
      ],
    ];
  }),
];

let warned: string[] = [];
const explanations = collectExplanations();
beforeEach(() => {
  warned = [];
  forgetWarnings();
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => {
    warned.push(String(warning));
  });
  initialize(options());
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const app of started.splice(0)) await app.close();
});

describe.each(cases)('%s', (name, start, message) => {
  // A call of another API without a verified request is answered as one without a caller, whatever the request has.
  const [refusal, status] = name.startsWith('the claims')
    ? (['server_error', 500] as const)
    : (['missing_token', 401] as const);

  it('tells the developer of a request with a token what called too early', async () => {
    const { call, close } = await start();
    const before = issuer.requests.tokens;
    expectRefusal(await call(await issuer.token()), refusal);
    expect(explanations).toMatchObject([
      { code: 'not_verified_yet', hint: expect.stringMatching(message) as string, status },
    ]);
    expect(warned).toEqual([expect.stringMatching(message) as string]);
    expect(issuer.requests.tokens).toBe(before);
    await close?.();
  });

  it('answers a request without one that it needs one', async () => {
    const { call, close } = await start();
    expectRefusal(await call(), 'missing_token');
    expect(explanations.map(({ code }) => code)).toEqual(['no_token']);
    expect(warned).toEqual([]);
    await close?.();
  });
});

describe('what is bound to another configuration', () => {
  it('has no caller where the process verified the request, and the hint does not say that the header is missing', async () => {
    const partners = createMicrosoftIdentity({ ...options(), clientId: 'f7b9f1b8-5a4d-4a44-9d3a-6d1f0e3a0c11' });
    const app = express();
    app.get('/mine', forExpress.requiresAuth(), (request, response, next) => {
      partners
        .onBehalfOf('graph', request)
        .get('/me')
        .then((me) => response.json(me), next);
    });
    app.use(forExpress.authErrorHandler);
    const { call, close } = await onServer(app, '/mine');
    expectRefusal(await call(await issuer.token()), 'missing_token');
    expect(explanations).toMatchObject([
      { code: 'other_configuration', hint: expect.stringContaining('another configuration') as string, status: 401 },
    ]);
    expect(warned).toEqual([]);
    await close?.();
  });
});

describe('without a request', () => {
  it('throws a MissingTokenError', async () => {
    const error = await errorOf(() => graph.get('/me'));
    expect(error).toBeInstanceOf(MissingTokenError);
    expect(error).toMatchObject({
      message: 'No access token was verified when an API was called on behalf of its caller.',
      expose: false,
      headers: { 'WWW-Authenticate': 'Bearer' },
    });
  });
});
