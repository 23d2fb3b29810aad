import type { NextFunction, Request, RequestHandler, Response } from 'express';
import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AllowAnonymous, initialize, RequiresAuth, RequiresRole } from '../../src/express.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expectRefusal, expressReleases, listen, type Api } from '../support/api.js';

let issuer: TestIssuer;
const ran: string[] = [];

beforeAll(async () => {
  issuer = await startTestIssuer();
});
beforeEach(() => {
  initialize(issuer.options);
  ran.length = 0;
});
afterAll(() => issuer.close());

function answerFor(name: string) {
  return (_request: Request, response: Response) => {
    ran.push(name);
    response.json({ name });
  };
}

/** Binds a method each time it is read. */
const BindsAlways: MethodDecorator = (_prototype, _name, descriptor) => {
  const method = descriptor.value as unknown as (...parameters: unknown[]) => unknown;
  const binding = {
    configurable: true,
    get(this: object) {
      return method.bind(this);
    },
  };
  return binding as unknown as typeof descriptor;
};

/** Binds a method when it is first read, and keeps it on the instance. */
const BindsOnce: MethodDecorator = (_prototype, name, descriptor) => {
  const method = descriptor.value as unknown as (...parameters: unknown[]) => unknown;
  const binding = {
    configurable: true,
    get(this: object) {
      const value = method.bind(this) as unknown;
      Object.defineProperty(this, name, { value, configurable: true, writable: true });
      return value;
    },
  };
  return binding as unknown as typeof descriptor;
};

class Model {
  readonly made = true;
}

@RequiresAuth()
class ProtectedModel {
  @AllowAnonymous()
  made() {
    return true;
  }
}

@RequiresRole('Admin')
class Reports {
  static list(request: Request, response: Response) {
    answerFor('static')(request, response);
  }

  static readonly held = answerFor('static property');

  static readonly version = 1;

  static readonly Model = Model;

  static readonly ProtectedModel = ProtectedModel;

  @AllowAnonymous()
  static create() {
    return new Reports();
  }

  readonly arrow = answerFor('arrow');

  readonly Model = Model;

  readonly pageSize = 10;

  @BindsAlways
  bound(request: Request, response: Response) {
    answerFor('bound')(request, response);
  }

  @BindsOnce
  boundOnce(request: Request, response: Response) {
    answerFor('bound once')(request, response);
  }

  get count() {
    return this.pageSize / 5;
  }

  remove(request: Request, response: Response, _next?: NextFunction) {
    answerFor('remove')(request, response);
  }

  private readonly formatted = (text: string) => text.toUpperCase();

  format(text: string) {
    return this.formatted(text);
  }
}

class Audited extends Reports {
  override remove(request: Request, response: Response) {
    answerFor('override')(request, response);
  }

  further(request: Request, response: Response) {
    answerFor('further')(request, response);
  }
}

@RequiresAuth()
class Archived extends Reports {
  readonly archive = answerFor('archive');
}

class Statements {
  static print(request: Request, response: Response) {
    answerFor('print')(request, response);
  }
}

@RequiresRole('Admin')
class Invoices extends Statements {
  send(request: Request, response: Response) {
    answerFor('send')(request, response);
  }
}

class Drafts extends Invoices {
  static override print(request: Request, response: Response) {
    answerFor('print a draft')(request, response);
  }
}

class SentDrafts extends Drafts {}

class Orders {
  @RequiresRole('Admin')
  remove(request: Request, response: Response) {
    answerFor('remove')(request, response);
  }
}

class Imported extends Orders {
  @RequiresAuth()
  static list(request: Request, response: Response) {
    answerFor('list')(request, response);
  }

  override remove(request: Request, response: Response) {
    answerFor('remove an import')(request, response);
  }
}

Object.assign(Reports.prototype, { mixed: answerFor('mixed in') });

/** A member, as it is detached from its instance. */
const handlerOf = (target: object, name: string) => Reflect.get(target, name) as RequestHandler;

describe.each(expressReleases)('a requirement on a class, $release', ({ express }) => {
  const reports = new Reports();
  const audited = new Audited();
  const archived = new Archived();
  const sent = new SentDrafts();
  const imported = new Imported();
  let api: Api;

  beforeAll(async () => {
    const app = express();
    app.set('env', 'test');
    app.get('/static', handlerOf(Reports, 'list'));
    app.get('/static-property', handlerOf(Reports, 'held'));
    app.get('/arrow', handlerOf(reports, 'arrow'));
    app.get('/bound', handlerOf(reports, 'bound'));
    app.get('/bound-again', handlerOf(reports, 'bound'));
    app.get('/bound-once', handlerOf(reports, 'boundOnce'));
    app.get('/bound-once-again', handlerOf(reports, 'boundOnce'));
    app.get('/mixed', handlerOf(reports, 'mixed'));
    app.get('/remove', handlerOf(reports, 'remove'));
    app.get('/remove-bound', reports.remove.bind(reports));
    app.get('/override', handlerOf(audited, 'remove'));
    app.get('/further', handlerOf(audited, 'further'));
    app.get('/archive', handlerOf(archived, 'archive'));
    app.get('/inherited-static', handlerOf(Invoices, 'print'));
    app.get('/inherited-static-override', handlerOf(sent.constructor, 'print'));
    app.get('/beside-static', handlerOf(imported, 'remove'));
    app.get('/two-arguments', (request, response) => {
      reports.remove(request, response);
    });
    api = await listen(app);
  });
  afterAll(() => api.close());

  it.each([
    ['a static method', '/static'],
    ['a function in a static property', '/static-property'],
    ['a function in a property', '/arrow'],
    ['a getter that binds', '/bound'],
    ['a getter that binds, read again', '/bound-again'],
    ['a getter that binds once', '/bound-once'],
    ['a getter that binds once, read again', '/bound-once-again'],
    ['a method mixed in before the first instance', '/mixed'],
    ['a method without its instance', '/remove'],
    ['a bound method', '/remove-bound'],
    ['an undecorated override', '/override'],
    ['a method of an undecorated derived class', '/further'],
    ['a function in a property of a decorated derived class', '/archive'],
    ['an inherited static method', '/inherited-static'],
    ['an undecorated override of a static method, inherited', '/inherited-static-override'],
    ['an undecorated override beside a decorated static method', '/beside-static'],
    ['a method that a function calls without next', '/two-arguments'],
  ])('covers %s', async (_, path) => {
    expectRefusal(await api.call(path), 'missing_token');
    expectRefusal(await api.call(path, { token: await issuer.token() }), { insufficientScope: 'role' });
    expect(ran).toEqual([]);
    expect((await api.call(path, { token: await issuer.token({ roles: ['Admin'] }) })).status).toBe(200);
    expect(ran).toHaveLength(1);
  });
});

describe('a class with a requirement', () => {
  it('leaves alone what is no handler', () => {
    const reports = new Reports();
    expect(new reports.Model()).toMatchObject({ made: true });
    expect(new Reports.Model()).toMatchObject({ made: true });
    expect(new Reports.ProtectedModel().made()).toBe(true);
    expect([reports.pageSize, reports.count, Reports.version]).toEqual([10, 2, 1]);
    expect(Reports.create()).toBeInstanceOf(Reports);
  });

  it('is the class of its instances, and of those of derived classes', () => {
    const audited = new Audited();
    expect(audited).toBeInstanceOf(Reports);
    expect(new Reports().constructor).toBe(Reports);
    expect([Reports.name, Object.getPrototypeOf(Audited)]).toEqual(['Reports', Reports]);
  });

  it('shows metadata that other decorators gave it, whichever came first', () => {
    const Tag = (key: string) => Reflect.metadata(key, 'tagged') as ClassDecorator;
    @Tag('above')
    @RequiresAuth()
    @Tag('below')
    class Tagged {}
    expect([Reflect.getMetadata('above', Tagged), Reflect.getMetadata('below', Tagged)]).toEqual(['tagged', 'tagged']);
    expect(Reflect.getMetadata('below', new Tagged().constructor)).toBe('tagged');
  });

  it('refuses a static method that runs for no verified request', () => {
    expect(() => {
      Reports.list({} as Request, {} as Response);
    }).toThrow('Reports.list is protected');
  });

  it('is refused where a method cannot be protected', () => {
    class Sealed {
      list() {
        return [];
      }
    }
    Object.freeze(Sealed.prototype);
    expect(() => {
      RequiresAuth()(Sealed);
    }).toThrow('Sealed.list cannot be protected, because the property is read-only. Make it configurable');
  });

  it('is refused where a function of an instance cannot be protected', () => {
    @RequiresAuth()
    class Frozen {
      readonly list = answerFor('frozen');

      constructor() {
        Object.freeze(this);
      }
    }
    expect(() => new Frozen()).toThrow('Frozen.list cannot be protected');
  });
});
