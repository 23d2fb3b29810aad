/** Decorators on a middleware or an interceptor of the whole application. */
import type { NextFunction, Request, Response } from 'express';
import 'reflect-metadata';
import { Get, Interceptor, JsonController, Middleware } from 'routing-controllers';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { AllowAnonymous, initialize, RequiresAuth } from '../../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expressReleases, serve } from '../../support/api.js';

let issuer: TestIssuer;
const ran: string[] = [];

beforeAll(async () => {
  issuer = await startTestIssuer();
});
beforeEach(() => {
  ran.length = 0;
  initialize(issuer.options);
});
afterAll(() => issuer.close());

@JsonController('/orders')
class Orders {
  @Get('/')
  list() {
    ran.push('list');
    return {};
  }
}

class Gate {
  use(_request: Request, _response: Response, next: NextFunction) {
    ran.push('use');
    next();
  }
}

const declareMiddleware = () => {
  @RequiresAuth()
  @Middleware({ type: 'before' })
  class Above extends Gate {}
  return Above;
};

const declareInterceptor = () => {
  @AllowAnonymous()
  @Interceptor()
  class Above {
    intercept(_action: unknown, content: unknown) {
      return content;
    }
  }
  return Above;
};

it.each([
  ['@Middleware()', declareMiddleware],
  ['@Interceptor()', declareInterceptor],
])('a decorator above %s is refused, because the class would not run', (_, declare) => {
  expect(declare).toThrow(
    'Above has @Middleware() or @Interceptor(), which run outside of any gate, and a decorator of this library. ' +
      'Put the decorator on controllers or actions. For a gate before them, give requiresAuth() of …/express to @UseBefore().',
  );
});

it.each(expressReleases)('a decorator below @Middleware() refuses each request, on $release', async ({ express }) => {
  @Middleware({ type: 'before' })
  @RequiresAuth()
  class Below extends Gate {}

  vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const api = await serve([Orders], { express, middlewares: [Below] });
  try {
    const answer = await api.call('/orders', { token: await issuer.token() });
    expect([answer.status, ran]).toEqual([500, []]);
  } finally {
    vi.restoreAllMocks();
    await api.close();
  }
});
