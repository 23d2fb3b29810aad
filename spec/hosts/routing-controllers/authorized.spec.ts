/** What `@Authorized()` demands, of an action and of what it inherits. */
import 'reflect-metadata';
import { Authorized, Get, JsonController, UseBefore } from 'routing-controllers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { getTokenClaims, initialize } from '../../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expectRefusal, type Api } from '../../support/api.js';
import { forgetWarnings } from '../../support/isolation.js';
import { checkers, hosts, ran } from './existing-app.js';

const middlewareRan: unknown[] = [];

/** A middleware of either framework, which takes `next` last. */
function noteCaller(...parameters: unknown[]): unknown {
  middlewareRan.push(getTokenClaims().sub);
  return (parameters.at(-1) as () => unknown)();
}

const run = (name: string) => {
  ran.push(name);
  return { name };
};

class BaseController {
  @Get('/anyone')
  @Authorized()
  anyone() {
    return run('anyone');
  }

  @Get('/admins')
  @Authorized('Admin')
  admins() {
    return run('admins');
  }

  @Get('/overridden')
  @Authorized('Admin')
  overridden() {
    return run('overridden');
  }

  @Get('/redeclared')
  @Authorized('Admin')
  redeclared() {
    return run('redeclared');
  }

  @Get('/open')
  open() {
    return run('open');
  }
}

@JsonController('/derived')
class DerivedController extends BaseController {
  override overridden() {
    return run('override');
  }

  @Get('/redeclared')
  @Authorized('Editor')
  override redeclared() {
    return run('redeclaration');
  }
}

@JsonController('/staff')
@Authorized('Staff')
@UseBefore(noteCaller)
class StaffController {
  @Get('/list')
  list() {
    return run('list');
  }

  @Get('/edit')
  @Authorized(['Editor', 'Owner'])
  edit() {
    return run('edit');
  }
}

@JsonController('/interns')
class InternController extends StaffController {}

class Role {
  check() {
    return true;
  }
}

@JsonController('/names')
class NamesController {
  @Get('/list')
  @Authorized([])
  list() {
    return run('list');
  }

  @Get('/zero')
  @Authorized(0)
  zero() {
    return run('zero');
  }

  @Get('/number')
  @Authorized(['Admin', 7])
  number() {
    return run('number');
  }

  @Get('/empty')
  @Authorized('')
  empty() {
    return run('empty');
  }

  @Get('/nothing')
  @Authorized(null)
  nothing() {
    return run('nothing');
  }

  @Get('/object')
  @Authorized({ role: 'Admin' })
  object() {
    return run('object');
  }

  @Get('/function')
  @Authorized(Role)
  function() {
    return run('function');
  }

  @Get('/spaced')
  @Authorized('Key Account')
  spaced() {
    return run('spaced');
  }
}

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  initialize(issuer.options);
  ran.length = 0;
  middlewareRan.length = 0;
});

const controllers = [DerivedController, StaffController, InternController, NamesController];

describe.each(hosts)('@Authorized() on $host', ({ start }) => {
  let api: Api;
  beforeAll(async () => {
    api = await start({ ...checkers(), controllers });
  });
  afterAll(() => api.close());

  const statusFor = async (path: string, roles?: readonly string[]) =>
    (await api.call(path, { token: await issuer.token({ roles }) })).status;

  it.each(['anyone', 'admins', 'overridden', 'redeclared'])('holds for the inherited action %s', async (name) => {
    expectRefusal(await api.call(`/derived/${name}`), 'missing_token');
    expect(ran).toEqual([]);
  });

  it('lets the callers of an inherited action pass', async () => {
    expect(await statusFor('/derived/anyone')).toBe(200);
    expect(await statusFor('/derived/admins', ['Admin'])).toBe(200);
    expect(await statusFor('/derived/overridden', ['Admin'])).toBe(200);
    expect(ran).toEqual(['anyone', 'admins', 'override']);
  });

  it.each(['admins', 'overridden'])('asks for the roles of the inherited action %s', async (name) => {
    expect(await statusFor(`/derived/${name}`, ['Reader'])).toBe(403);
    expect(ran).toEqual([]);
  });

  it('asks for the roles of both where an override declares its own', async () => {
    expect(await statusFor('/derived/redeclared', ['Admin'])).toBe(403);
    expect(await statusFor('/derived/redeclared', ['Editor'])).toBe(403);
    expect(await statusFor('/derived/redeclared', ['Admin', 'Editor'])).toBe(200);
    expect(ran).toEqual(['redeclaration']);
  });

  it('leaves an inherited action open that has none', async () => {
    expect((await api.call('/derived/open')).status).toBe(200);
  });

  it.each(['/staff', '/interns'])('holds for each action of its class, at %s', async (path) => {
    expectRefusal(await api.call(`${path}/list`), 'missing_token');
    expect(await statusFor(`${path}/list`, ['Reader'])).toBe(403);
    expect(await statusFor(`${path}/list`, ['Staff'])).toBe(200);
  });

  it.each(['/staff', '/interns'])('takes any role of class and method, at %s', async (path) => {
    expect(await statusFor(`${path}/edit`, ['Reader'])).toBe(403);
    for (const role of ['Staff', 'Editor', 'Owner']) expect(await statusFor(`${path}/edit`, [role])).toBe(200);
  });

  it("comes before the class's middleware, which runs in the context of the request", async () => {
    expectRefusal(await api.call('/staff/list'), 'missing_token');
    expect(middlewareRan).toEqual([]);
    const token = await issuer.token({ roles: ['Staff'], sub: 'ada' });
    expect((await api.call('/staff/list', { token })).status).toBe(200);
    expect(middlewareRan).toEqual(['ada']);
  });

  it('takes an empty list for no role', async () => {
    expect(await statusFor('/names/list')).toBe(200);
    expectRefusal(await api.call('/names/list'), 'missing_token');
  });

  it.each(['zero', 'number', 'empty', 'nothing', 'object', 'function', 'spaced'])(
    'refuses every request where a name cannot be a role: %s',
    async (name) => {
      forgetWarnings();
      const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      const token = await issuer.token({ roles: ['Admin', '', '0', '7', 'Key Account'] });
      expectRefusal(await api.call(`/names/${name}`, { token }), 'server_error');
      expectRefusal(await api.call(`/names/${name}`), 'server_error');
      expect(ran).toEqual([]);
      expect(warn).toHaveBeenCalledExactlyOnceWith(
        expect.stringMatching(
          new RegExp(`^@Authorized\\(\\) on NamesController\\.${name} takes the names of app roles\\. .+\\.$`),
        ),
        { type: 'MicrosoftIdentityWarning', code: 'invalid_configuration' },
      );
      warn.mockRestore();
    },
  );

  it('names the action where two authorities are configured and the checker accepts neither', async () => {
    initialize({ ...issuer.options, b2c: issuer.b2cOptions });
    forgetWarnings();
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    expectRefusal(await api.call('/derived/anyone', { token: await issuer.token() }), 'server_error');
    expect(warn.mock.calls).toEqual([
      [
        '@Authorized() on DerivedController.anyone names no scheme, and both Entra ID and B2C are configured. ' +
          "Give authorizationChecker() the option scheme: 'entra', 'b2c' or 'any'.",
        { type: 'MicrosoftIdentityWarning', code: 'invalid_configuration' },
      ],
    ]);
    warn.mockRestore();
  });
});
