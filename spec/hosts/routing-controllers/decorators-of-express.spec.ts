/** Decorators of …/express on actions, in a process where no decorator of the root entry point is used. */
import type { Request, RequestHandler, Response } from 'express';
import 'reflect-metadata';
import { Get, JsonController, Req, Res, useExpressServer } from 'routing-controllers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { initialize, RequiresAuth, requiresAuth, RequiresRole } from '../../../src/express.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expectRefusal, expressReleases, listen, type Api } from '../../support/api.js';

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

@JsonController()
class Actions {
  @Get('/method')
  @RequiresAuth()
  @RequiresRole('Admin')
  method() {
    ran.push('method');
    return {};
  }

  @Get('/async')
  @RequiresRole('Admin')
  async async() {
    ran.push('async');
    return Promise.resolve({});
  }

  @Get('/handler')
  @RequiresRole('Admin')
  handler(@Req() _request: Request, @Res() response: Response) {
    ran.push('handler');
    return response.json({});
  }
}

describe.each(expressReleases)('an action with a decorator of …/express, on $release', ({ express }) => {
  async function serving(before: readonly RequestHandler[], test: (api: Api) => Promise<void>): Promise<void> {
    const app = express();
    app.set('env', 'test');
    for (const middleware of before) app.use(middleware);
    const api = await listen(useExpressServer(app, { controllers: [Actions] }));
    try {
      await test(api);
    } finally {
      await api.close();
    }
  }

  it('does not run without a gate, and the error names the entry points', async () => {
    await serving([], async (api) => {
      for (const path of ['/method', '/async']) {
        for (const call of [{}, { token: await issuer.token({ roles: ['Admin'] }) }]) {
          const answer = await api.call(path, call);
          expect([answer.status, answer.body]).toEqual([500, { error: 'server_error' }]);
        }
      }
      expect(ran).toEqual([]);
    });
  });

  it('is its own gate where it takes request and response', async () => {
    await serving([], async (api) => {
      expectRefusal(await api.call('/handler'), 'missing_token');
      expectRefusal(await api.call('/handler', { token: await issuer.token() }), { insufficientScope: 'role' });
      expect(ran).toEqual([]);
      expect((await api.call('/handler', { token: await issuer.token({ roles: ['Admin'] }) })).status).toBe(200);
      expect(ran).toEqual(['handler']);
    });
  });

  it('holds behind requiresAuth()', async () => {
    await serving([requiresAuth() as RequestHandler], async (api) => {
      for (const name of ['method', 'async', 'handler']) {
        expectRefusal(await api.call(`/${name}`), 'missing_token');
        expect((await api.call(`/${name}`, { token: await issuer.token() })).status).toBe(403);
        expect(ran).toEqual([]);
        expect((await api.call(`/${name}`, { token: await issuer.token({ roles: ['Admin'] }) })).status).toBe(200);
        expect(ran.splice(0)).toEqual([name]);
      }
    });
  });
});
