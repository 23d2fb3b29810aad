import { IncomingMessage, ServerResponse, type Server } from 'node:http';
import { Socket } from 'node:net';
import {
  Controller,
  Get,
  HttpException,
  Inject,
  Injectable,
  Scope,
  UseGuards,
  type INestApplication,
  type Provider,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import 'reflect-metadata';
import { describe, expect, it, vi } from 'vitest';
import type { Authenticator } from '../../../src/core/access/requirement.js';
import {
  AllowAnonymous,
  ConfigurationError,
  getTokenClaims,
  initialize,
  MicrosoftIdentityGuard,
  MicrosoftIdentityModule,
  MissingTokenError,
  RequiresAuth,
  TokenClaims,
} from '../../../src/nestjs.js';
import { runAs } from '../../../src/testing.js';
import { expectRefusal } from '../../support/api.js';
import { forgetIdentity } from '../../support/isolation.js';
import { contextOf, issuer, platforms, ran, serve, subject, useIssuer, warnings } from './application.js';
import { BareController, UndecoratedController, WeatherController } from './controllers.js';
import { LiftedChild, MethodBase, OpenChild, PlainChild, ProtectedChild } from './derived-controllers.js';

useIssuer();

/** Gives a server a request without a connection, as `inject` of Fastify does: it runs in the context of the caller. */
function inject(server: Server, url: string): Promise<{ readonly status: number; readonly body: unknown }> {
  const request = Object.assign(new IncomingMessage(new Socket()), { url, method: 'GET' });
  const response = new ServerResponse(request);
  return new Promise((resolve) => {
    response.end = (body: unknown) => {
      resolve({ status: response.statusCode, body: JSON.parse(String(body)) as unknown });
      return response;
    };
    server.emit('request', request, response);
  });
}

describe.each(platforms)('decorators on NestJS, $platform', (platform) => {
  it('accepts a valid token and fills the parameters with frozen claims', async () => {
    const api = await serve(platform, { controllers: [WeatherController] });
    const answer = await api.call('/weather/now/Oslo', { token: await issuer.token() });
    expect([answer.status, answer.body]).toEqual([200, { city: 'Oslo', sub: subject, frozen: true }]);
    expect(ran).toEqual(['pipe', 'now']);
    const one = await api.call('/weather/oid?q=a', { token: await issuer.token({ oid: 'ada' }) });
    expect(one.body).toEqual({ oid: 'ada', nothing: 'none', q: 'a' });
  });

  it('refuses a bad request before pipes and handler run', async () => {
    const api = await serve(platform, { controllers: [WeatherController] });
    const token = await issuer.token();
    expectRefusal(await api.call('/weather/now/Oslo'), 'missing_token');
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token({ exp: 1 }) }), {
      invalidToken: 'expired',
    });
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token({ scp: 'other' }) }), {
      insufficientScope: 'scope',
      scope: 'access_as_user',
    });
    expectRefusal(await api.call('/weather/admin', { token }), { insufficientScope: 'role' });
    const headers = { authorization: [`Bearer ${token}`, `Bearer ${token}`] };
    expectRefusal(await api.call('/weather/now/Oslo', { headers }), 'invalid_request');
    const call = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text":1}' };
    expectRefusal(await api.call('/weather/notes', call), 'missing_token');
    expect(ran).toEqual([]);
    expect((await api.call('/weather/notes', { ...call, token })).status).toBe(201);
    expect(ran).toEqual(['pipe', 'notes']);
  });

  it('requires what class and method require, with the scheme of the method', async () => {
    const api = await serve(platform, { controllers: [WeatherController] });
    expectRefusal(await api.call('/weather/admin'), 'missing_token');
    expect((await api.call('/weather/admin', { token: await issuer.token({ roles: ['Admin'] }) })).status).toBe(200);
    expect((await api.call('/weather/b2c', { token: await issuer.b2cToken() })).status).toBe(200);
    expectRefusal(await api.call('/weather/b2c', { token: await issuer.token() }), { invalidToken: 'policy' });
  });

  it('leaves a handler with @AllowAnonymous() open, and fills no claims', async () => {
    const api = await serve(platform, { controllers: [WeatherController] });
    expect((await api.call('/weather/open')).body).toEqual({ claims: 'none' });
    expect((await api.call('/weather/open', { token: await issuer.token() })).body).toEqual({ claims: 'none' });
  });

  it('answers 503 in an outage, and 500 with one warning if the configuration is wrong', async () => {
    const given = warnings();
    const api = await serve(platform, { controllers: [WeatherController] });
    issuer.setFault({ down: true });
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token() }), 'issuer_unavailable');
    issuer.setFault();
    expect(given).toEqual([]);
    initialize(issuer.options);
    expectRefusal(await api.call('/weather/b2c', { token: await issuer.b2cToken() }), 'server_error');
    expectRefusal(await api.call('/weather/b2c', { token: await issuer.b2cToken() }), 'server_error');
    expect(given).toEqual([
      expect.stringMatching(/^WeatherController\.b2c takes tokens of B2C, which is not configured/),
    ]);
    forgetIdentity();
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token() }), 'server_error');
    expect(given.slice(1)).toEqual([
      'WeatherController.now was called before initialize(). Import MicrosoftIdentityModule.forRoot() in the root module ' +
        'of the application, or call initialize() before it listens.',
    ]);
  });

  it('gives each of many concurrent requests its own claims', async () => {
    const waiting: (() => void)[] = [];

    @Injectable()
    class WhoService {
      who() {
        return getTokenClaims().oid;
      }
    }

    @Controller('who')
    class WhoController {
      constructor(@Inject(WhoService) private readonly service: WhoService) {}

      @Get()
      @RequiresAuth()
      async who(@TokenClaims('oid') oid: string) {
        // All are inside before any of them goes on.
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          if (waiting.length === 10) for (const release of waiting) release();
        });
        return { given: oid, found: this.service.who() };
      }
    }
    const api = await serve(platform, { controllers: [WhoController], providers: [WhoService] });
    const oids = Array.from({ length: 10 }, (_, index) => `person-${String(index)}`);
    const answers = await Promise.all(
      oids.map(async (oid) => api.call('/who', { token: await issuer.token({ oid }) })),
    );
    expect(answers.map(({ body }) => body)).toEqual(oids.map((oid) => ({ given: oid, found: oid })));
  });

  it('gives a request that is made inside another none of its claims', async () => {
    @Controller('outer')
    class OuterController {
      @Get()
      @RequiresAuth()
      async outer() {
        return { inner: await inject(api.app.getHttpServer() as Server, '/outer/inner'), mine: getTokenClaims().sub };
      }

      @Get('inner')
      @AllowAnonymous()
      inner() {
        return { sub: getTokenClaims().sub };
      }
    }
    const api = await serve(platform, { controllers: [OuterController] });
    const answer = await api.call('/outer', { token: await issuer.token() });
    const refusal = { error: 'missing_token', error_description: 'This request needs an access token.' };
    expect(answer.body).toEqual({ inner: { status: 401, body: refusal }, mine: subject });
  });

  it('protects controllers that Nest creates for each request', async () => {
    @Controller({ path: 'scoped', scope: Scope.REQUEST })
    @RequiresAuth()
    class ScopedController {
      @Get()
      read(@TokenClaims('sub') sub: string) {
        return { sub, found: getTokenClaims().sub };
      }
    }
    const api = await serve(platform, { controllers: [ScopedController] });
    expectRefusal(await api.call('/scoped'), 'missing_token');
    expect((await api.call('/scoped', { token: await issuer.token() })).body).toEqual({ sub: subject, found: subject });
  });
});

describe.each(platforms)('MicrosoftIdentityGuard as APP_GUARD, $platform', (platform) => {
  const everywhere = { provide: APP_GUARD, useClass: MicrosoftIdentityGuard };

  it('checks a request once, where decorators are present too', async () => {
    warnings();
    const authenticate = vi.spyOn(initialize(issuer.options) as Authenticator, 'authenticate');
    const api = await serve(platform, {
      controllers: [WeatherController, PlainChild, BareController],
      providers: [everywhere],
    });
    expectRefusal(await api.call('/weather/now/Oslo'), 'missing_token');
    authenticate.mockClear();
    expect((await api.call('/weather/now/Oslo', { token: await issuer.token() })).status).toBe(200);
    expect(authenticate).toHaveBeenCalledTimes(1);
    expect((await api.call('/weather/open')).status).toBe(200);
    expectRefusal(await api.call('/plain-child/redeclared'), 'missing_token');
    expect((await api.call('/bare/open')).status).toBe(200);
  });

  it('leaves a handler without a requirement open, even to an expired token', async () => {
    warnings();
    const api = await serve(platform, { controllers: [BareController], providers: [everywhere] });
    expect((await api.call('/bare/open', { token: await issuer.token({ exp: 1 }) })).status).toBe(200);
  });

  it('warns once of each handler that it leaves open, except with @AllowAnonymous()', async () => {
    const given = warnings();
    @Controller('forgotten')
    @UseGuards(MicrosoftIdentityGuard)
    class ForgottenController {
      @Get('list')
      list() {
        return ['secret'];
      }

      @Get('lifted')
      @AllowAnonymous()
      lifted() {
        return {};
      }
    }
    @Controller('half')
    class HalfController {
      @Get('secret')
      @RequiresAuth()
      secret() {
        return {};
      }

      @Get('open')
      open() {
        return {};
      }
    }
    const api = await serve(platform, { controllers: [ForgottenController, HalfController] });
    for (const path of ['/forgotten/list', '/forgotten/list', '/forgotten/lifted', '/half/open']) {
      expect((await api.call(path)).status).toBe(200);
    }
    expect(given).toEqual([
      expect.stringMatching(
        /^ForgottenController\.list is open to everybody: .*@RequiresAuth\(\).*@AllowAnonymous\(\)/,
      ),
    ]);
  });

  it('does not warn of a handler for which another guard demanded a token', async () => {
    const given = warnings();
    initialize(issuer.options);
    @Controller('twice')
    @UseGuards(MicrosoftIdentityGuard)
    class TwiceController {
      @Get()
      list() {
        return {};
      }
    }
    const api = await serve(platform, {
      controllers: [TwiceController],
      providers: [{ provide: APP_GUARD, useValue: new MicrosoftIdentityGuard({ requireAuth: true }) }],
    });
    expect((await api.call('/twice', { token: await issuer.token() })).status).toBe(200);
    expect(given).toEqual([]);
  });

  it('reads the request of its platform, whatever a middleware puts beside it', async () => {
    const api = await serve(platform, { controllers: [WeatherController] }, (app) => {
      app.use((request: object, response: object, next: () => void) => {
        Object.assign(request, { raw: { headers: {} } });
        Object.assign(response, { raw: {} });
        next();
      });
    });
    expectRefusal(await api.call('/weather/now/Oslo'), 'missing_token');
    expect((await api.call('/weather/now/Oslo', { token: await issuer.token() })).status).toBe(200);
  });

  it.each<[string, () => Provider[], (app: INestApplication) => void]>([
    [
      'as APP_GUARD',
      () => [{ provide: APP_GUARD, useValue: new MicrosoftIdentityGuard({ requireAuth: true }) }],
      () => undefined,
    ],
    // https://github.com/nestjs/nest/issues/666
    ['by useGlobalGuards', () => [], (app) => app.useGlobalGuards(new MicrosoftIdentityGuard({ requireAuth: true }))],
  ])(
    'requires a token for every handler with requireAuth %s, except with @AllowAnonymous()',
    async (_, providers, prepare) => {
      initialize(issuer.options);
      const controllers = [BareController, UndecoratedController, WeatherController, LiftedChild];
      const api = await serve(platform, { controllers, providers: providers() }, prepare);
      const refusal = await api.call('/bare/open');
      expect([refusal.status, refusal.headers['www-authenticate'], refusal.headers['cache-control']]).toEqual([
        401,
        'Bearer',
        'no-store',
      ]);
      expect(refusal.body).toEqual({
        error: 'missing_token',
        error_description: 'This request needs an access token.',
      });
      expect((await api.call('/bare/open', { token: await issuer.token() })).status).toBe(200);
      expect((await api.call('/plain/open', { token: await issuer.token() })).body).toEqual({ claims: subject });
      for (const path of ['/plain/lifted', '/weather/open', '/lifted-child/who']) {
        expect([path, (await api.call(path)).status]).toEqual([path, 200]);
      }
    },
  );
});

describe('a handler whose gate did not run', () => {
  class Protected {
    @Get()
    @RequiresAuth()
    read(@TokenClaims('sub') sub?: string) {
      return { sub, ran: true };
    }

    @Get('slow')
    @RequiresAuth()
    async slow() {
      await Promise.resolve();
      return this.read();
    }
  }

  it('throws an error that names runAs', async () => {
    const controller = new Protected();
    expect(() => controller.read()).toThrow(ConfigurationError);
    expect(() => controller.read()).toThrow('runAs');
    await expect(controller.slow()).rejects.toThrow('runAs');
    expect(() => new PlainChild().who(undefined as never, '')).toThrow('runAs');
    expect(() => new ProtectedChild().who('', '')).toThrow('runAs');
    expect(new OpenChild().who('', 'a')).toEqual({ sub: '', q: 'a' });
  });

  it('runs inside runAs, and fills the claims', async () => {
    const controller = new Protected();
    expect(runAs({ sub: 'ada' }, () => controller.read())).toEqual({ sub: 'ada', ran: true });
    expect(await runAs({ sub: 'ada' }, () => controller.slow())).toEqual({ sub: 'ada', ran: true });
  });

  it.each(platforms)('refuses a method that another class has copied, $platform', async (platform) => {
    @Controller('copy')
    class Copy {}
    const descriptor = Object.getOwnPropertyDescriptor(MethodBase.prototype, 'redeclared');
    Object.defineProperty(Copy.prototype, 'redeclared', descriptor ?? expect.fail());
    const api = await serve(platform, { controllers: [Copy] });
    // No gate stands before that class. The filter on the method answers what the method throws.
    expectRefusal(await api.call('/copy/redeclared', { token: await issuer.token({ scp: 'read' }) }), 'server_error');
  });

  it.each(platforms)('refuses a method where a test has replaced the guard, $platform', async (platform) => {
    const given = warnings();

    @Controller('unguarded')
    class UnguardedChild extends MethodBase {
      @Get('redeclared')
      override redeclared() {
        ran.push('redeclared');
        return {};
      }
    }
    Reflect.defineMetadata('__guards__', [], UnguardedChild);
    const api = await serve(platform, { controllers: [UnguardedChild] });
    expectRefusal(await api.call('/unguarded/redeclared', { token: await issuer.token() }), 'server_error');
    expectRefusal(await api.call('/unguarded/who', { token: await issuer.token() }), 'server_error');
    expect(given).toEqual([expect.stringContaining('runAs'), expect.stringContaining('runAs')]);
    expect(ran).toEqual([]);
  });
});

describe('the guard, called with a context', () => {
  const guard = new MicrosoftIdentityGuard();

  it.each(['graphql', 'rpc', 'ws'])('refuses a protected handler that is called by %s', async (type) => {
    const given = warnings();
    const refusalBy = (someGuard: MicrosoftIdentityGuard, controller: Parameters<typeof contextOf>[0], name: string) =>
      someGuard.canActivate(contextOf(controller, name, type)).catch((error: unknown) => error as HttpException);
    const refused = (what: string) => ({
      // A transport may send the message to the caller.
      message: 'server_error',
      status: 500,
      cause: expect.objectContaining({
        name: 'ConfigurationError',
        message: expect.stringContaining(`${what} is protected, and was reached by ${type} without`) as string,
      }) as unknown,
    });
    for (let call = 0; call < 2; call++) {
      expect(await refusalBy(guard, WeatherController, 'now')).toMatchObject(refused('WeatherController.now'));
    }
    expect(given).toHaveLength(1);
    expect(await guard.canActivate(contextOf(WeatherController, 'open', type))).toBe(true);
    expect(await guard.canActivate(contextOf(BareController, 'open', type))).toBe(true);
    const strict = new MicrosoftIdentityGuard({ requireAuth: true });
    expect(await refusalBy(strict, BareController, 'open')).toMatchObject(refused('BareController.open'));
  });

  it('rejects with an HttpException whose cause is the refusal', async () => {
    const error: unknown = await guard.canActivate(contextOf(WeatherController, 'now')).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(HttpException);
    expect((error as HttpException).getStatus()).toBe(401);
    expect((error as HttpException).cause).toBeInstanceOf(MissingTokenError);
  });

  it.each([
    [{ requiresAuth: true }, "got 'requiresAuth', which is no option; it takes requireAuth"],
    [{ requireAuth: 'true' }, 'requireAuth takes true or false'],
  ])('throws on the options %j', (options, message) => {
    const wrong = options as never;
    expect(() => new MicrosoftIdentityGuard(wrong)).toThrow(ConfigurationError);
    expect(() => new MicrosoftIdentityGuard(wrong)).toThrow(message);
    expect(() => MicrosoftIdentityModule.forRoot(undefined, wrong)).toThrow(message);
  });
});
