import type { Request, RequestHandler, Response } from 'express';
import 'reflect-metadata';
import { UseBefore, Get, JsonController, Authorized, useExpressServer } from 'routing-controllers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { initialize, RequiresAuth, RequiresRole } from '../../src/express.js';
import { RequiresAuth as RequiresAuthOfAction } from '../../src/index.js';
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

const answer = (_request: Request, response: Response) => {
  response.json({ secret: 1 });
};
const memberOf = (target: object, name: string) => Reflect.get(target, name) as RequestHandler;

class Admin {
  @RequiresRole('Admin')
  static remove(request: Request, response: Response) {
    answer(request, response);
  }

  @RequiresRole('Admin')
  list(request: Request, response: Response) {
    answer(request, response);
  }
}

class Caller {
  @RequiresAuth()
  list(request: Request, response: Response) {
    answer(request, response);
  }
}

@RequiresAuth()
class Borrows {
  static readonly remove = memberOf(Admin, 'remove');
  readonly admin = new Admin();
  readonly list = memberOf(this.admin, 'list');
}

@RequiresAuth()
class Mixed {}
Object.defineProperty(
  Mixed.prototype,
  'list',
  Object.getOwnPropertyDescriptor(Admin.prototype, 'list') ?? expect.fail(),
);

@RequiresRole('Admin')
class Gets {
  readonly caller = new Caller();

  get list() {
    return memberOf(this.caller, 'list');
  }
}

@RequiresRole('Admin')
class Named {
  class(request: Request, response: Response) {
    answer(request, response);
  }
}

class BoundSingleton {
  static readonly instance = new BoundSingleton();

  constructor() {
    this.list = this.list.bind(this);
  }

  @RequiresRole('Admin')
  list(request: Request, response: Response) {
    answer(request, response);
  }
}

@RequiresRole('Admin')
class Singleton {
  static readonly instance = new Singleton();
  readonly list = answer;
}

class ByHand {
  list(request: Request, response: Response) {
    answer(request, response);
  }
}
RequiresRole('Admin')(ByHand.prototype, 'list', Object.getOwnPropertyDescriptor(ByHand.prototype, 'list'));

describe.each(expressReleases)('a requirement holds, $release', ({ express }) => {
  let api: Api;

  beforeAll(async () => {
    const app = express();
    app.set('env', 'test');
    app.get('/borrowed', memberOf(new Borrows(), 'list'));
    app.get('/borrowed-static', memberOf(Borrows, 'remove'));
    app.get('/mixed', memberOf(new Mixed(), 'list'));
    app.get('/getter', memberOf(new Gets(), 'list'));
    app.get('/named', memberOf(new Named(), 'class'));
    app.get('/bound-singleton', memberOf(BoundSingleton.instance, 'list'));
    app.get('/singleton', memberOf(Singleton.instance, 'list'));
    app.get('/by-hand', memberOf(new ByHand(), 'list'));
    api = await listen(app);
  });
  afterAll(() => api.close());

  it.each([
    ['of a method that another class borrows', '/borrowed'],
    ['of a static method that another class borrows', '/borrowed-static'],
    ['of a method that is mixed in with its descriptor', '/mixed'],
    ['of a class, for a getter that returns a protected method of another class', '/getter'],
    ['of a method that is named class', '/named'],
    ['of a method that the only instance bound before the decorator ran', '/bound-singleton'],
    ['of a function of the only instance, made before the decorator ran', '/singleton'],
    ['of a decorator that is called by hand with a descriptor', '/by-hand'],
  ])('%s', async (_, path) => {
    expectRefusal(await api.call(path), 'missing_token');
    expectRefusal(await api.call(path, { token: await issuer.token() }), { insufficientScope: 'role' });
    expect((await api.call(path, { token: await issuer.token({ roles: ['Admin'] }) })).status).toBe(200);
  });

  it('at every instance of a class that cannot be protected', () => {
    @RequiresAuth()
    class Base {}
    class Sealed extends Base {
      read() {
        return 'secret';
      }
    }
    Object.freeze(Sealed.prototype);
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(() => new Sealed()).toThrow('Sealed.read cannot be protected');
    }
  });
});

abstract class Crud {
  @Get('/list')
  list() {
    return { secret: 1 };
  }
}

const refuseAll: RequestHandler = (_request, response) => {
  response.status(418).end();
};

@JsonController('/used')
@RequiresAuthOfAction()
@UseBefore(refuseAll)
class Used extends Crud {}

@JsonController('/authorized')
@RequiresAuthOfAction()
@Authorized('Admin')
class OnlyAuthorized extends Crud {}

describe.each(expressReleases)('what else is on a class with inherited actions holds, $release', ({ express }) => {
  it('below a decorator of this library', async () => {
    const app = express();
    app.set('env', 'test');
    useExpressServer(app, { controllers: [Used, OnlyAuthorized], authorizationChecker: () => false });
    const api = await listen(app);
    const token = await issuer.token();
    expectRefusal(await api.call('/used/list'), 'missing_token');
    expect((await api.call('/used/list', { token })).status).toBe(418);
    expect((await api.call('/authorized/list', { token })).status).toBe(403);
    await api.close();
  });
});
