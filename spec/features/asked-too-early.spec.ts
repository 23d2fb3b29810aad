/** A helper that is asked before the gate of its route, on a route without one, or outside of the request. */
import { Controller as NestController, Get as NestGet, Inject, Injectable, Scope } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { APP_INTERCEPTOR, REQUEST } from '@nestjs/core';
import type { NextFunction, Request as ExpressRequest, Response as ExpressResponse } from 'express';
import express from 'express';
import Koa from 'koa';
import 'reflect-metadata';
import { Get, JsonController, Middleware, useExpressServer, useKoaServer } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { authErrorHandler, requiresAuth } from '../../src/express.js';
import { RequiresAuth as FetchRequiresAuth, AllowAnonymous as FetchAllowAnonymous } from '../../src/fetch.js';
import {
  AllowAnonymous,
  ConfigurationError,
  getTokenClaims,
  initialize,
  isAppOnly,
  MissingTokenError,
  RequiresAuth,
  userKey,
  validateScope,
} from '../../src/index.js';
import { RequiresAuth as NestRequiresAuth } from '../../src/nestjs.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { platforms, serve as serveNest, started } from '../hosts/nestjs/application.js';
import { expectRefusal, expressReleases, listen, type Answer } from '../support/api.js';
import { collectExplanations } from '../support/explanations.js';
import { forgetWarnings } from '../support/isolation.js';
import { errorOf } from '../support/refusals.js';

let ran: string[] = [];

/** Reads the claims ahead of the gate, where the address of the request says so. */
function readEarly({ url }: { readonly url?: string }): void {
  if (url?.startsWith('/early') === true) getTokenClaims();
}

@Middleware({ type: 'before' })
class EarlyMiddleware {
  use(...parameters: [object, ...unknown[]]) {
    readEarly(parameters[0]);
    // Express gives three, Koa two.
    return (parameters[parameters.length - 1] as () => unknown)();
  }
}

@JsonController()
class Reports {
  @Get('/early')
  @RequiresAuth()
  early() {
    ran.push('early');
    return {};
  }

  @Get('/open')
  @AllowAnonymous()
  open() {
    return { sub: getTokenClaims().sub };
  }
}

@Injectable({ scope: Scope.REQUEST })
class CallerOfRequest {
  readonly sub: string;
  constructor(@Inject(REQUEST) { url }: { readonly url: string }) {
    readEarly({ url });
    this.sub = 'unknown';
  }
}

@NestController()
class NestReports {
  constructor(@Inject(CallerOfRequest) private readonly caller: CallerOfRequest) {}

  @NestGet('early')
  @NestRequiresAuth()
  early() {
    ran.push('early');
    return this.caller;
  }
}

class EarlyInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    validateScope('read', { url: context.switchToHttp().getRequest<{ url: string }>().url });
    return next.handle();
  }
}

@NestController()
class InterceptedReports {
  @NestGet('early')
  @NestRequiresAuth()
  early() {
    ran.push('early');
    return {};
  }
}

class FetchReports {
  @FetchAllowAnonymous()
  open(_request: Request) {
    return Response.json({ key: userKey(), isAppOnly: isAppOnly() });
  }

  @FetchRequiresAuth()
  closed(_request: Request) {
    return Response.json({});
  }
}

type Call = (token?: string) => Promise<Answer>;

interface Served {
  readonly call: Call;
  readonly close?: () => Promise<unknown>;
}

const withRoutingControllers = { controllers: [Reports], middlewares: [EarlyMiddleware] };

function onKoa(path: string): () => Promise<Served> {
  return async () => {
    const app = new Koa();
    app.silent = true;
    useKoaServer(app, withRoutingControllers);
    const handle = app.callback();
    const api = await listen((request, response) => void handle(request, response));
    return { call: (token) => api.call(path, token === undefined ? {} : { token }), close: () => api.close() };
  };
}

function onExpress(framework: typeof express, path: string): () => Promise<Served> {
  return async () => {
    const app = framework();
    useExpressServer(app, withRoutingControllers);
    const api = await listen(app);
    return { call: (token) => api.call(path, token === undefined ? {} : { token }), close: () => api.close() };
  };
}

const onPlainExpress = async (): Promise<Served> => {
  const app = express();
  app.use((request: ExpressRequest, _response: ExpressResponse, next: NextFunction) => {
    getTokenClaims(request);
    next();
  });
  app.get('/early', requiresAuth(), (_request, response) => {
    ran.push('early');
    response.json({});
  });
  app.use(authErrorHandler);
  const api = await listen(app);
  return { call: (token) => api.call('/early', token === undefined ? {} : { token }), close: () => api.close() };
};

const onFetch = (): Promise<Served> => {
  const reports = new FetchReports();
  const call: Call = async (token) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await Promise.resolve(reports.open(new Request('https://api.example/', { headers })));
    const text = await response.text();
    return { status: response.status, headers: Object.fromEntries(response.headers), text, body: JSON.parse(text) };
  };
  return Promise.resolve({ call });
};

const onNest = (platform: (typeof platforms)[number], metadata: Parameters<typeof serveNest>[1]) => async () => {
  const api = await serveNest(platform, metadata);
  const call: Call = (token) => api.call('/early', token === undefined ? {} : { token });
  return { call };
};

const cases: readonly (readonly [string, () => Promise<Served>])[] = [
  ...expressReleases.flatMap(
    ({ release, express: framework }) =>
      [
        [`a global middleware of routing-controllers, ${release}`, onExpress(framework, '/early')],
        [`an open action of routing-controllers, ${release}`, onExpress(framework, '/open')],
      ] as const,
  ),
  ['a global middleware of routing-controllers, Koa', onKoa('/early')],
  ['an open action of routing-controllers, Koa', onKoa('/open')],
  ['a middleware of Express before the gate', onPlainExpress],
  ['an open handler of Fetch', onFetch],
  ...platforms.flatMap(
    (platform) =>
      [
        [
          `a provider of request scope of Nest, ${platform.platform}`,
          onNest(platform, { controllers: [NestReports], providers: [CallerOfRequest] }),
        ],
        [
          `a global interceptor of Nest, ${platform.platform}`,
          onNest(platform, {
            controllers: [InterceptedReports],
            providers: [{ provide: APP_INTERCEPTOR, useClass: EarlyInterceptor }],
          }),
        ],
      ] as const,
  ),
];

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

let warned: string[] = [];
const explanations = collectExplanations();
beforeEach(() => {
  ran = [];
  warned = [];
  forgetWarnings();
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => {
    warned.push(String(warning));
  });
  initialize({ ...issuer.options, diagnostics: true });
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const app of started.splice(0)) await app.close();
});

describe.each(cases)('%s that asks for the claims', (what, start) => {
  it('answers a request with a token that the API is at fault, and tells the developer what to change', async () => {
    const { call, close } = await start();
    // A gate of Nest comes ahead of interceptors, and refuses other tokens.
    const others = what.includes('interceptor') ? [] : ['no.good.token'];
    for (const token of [await issuer.token(), ...others]) {
      explanations.length = 0;
      expectRefusal(await call(token), 'server_error');
      // Without a gate there is no name of what was called.
      const [{ route } = { route: undefined }] = explanations;
      expect(route ?? 'Reports.early').toMatch(/^\w+(\.\w+|\(\))$/);
      expect(explanations).toEqual([
        {
          code: 'not_verified_yet',
          hint: expect.stringContaining('Call it in the handler or in what that calls') as string,
          status: 500,
          error: 'invalid_configuration',
          reason: undefined,
          route,
          request: expect.stringMatching(/^GET \//) as string,
        },
      ]);
    }
    expect(warned).toEqual([expect.stringContaining('found no verified token') as string]);
    expect(ran).toEqual([]);
    await close?.();
  });

  it('answers a request without one that it needs one', async () => {
    const { call, close } = await start();
    expectRefusal(await call(), 'missing_token');
    expect(explanations.map(({ code }) => code)).toEqual(['no_token']);
    expect([warned, ran]).toEqual([[], []]);
    await close?.();
  });
});

describe('the error of a helper that finds no verified token', () => {
  it.each<[string, () => unknown]>([
    ['getTokenClaims', () => getTokenClaims()],
    ['getTokenClaims with a request', () => getTokenClaims({ headers: {} })],
    [
      'validateScope',
      () => {
        validateScope('read');
      },
    ],
    ['userKey', () => userKey()],
    ['isAppOnly', () => isAppOnly()],
  ])('of %s is a MissingTokenError whose message is true of a request with a token', async (_, ask) => {
    const error = await errorOf(ask);
    expect(error).toBeInstanceOf(MissingTokenError);
    expect(error).not.toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({
      message: 'No access token was verified when its claims were asked for.',
      expose: false,
      headers: { 'WWW-Authenticate': 'Bearer' },
    });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      error: 'missing_token',
      error_description: 'This request needs an access token.',
    });
  });
});
