import type { Request, Response } from 'express';
import 'reflect-metadata';
import { Middleware, type ExpressErrorMiddlewareInterface } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ConfigurationError,
  initialize,
  InsufficientScopeError,
  MissingTokenError,
  type AuthError,
} from '../../../src/index.js';
import { expectRefusal, expressReleases, send, serve, type Api } from '../../support/api.js';
import { forgetIdentity, forgetWarnings } from '../../support/isolation.js';
import { controllers, issuer, ran, useIssuer } from './controllers.js';

useIssuer();

describe.each(expressReleases)('refusals on routing-controllers, $release', ({ express }) => {
  let api: Api;

  beforeAll(async () => {
    api = await serve(controllers, { express });
  });
  afterAll(() => api.close());

  it('answers a text controller like a JSON controller', async () => {
    expectRefusal(await api.call('/text/secret'), 'missing_token');
    expect((await api.call('/text/secret', { token: await issuer.token() })).text).toBe('text');
  });

  it('keeps the connection usable after a refusal, body unread or not', async () => {
    const { Agent, request } = await import('node:http');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    const call = (path: string, method: string, body?: string) =>
      new Promise<number>((resolve, reject) => {
        const outgoing = request(api.url + path, { agent, method, headers: { 'content-type': 'application/json' } });
        outgoing.on('socket', (socket) => sockets.add(socket)).on('error', reject);
        outgoing.on('response', (response) => {
          response.resume().on('end', () => {
            resolve(response.statusCode ?? 0);
          });
        });
        outgoing.end(body);
      });
    expect(await call('/weather/now/Oslo', 'GET')).toBe(401);
    expect(await call('/weather/notes', 'POST', JSON.stringify({ text: 'x'.repeat(200_000) }))).toBe(401);
    expect(await call('/weather/helper-open', 'GET')).toBe(401);
    expect(await call('/weather/open', 'GET')).toBe(200);
    expect(sockets.size).toBe(1);
    agent.destroy();
  });

  it('answers 500 before initialize, and the action does not run', async () => {
    forgetIdentity();
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    forgetWarnings();
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token() }), 'server_error');
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token() }), 'server_error');
    expect(ran).toEqual([]);
    expect(warned.mock.calls).toEqual([
      [
        'WeatherController.now was called before initialize(). Call initialize() before the server listens.',
        { type: 'MicrosoftIdentityWarning', code: 'invalid_configuration' },
      ],
    ]);
    warned.mockRestore();
  });

  it('answers 500 for a scheme or a policy that is not configured', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    expectRefusal(await api.call('/weather/unconfigured-policy', { token: await issuer.b2cToken() }), 'server_error');
    initialize(issuer.options);
    expectRefusal(await api.call('/weather/b2c', { token: await issuer.b2cToken() }), 'server_error');
    initialize({ b2c: issuer.b2cOptions });
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token() }), 'server_error');
    expect(ran).toEqual([]);
    vi.restoreAllMocks();
  });

  it('answers 500 if the clock returns NaN', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    let time = Date.now();
    initialize({ ...issuer.options, now: () => time });
    const token = await issuer.token();
    expect((await api.call('/weather/now/Oslo', { token })).status).toBe(200);
    time = NaN;
    expectRefusal(await api.call('/weather/now/Oslo', { token }), 'server_error');
    vi.restoreAllMocks();
  });
});

describe.each(expressReleases)("errors: 'forward', $release", ({ express }) => {
  let seen: unknown[] = [];

  @Middleware({ type: 'after' })
  class ErrorHandler implements ExpressErrorMiddlewareInterface {
    error(error: unknown, _request: Request, response: Response): void {
      seen.push(error);
      expect(response.headersSent).toBe(false);
      const { status, headers } = error as AuthError;
      response.status(status).set(headers).json({ handled: error });
    }
  }

  let api: Api;
  beforeAll(async () => {
    api = await serve(controllers, { express, middlewares: [ErrorHandler], defaultErrorHandler: false });
  });
  beforeEach(() => {
    seen = [];
    initialize({ ...issuer.options, errors: 'forward' });
  });
  afterAll(() => api.close());

  it("passes the gate's refusal to the application before anything is sent", async () => {
    const answer = await api.call('/weather/now/Oslo');
    expect(seen).toEqual([expect.any(MissingTokenError)]);
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(answer.body).toEqual({
      handled: { error: 'missing_token', error_description: 'This request needs an access token.' },
    });
  });

  it('passes on what a protected action throws', async () => {
    const answer = await api.call('/weather/helper', { token: await issuer.token() });
    expect(seen).toEqual([expect.any(InsufficientScopeError)]);
    expect(answer.headers['www-authenticate']).toContain('scope="write"');
  });

  it('passes on an error of the configuration', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const answer = await api.call('/weather/b2c', { token: await issuer.b2cToken() });
    expect(seen).toEqual([expect.any(ConfigurationError)]);
    expect([answer.status, answer.body]).toEqual([500, { handled: { error: 'server_error' } }]);
    vi.restoreAllMocks();
  });
});

describe("errors: 'forward' without an error handler of the application", () => {
  it('leaves the answer to routing-controllers and Express: the status, and no stack in production', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    initialize({ ...issuer.options, errors: 'forward' });
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const api = await serve(controllers);
    const answer = await api.call('/weather/now/Oslo');
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(answer.text).not.toContain('at ');
    await api.close();
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });
});

describe('an unhandled rejection', () => {
  const unhandled: unknown[] = [];
  const remember = (reason: unknown) => unhandled.push(reason);
  beforeAll(() => process.on('unhandledRejection', remember));
  afterAll(() => process.off('unhandledRejection', remember));
  afterEach(() => {
    expect(unhandled).toEqual([]);
  });

  it.each(expressReleases)('does not occur after refusals, $release', async ({ express }) => {
    initialize(issuer.options);
    const api = await serve(controllers, { express });
    const paths = ['/weather/now/Oslo', '/weather/helper', '/weather/helper-open', '/class/both', '/weather/b2c'];
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    for (const path of paths) {
      for (const token of [undefined, 'x', 'a.b.c', await issuer.token({ scp: 'x' }), await issuer.token({ exp: 1 })]) {
        const answer = await send(api.url + path, token === undefined ? {} : { token });
        expect(answer.status).toBeGreaterThanOrEqual(400);
      }
    }
    await new Promise((resolve) => setImmediate(resolve));
    vi.restoreAllMocks();
    await api.close();
  });
});
