/** A container of routing-controllers hands out instances. What their own class requires holds. */
import Koa from 'koa';
import 'reflect-metadata';
import { Get, JsonController, useContainer, useExpressServer, useKoaServer } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AllowAnonymous, initialize, RequiresAuth, RequiresRole, ValidateScope } from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expectRefusal, expressReleases, listen, type Api } from '../support/api.js';
import { forgetWarnings } from '../support/isolation.js';

let issuer: TestIssuer;
const ran: string[] = [];

@JsonController()
@RequiresAuth()
class Orders {
  @Get('/list')
  list() {
    ran.push('list');
    return {};
  }

  @Get('/health')
  @AllowAnonymous()
  health() {
    ran.push('health');
    return {};
  }
}

@JsonController('/plain')
class PlainOrders {
  @Get('/list')
  list(): object {
    ran.push('list');
    return {};
  }

  @Get('/read')
  @RequiresAuth()
  read(): object {
    ran.push('read');
    return {};
  }
}

@RequiresRole('Admin')
class AdminOrders extends Orders {}

class WriterOrders extends Orders {
  @ValidateScope('orders.write')
  override list() {
    ran.push('writer');
    return {};
  }
}

class OverridingOrders extends Orders {
  override list() {
    ran.push('override');
    return {};
  }
}

class LateOverride extends AdminOrders {
  override list() {
    ran.push('late');
    return {};
  }
}

@RequiresRole('Admin')
class AdminPlainOrders extends PlainOrders {}

class UndecoratedOrders extends PlainOrders {
  override read() {
    ran.push('undecorated');
    return {};
  }
}

const controllers = [Orders, PlainOrders];

const hosts = [
  ...expressReleases.map(({ release, express }) => ({
    name: release,
    start: () => listen(useExpressServer(express(), { controllers })),
  })),
  {
    name: 'Koa',
    start: () => {
      const app = new Koa();
      app.silent = true;
      useKoaServer(app, { controllers });
      const handle = app.callback();
      return listen((request, response) => void handle(request, response));
    },
  },
];

type Controller = new () => Orders | PlainOrders;

/** Has a container hand out instances of one class in the place of another. */
function handOut(controller: Controller, other: Controller): void {
  useContainer({
    get: (given) => (given === controller ? new other() : new (given as new () => object)()) as never,
  });
}

beforeAll(async () => {
  issuer = await startTestIssuer();
});
beforeEach(() => {
  ran.length = 0;
  forgetWarnings();
  initialize(issuer.options);
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => issuer.close());

describe.each(hosts)('a container of routing-controllers on $name', ({ start }) => {
  let api: Api;
  beforeEach(async () => {
    api = await start();
  });
  afterEach(() => api.close());

  const call = async (path: string, claims: Parameters<TestIssuer['token']>[0] = {}) =>
    api.call(path, { token: await issuer.token(claims) });

  it('hands out a class that requires more', async () => {
    handOut(Orders, AdminOrders);
    expectRefusal(await api.call('/list'), 'missing_token');
    expectRefusal(await call('/list'), { insufficientScope: 'role' });
    expect(ran).toEqual([]);
    expect((await call('/list', { roles: ['Admin'] })).status).toBe(200);
    expect(ran).toEqual(['list']);
  });

  it('hands out a class whose override requires more', async () => {
    handOut(Orders, WriterOrders);
    expectRefusal(await call('/list'), { insufficientScope: 'scope', scope: 'orders.write' });
    expect(ran).toEqual([]);
    expect((await call('/list', { scp: 'orders.write' })).status).toBe(200);
    expect(ran).toEqual(['writer']);
  });

  it.each([
    ['below a class that requires as much', OverridingOrders, {}, 'override'],
    ['below a class that requires more', LateOverride, { roles: ['Admin'] }, 'late'],
  ])('hands out an override without a decorator, %s', async (_, controller, claims, name) => {
    handOut(Orders, controller);
    expectRefusal(await api.call('/list'), 'missing_token');
    expect((await call('/list', claims)).status).toBe(200);
    expect(ran).toEqual([name]);
  });

  it('refuses at an override without a decorator what the class above it refuses', async () => {
    handOut(Orders, LateOverride);
    expectRefusal(await call('/list'), { insufficientScope: 'role' });
    expect(ran).toEqual([]);
  });

  it('hands out an override without a decorator in the place of a method that has one', async () => {
    handOut(PlainOrders, UndecoratedOrders);
    expectRefusal(await api.call('/plain/read'), 'missing_token');
    expect((await call('/plain/read')).status).toBe(200);
    expect(ran).toEqual(['undecorated']);
  });

  it('hands out a class that requires something in the place of one that requires nothing', async () => {
    handOut(PlainOrders, AdminPlainOrders);
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    // No gate stands before a route that requires nothing, so no token of it is verified.
    expectRefusal(await api.call('/plain/list'), 'server_error');
    expectRefusal(await call('/plain/list', { roles: ['Admin'] }), 'server_error');
    expect(warn.mock.calls[0]?.[0]).toContain('is protected, and was called without its gate having run');
    expect(ran).toEqual([]);
  });

  it('leaves a lifted action open', async () => {
    handOut(Orders, OverridingOrders);
    expect((await api.call('/health')).status).toBe(200);
    expect(ran).toEqual(['health']);
  });
});
