/** Several apps in a process, of which some use our authorization checker. */
import express from 'express';
import 'reflect-metadata';
import { Authorized, createExecutor, ExpressDriver, Get, JsonController } from 'routing-controllers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { initialize } from '../../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expectRefusal, listen } from '../../support/api.js';
import { checkers, hosts, withApi, type AppOptions } from './existing-app.js';

class BaseController {
  @Get('/inherited')
  @Authorized()
  inherited() {
    return {};
  }
}

@JsonController()
class OrderController extends BaseController {
  @Get('/own')
  @Authorized('Admin')
  own() {
    return {};
  }
}

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  initialize(issuer.options);
});

const controllers = [OrderController];

describe.each(hosts)('on $host', ({ start }) => {
  const withApps = (first: AppOptions, second: AppOptions, use: (first: string, second: string) => Promise<void>) =>
    withApi(start({ controllers, ...first }), (one) =>
      withApi(start({ controllers, ...second }), (other) => use(one.url, other.url)),
    );

  const statusOf = async (url: string, token?: string) =>
    (await fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })).status;

  it.each(['first', 'second'])('an app with a checker of its own is left to it, set up %s', async (order) => {
    const asked: unknown[] = [];
    const own: AppOptions = {
      authorizationChecker: (_action, roles) => {
        asked.push(roles);
        return true;
      },
    };
    const apps = order === 'first' ? ([own, checkers()] as const) : ([checkers(), own] as const);
    await withApps(...apps, async (...urls) => {
      const [ownUrl, ourUrl] = order === 'first' ? urls : [urls[1], urls[0]];
      expect(await statusOf(`${ownUrl}/own`)).toBe(200);
      expect(await statusOf(`${ownUrl}/inherited`)).toBe(200);
      expect(asked).toEqual([['Admin']]);
      expect(await statusOf(`${ourUrl}/own`)).toBe(401);
      expect(await statusOf(`${ourUrl}/inherited`)).toBe(401);
    });
  });

  it('an app without a checker is left to routing-controllers', () =>
    withApps(checkers(), {}, async (ourUrl, otherUrl) => {
      expect(await statusOf(`${otherUrl}/own`, await issuer.token({ roles: ['Admin'] }))).toBe(500);
      expect(await statusOf(`${otherUrl}/inherited`)).toBe(200);
      expect(await statusOf(`${ourUrl}/inherited`)).toBe(401);
    }));

  it('each app has the options of its own checker', () =>
    withApps(checkers({ scheme: 'entra' }), checkers({ scheme: 'b2c' }), async (entraUrl, b2cUrl) => {
      initialize({ ...issuer.options, b2c: issuer.b2cOptions });
      const [token, b2cToken] = [await issuer.token(), await issuer.b2cToken()];
      expect(await statusOf(`${entraUrl}/inherited`, token)).toBe(200);
      expect(await statusOf(`${entraUrl}/inherited`, b2cToken)).toBe(401);
      expect(await statusOf(`${b2cUrl}/inherited`, token)).toBe(401);
      expect(await statusOf(`${b2cUrl}/inherited`, b2cToken)).toBe(200);
    }));
});

describe('an app that is set up with a driver of its own', () => {
  class LoggingDriver extends ExpressDriver {
    readonly routes: string[] = [];

    override registerAction(...given: Parameters<ExpressDriver['registerAction']>): void {
      this.routes.push(String(given[0].fullRoute));
      super.registerAction(...given);
    }
  }

  it('has the gates', async () => {
    const app = express();
    const driver = new LoggingDriver(app);
    createExecutor(driver, { controllers, ...checkers() });
    expect(driver.routes).toEqual(['/own', '/inherited']);
    await withApi(listen(app), async (api) => {
      expectRefusal(await api.call('/inherited'), 'missing_token');
    });
  });
});
