import type { Request, Response, NextFunction } from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { initialize, RequiresAuth } from '../../src/express.js';
import { authorizationChecker } from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expressReleases, listen } from '../support/api.js';

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startTestIssuer();
});
beforeEach(() => {
  initialize(issuer.options);
});
afterAll(() => issuer.close());

/** Slots that work takes while it runs. */
function slotsOf(count: number) {
  let free = count;
  const within = async (work: () => unknown) => {
    free--;
    try {
      await work();
    } finally {
      free++;
    }
  };
  return { within, free: () => free };
}

class Reports {
  @RequiresAuth()
  list(_request: Request, response: Response, _next?: NextFunction): unknown {
    return response.json([]);
  }

  @RequiresAuth()
  fail(_request: Request, _response: Response, _next?: NextFunction): unknown {
    throw new Error('failed');
  }
}

describe.each(expressReleases)('what is awaited settles, $release', ({ express }) => {
  const reports = new Reports();

  /** Sends three requests to a handler that is awaited within slots, and returns the statuses and the slots left. */
  async function callThrice(handler: (...parameters: [Request, Response, NextFunction]) => unknown, token?: string) {
    const slots = slotsOf(3);
    const app = express();
    app.set('env', 'test');
    app.get('/', (request, response, next) => slots.within(() => handler(request, response, next)));
    const api = await listen(app);
    const call = token === undefined ? {} : { token };
    const answers = await Promise.all([1, 2, 3].map(() => api.call('/', call)));
    await api.close();
    return { statuses: answers.map(({ status }) => status), free: slots.free() };
  }

  it('where the gate refuses', async () => {
    const outcome = await callThrice((request, response, next) => reports.list(request, response, next));
    expect(outcome).toEqual({ statuses: [401, 401, 401], free: 3 });
  });

  it('where the gate refuses a call without next', async () => {
    const outcome = await callThrice((request, response) => reports.list(request, response));
    expect(outcome).toEqual({ statuses: [401, 401, 401], free: 3 });
  });

  it('where the refusal is forwarded', async () => {
    initialize({ ...issuer.options, errors: 'forward' });
    const outcome = await callThrice((request, response, next) => reports.list(request, response, next));
    expect(outcome).toEqual({ statuses: [401, 401, 401], free: 3 });
  });

  it('where the handler runs', async () => {
    const token = await issuer.token();
    const outcome = await callThrice((request, response, next) => reports.list(request, response, next), token);
    expect(outcome).toEqual({ statuses: [200, 200, 200], free: 3 });
  });

  it('where the handler throws', async () => {
    const token = await issuer.token();
    const outcome = await callThrice((request, response, next) => reports.fail(request, response, next), token);
    expect(outcome).toEqual({ statuses: [500, 500, 500], free: 3 });
  });

  it('where a checker refuses', async () => {
    const check = authorizationChecker();
    const outcome = await callThrice((request, response, next) =>
      check({ request: request as IncomingMessage, response: response as ServerResponse, next }, []),
    );
    expect(outcome).toEqual({ statuses: [401, 401, 401], free: 3 });
  });
});
