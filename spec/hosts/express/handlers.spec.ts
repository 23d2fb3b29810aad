import type { NextFunction, Request, Response } from 'express';
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  ConfigurationError,
  initialize,
  InsufficientScopeError,
  MissingTokenError,
  RequiresAuth,
  requiresAuth,
  validateScope,
  type AuthError,
} from '../../../src/express.js';
import { runAs } from '../../../src/testing.js';
import { expectRefusal, expressReleases, listen, type Api } from '../../support/api.js';
import { granted, issuer, ran, report, serving, silenceWarnings, useIssuer } from './application.js';
import { ClassChild, ProtectedController, WeatherController } from './controllers.js';

useIssuer();

describe.each(expressReleases)('decorators on $release', ({ express }) => {
  let api: Api;
  const weather = new WeatherController();

  beforeAll(async () => {
    const app = express();
    app.set('env', 'test');
    app.get('/unbound', weather.report);
    app.get('/bound', weather.report.bind(weather));
    app.get('/arrow', (request, response, next) => {
      weather.report(request, response, next);
    });
    app.get('/reversed', weather.reversed.bind(weather));
    app.get('/open', weather.open);
    app.get('/admin', requiresAuth(), weather.admin);
    app.get('/admin-alone', weather.admin);
    app.get('/b2c', weather.b2c);
    app.get('/b2c-behind', requiresAuth(), weather.b2c);
    app.get('/chain', weather.first, weather.report);
    app.get('/chain-up', weather.first, weather.admin);
    app.get('/rejects', weather.rejects);
    app.get('/rejects-behind', requiresAuth(), weather.rejects);
    app.get('/rejects-with-nothing', weather.rejectsWithNothing, report);
    app.get('/throws', weather.throws);
    app.get('/helper', weather.helper);
    app.get('/helper-sync', weather.helperSync);
    app.get('/streaming', weather.streaming);
    app.get('/own', weather.own.bind(weather));
    app.get('/asks-for-more', weather.asksForMore.bind(weather));
    app.get('/catches', weather.catches.bind(weather));
    app.get('/open-asks-for-more', weather.openAsksForMore.bind(weather));
    app.post('/notes', weather.reversed.bind(weather), express.json());
    api = await listen(app);
  });
  afterAll(() => api.close());

  const get = async (path: string, token?: string) => api.call(path, token === undefined ? {} : { token });

  it.each([['/unbound'], ['/bound'], ['/arrow']])('protects the method however Express gets it: %s', async (path) => {
    expectRefusal(await get(path), 'missing_token');
    expectRefusal(await get(path, await issuer.token({ scp: 'other' })), {
      insufficientScope: 'scope',
      scope: 'access_as_user',
    });
    expect(ran).toEqual([]);
    expect((await get(path, await issuer.token())).body).toEqual({ ...granted, same: true });
  });

  it('requires the same in either order, and keeps the instance of the method', async () => {
    expectRefusal(await get('/reversed', await issuer.token({ scp: 'other' })), {
      insufficientScope: 'scope',
      scope: 'access_as_user',
    });
    expect((await get('/reversed', await issuer.token())).body).toEqual({ unit: '°C' });
  });

  it('leaves methods without a requirement open, with no claims', async () => {
    expect((await get('/open', await issuer.token())).body).toEqual({ claims: 'none', auth: 'none' });
  });

  it('uses the scheme of the middleware before it, and verifies again for another scheme', async () => {
    silenceWarnings();
    expect((await get('/admin', await issuer.token({ roles: ['Admin'] }))).status).toBe(200);
    expectRefusal(await get('/admin', await issuer.token()), { insufficientScope: 'role' });
    expectRefusal(await get('/admin-alone', await issuer.token({ roles: ['Admin'] })), 'server_error');
    expect((await get('/b2c', await issuer.b2cToken())).status).toBe(200);
    expectRefusal(await get('/b2c-behind', await issuer.token()), { invalidToken: 'policy' });
    expectRefusal(await get('/b2c-behind', await issuer.b2cToken()), { invalidToken: 'issuer' });
    expect(ran).toEqual(['admin', 'b2c']);
  });

  it('requires of each handler in a chain what it requires itself', async () => {
    expectRefusal(await get('/chain', await issuer.token({ scp: 'other' })), {
      insufficientScope: 'scope',
      scope: 'access_as_user',
    });
    expectRefusal(await get('/chain-up', await issuer.token()), { insufficientScope: 'role' });
    expect((await get('/chain-up', await issuer.token({ roles: ['Admin'] }))).status).toBe(200);
    expect((await get('/chain', await issuer.token())).status).toBe(200);
    expect(ran).toEqual(['first', 'first', 'first', 'admin', 'first', 'report']);
  });

  it.each([['/rejects'], ['/rejects-behind'], ['/throws']])('passes other errors to Express: %s', async (path) => {
    expect((await get(path, await issuer.token())).status).toBe(410);
  });

  it('stops the chain if a handler rejects with undefined', async () => {
    expect((await get('/rejects-with-nothing', await issuer.token())).status).toBe(500);
    expect(ran).toEqual([]);
  });

  it.each([['/helper'], ['/helper-sync']])('answers what a helper throws as the gate does: %s', async (path) => {
    expectRefusal(await get(path, await issuer.token()), { insufficientScope: 'scope', scope: 'write' });
  });

  it('cuts off a response that has begun, and does not mix two responses', async () => {
    await expect(get('/streaming', await issuer.token())).rejects.toThrow();
  });

  it('requires of a method that a handler calls what the method requires', async () => {
    expectRefusal(await get('/own', await issuer.token()), { insufficientScope: 'role' });
    expect((await get('/own', await issuer.token({ roles: ['Admin'] }))).body).toEqual({ secret: 'secret' });
  });

  it('requires of a call with the request what the other method requires, and answers its refusal', async () => {
    for (const path of ['/asks-for-more', '/open-asks-for-more']) {
      initialize(issuer.options);
      expectRefusal(await get(path, await issuer.token()), { insufficientScope: 'role' });
      expect(ran).toEqual([]);
      expect((await get(path, await issuer.token({ roles: ['Admin'] }))).status).toBe(200);
      ran.length = 0;
    }
    expectRefusal(await get('/open-asks-for-more'), 'missing_token');
  });

  it('lets a handler catch the refusal of a method that it calls', async () => {
    const answer = await get('/catches', await issuer.token());
    expect([answer.status, answer.body]).toEqual([
      418,
      {
        error: 'insufficient_scope',
        error_description: 'The access token does not carry the role this request needs.',
      },
    ]);
  });

  it('runs before the body is read', async () => {
    const call = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text":' };
    expectRefusal(await api.call('/notes', call), 'missing_token');
    expect((await api.call('/notes', { ...call, token: await issuer.token() })).body).toEqual({ unit: '°C' });
  });

  it('treats HEAD as GET, and leaves OPTIONS to Express', async () => {
    const head = await api.call('/unbound', { method: 'HEAD' });
    expect([head.status, head.headers['www-authenticate'], head.text]).toEqual([401, 'Bearer', '']);
    expect((await api.call('/unbound', { method: 'OPTIONS' })).status).toBe(200);
    expect(ran).toEqual([]);
  });
});

describe('a protected method called without a request', () => {
  it('throws an error that names runAs', async () => {
    expect(() => new WeatherController().secret()).toThrow('WeatherController.secret');
    expect(() => new ProtectedController().text()).toThrow('runAs');
    await expect(new ProtectedController().load()).rejects.toThrow(ConfigurationError);
    expect(() => new ClassChild().text()).toThrow(ConfigurationError);
    expect(ran).toEqual([]);
  });

  it('runs inside runAs, with the claims in the parameters and on the request', () => {
    const answers: unknown[] = [];
    const request = { headers: {} } as Request;
    const response = { setHeader: () => response, json: (body: unknown) => answers.push(body) } as unknown as Response;
    const next = vi.fn();
    runAs({ sub: 'ada' }, () => {
      new WeatherController().report(request, response, next);
      new ProtectedController().report(request, response, next);
    });
    expect(answers).toEqual([
      { sub: 'ada', same: true },
      { sub: 'ada', text: 'text', unit: '°C' },
    ]);
    expect(next).not.toHaveBeenCalled();
  });

  it('keeps its name, and the number of parameters that Express fills', () => {
    const { report: method, open } = WeatherController.prototype as unknown as Record<string, () => void>;
    expect([method?.name, method?.length]).toEqual(['report', 3]);
    expect([open?.name, open?.length]).toEqual(['open', 3]);
    expect(ProtectedController.prototype.onError).toHaveLength(4);
  });
});

describe.each(expressReleases)("errors: 'forward' on $release", ({ express }) => {
  it("passes refusals of the gate and of handlers to the application's error handler, before anything is sent", async () => {
    initialize({ ...issuer.options, errors: 'forward' });
    const seen: unknown[] = [];
    class Controller {
      @RequiresAuth()
      async write(_request: Request, response: Response) {
        await Promise.resolve();
        validateScope('write');
        response.end();
      }
    }
    await serving(
      express,
      (app) => {
        app.get('/gate', requiresAuth(), report);
        app.get('/handler', new Controller().write);
        app.use((error: AuthError, _request: Request, response: Response, _next: NextFunction) => {
          seen.push(error);
          expect(response.headersSent).toBe(false);
          response.status(error.status).set(error.headers).json({ handled: error });
        });
      },
      async (local) => {
        const anonymous = await local.call('/gate');
        expect([anonymous.status, anonymous.headers['www-authenticate']]).toEqual([401, 'Bearer']);
        expect((await local.call('/handler')).status).toBe(401);
        const answer = await local.call('/handler', { token: await issuer.token() });
        expect([answer.status, answer.body]).toEqual([403, { handled: (seen[2] as AuthError).toJSON() }]);
      },
    );
    expect(seen).toEqual([
      expect.any(MissingTokenError),
      expect.any(MissingTokenError),
      expect.any(InsufficientScopeError),
    ]);
    expect(ran).toEqual([]);
  });
});
