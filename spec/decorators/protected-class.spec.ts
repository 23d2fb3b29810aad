/** What a requirement on a class covers, whatever kind of member a handler is, and however the class came to have it. */
import type { Express, Request, RequestHandler, Response } from 'express';
import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AllowAnonymous, ConfigurationError, initialize, RequiresAuth, RequiresRole } from '../../src/express.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expectRefusal, expressReleases, listen, type Api } from '../support/api.js';

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startTestIssuer();
});
beforeEach(() => {
  initialize(issuer.options);
});
afterAll(() => issuer.close());

function answer(_request: Request, response: Response) {
  response.json({ secret: 1 });
}

/** A member, as it is detached from its instance. */
const memberOf = (target: object, name: PropertyKey) => Reflect.get(target, name) as RequestHandler;

type Method = (this: object, ...parameters: unknown[]) => unknown;

/** Binds a method as autobind-decorator does: its first read defines an accessor on the instance. */
const Binds: MethodDecorator = (_prototype, name, descriptor) => {
  const method = descriptor.value as Method;
  const binding = {
    configurable: true,
    get(this: object) {
      if (Object.hasOwn(this, name)) return method;
      const bound = method.bind(this);
      Object.defineProperty(this, name, { configurable: true, get: () => bound });
      return bound;
    },
  };
  return binding as unknown as typeof descriptor;
};

class Wipes {
  wipe(request: Request, response: Response) {
    answer(request, response);
  }
}

@RequiresAuth()
class Callers extends Wipes {
  @Binds
  bound(request: Request, response: Response) {
    answer(request, response);
  }

  @RequiresRole('Admin')
  list(request: Request, response: Response) {
    answer(request, response);
  }

  readonly alias = memberOf(this, 'list');

  readonly held = answer;

  @RequiresRole('Admin')
  override wipe(request: Request, response: Response) {
    answer(request, response);
  }

  get given() {
    return answer;
  }
}

class Purges extends Callers {
  get purge() {
    return memberOf(Callers.prototype, 'wipe');
  }
}
Object.defineProperty(Purges.prototype, 'erase', { value: memberOf(Callers.prototype, 'wipe'), configurable: true });

@RequiresRole('Admin')
class Admins extends Callers {}

@AllowAnonymous()
class Visitors extends Callers {}

@RequiresRole('Admin')
class Panel {
  readonly list: RequestHandler;

  constructor(callers: Callers) {
    this.list = memberOf(callers, 'held');
  }
}

@RequiresRole('Admin')
class Accessors {
  constructor(configurable: boolean) {
    Object.defineProperty(this, 'list', { get: () => answer, configurable });
  }
}

@RequiresRole('Admin')
class Names {
  static name(request: Request, response: Response) {
    answer(request, response);
  }

  static length(request: Request, response: Response) {
    answer(request, response);
  }
}

@RequiresRole('Admin')
class Frozen {
  readonly list = Object.freeze(function list(request: Request, response: Response) {
    answer(request, response);
  });
}

class Numbered {
  1(request: Request, response: Response) {
    answer(request, response);
  }
}
const decorateNumbered = RequiresRole('Admin') as unknown as (
  target: object,
  key: number,
  descriptor: PropertyDescriptor,
) => void;
decorateNumbered(Numbered.prototype, 1, Object.getOwnPropertyDescriptor(Numbered.prototype, '1') ?? expect.fail());

@RequiresAuth()
class NumberedAgain extends Numbered {
  override 1(request: Request, response: Response) {
    answer(request, response);
  }
}

interface Es5Instance {
  held?: RequestHandler;
}
function Es5Base(this: Es5Instance) {
  this.held = answer;
}
const Es5Replaced = RequiresRole('Admin')(Es5Base);
function Es5Child(this: Es5Instance) {
  Es5Replaced.call(this);
}
Es5Child.prototype = Object.create(Es5Base.prototype as object, {
  own: { value: answer, configurable: true, writable: true },
}) as object;
const es5Child = () => Reflect.construct(Es5Child, []) as object;

const admins = new Admins();
const bound = new Admins();
memberOf(bound, 'bound');

describe.each(expressReleases)('a requirement on a class, $release', ({ express }) => {
  function holding(): Express {
    const app = express();
    app.get('/', answer);
    return app;
  }

  @RequiresRole('Admin')
  class Applications {
    static readonly app = holding();

    readonly app = holding();

    get given() {
      return this.app;
    }
  }

  let api: Api;
  beforeAll(async () => {
    const app = express();
    app.set('env', 'test');
    const routes: Readonly<Record<string, RequestHandler>> = {
      'bound-again': memberOf(bound, 'bound'),
      'inherited-bound': memberOf(admins, 'bound'),
      'inherited-getter': memberOf(admins, 'given'),
      alias: memberOf(new Callers(), 'alias'),
      'alias-getter': memberOf(new Purges(), 'purge'),
      'alias-prototype': memberOf(new Purges(), 'erase'),
      taken: memberOf(new Panel(new Callers()), 'list'),
      accessor: memberOf(new Accessors(true), 'list'),
      name: memberOf(Names, 'name'),
      length: memberOf(Names, 'length'),
      frozen: memberOf(new Frozen(), 'list'),
      numbered: memberOf(new NumberedAgain(), 1),
      'es5-own': memberOf(es5Child(), 'own'),
      'es5-held': memberOf(es5Child(), 'held'),
      visitors: memberOf(new Visitors(), 'bound'),
    };
    for (const [path, handler] of Object.entries(routes)) app.get(`/${path}`, handler);
    app.use('/app', new Applications().app);
    app.use('/app-static', Applications.app);
    app.use('/app-getter', new Applications().given);
    app.use('/app-nested', express.Router().use(new Applications().app));
    api = await listen(app);
  });
  afterAll(() => api.close());

  it.each([
    ['an accessor that a bound method defines when it is first read', '/bound-again'],
    ['a bound method that a stricter class inherits', '/inherited-bound'],
    ['a getter that a stricter class inherits', '/inherited-getter'],
    ['another name of a method, in a property', '/alias'],
    ['another name of a method, by a getter', '/alias-getter'],
    ['another name of a method, on the prototype', '/alias-prototype'],
    ['a function that an instance takes from one of another class', '/taken'],
    ['an accessor that the constructor defines', '/accessor'],
    ['a static method called name', '/name'],
    ['a static method called length', '/length'],
    ['a frozen function', '/frozen'],
    ['a method whose name is a number', '/numbered'],
    ['a method of a derived class without class syntax', '/es5-own'],
    ['a function that a constructor without class syntax sets', '/es5-held'],
    ['an Express application in a property', '/app'],
    ['an Express application in a static property', '/app-static'],
    ['an Express application by a getter', '/app-getter'],
    ['an Express application below a router', '/app-nested'],
  ])('covers %s', async (_, path) => {
    expectRefusal(await api.call(path), 'missing_token');
    expectRefusal(await api.call(path, { token: await issuer.token() }), { insufficientScope: 'role' });
    expect((await api.call(path, { token: await issuer.token({ roles: ['Admin'] }) })).status).toBe(200);
  });

  it('is lifted from an inherited bound method by @AllowAnonymous() on the derived class', async () => {
    expect((await api.call('/visitors')).body).toEqual({ secret: 1 });
  });
});

describe('a class with a requirement', () => {
  it('covers every class between it and the class of an instance', () => {
    @RequiresRole('Admin')
    class Base {
      read() {
        return 'base';
      }
    }
    class Between extends Base {
      static make() {
        return 'secret';
      }

      override read() {
        return 'secret';
      }
    }
    class Leaf extends Between {
      @AllowAnonymous()
      peek() {
        return super.read();
      }
    }
    const leaf = new Leaf();
    expect(() => leaf.peek()).toThrow(/^Between\.read is protected/);
    expect(() => Between.make()).toThrow(/^Between\.make is protected/);
  });

  it.each<[string, () => unknown]>([
    ['a function', () => answer],
    ['a function with its prototype', () => Object.setPrototypeOf(() => undefined, Returning.prototype) as unknown],
    ['a promise of the instance', () => Promise.resolve({})],
    ['another object', () => ({ list: answer })],
  ])('is refused where its constructor returns %s', (_, returned) => {
    expect(() => new Returning(returned)).toThrow(
      new ConfigurationError(
        'Returning has a requirement, and its constructor returns something else than an instance, which cannot be protected. ' +
          'Return it from a method.',
      ),
    );
  });

  it('takes what else its constructor returns, an instance of the class', () => {
    const earlier = new Returning(() => undefined);
    expect(new Returning(() => earlier)).toBe(earlier);
  });

  it('is refused where it is called as a function', () => {
    expect(() => {
      Es5Replaced.call({});
    }).toThrow(/^Es5Base has a requirement, and /);
  });

  it('is refused where an accessor of an instance cannot be protected', () => {
    expect(() => new Accessors(false)).toThrow(/^Accessors\.list cannot be protected/);
  });

  it('has the metadata of the class that it replaces as its own', () => {
    @RequiresAuth()
    @Reflect.metadata('roles', ['Admin'])
    class Tagged {}
    expect(Reflect.getOwnMetadata('roles', Tagged)).toEqual(['Admin']);
  });
});

@RequiresRole('Admin')
class Returning {
  constructor(returned: () => unknown) {
    return returned() as Returning;
  }
}
