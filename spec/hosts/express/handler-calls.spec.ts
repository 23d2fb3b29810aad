/** A decorated method that a function of the application calls, behind a gate that required less. */
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initialize, RequiresAuth, requiresAuth, RequiresRole, validateScope } from '../../../src/express.js';
import { expectRefusal, expressReleases } from '../../support/api.js';
import { issuer, ran, serving, useIssuer } from './application.js';

useIssuer();

class Reports {
  @RequiresRole('Admin')
  remove(_request: Request, response: Response) {
    ran.push('remove');
    response.json({});
  }

  @RequiresAuth({ callers: 'app' })
  async sweep(_request: Request, response: Response) {
    await Promise.resolve();
    ran.push('sweep');
    response.json({});
  }
}

@RequiresRole('Admin')
class AdminReports {
  remove(_request: Request, response: Response) {
    ran.push('remove');
    response.json({});
  }

  readonly property = (_request: Request, response: Response) => {
    ran.push('property');
    response.json({});
  };
}

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  // A rejection is reported after the microtasks.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

type Call = (request: Request, response: Response) => unknown;

const reports = new Reports();
const admin = new AdminReports();
const calls: readonly [string, Call, string][] = [
  [
    'a method',
    (request, response) => {
      reports.remove(request, response);
    },
    'remove',
  ],
  [
    'a method whose class requires more',
    (request, response) => {
      admin.remove(request, response);
    },
    'remove',
  ],
  [
    'a function of a class that requires more',
    (request, response) => {
      admin.property(request, response);
    },
    'property',
  ],
];

describe.each(expressReleases)('a handler that is called by an arrow function, on $release', ({ express }) => {
  it.each(calls)('refuses a token that was let in for less: %s', async (_, call, name) => {
    await serving(
      express,
      (app) => {
        app.use(requiresAuth() as RequestHandler);
        app.delete('/x/:id', call as RequestHandler);
      },
      async (api) => {
        const request = async (claims: object = {}) => ({ method: 'DELETE', token: await issuer.token({ ...claims }) });
        expectRefusal(await api.call('/x/1', { method: 'DELETE' }), 'missing_token');
        expectRefusal(await api.call('/x/1', await request()), { insufficientScope: 'role' });
        expect(ran).toEqual([]);
        expect((await api.call('/x/1', await request({ roles: ['Admin'] }))).status).toBe(200);
        expect(ran).toEqual([name]);
      },
    );
  });

  it('refuses people where the method is for applications', async () => {
    await serving(
      express,
      (app) => {
        app.use(requiresAuth() as RequestHandler);
        app.delete('/x/:id', ((request, response) => reports.sweep(request, response)) as RequestHandler);
      },
      async (api) => {
        const person = await api.call('/x/1', { method: 'DELETE', token: await issuer.token() });
        expect([person.status, person.headers['www-authenticate']]).toEqual([
          403,
          'Bearer error="insufficient_scope", error_description="This kind of caller is not accepted."',
        ]);
        expect(ran).toEqual([]);
        const token = await issuer.appToken({ roles: ['any'] });
        expect((await api.call('/x/1', { method: 'DELETE', token })).status).toBe(200);
      },
    );
  });

  it.each(calls)('answers by itself where errors are forwarded and it is not given next: %s', async (_, call) => {
    initialize({ ...issuer.options, errors: 'forward' });
    const forwarded: unknown[] = [];
    await serving(
      express,
      (app) => {
        app.use(requiresAuth() as RequestHandler);
        app.delete('/x/:id', call as RequestHandler);
        app.use(((error, _request, response, _next) => {
          forwarded.push(error);
          (response as Response).status(418).end();
        }) as ErrorRequestHandler);
      },
      async (api) => {
        expect((await api.call('/x/1', { method: 'DELETE' })).status).toBe(418);
        const answer = await api.call('/x/1', { method: 'DELETE', token: await issuer.token() });
        expectRefusal(answer, { insufficientScope: 'role' });
        expect(forwarded).toHaveLength(1);
        expect(ran).toEqual([]);
      },
    );
  });
});

describe.each(expressReleases)('a helper in a handler without a decorator, on $release', ({ express }) => {
  it.each([
    ['of the current request', () => undefined],
    ['of a request that is passed', (request: Request) => request],
  ])('names the resource metadata where it refuses: %s', async (_, passed) => {
    initialize({ ...issuer.options, resourceMetadata: { resource: 'https://api.example' } });
    await serving(
      express,
      (app) => {
        app.put('/x', requiresAuth() as RequestHandler, (request, response) => {
          validateScope('reports.write', passed(request));
          response.json({});
        });
      },
      async (api) => {
        // Express answers by itself, with the headers of the error.
        const answer = await api.call('/x', { method: 'PUT', token: await issuer.token() });
        expect([answer.status, answer.headers['www-authenticate']]).toEqual([
          403,
          'Bearer error="insufficient_scope", error_description="The access token does not carry the scope this request needs.", ' +
            `scope="api://${issuer.options.clientId}/reports.write", ` +
            'resource_metadata="https://api.example/.well-known/oauth-protected-resource"',
        ]);
      },
    );
  });
});
