import { Hono, type Context } from 'hono';
import 'reflect-metadata';
import { Get, JsonController } from 'routing-controllers';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as forExpress from '../../../src/express.js';
import {
  AccessTokenClaims,
  AllowAnonymous,
  ClaimCheck,
  ConfigurationError,
  createMicrosoftIdentity,
  getTokenClaims,
  initialize,
  MissingTokenError,
  RequiresAuth,
  RequiresB2cAuth,
  RequiresGroup,
  RequiresRole,
  TokenClaims,
  ValidateScope,
} from '../../../src/fetch.js';
import * as forRoutingControllers from '../../../src/index.js';
import * as forNest from '../../../src/nestjs.js';
import { runAs, startTestIssuer } from '../../../src/testing.js';
import { forgetWarnings } from '../../support/isolation.js';
import { errorOf } from '../../support/refusals.js';

const partnersIssuer = await startTestIssuer();
const issuer = await startTestIssuer();
const ran: string[] = [];

beforeEach(() => {
  ran.length = 0;
  forgetWarnings();
  vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  initialize({ ...issuer.options, b2c: issuer.b2cOptions });
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => Promise.all([issuer.close(), partnersIssuer.close()]));

const requestWith = (token?: string) =>
  new Request('http://localhost/', { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });

/** What a handler returns. Its gate makes a promise of it. */
function note(name: string): Response | Promise<Response> {
  ran.push(name);
  return new Response(name);
}

const Binds: MethodDecorator = (_prototype, _name, descriptor) => {
  const method = descriptor.value as unknown as (...parameters: unknown[]) => unknown;
  const binding = {
    configurable: true,
    get(this: object) {
      return method.bind(this);
    },
  };
  return binding as unknown as typeof descriptor;
};

class Base {
  inherited(_request: Request) {
    return note('inherited');
  }
}

@RequiresAuth()
@RequiresRole('Admin')
class Orders extends Base {
  readonly unit = 'kg';

  static counted(_request: Request) {
    return note('counted');
  }

  readonly held = (_request: Request) => note('held');

  list(_request: Request) {
    return note(`list ${this.unit}`);
  }

  @Binds
  bound(_request: Request) {
    return note(`bound ${this.unit}`);
  }

  @AllowAnonymous()
  open(_request: Request) {
    return note('open');
  }
}

class SpecialOrders extends Orders {
  override list(_request: Request) {
    return note('special');
  }
}

type Handler = (request: object) => Response | Promise<Response>;

const orders = new Orders();
const members: readonly [string, Handler][] = [
  ['a method', orders.list.bind(orders) as Handler],
  ['an inherited method', (request) => orders.inherited(request as Request)],
  ['a static method', (request) => Orders.counted(request as Request)],
  ['a method that a getter binds', (request) => orders.bound(request as Request)],
  ['a function in a property', orders.held as Handler],
  ['an override without a decorator', (request) => new SpecialOrders().list(request as Request)],
];

describe('a requirement on a class', () => {
  it.each(members)('covers %s', async (_, handler) => {
    const anonymous = await handler(requestWith());
    expect([anonymous.status, anonymous.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect((await handler(requestWith(await issuer.token()))).status).toBe(403);
    expect(ran).toEqual([]);
    expect((await handler(requestWith(await issuer.token({ roles: ['Admin'] })))).status).toBe(200);
    expect(ran).toHaveLength(1);
  });

  it.each(members)('covers %s where an object holds the request', async (_, handler) => {
    for (const hold of [
      (request: Request) => ({ req: { raw: request } }),
      (request: Request) => ({ request }),
      (request: Request) => ({ raw: request }),
      // As Azure Functions has it: a class of its own.
      ({ method, headers }: Request) => ({ method, headers: { get: (name: string) => headers.get(name) } }),
    ]) {
      expect((await handler(hold(requestWith()))).status).toBe(401);
      expect((await handler(hold(requestWith(await issuer.token({ roles: ['Admin'] }))))).status).toBe(200);
    }
    expect(ran).toHaveLength(4);
  });

  it('is lifted by @AllowAnonymous(), also within a request that was let in', async () => {
    expect((await new SpecialOrders().open(requestWith())).status).toBe(200);
    class Outer {
      @AllowAnonymous()
      inner(_request: Request) {
        expect(() => getTokenClaims()).toThrow(MissingTokenError);
        return note('inner');
      }

      @RequiresAuth()
      outer(_request: Request) {
        return this.inner(requestWith());
      }
    }
    expect((await new Outer().outer(requestWith(await issuer.token()))).status).toBe(200);
    expect(ran).toEqual(['open', 'inner']);
  });
});

describe('a decorated method', () => {
  class Reports {
    @RequiresAuth()
    async read(
      _request: Request,
      _context: unknown,
      @TokenClaims() claims?: AccessTokenClaims,
      @TokenClaims('oid') oid?: string,
    ) {
      await Promise.resolve();
      return Response.json({ oid, isSame: claims === getTokenClaims() });
    }

    @RequiresAuth()
    async readAndRemove(request: Request) {
      try {
        return await this.remove(request);
      } catch (error) {
        ran.push((error as Error).name);
        throw error;
      }
    }

    @RequiresRole('Admin')
    async remove(_request: Request) {
      return Promise.resolve(note('remove'));
    }

    @RequiresAuth()
    @RequiresGroup('staff')
    staff(_request: Request) {
      return note('staff');
    }

    @RequiresB2cAuth()
    customers(_request: Request) {
      return note('customers');
    }

    @RequiresAuth()
    gone(_request: Request): Response | Promise<Response> {
      throw new RangeError('gone');
    }
  }
  const reports = new Reports();

  it('gets the claims, in its own context', async () => {
    const response = await reports.read(requestWith(await issuer.token({ oid: 'ada' })), undefined);
    expect(await response.json()).toEqual({ oid: 'ada', isSame: true });
  });

  it('gets the claims that a test gives', async () => {
    const response = await runAs({ oid: 'ada' }, () => reports.read(requestWith(), undefined));
    expect(await response.json()).toEqual({ oid: 'ada', isSame: true });
  });

  it('throws to the handler that calls it with its request', async () => {
    expect((await reports.readAndRemove(requestWith(await issuer.token()))).status).toBe(403);
    expect(ran).toEqual(['InsufficientScopeError']);
    expect((await reports.readAndRemove(requestWith(await issuer.token({ roles: ['Admin'] })))).status).toBe(200);
  });

  it('waits for its gate, also where it does not wait itself', async () => {
    initialize({ ...issuer.options, resolveGroups: () => Promise.resolve(['staff']) });
    expect((await reports.staff(requestWith(await issuer.token({ hasgroups: true })))).status).toBe(200);
    expect(ran).toEqual(['staff']);
  });

  it('answers 500 where its scheme is not configured', async () => {
    initialize(issuer.options);
    expect((await reports.customers(requestWith(await issuer.b2cToken()))).status).toBe(500);
    expect(ran).toEqual([]);
  });

  it('leaves other errors to the host', async () => {
    const error = await errorOf(async () => reports.gone(requestWith(await issuer.token())));
    expect(error).toBeInstanceOf(RangeError);
  });

  it("throws its refusal where errors is 'forward'", async () => {
    initialize({ ...issuer.options, errors: 'forward' });
    expect(await errorOf(() => reports.read(requestWith(), undefined))).toBeInstanceOf(MissingTokenError);
  });

  it.each([undefined, 'Oslo', {}, new Response(), { headers: { authorization: 'Bearer x' }, method: 'GET' }])(
    'does not run where it is called without a request: %o',
    async (first) => {
      const error = await errorOf(() => reports.remove(first as never));
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as Error).message).toContain('or of …/fetch');
      expect(ran).toEqual([]);
    },
  );

  it('throws at once where Express calls it', () => {
    const response = { setHeader: () => undefined };
    const handler = reports.remove.bind(reports) as unknown as (...given: unknown[]) => unknown;
    expect(() => handler({ headers: {} }, response, () => undefined)).toThrow(ConfigurationError);
  });

  it('is refused with the claims in the place of the request', () => {
    expect(() => {
      class Wrong {
        @RequiresAuth()
        list(@TokenClaims() claims: AccessTokenClaims) {
          return claims;
        }
      }
      return Wrong;
    }).toThrow('Wrong.list has @TokenClaims() on its first parameter, which is the request.');
  });

  it('gives a check the request of Fetch, where the handler gets what holds it', async () => {
    const check = vi.fn((_claims: unknown, request: Request) => request.method === 'GET');
    class Orders {
      @RequiresAuth()
      @ClaimCheck(check)
      list(_context: object) {
        return note('orders');
      }
    }
    const raw = requestWith(await issuer.token());
    expect((await new Orders().list({ req: { raw } })).status).toBe(200);
    expect(check.mock.lastCall?.[1]).toBe(raw);
  });

  it('is checked against the configuration that its decorators are bound to', async () => {
    const partners = createMicrosoftIdentity(partnersIssuer.options);
    class Orders {
      @partners.ValidateScope('access_as_user')
      list(_request: Request) {
        return note('partners');
      }
    }
    expect((await new Orders().list(requestWith(await partnersIssuer.token()))).status).toBe(200);
    expect((await new Orders().list(requestWith(await issuer.token()))).status).toBe(401);
    partners.close();
  });
});

it('is refused where it is called as a handler or a middleware, and names what to use', () => {
  const decorator = RequiresAuth() as unknown as (...given: unknown[]) => unknown;
  const calls = [[requestWith()], [requestWith(), { params: {} }], [{ req: { raw: requestWith() } }, () => undefined]];
  for (const given of calls) expect(() => decorator(...given)).toThrow('or protect() of …/fetch');
});

it('is refused on a controller of routing-controllers', () => {
  expect(() => {
    @RequiresAuth()
    @JsonController()
    class Wrong {
      @Get('/')
      list() {
        return [];
      }
    }
    return Wrong;
  }).toThrow('Wrong is a controller of routing-controllers, and has a decorator for another framework.');
});

describe.each([
  ['microsoft-identity-decorators', forRoutingControllers],
  ['…/express', forExpress],
  ['…/nestjs', forNest],
])('a class with decorators of %s', (_, entry) => {
  it('does not run where a host of Fetch calls it', async () => {
    @entry.RequiresAuth()
    class Other {
      readonly held = async (_request: Request) => Promise.resolve(note('held'));

      async list(_request: Request) {
        return Promise.resolve(note('list'));
      }
    }
    const other = new Other();
    const request = requestWith(await issuer.token());
    for (const call of [() => other.list(request), () => other.held(request), () => other.held({ request } as never)]) {
      expect(await errorOf(call)).toBeInstanceOf(ConfigurationError);
    }
    expect(ran).toEqual([]);
  });
});

describe('on Hono', () => {
  class Chain {
    @RequiresAuth()
    async first(_c: Context, next: () => Promise<void>) {
      ran.push('first');
      await next();
      ran.push('last');
    }

    // The scheme is that of the middleware.
    @ValidateScope('write')
    write(c: Context) {
      return c.json({ oid: getTokenClaims().oid });
    }
  }

  it('a handler after a middleware answers for itself, and the middleware goes on', async () => {
    const chain = new Chain();
    const app = new Hono().get('/', (c, next) => chain.first(c, next)).get('/', (c) => chain.write(c));
    const get = async (scp: string) =>
      app.request('/', { headers: { authorization: `Bearer ${await issuer.token({ oid: 'ada', scp })}` } });
    const refused = await get('read');
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      403,
      'Bearer error="insufficient_scope", error_description="The access token does not carry the scope this request needs.", scope="write"',
    ]);
    const passed = await get('write');
    expect([passed.status, await passed.json()]).toEqual([200, { oid: 'ada' }]);
    expect(ran).toEqual(['first', 'last', 'first', 'last']);
  });
});
