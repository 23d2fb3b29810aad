import express from 'express';
import type { ErrorRequestHandler } from 'express';
import Koa from 'koa';
import 'reflect-metadata';
import { Get, JsonController, useExpressServer, useKoaServer } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ConfigurationError,
  createMicrosoftIdentity,
  initialize,
  InsufficientScopeError,
  IssuerUnavailableError,
  MissingTokenError,
  RequiresAuth,
  RequiresRole,
  TokenClaims,
  ValidateScope,
  validateScope,
  type AccessTokenClaims,
} from '../../src/index.js';
import { startTestIssuer } from '../../src/testing.js';
import { expectRefusal, listen, serve, type Api } from '../support/api.js';
import { errorOf } from '../support/refusals.js';

// Decorators are bound while classes are defined, so the issuers have to be there first.
const [first, second] = await Promise.all([startTestIssuer(), startTestIssuer()]);
afterAll(() => Promise.all([first.close(), second.close()]));

const staff = createMicrosoftIdentity(first.options);
const partners = createMicrosoftIdentity({ ...second.options, errors: 'forward' });
/** Another API of the same tenant, which shares its keys and issuer. */
const reports = createMicrosoftIdentity({ ...first.options, clientId: '4f2d8a61-93b7-4c05-8e1d-7a6b5c4d3e2f' });
const customers = createMicrosoftIdentity({ b2c: first.b2cOptions });

let ran: string[] = [];

@JsonController('/staff')
@staff.RequiresAuth()
class StaffController {
  @Get('/who')
  who(@staff.TokenClaims() claims: AccessTokenClaims, @TokenClaims('sub') sub: string) {
    ran.push('staff');
    return { sub: claims.sub === sub ? sub : 'two persons' };
  }

  @Get('/partner')
  @partners.RequiresAuth()
  partner() {
    ran.push('partner');
    return {};
  }

  @Get('/writer')
  @ValidateScope('write')
  writer() {
    ran.push('writer');
    return {};
  }

  @Get('/process')
  @RequiresAuth()
  process() {
    ran.push('process');
    return {};
  }

  @Get('/open')
  @staff.AllowAnonymous()
  open() {
    return {};
  }
}

@JsonController('/partners')
class PartnersController {
  @Get('/')
  @partners.RequiresAuth()
  @RequiresRole('Partner')
  list() {
    ran.push('partners');
    return {};
  }

  @Get('/role-first')
  @RequiresRole('Partner')
  @partners.RequiresAuth()
  roleFirst() {
    ran.push('role-first');
    return {};
  }

  @Get('/throws')
  @partners.RequiresAuth()
  throws() {
    validateScope('write');
  }
}

@JsonController('/mixed')
class MixedController {
  @Get('/staff')
  @staff.RequiresAuth()
  staff() {
    ran.push('mixed-staff');
    return {};
  }

  @Get('/partner')
  @partners.RequiresAuth()
  partner() {
    ran.push('mixed-partner');
    return {};
  }

  @Get('/reports')
  @reports.RequiresAuth()
  reports() {
    ran.push('reports');
    return {};
  }

  @Get('/customer')
  @customers.RequiresB2cAuth({ policy: 'B2C_1_susi' })
  customer() {
    ran.push('customer');
    return {};
  }

  @Get('/demand-alone')
  @staff.ValidateScope('access_as_user')
  demandAlone() {
    ran.push('demand-alone');
    return {};
  }

  @Get('/unbound')
  @RequiresAuth()
  unbound() {
    ran.push('unbound');
    return {};
  }

  @Get('/wrong-scheme')
  @customers.RequiresAuth()
  wrongScheme() {
    ran.push('wrong-scheme');
    return {};
  }
}

@partners.RequiresAuth()
abstract class PartnersBase {
  @Get('/inherited')
  @partners.ValidateScope('access_as_user')
  inherited() {
    ran.push('inherited');
    return {};
  }
}

@JsonController('/derived')
class DerivedController extends PartnersBase {
  @Get('/own')
  @RequiresRole('Partner')
  own() {
    ran.push('own');
    return {};
  }
}

const controllers = [StaffController, PartnersController, MixedController, DerivedController];

/** What was forwarded to the application. */
let forwarded: unknown[] = [];

function serveOnExpress(): Promise<Api> {
  const app = express();
  useExpressServer(app, { controllers, defaultErrorHandler: false });
  const handle: ErrorRequestHandler = (
    error: { status: number; headers: Record<string, string> },
    _request,
    response,
    _next,
  ) => {
    forwarded.push(error);
    response.status(error.status).set(error.headers).send('by the application');
  };
  app.use(handle);
  return listen(app);
}

function serveOnKoa(): Promise<Api> {
  const app = new Koa();
  app.silent = true;
  app.on('error', (error: unknown) => forwarded.push(error));
  useKoaServer(app, { controllers, defaultErrorHandler: false });
  const handle = app.callback();
  return listen((request, response) => void handle(request, response));
}

beforeEach(() => {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  ran = [];
  forwarded = [];
});
afterEach(() => {
  vi.restoreAllMocks();
});

it('bound decorators work before initialize, and the others do not', async () => {
  const api = await serve([MixedController]);
  expect((await api.call('/mixed/staff', { token: await first.token() })).status).toBe(200);
  expectRefusal(await api.call('/mixed/unbound', { token: await first.token() }), 'server_error');
  expect(ran).toEqual(['mixed-staff']);
  await api.close();
});

describe.each([
  ['Express', serveOnExpress],
  ['Koa', serveOnKoa],
])('bound decorators on %s', (_, start) => {
  let api: Api;
  beforeAll(async () => {
    api = await start();
  });
  afterAll(() => api.close());
  beforeEach(() => {
    initialize({ ...first.options, b2c: second.b2cOptions });
  });

  const get = async (path: string, token: Promise<string>) => api.call(path, { token: await token });
  const lets = async (path: string, token: Promise<string>) => {
    expect([path, (await get(path, token)).status]).toEqual([path, 200]);
  };

  it('hold a token against their own configuration, on a controller each', async () => {
    expect((await get('/staff/who', first.token())).body).toEqual({ sub: 'v2-pairwise-subject' });
    await lets('/partners', second.token({ roles: ['Partner'] }));
    expectRefusal(await get('/staff/who', second.token()), { invalidToken: 'issuer' });
    expect(ran).toEqual(['staff', 'partners']);
  });

  it('hold a token against their own configuration, on methods of one controller', async () => {
    await lets('/mixed/staff', first.token());
    await lets('/mixed/partner', second.token());
    await lets('/mixed/customer', first.b2cToken());
    expectRefusal(await get('/mixed/staff', second.token()), { invalidToken: 'issuer' });
    expectRefusal(await get('/mixed/customer', second.b2cToken()), { invalidToken: 'issuer' });
    expectRefusal(await get('/mixed/customer', first.b2cToken({ tfp: 'B2C_1A_signin' })), { invalidToken: 'policy' });
    expectRefusal(await get('/mixed/customer', first.token()), { invalidToken: 'policy' });
    expect(ran).toEqual(['mixed-staff', 'mixed-partner', 'customer']);
  });

  it('keep two APIs of one tenant apart, also for a token that one of them has let in', async () => {
    const token = first.token();
    const report = first.token({ aud: '4f2d8a61-93b7-4c05-8e1d-7a6b5c4d3e2f' });
    for (const _turn of ['first seen', 'seen before']) {
      await lets('/mixed/staff', token);
      await lets('/mixed/reports', report);
      expectRefusal(await get('/mixed/reports', token), { invalidToken: 'audience' });
      expectRefusal(await get('/mixed/staff', report), { invalidToken: 'audience' });
    }
    expect(ran).toEqual(['mixed-staff', 'reports', 'mixed-staff', 'reports']);
  });

  it('replace, on a method, the scheme that another configuration has on the class', async () => {
    await lets('/staff/partner', second.token());
    const crossing = await get('/staff/partner', first.token());
    expect([crossing.status, crossing.headers['www-authenticate']]).toEqual([
      401,
      'Bearer error="invalid_token", error_description="The access token comes from another issuer."',
    ]);
    initialize(second.options);
    await lets('/staff/process', second.token());
    expectRefusal(await get('/staff/process', first.token()), { invalidToken: 'issuer' });
    expect(ran).toEqual(['partner', 'process']);
  });

  it('go with demands of the process, on the class and on the method, in either order', async () => {
    await lets('/staff/writer', first.token({ scp: 'write' }));
    expectRefusal(await get('/staff/writer', first.token()), { insufficientScope: 'scope', scope: 'write' });
    expectRefusal(await get('/staff/writer', second.token({ scp: 'write' })), { invalidToken: 'issuer' });
    for (const path of ['/partners', '/partners/role-first']) {
      await lets(path, second.token({ roles: ['Partner'] }));
      expect((await get(path, second.token())).status).toBe(403);
      expect((await get(path, first.token({ roles: ['Partner'] }))).status).toBe(401);
    }
    expect(ran).toEqual(['writer', 'partners', 'role-first']);
  });

  it('demand alone takes the one scheme of its own configuration, whatever the process has', async () => {
    await lets('/mixed/demand-alone', first.token());
    expectRefusal(await get('/mixed/demand-alone', second.token()), { invalidToken: 'issuer' });
    expectRefusal(await get('/mixed/demand-alone', first.token({ scp: 'other' })), {
      insufficientScope: 'scope',
      scope: 'access_as_user',
    });
    expect(ran).toEqual(['demand-alone']);
  });

  it('answer 500 for a scheme that their own configuration lacks, though the process has it', async () => {
    expectRefusal(await get('/mixed/wrong-scheme', first.token()), 'server_error');
    expect(ran).toEqual([]);
  });

  it('are not touched by another initialize', async () => {
    initialize(second.options);
    await lets('/staff/who', first.token());
    expectRefusal(await get('/staff/who', second.token()), { invalidToken: 'issuer' });
    await lets('/mixed/unbound', second.token());
    expectRefusal(await get('/mixed/unbound', first.token()), { invalidToken: 'issuer' });
  });

  it('leave open what allows anonymous callers', async () => {
    expect((await api.call('/staff/open')).status).toBe(200);
    expectRefusal(await api.call('/staff/who'), 'missing_token');
  });

  it('hold for controllers below', async () => {
    expect((await api.call('/derived/inherited')).status).toBe(401);
    await lets('/derived/inherited', second.token());
    expect((await get('/derived/inherited', first.token())).status).toBe(401);
    expect((await get('/derived/inherited', second.token({ scp: 'other' }))).status).toBe(403);
    await lets('/derived/own', second.token({ roles: ['Partner'] }));
    expect((await get('/derived/own', second.token())).status).toBe(403);
    expect((await get('/derived/own', first.token({ roles: ['Partner'] }))).status).toBe(401);
    expect(ran).toEqual(['inherited', 'own']);
  });

  it("forward errors, or answer them, as their own configuration says, and an action's errors likewise", async () => {
    initialize({ ...first.options, errors: 'respond' });
    expectRefusal(await api.call('/mixed/staff'), 'missing_token');
    expect(forwarded).toEqual([]);
    const anonymous = await api.call('/mixed/partner');
    expect([anonymous.status, anonymous.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(forwarded).toEqual([expect.any(MissingTokenError)]);
    const thrown = await get('/partners/throws', second.token());
    expect(thrown.status).toBe(403);
    expect(forwarded).toEqual([expect.any(MissingTokenError), expect.any(InsufficientScopeError)]);

    initialize({ ...first.options, errors: 'forward' });
    expectRefusal(await api.call('/mixed/staff'), 'missing_token');
    expect(forwarded).toHaveLength(2);
    expect((await api.call('/mixed/unbound')).status).toBe(401);
    expect(forwarded).toHaveLength(3);
  });
});

describe('decorators of two configurations on one method', () => {
  type Decorate = (target: object, key: string, descriptor: PropertyDescriptor) => void;

  function standing(...decorators: Decorate[]) {
    class Controller {
      method() {
        return {};
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Controller.prototype, 'method');
    if (descriptor === undefined) throw new Error('the method is gone');
    for (const decorate of decorators) decorate(Controller.prototype, 'method', descriptor);
  }

  it.each<[string, Decorate[]]>([
    ['two bound schemes', [staff.RequiresAuth(), partners.RequiresAuth()]],
    ['two that are configured alike', [staff.RequiresAuth(), createMicrosoftIdentity(first.options).RequiresAuth()]],
    ['a bound scheme and that of the process', [staff.RequiresAuth(), RequiresAuth()]],
    ['that of the process and a bound scheme', [RequiresAuth(), staff.RequiresAuth()]],
    ["a bound scheme and another's demand", [staff.RequiresAuth(), partners.ValidateScope('a')]],
    ["another's demand and a bound scheme", [partners.ValidateScope('a'), staff.RequiresAuth()]],
    ["two others' demands", [partners.ValidateScope('a'), staff.DenyGuests()]],
    ['a bound demand and the scheme of the process', [partners.ValidateScope('a'), RequiresAuth()]],
    ['the scheme of the process and a bound demand', [RequiresAuth(), partners.ValidateScope('a')]],
  ])('throw where they stand: %s', (_, decorators) => {
    const define = () => {
      standing(...decorators);
    };
    expect(define).toThrow(ConfigurationError);
    expect(define).toThrow('Controller.method combines decorators of two configurations. Use one per route.');
  });

  it.each<[string, Decorate[]]>([
    ['a scheme and a demand of one configuration', [staff.RequiresAuth(), staff.ValidateScope('a')]],
    ['a bound scheme and a demand of the process', [staff.RequiresAuth(), ValidateScope('a')]],
    ['a demand of the process and a bound scheme', [ValidateScope('a'), staff.RequiresAuth()]],
    ['a bound demand and one of the process', [staff.ValidateScope('a'), RequiresRole('b')]],
  ])('are not: %s', (_, decorators) => {
    expect(() => {
      standing(...decorators);
    }).not.toThrow();
  });
});

describe('createMicrosoftIdentity', () => {
  it('leaves the configuration of the process alone, also where it fails', async () => {
    initialize(first.options);
    const api = await serve([MixedController]);
    createMicrosoftIdentity(second.options);
    const error = await errorOf(() =>
      createMicrosoftIdentity({ tenantId: 'common', clientId: first.options.clientId }),
    );
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((await api.call('/mixed/unbound', { token: await first.token() })).status).toBe(200);
    await api.close();
  });

  it('gives what initialize gives: ready, close and the resource metadata', async () => {
    const before = second.requests.keys;
    const identity = createMicrosoftIdentity({
      ...second.options,
      resourceMetadata: { resource: 'https://api.fabrikam.example' },
    });
    await identity.ready();
    expect(second.requests.keys).toBe(before + 1);
    expect(identity.resourceMetadata?.resource).toBe('https://api.fabrikam.example');
    expect(Object.isFrozen(identity)).toBe(true);
    const closed = createMicrosoftIdentity(second.options);
    closed.close();
    expect(await errorOf(() => closed.ready())).toBeInstanceOf(IssuerUnavailableError);
  });

  it('answers 503 by itself while the others go on', async () => {
    initialize(first.options);
    const lonely = createMicrosoftIdentity({ ...second.options, instance: 'http://127.0.0.1:1' });

    @JsonController('/lonely')
    class LonelyController {
      @Get('/down')
      @lonely.RequiresAuth()
      down() {
        return {};
      }

      @Get('/up')
      @staff.RequiresAuth()
      up() {
        return {};
      }
    }

    const api = await serve([LonelyController]);
    expectRefusal(await api.call('/lonely/down', { token: await second.token() }), 'issuer_unavailable');
    expect((await api.call('/lonely/up', { token: await first.token() })).status).toBe(200);
    await api.close();
  });
});
