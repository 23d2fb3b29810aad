/** A decorated handler that hands its request to a router, or to the whole app: decorated handlers arrive there. */
import type { NextFunction, Request, RequestHandler, Response, Router } from 'express';
import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { RequiresAuth, RequiresRole } from '../../../src/express.js';
import { expectRefusal, expressReleases } from '../../support/api.js';
import { issuer, ran, serving, useIssuer } from './application.js';

useIssuer();

class Reports {
  @RequiresRole('Admin')
  async remove(_request: Request, response: Response) {
    ran.push('remove');
    response.json({});
    return Promise.resolve();
  }
}

class Gateway {
  constructor(
    private readonly reports: Reports,
    private readonly router: RequestHandler,
  ) {}

  @RequiresAuth()
  route(request: Request, response: Response, next: NextFunction) {
    this.router(request, response, next);
  }

  @RequiresAuth()
  rewrite(request: Request, response: Response) {
    request.url = '/reports';
    (request.app as unknown as { handle: Router }).handle(request, response, undefined as never);
  }

  @RequiresAuth()
  async awaits(request: Request, response: Response, next: NextFunction) {
    await (this.reports.remove as RequestHandler)(request, response, next);
    ran.push('after');
  }
}

describe.each(expressReleases)('on $release', ({ express }) => {
  it.each([
    ['/gateway/reports', ['remove']],
    ['/rewrite', ['remove']],
    ['/awaits', ['remove', 'after']],
  ])('a refusal is answered, and not handed to the error handler: %s', async (path, granted) => {
    const errors: unknown[] = [];
    await serving(
      express,
      (app) => {
        const reports = new Reports();
        const router = express.Router();
        router.get('/reports', reports.remove as RequestHandler);
        const gateway = new Gateway(reports, router);
        app.use('/gateway', gateway.route.bind(gateway) as RequestHandler);
        app.get('/rewrite', gateway.rewrite.bind(gateway) as RequestHandler);
        app.get('/awaits', gateway.awaits.bind(gateway) as RequestHandler);
        app.get('/reports', reports.remove as RequestHandler);
        app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
          errors.push(error);
          response.status(418).end();
        });
      },
      async (api) => {
        expectRefusal(await api.call(path, { token: await issuer.token() }), { insufficientScope: 'role' });
        expect([ran, errors]).toEqual([[], []]);
        expect((await api.call(path, { token: await issuer.token({ roles: ['Admin'] }) })).status).toBe(200);
        expect(ran).toEqual(granted);
      },
    );
  });
});
