import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Controller, Get } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import {
  AllowAnonymous,
  initialize,
  MicrosoftIdentityGuard,
  RequiresRole,
  ValidateScope,
} from '../../../src/nestjs.js';
import { expectRefusal } from '../../support/api.js';
import { contextOf, issuer, platforms, ran, serve, subject, useIssuer, warnings } from './application.js';
import { BareController, WeatherController } from './controllers.js';
import { ClassChild, Grandchild, LiftedChild, OpenChild, PlainChild, ProtectedChild } from './derived-controllers.js';

useIssuer();

describe.each(platforms)('inheritance on NestJS, $platform', (platform) => {
  it('protects inherited handlers, and fills their claims', async () => {
    const api = await serve(platform, { controllers: [PlainChild, Grandchild] });
    for (const path of ['/plain-child/who', '/grandchild/who']) {
      expectRefusal(await api.call(path), 'missing_token');
      expect((await api.call(path, { token: await issuer.token() })).body).toEqual({
        by: 'base',
        same: true,
        sub: subject,
      });
    }
    expect((await api.call('/plain-child/own')).status).toBe(200);
  });

  it('protects an override that declares its route again', async () => {
    const api = await serve(platform, { controllers: [PlainChild, Grandchild] });
    for (const path of ['/plain-child/redeclared', '/grandchild/redeclared']) {
      expectRefusal(await api.call(path), 'missing_token');
      expectRefusal(await api.call(path, { token: await issuer.token() }), {
        insufficientScope: 'scope',
        scope: 'read',
      });
      expect(ran).toEqual([]);
      const reader = await api.call(path, { token: await issuer.token({ scp: 'read' }) });
      expect(reader.body).toEqual({ by: 'child', sub: subject });
      ran.length = 0;
    }
  });

  it('adds the decorators of an override, which may call the overridden method', async () => {
    const api = await serve(platform, { controllers: [PlainChild] });
    expectRefusal(await api.call('/plain-child/super', { token: await issuer.token() }), {
      insufficientScope: 'scope',
      scope: 'write',
    });
    const writer = await api.call('/plain-child/super', { token: await issuer.token({ scp: 'write' }) });
    expect(writer.body).toEqual({ by: 'child', base: { by: 'base' } });
    expect((await api.call('/plain-child/lifted')).body).toEqual({ by: 'child' });
    // Nest takes the route from the function: without one of its decorators there is none.
    expect((await api.call('/plain-child/overridden')).status).toBe(404);
  });

  it('requires what a base class requires, unless the nearest class has @AllowAnonymous()', async () => {
    const api = await serve(platform, { controllers: [ClassChild, LiftedChild] });
    for (const path of ['/class-child/who', '/class-child/own']) {
      expectRefusal(await api.call(path), 'missing_token');
      expectRefusal(await api.call(path, { token: await issuer.token() }), {
        insufficientScope: 'scope',
        scope: 'read',
      });
      expect((await api.call(path, { token: await issuer.token({ scp: 'read' }) })).body).toMatchObject({
        sub: subject,
      });
    }
    expect((await api.call('/class-child/health')).status).toBe(200);
    expect((await api.call('/lifted-child/who')).status).toBe(200);
  });

  it('protects what a class inherits from a class without a requirement, in that class alone', async () => {
    const api = await serve(platform, { controllers: [ProtectedChild, OpenChild] });
    expectRefusal(await api.call('/protected-child/who'), 'missing_token');
    const answer = await api.call('/protected-child/who?q=a', { token: await issuer.token() });
    expect([answer.status, answer.body]).toEqual([202, { sub: subject, q: 'a' }]);
    const open = await api.call('/open-child/who?q=a', { token: await issuer.token() });
    expect([open.status, open.body]).toEqual([202, { q: 'a' }]);
  });
});

describe('the method of a handler', () => {
  const guard = new MicrosoftIdentityGuard();

  it('refuses a handler that is no method of its protected class, and accepts that of an open class', async () => {
    const given = warnings();
    const stranger = (controller: new () => object) => {
      const context = contextOf(controller, 'constructor');
      context.getHandler = () => () => undefined;
      return context;
    };
    await expect(guard.canActivate(stranger(WeatherController))).rejects.toThrow('server_error');
    expect(given).toEqual([
      'WeatherController.(anonymous) is called as a handler and is not a method of WeatherController, so what it requires is ' +
        'unknown. Declare the handler as a method of the class. Nest needs no bound methods.',
    ]);
    expect(await guard.canActivate(stranger(BareController))).toBe(true);
  });
});

/** A wrapper that has the name of a method, as those have that measure or log calls. */
const namedAs = <Handler extends () => unknown>(name: string, handler: Handler): Handler =>
  Object.defineProperty(handler, 'name', { value: name });

abstract class Reports {
  @Get('list')
  @RequiresRole('Admin')
  list(): unknown {
    ran.push('list');
    return {};
  }

  @AllowAnonymous()
  health(): unknown {
    ran.push('health');
    return {};
  }
}

@Controller('bound-other')
class BoundOther extends Reports {
  listFromCache() {
    ran.push('cache');
    return {};
  }

  override list = this.listFromCache.bind(this);
}

@Controller('bound-open')
class BoundOpen extends Reports {
  override list = this.health.bind(this);
}

@Controller('bound-itself')
class BoundItself extends Reports {
  constructor() {
    super();
    this.list = this.list.bind(this);
  }
}

@Controller('wrapped')
class Wrapped extends Reports {
  constructor() {
    super();
    this.list = namedAs('health', () => this.health());
  }
}

@Controller('arrow')
class Arrow extends Reports {
  override list = () => {
    ran.push('arrow');
    return {};
  };
}

@Controller('replaced')
@RequiresRole('Admin')
class Replaced {
  constructor() {
    this.list = Reflect.get(this, 'health');
  }

  @Get('list')
  list() {
    return {};
  }

  @AllowAnonymous()
  health() {
    ran.push('health');
    return {};
  }
}

@Controller('aliases')
class Aliases {
  @Get('list')
  @RequiresRole('Admin')
  list() {
    ran.push('list');
    return {};
  }

  @ValidateScope('read')
  also() {
    return {};
  }

  @AllowAnonymous()
  open() {
    return {};
  }
}
const list = Object.getOwnPropertyDescriptor(Aliases.prototype, 'list') ?? expect.fail();
for (const name of ['also', 'open']) Object.defineProperty(Aliases.prototype, name, list);

@Controller('undecorated')
class Undecorated {
  @Get('bound')
  bound() {
    return {};
  }

  constructor() {
    this.bound = this.bound.bind(this);
  }
}

describe.each(platforms)('a function that Nest calls in the place of a method, $platform', (platform) => {
  it.each([
    ['another method, bound', BoundOther, 'bound-other'],
    ['an open method, bound', BoundOpen, 'bound-open'],
    ['the method itself, bound', BoundItself, 'bound-itself'],
    ['a wrapper that has the name of an open method', Wrapped, 'wrapped'],
    ['a function in a property', Arrow, 'arrow'],
    ['an open method, in a class that is protected', Replaced, 'replaced'],
  ])('is refused, whoever calls: %s', async (_, controller, path) => {
    const given = warnings();
    const api = await serve(platform, { controllers: [controller] });
    expectRefusal(await api.call(`/${path}/list`), 'server_error');
    expectRefusal(await api.call(`/${path}/list`, { token: await issuer.token({ roles: ['Admin'] }) }), 'server_error');
    expect(ran).toEqual([]);
    expect(given).toEqual([expect.stringContaining('Declare the handler as a method of the class.')]);
  });

  it('is refused with an event, as every other request', async () => {
    warnings();
    const events: unknown[] = [];
    const hear = (event: unknown) => events.push(event);
    const channels = ['microsoft-identity-decorators:request', 'microsoft-identity-decorators:explanation'];
    for (const channel of channels) subscribe(channel, hear);
    try {
      const api = await serve(platform, { controllers: [BoundOther] });
      expectRefusal(await api.call('/bound-other/list', { token: await issuer.token() }), 'server_error');
    } finally {
      for (const channel of channels) unsubscribe(channel, hear);
    }
    expect(events).toEqual([
      { outcome: 'refused', code: 'invalid_configuration', status: 500, route: '/bound-other/list' },
      expect.objectContaining({ code: 'configuration', status: 500, error: 'invalid_configuration' }),
    ]);
  });

  it('is called where the class has no decorator', async () => {
    const api = await serve(platform, { controllers: [Undecorated] });
    expect((await api.call('/undecorated/bound')).status).toBe(200);
  });

  it('has to be let in where every handler needs a token', async () => {
    initialize(issuer.options);
    const guard = { provide: APP_GUARD, useValue: new MicrosoftIdentityGuard({ requireAuth: true }) };
    const api = await serve(platform, { controllers: [Undecorated], providers: [guard] });
    expectRefusal(await api.call('/undecorated/bound'), 'missing_token');
    expect((await api.call('/undecorated/bound', { token: await issuer.token() })).status).toBe(200);
  });
});

// Fastify takes a route once, and Nest finds one for each name.
describe('a handler that has several names', () => {
  it('has to satisfy all that its names require', async () => {
    initialize(issuer.options);
    const api = await serve(platforms[0], { controllers: [Aliases] });
    const call = async (claims: Parameters<typeof issuer.token>[0]) =>
      api.call('/aliases/list', { token: await issuer.token(claims) });
    expectRefusal(await api.call('/aliases/list'), 'missing_token');
    expectRefusal(await call({ scp: 'read' }), { insufficientScope: 'role' });
    expectRefusal(await call({ roles: ['Admin'] }), { insufficientScope: 'scope', scope: 'read' });
    expect(ran).toEqual([]);
    expect((await call({ roles: ['Admin'], scp: 'read' })).status).toBe(200);
    expect(ran).toEqual(['list']);
  });
});
