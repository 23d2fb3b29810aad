import type { ExecutionContext } from '@nestjs/common';
import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { MicrosoftIdentityGuard, RequiresAuth } from '../../../src/nestjs.js';
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

  it('finds the method of a bound handler', async () => {
    const bound = contextOf(WeatherController, 'now');
    const handler = bound.getHandler().bind(new WeatherController()) as ReturnType<ExecutionContext['getHandler']>;
    bound.getHandler = () => handler;
    await expect(guard.canActivate(bound)).rejects.toThrow('needs an access token');
  });

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
        'unknown. Declare the handler as a method of the class.',
    ]);
    expect(await guard.canActivate(stranger(BareController))).toBe(true);
  });

  it('applies the stricter requirement if a handler has two names', async () => {
    class Twice {
      @RequiresAuth()
      protected_() {
        return {};
      }
    }
    const prototype = Twice.prototype as unknown as Record<string, unknown>;
    Object.defineProperty(prototype, 'alias', { value: prototype['protected_'] });
    await expect(guard.canActivate(contextOf(Twice, 'alias'))).rejects.toThrow('needs an access token');
  });
});
