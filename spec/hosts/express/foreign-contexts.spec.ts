/** Requests whose handlers run in the context of something else: of a test, or of another request. */
import { AsyncResource } from 'node:async_hooks';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import {
  AllowAnonymous,
  getTokenClaims,
  RequiresAuth,
  requiresAuth,
  RequiresRole,
  TokenClaims,
  type AccessTokenClaims,
} from '../../../src/express.js';
import * as routingControllers from '../../../src/index.js';
import { initialize } from '../../../src/index.js';
import { runAs } from '../../../src/testing.js';
import { expectRefusal, expressReleases, listen, type Api } from '../../support/api.js';
import { issuer, ran, silenceWarnings, useIssuer } from './application.js';

useIssuer();

function subjectOfHelper(): string {
  try {
    return getTokenClaims().sub ?? 'none';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

@RequiresAuth()
class Orders {
  @RequiresRole('Admin')
  list(_request: Request, response: Response) {
    ran.push('list');
    response.json({});
  }

  mine(_request: Request, response: Response, _next: NextFunction, @TokenClaims() claims?: AccessTokenClaims) {
    response.json({ parameter: claims?.sub, helper: subjectOfHelper() });
  }

  @AllowAnonymous()
  home(request: Request, response: Response, _next: NextFunction, @TokenClaims() claims?: AccessTokenClaims) {
    response.json({ parameter: claims?.sub ?? 'none', auth: request.auth?.sub ?? 'none', helper: subjectOfHelper() });
  }

  @AllowAnonymous()
  passesOn(_request: Request, _response: Response, next: NextFunction) {
    next();
  }
}

@routingControllers.RequiresAuth()
class OfRoutingControllers {
  list(_request: Request, response: Response) {
    ran.push('list');
    response.json({});
  }

  async load(_request: Request, response: Response) {
    await Promise.resolve();
    ran.push('load');
    response.json({});
  }

  // Express fills the third parameter where the decorator does not.
  @routingControllers.AllowAnonymous()
  home(_request: Request, response: Response, @routingControllers.TokenClaims() claims?: unknown) {
    response.json({ filled: typeof claims === 'object', helper: subjectOfHelper() });
  }
}

const anonymous = { parameter: 'none', auth: 'none', helper: 'missing_token' };

describe.each(expressReleases)('handlers on $release', ({ express }) => {
  const orders = new Orders();
  const ofAnotherHost = new OfRoutingControllers();
  const reply: RequestHandler = (_request, response) => {
    response.json({ helper: subjectOfHelper() });
  };

  function application(first: RequestHandler) {
    initialize(issuer.options);
    const app = express();
    app.set('env', 'test');
    app.use(first);
    app.get('/list', orders.list);
    app.get('/mine', orders.mine);
    app.get('/home', orders.home);
    app.get('/passes-on', orders.passesOn, reply);
    app.get('/verified-home', requiresAuth(), orders.home);
    app.get('/other/list', ofAnotherHost.list);
    app.get('/other/load', ofAnotherHost.load);
    app.get('/other/home', ofAnotherHost.home);
    app.get('/other/verified', requiresAuth(), ofAnotherHost.list);
    return app;
  }

  async function judges(api: Api) {
    const warn = silenceWarnings();
    expectRefusal(await api.call('/list'), 'missing_token');
    expectRefusal(await api.call('/mine'), 'missing_token');
    expect((await api.call('/home')).body).toEqual(anonymous);
    expect((await api.call('/passes-on')).body).toEqual({ helper: 'missing_token' });
    expect((await api.call('/other/list')).status).toBe(500);
    expect((await api.call('/other/load')).status).toBe(500);
    expect((await api.call('/other/home')).body).toEqual({ filled: false, helper: 'missing_token' });
    expect(ran).toEqual([]);
    warn.mockRestore();
    const token = await issuer.token({ sub: 'bob' });
    expectRefusal(await api.call('/list', { token }), { insufficientScope: 'role' });
    expect((await api.call('/mine', { token })).body).toEqual({ parameter: 'bob', helper: 'bob' });
    expect((await api.call('/home', { token })).body).toEqual(anonymous);
    expect((await api.call('/verified-home', { token })).body).toEqual({
      parameter: 'bob',
      auth: 'bob',
      helper: 'bob',
    });
    expect((await api.call('/other/verified', { token })).status).toBe(200);
  }

  it('judge the requests of a server that listens inside runAs', async () => {
    const app = application((_request, _response, next) => {
      next();
    });
    const api = await runAs({ sub: 'system', roles: ['Admin'] }, () => listen(app));
    try {
      await judges(api);
    } finally {
      await api.close();
    }
  });

  it('judge requests by their own token in a callback of a connection that another request opened', async () => {
    let connection: AsyncResource | undefined;
    const app = application((_request, _response, next) => {
      if (connection === undefined) next();
      else connection.runInAsyncScope(next);
    });
    app.get('/opens', requiresAuth(), (_request, response) => {
      connection = new AsyncResource('connection');
      response.json({ helper: subjectOfHelper() });
    });
    const api = await listen(app);
    try {
      const token = await issuer.token({ sub: 'alice', roles: ['Admin'] });
      expect((await api.call('/opens', { token })).body).toEqual({ helper: 'alice' });
      await judges(api);
    } finally {
      await api.close();
    }
  });
});
