import { Agent, request as httpRequest, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import {
  Body,
  Catch,
  Controller,
  Get,
  Head,
  Header,
  HttpCode,
  HttpException,
  Inject,
  Injectable,
  Module,
  NotFoundException,
  Options,
  Param,
  Post,
  Query,
  Res,
  Scope,
  SetMetadata,
  Sse,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  type ModuleMetadata,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, NestFactory, Reflector } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import 'reflect-metadata';
import { delay, from, map, of, timeout, type Observable } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { state } from '../../../src/core/access/current-request.js';
import {
  AllowAnonymous,
  AuthError,
  ConfigurationError,
  createMicrosoftIdentity,
  getTokenClaims,
  initialize,
  InsufficientScopeError,
  MICROSOFT_IDENTITY,
  MicrosoftIdentityGuard,
  MicrosoftIdentityModule,
  MissingTokenError,
  RequiresAuth,
  RequiresB2cAuth,
  RequiresRole,
  TokenClaims,
  ValidateScope,
  validateScope,
  type AccessTokenClaims,
  type MicrosoftIdentity,
} from '../../../src/nestjs.js';
import { runAs, startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expectRefusal, send, type Answer, type Call } from '../../support/api.js';

const platforms = [
  { platform: 'Express', adapter: () => new ExpressAdapter() },
  { platform: 'Fastify', adapter: () => new FastifyAdapter() },
] as const;
type Platform = (typeof platforms)[number];

interface NestApi {
  readonly url: string;
  readonly app: INestApplication;
  call(path: string, call?: Call): Promise<Answer>;
}

const started: INestApplication[] = [];

async function serve(
  { adapter }: Platform,
  metadata: ModuleMetadata,
  prepare: (app: INestApplication) => void = () => undefined,
): Promise<NestApi> {
  class AppModule {}
  Module(metadata)(AppModule);
  const app = await NestFactory.create(AppModule, adapter(), { logger: false });
  started.push(app);
  prepare(app);
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  const url = `http://127.0.0.1:${String(port)}`;
  return { url, app, call: (path, call) => send(url + path, call) };
}

let issuer: TestIssuer;
let ran: string[] = [];

beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  ran = [];
  initialize({ ...issuer.options, b2c: issuer.b2cOptions });
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const app of started.splice(0)) await app.close();
});

/** Silences and counts the warnings to the developer. */
function warnings(): string[] {
  const given: string[] = [];
  state.warned.clear();
  vi.spyOn(process, 'emitWarning').mockImplementation((warning, options) => {
    expect(options).toEqual({ type: 'MicrosoftIdentityWarning', code: 'invalid_configuration' });
    given.push(String(warning));
  });
  return given;
}

const subject = 'v2-pairwise-subject';

@Injectable()
class RecordingPipe implements PipeTransform {
  transform(value: unknown) {
    ran.push('pipe');
    return value;
  }
}

@Controller('weather')
@RequiresAuth()
class WeatherController {
  @Get('now/:city')
  @ValidateScope('access_as_user')
  now(@Param('city', RecordingPipe) city: string, @TokenClaims() claims: AccessTokenClaims) {
    ran.push('now');
    return { city, sub: claims.sub, frozen: Object.isFrozen(claims) };
  }

  @Get('oid')
  one(@TokenClaims('oid') oid: string, @TokenClaims('nothing') nothing: unknown, @Query('q') q: string) {
    return { oid, nothing: nothing ?? 'none', q };
  }

  @Get('admin')
  @RequiresRole('Admin')
  admin() {
    ran.push('admin');
    return {};
  }

  @Get('b2c')
  @RequiresB2cAuth()
  b2c() {
    return {};
  }

  @Get('open')
  @AllowAnonymous()
  open(@TokenClaims() claims: AccessTokenClaims | undefined) {
    return { claims: claims ?? 'none' };
  }

  @Head('head')
  head() {
    ran.push('head');
  }

  @Post('notes')
  notes(@Body(RecordingPipe) note: object) {
    ran.push('notes');
    return note;
  }

  @Get('helper')
  async helper() {
    await Promise.resolve();
    validateScope('write');
    return { sub: getTokenClaims().sub };
  }

  @Get('observable')
  observable() {
    return of('').pipe(
      delay(1),
      map(() => {
        validateScope('write');
        return { sub: getTokenClaims().sub };
      }),
    );
  }

  @Get('pipe')
  pipe(@Query('id', { transform: () => Promise.resolve(getTokenClaims().sub) }) sub: string) {
    return { sub };
  }

  @Sse('events')
  events(): Observable<{ data: object }> {
    return from([1, 2]).pipe(
      delay(1),
      map((count) => ({ data: { count, sub: getTokenClaims().sub } })),
    );
  }

  @Get('not-found')
  missing() {
    throw new NotFoundException('No such city.');
  }

  @Get('under-way')
  underWay(@Res() response: ServerResponse & { raw?: ServerResponse }) {
    (response.raw ?? response).write('half');
    validateScope('write');
  }

  @Get('fails')
  fails() {
    throw new Error('A fault of the handler.');
  }
}

describe.each(platforms)('decorators on NestJS, $platform', (platform) => {
  it('let a valid token in and fill the parameters with frozen claims', async () => {
    const api = await serve(platform, { controllers: [WeatherController] });
    const answer = await api.call('/weather/now/Oslo', { token: await issuer.token() });
    expect([answer.status, answer.body]).toEqual([200, { city: 'Oslo', sub: subject, frozen: true }]);
    expect(ran).toEqual(['pipe', 'now']);
    const one = await api.call('/weather/oid?q=a', { token: await issuer.token({ oid: 'ada' }) });
    expect(one.body).toEqual({ oid: 'ada', nothing: 'none', q: 'a' });
  });

  it('refuse what must not pass, before pipes and handler run', async () => {
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

  it('add up on class and method, and the scheme of a method replaces that of its class', async () => {
    const api = await serve(platform, { controllers: [WeatherController] });
    expectRefusal(await api.call('/weather/admin'), 'missing_token');
    expect((await api.call('/weather/admin', { token: await issuer.token({ roles: ['Admin'] }) })).status).toBe(200);
    expect((await api.call('/weather/b2c', { token: await issuer.b2cToken() })).status).toBe(200);
    expectRefusal(await api.call('/weather/b2c', { token: await issuer.token() }), { invalidToken: 'policy' });
  });

  it('leave open what allows anonymous callers, and fill no claims there', async () => {
    const api = await serve(platform, { controllers: [WeatherController] });
    expect((await api.call('/weather/open')).body).toEqual({ claims: 'none' });
    expect((await api.call('/weather/open', { token: await issuer.token() })).body).toEqual({ claims: 'none' });
  });

  it('answer 503 in an outage, and 500 with one warning where the set-up is wrong', async () => {
    const given = warnings();
    const api = await serve(platform, { controllers: [WeatherController] });
    issuer.setFault({ down: true });
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token() }), 'issuer_unavailable');
    issuer.setFault();
    expect(given).toEqual([]);
    initialize(issuer.options);
    expectRefusal(await api.call('/weather/b2c', { token: await issuer.b2cToken() }), 'server_error');
    expectRefusal(await api.call('/weather/b2c', { token: await issuer.b2cToken() }), 'server_error');
    expect(given).toEqual([expect.stringContaining('@RequiresB2cAuth()')]);
    state.identity = undefined;
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token() }), 'server_error');
    expect(given).toHaveLength(2);
  });

  it('answer HEAD like GET, without a body', async () => {
    const api = await serve(platform, { controllers: [WeatherController] });
    const get = await api.call('/weather/now/Oslo');
    for (const path of ['/weather/now/Oslo', '/weather/head']) {
      const { status, headers, text } = await api.call(path, { method: 'HEAD' });
      expect([status, headers['www-authenticate'], headers['cache-control'], text]).toEqual([
        401,
        'Bearer',
        'no-store',
        '',
      ]);
      expect(headers['content-length']).toBe(get.headers['content-length']);
    }
    expect(ran).toEqual([]);
  });

  it('leave OPTIONS to the framework, and protect a handler of it', async () => {
    @Controller('preflight')
    class PreflightController {
      @Get()
      @RequiresAuth()
      get() {
        return {};
      }

      @Options('own')
      @RequiresAuth()
      own() {
        ran.push('own');
      }
    }
    const api = await serve(platform, { controllers: [PreflightController] }, (app) => {
      app.enableCors({ origin: 'https://spa.example' });
    });
    const preflight = await api.call('/preflight', {
      method: 'OPTIONS',
      headers: { origin: 'https://spa.example', 'access-control-request-method': 'GET' },
    });
    expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([204, 'https://spa.example']);
    expectRefusal(
      await (
        await serve(platform, { controllers: [PreflightController] })
      ).call('/preflight/own', { method: 'OPTIONS' }),
      'missing_token',
    );
    expect(ran).toEqual([]);
  });

  it('keep the headers of CORS on a refusal', async () => {
    const api = await serve(platform, { controllers: [WeatherController] }, (app) => {
      app.enableCors({ origin: 'https://spa.example' });
    });
    const answer = await api.call('/weather/now/Oslo', { headers: { origin: 'https://spa.example' } });
    expectRefusal(answer, 'missing_token');
    expect(answer.headers['access-control-allow-origin']).toBe('https://spa.example');
  });

  it('answer what a handler throws like the gate does, after awaits and from streams', async () => {
    const api = await serve(platform, { controllers: [WeatherController] });
    const [reader, writer] = [await issuer.token(), await issuer.token({ scp: 'write' })];
    for (const path of ['/weather/helper', '/weather/observable']) {
      expectRefusal(await api.call(path, { token: reader }), { insufficientScope: 'scope', scope: 'write' });
      expect((await api.call(path, { token: writer })).body).toEqual({ sub: subject });
    }
    expect((await api.call('/weather/pipe', { token: reader })).body).toEqual({ sub: subject });
    const events = await api.call('/weather/events', { token: reader });
    expect(events.text).toContain(`data: {"count":2,"sub":"${subject}"}`);
    expectRefusal(await api.call('/weather/events'), 'missing_token');
  });

  it("leave errors of the application's own to Nest", async () => {
    const api = await serve(platform, { controllers: [WeatherController] });
    const token = await issuer.token();
    const notFound = await api.call('/weather/not-found', { token });
    expect([notFound.status, notFound.body]).toEqual([
      404,
      { message: 'No such city.', error: 'Not Found', statusCode: 404 },
    ]);
    expect((await api.call('/weather/fails', { token })).body).toEqual({
      statusCode: 500,
      message: 'Internal server error',
    });
  });

  it('end an answer that is under way where its handler is refused something', async () => {
    const api = await serve(platform, { controllers: [WeatherController] });
    const answer = await api.call('/weather/under-way', { token: await issuer.token() });
    expect([answer.status, answer.text]).toEqual([200, 'half']);
  });

  it('keep the connection usable after refusals of the gate and of a handler', async () => {
    const api = await serve(platform, { controllers: [WeatherController] });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<Socket>();
    const statusOf = (path: string, token?: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
        httpRequest(api.url + path, { agent, headers })
          .on('socket', (socket) => sockets.add(socket))
          .on('response', (response) => {
            response.resume().on('end', () => {
              resolve(response.statusCode);
            });
          })
          .on('error', reject)
          .end();
      });
    const token = await issuer.token();
    expect(await statusOf('/weather/now/Oslo')).toBe(401);
    expect(await statusOf('/weather/helper', token)).toBe(403);
    expect(await statusOf('/weather/now/Oslo', token)).toBe(200);
    expect(sockets.size).toBe(1);
    agent.destroy();
  });

  it('give each of many requests at once its own claims', async () => {
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

  it('keep a request that is made inside another from its claims', async () => {
    @Controller('outer')
    class OuterController {
      @Get()
      @RequiresAuth()
      async outer() {
        // As `inject` of Fastify does it: in the context of whoever asks.
        const inner = await firstValue(contextOf(WeatherController, 'open'), () => state.current.getStore());
        return { inner: inner ?? 'none', mine: getTokenClaims().sub };
      }
    }
    const interceptors = Reflect.getMetadata('__interceptors__', WeatherController) as NestInterceptor[];
    const firstValue = async (context: ExecutionContext, handle: () => unknown) => {
      const next: CallHandler = { handle: () => of(undefined).pipe(map(handle)) };
      const seen = await interceptors[0]?.intercept(context, next);
      return new Promise((resolve) => seen?.subscribe(resolve));
    };
    const api = await serve(platform, { controllers: [OuterController] });
    expect((await api.call('/outer', { token: await issuer.token() })).body).toEqual({ inner: 'none', mine: subject });
  });

  it('work on controllers that are made for each request', async () => {
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

/** What Nest hands to a guard, without the request that would lead to it. */
function contextOf(controller: new (...parameters: never[]) => object, name: string, type = 'http'): ExecutionContext {
  const request = { headers: {}, method: 'GET' };
  const http = { getRequest: () => request, getResponse: () => ({ setHeader: () => undefined }) };
  return {
    getClass: () => controller,
    getHandler: () => (controller.prototype as Record<string, unknown>)[name],
    getType: () => type,
    switchToHttp: () => http,
  } as unknown as ExecutionContext;
}

abstract class MethodBase {
  @Get('who')
  @RequiresAuth()
  who(@TokenClaims() claims: AccessTokenClaims, @TokenClaims('sub') sub: string) {
    return { by: 'base', same: claims.sub === sub, sub };
  }

  @Get('redeclared')
  @RequiresAuth()
  @ValidateScope('read')
  redeclared(): object {
    return { by: 'base' };
  }

  @Get('overridden')
  @RequiresAuth()
  overridden(): object {
    return { by: 'base' };
  }

  @Get('super')
  @RequiresAuth()
  viaSuper(): object {
    return { by: 'base' };
  }

  @Get('lifted')
  @RequiresAuth()
  lifted(): object {
    return { by: 'base' };
  }
}

@Controller('plain-child')
class PlainChild extends MethodBase {
  @Get('redeclared')
  override redeclared() {
    ran.push('redeclared');
    return { by: 'child', sub: getTokenClaims().sub };
  }

  override overridden() {
    return { by: 'child' };
  }

  @Get('super')
  @ValidateScope('write')
  override viaSuper() {
    return { by: 'child', base: super.viaSuper() };
  }

  @Get('lifted')
  @AllowAnonymous()
  override lifted() {
    return { by: 'child' };
  }

  @Get('own')
  own() {
    return { by: 'child' };
  }
}

@Controller('grandchild')
class Grandchild extends PlainChild {}

@RequiresAuth()
@ValidateScope('read')
abstract class ClassBase {
  @Get('health')
  @AllowAnonymous()
  health(): object {
    return { by: 'base' };
  }

  @Get('who')
  who(@TokenClaims('sub') sub: string): object {
    return { by: 'base', sub };
  }
}

@Controller('class-child')
class ClassChild extends ClassBase {
  @Get('own')
  own(@TokenClaims('sub') sub: string) {
    return { by: 'child', sub };
  }
}

@AllowAnonymous()
@Controller('lifted-child')
class LiftedChild extends ClassBase {}

abstract class BareBase {
  @Get('who')
  @HttpCode(202)
  who(@TokenClaims('sub') sub: string, @Query('q') q: string): object {
    return { sub, q };
  }
}

@Controller('protected-child')
@RequiresAuth()
class ProtectedChild extends BareBase {}

@Controller('open-child')
class OpenChild extends BareBase {}

describe.each(platforms)('inheritance on NestJS, $platform', (platform) => {
  it('keeps inherited handlers shut, with their claims filled', async () => {
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

  it('holds for an override that declares its route anew', async () => {
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
      ran = [];
    }
  });

  it('adds up where an override bears decorators, and lets it call what it overrides', async () => {
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

  it('holds for what a base class demands, until the nearest class lifts it', async () => {
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

  it('protects what a class inherits from one that demands nothing, and no more', async () => {
    const api = await serve(platform, { controllers: [ProtectedChild, OpenChild] });
    expectRefusal(await api.call('/protected-child/who'), 'missing_token');
    const answer = await api.call('/protected-child/who?q=a', { token: await issuer.token() });
    expect([answer.status, answer.body]).toEqual([202, { sub: subject, q: 'a' }]);
    const open = await api.call('/open-child/who?q=a', { token: await issuer.token() });
    expect([open.status, open.body]).toEqual([202, { q: 'a' }]);
  });
});

const Badge = (value: string) => SetMetadata('badge', value);

class UpperCasePipe implements PipeTransform {
  transform(value: unknown) {
    return typeof value === 'string' ? value.toUpperCase() : value;
  }
}

/** A decorator that puts something of its own in the place of the method, under a name of its own. */
const Wrapped: MethodDecorator = (_target, _key, descriptor: PropertyDescriptor) => {
  const inner = descriptor.value as (...parameters: unknown[]) => unknown;
  const replacement = function (this: unknown, ...parameters: unknown[]) {
    ran.push('wrapped');
    return inner.apply(this, parameters);
  };
  for (const key of Reflect.getMetadataKeys(inner) as string[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, inner), replacement);
  }
  descriptor.value = replacement;
};

/** A decorator that writes to the method of the class, rather than to the one that decorators hand on. */
const LateBadge: MethodDecorator = (target, key) => {
  Reflect.defineMetadata('late', 'shown', (target as Record<string | symbol, object>)[key] ?? {});
};

@Controller('stacked')
class StackedController {
  @Get('above/:city')
  @HttpCode(203)
  @Header('X-Place', 'above')
  @UsePipes(UpperCasePipe)
  @Badge('gold')
  @LateBadge
  @RequiresAuth()
  above(@Param('city') city: string) {
    return { city };
  }

  @RequiresAuth()
  @Get('below/:city')
  @HttpCode(203)
  @Header('X-Place', 'below')
  @UsePipes(UpperCasePipe)
  @Badge('gold')
  @LateBadge
  below(@Param('city') city: string) {
    return { city };
  }

  @ValidateScope('access_as_user')
  @Get('between/:city')
  @HttpCode(203)
  @RequiresAuth()
  @Header('X-Place', 'between')
  @UsePipes(UpperCasePipe)
  @Badge('gold')
  @LateBadge
  between(@Param('city') city: string) {
    return { city };
  }

  @Get('wrapped-above')
  @Wrapped
  @RequiresAuth()
  wrappedAbove(@TokenClaims('sub') sub: string) {
    return { sub };
  }

  @RequiresAuth()
  @Wrapped
  @Get('wrapped-below')
  wrappedBelow(@TokenClaims('sub') sub: string) {
    return { sub };
  }
}

describe.each(platforms)('the order of decorators on NestJS, $platform', (platform) => {
  it.each(['above', 'below', 'between'])('does not matter: those of Nest stand %s', async (place) => {
    const api = await serve(platform, { controllers: [StackedController] });
    expectRefusal(await api.call(`/stacked/${place}/oslo`), 'missing_token');
    const answer = await api.call(`/stacked/${place}/oslo`, { token: await issuer.token() });
    expect([answer.status, answer.headers['x-place'], answer.body]).toEqual([203, place, { city: 'OSLO' }]);
    const handler = (StackedController.prototype as unknown as Record<string, () => void>)[place] ?? expect.fail();
    expect(handler.name).toBe(place);
    expect(new Reflector().get<string>('badge', handler)).toBe('gold');
    expect(new Reflector().get<string>('late', handler)).toBe('shown');
  });

  it.each(['wrapped-above', 'wrapped-below'])('does not matter beside one that wraps the method: %s', async (path) => {
    const api = await serve(platform, { controllers: [StackedController] });
    expectRefusal(await api.call(`/stacked/${path}`), 'missing_token');
    expect(ran).toEqual([]);
    const answer = await api.call(`/stacked/${path}`, { token: await issuer.token() });
    expect(answer.body).toEqual({ sub: subject });
    expect(ran).toEqual(['wrapped']);
  });

  it('puts the gate ahead of guards and interceptors of the class, which see the claims', async () => {
    class ClassGuard implements CanActivate {
      canActivate(context: ExecutionContext) {
        ran.push(`guard ${String(getTokenClaims(context.switchToHttp().getRequest<object>()).sub)}`);
        return true;
      }
    }
    class ClassInterceptor implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler) {
        ran.push(`interceptor ${String(getTokenClaims().sub)}`);
        return next.handle();
      }
    }

    @RequiresAuth()
    @UseInterceptors(ClassInterceptor)
    @UseGuards(ClassGuard)
    @Controller('above')
    class AboveController {
      @Get()
      read() {
        return {};
      }
    }

    @UseInterceptors(ClassInterceptor)
    @UseGuards(ClassGuard)
    @RequiresAuth()
    @Controller('below')
    class BelowController {
      @Get()
      read() {
        return {};
      }
    }
    const api = await serve(platform, { controllers: [AboveController, BelowController] });
    for (const path of ['/above', '/below']) {
      expectRefusal(await api.call(path), 'missing_token');
      expect(ran).toEqual([]);
      expect((await api.call(path, { token: await issuer.token() })).status).toBe(200);
      expect(ran).toEqual([`guard ${subject}`, `interceptor ${subject}`]);
      ran = [];
    }
  });

  it('binds one gate, however many decorators there are', () => {
    const guardsOf = (target: object) => Reflect.getMetadata('__guards__', target) as unknown[];
    expect(guardsOf(WeatherController)).toEqual([expect.any(MicrosoftIdentityGuard)]);
    expect(guardsOf(ClassChild)).toEqual([expect.any(MicrosoftIdentityGuard)]);
    expect(guardsOf(Grandchild)).toEqual([expect.any(MicrosoftIdentityGuard)]);
  });
});

@Catch()
class CatchAll implements ExceptionFilter {
  static seen: unknown[] = [];

  catch(error: unknown, host: ArgumentsHost) {
    CatchAll.seen.push(error);
    const status = error instanceof HttpException ? error.getStatus() : 500;
    const response = host.switchToHttp().getResponse<{
      status(code: number): { send(body: object): void };
    }>();
    response.status(status).send({ caught: (error as Error).message });
  }
}

@Controller('plain')
class UndecoratedController {
  @Get('open')
  open(@TokenClaims() claims: AccessTokenClaims | undefined) {
    return { claims: claims?.sub ?? 'none' };
  }

  @Get('helper')
  async helper() {
    await Promise.resolve();
    validateScope('write');
    return { sub: getTokenClaims().sub };
  }

  @Get('lifted')
  @AllowAnonymous()
  lifted() {
    return {};
  }
}

/** The same without any decorator of the library. */
@Controller('bare')
class BareController {
  @Get('open')
  open() {
    return {};
  }

  @Get('helper')
  async helper() {
    await Promise.resolve();
    validateScope('write');
    return { sub: getTokenClaims().sub };
  }
}

describe.each(platforms)('MicrosoftIdentityGuard as APP_GUARD, $platform', (platform) => {
  const everywhere = { provide: APP_GUARD, useClass: MicrosoftIdentityGuard };

  it('stands beside the decorators, and checks a request once', async () => {
    const authenticate = vi.spyOn(initialize(issuer.options) as NonNullable<typeof state.identity>, 'authenticate');
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

  it('keeps what demands nothing open, also with a token that is spoilt', async () => {
    const api = await serve(platform, { controllers: [BareController], providers: [everywhere] });
    expect((await api.call('/bare/open', { token: await issuer.token({ exp: 1 }) })).status).toBe(200);
  });

  it('demands a token of every handler with requireAuth, until @AllowAnonymous() lifts it', async () => {
    initialize(issuer.options);
    const api = await serve(platform, {
      controllers: [BareController, UndecoratedController, WeatherController, LiftedChild],
      providers: [{ provide: APP_GUARD, useValue: new MicrosoftIdentityGuard({ requireAuth: true }) }],
    });
    const refusal = await api.call('/bare/open');
    expect([refusal.status, refusal.headers['www-authenticate'], refusal.headers['cache-control']]).toEqual([
      401,
      'Bearer',
      'no-store',
    ]);
    expect(refusal.body).toEqual({ error: 'missing_token', error_description: 'This request needs an access token.' });
    expect((await api.call('/bare/open', { token: await issuer.token() })).status).toBe(200);
    expect((await api.call('/plain/open', { token: await issuer.token() })).body).toEqual({ claims: subject });
    for (const path of ['/plain/lifted', '/weather/open', '/lifted-child/who']) {
      expect([path, (await api.call(path)).status]).toEqual([path, 200]);
    }
  });
});

describe.each(platforms)("errors: 'respond' beside filters of the application, $platform", (platform) => {
  beforeEach(() => {
    CatchAll.seen = [];
  });

  it('answers before a filter of the application or of the class is asked', async () => {
    @UseFilters(CatchAll)
    @RequiresAuth()
    @Controller('filtered')
    class FilteredController {
      @Get('gate')
      gate() {
        return {};
      }

      @Get('handler')
      handler() {
        validateScope('write');
      }
    }
    const api = await serve(platform, {
      controllers: [FilteredController, WeatherController],
      providers: [{ provide: APP_FILTER, useClass: CatchAll }],
    });
    const token = await issuer.token();
    for (const path of ['/filtered/gate', '/weather/now/Oslo']) expectRefusal(await api.call(path), 'missing_token');
    for (const path of ['/filtered/handler', '/weather/helper']) {
      expectRefusal(await api.call(path, { token }), { insufficientScope: 'scope', scope: 'write' });
    }
    expect(CatchAll.seen).toEqual([]);
  });

  it("hands a method's own filter an error of Nest's kind, with status and challenge in place", async () => {
    @Controller('filtered')
    class FilteredController {
      @Get()
      @UseFilters(CatchAll)
      @RequiresAuth()
      gate() {
        return {};
      }
    }
    const api = await serve(platform, { controllers: [FilteredController] });
    const answer = await api.call('/filtered');
    expect([answer.status, answer.headers['www-authenticate'], answer.body]).toEqual([
      401,
      'Bearer',
      { caught: 'This request needs an access token.' },
    ]);
    expect((CatchAll.seen[0] as Error).cause).toBeInstanceOf(MissingTokenError);
  });

  it('tells no filter more of a wrong set-up than the caller may know', async () => {
    warnings();
    state.identity = undefined;
    @Controller('filtered')
    class FilteredController {
      @Get()
      @UseFilters(CatchAll)
      @RequiresAuth()
      gate() {
        return {};
      }
    }
    const api = await serve(platform, { controllers: [FilteredController] });
    const answer = await api.call('/filtered');
    expect([answer.status, answer.body]).toEqual([500, { caught: 'server_error' }]);
  });

  it('leaves a time limit that an interceptor set without effect on what was answered', async () => {
    class TimeLimit implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
        return next.handle().pipe(timeout(1_000));
      }
    }
    const api = await serve(platform, { controllers: [WeatherController] }, (app) => {
      app.useGlobalInterceptors(new TimeLimit());
    });
    expectRefusal(await api.call('/weather/helper', { token: await issuer.token() }), {
      insufficientScope: 'scope',
      scope: 'write',
    });
  });
});

describe.each(platforms)("errors: 'forward' on NestJS, $platform", (platform) => {
  @Catch(AuthError, ConfigurationError)
  class IdentityFilter implements ExceptionFilter {
    catch(error: AuthError | ConfigurationError, host: ArgumentsHost) {
      CatchAll.seen.push(error);
      const response = host.switchToHttp().getResponse<{
        status(code: number): { header(name: string, value: string): { send(body: object): void } };
      }>();
      response
        .status(error.status)
        .header('WWW-Authenticate', error.headers['WWW-Authenticate'] ?? 'none')
        .send({ mine: error.code });
    }
  }

  beforeEach(() => {
    CatchAll.seen = [];
    initialize({ ...issuer.options, errors: 'forward' });
  });

  it('hands the refusal itself to the filters of the application, the one of a handler too', async () => {
    const api = await serve(platform, {
      controllers: [WeatherController],
      providers: [{ provide: APP_FILTER, useClass: IdentityFilter }],
    });
    const anonymous = await api.call('/weather/now/Oslo');
    expect([anonymous.status, anonymous.headers['www-authenticate'], anonymous.body]).toEqual([
      401,
      'Bearer',
      { mine: 'missing_token' },
    ]);
    const helper = await api.call('/weather/helper', { token: await issuer.token() });
    expect([helper.status, helper.body]).toEqual([403, { mine: 'insufficient_scope' }]);
    expect(helper.headers['www-authenticate']).toContain('scope="write"');
    const given = warnings();
    const b2c = await api.call('/weather/b2c', { token: await issuer.b2cToken() });
    expect([b2c.status, b2c.body]).toEqual([500, { mine: 'invalid_configuration' }]);
    expect(given).toHaveLength(1);
    expect(CatchAll.seen).toEqual([
      expect.any(MissingTokenError),
      expect.any(InsufficientScopeError),
      expect.any(ConfigurationError),
    ]);
  });

  it('has Nest answer where the application has no filter, and the request does not hang', async () => {
    const api = await serve(platform, { controllers: [WeatherController] });
    expect((await api.call('/weather/now/Oslo')).status).toBe(401);
    expect(ran).toEqual([]);
  });
});

describe.each(platforms)('createMicrosoftIdentity on NestJS, $platform', (platform) => {
  it('holds tokens against a configuration of its own, and answers as that says', async () => {
    const partners = await startTestIssuer();
    const bound = createMicrosoftIdentity({ ...partners.options, errors: 'forward' });

    @Controller('bound')
    class BoundController {
      @Get('partners')
      @bound.RequiresAuth()
      partners(@bound.TokenClaims('iss') iss: string) {
        return { iss };
      }

      @Get('own')
      @RequiresAuth()
      own() {
        return {};
      }
    }
    CatchAll.seen = [];
    const api = await serve(platform, {
      controllers: [BoundController],
      providers: [{ provide: APP_FILTER, useClass: CatchAll }],
    });
    const answer = await api.call('/bound/partners', { token: await partners.token() });
    expect(answer.body).toEqual({ iss: expect.stringContaining(partners.options.tenantId) as string });
    expect((await api.call('/bound/partners', { token: await issuer.token() })).status).toBe(500);
    expect(CatchAll.seen).toEqual([expect.objectContaining({ code: 'invalid_token' })]);
    expectRefusal(await api.call('/bound/own'), 'missing_token');
    expect((await api.call('/bound/own', { token: await issuer.token() })).status).toBe(200);
    bound.close();
    await partners.close();
  });
});

describe.each(platforms)('MicrosoftIdentityModule, $platform', (platform) => {
  @Controller('keys')
  class KeysController {
    constructor(@Inject(MICROSOFT_IDENTITY) private readonly identity: MicrosoftIdentity) {}

    @Get('ready')
    @RequiresAuth()
    async ready() {
      await this.identity.ready();
      return { inForce: this.identity === state.identity };
    }
  }

  @Controller('.well-known/oauth-protected-resource')
  class ResourceMetadataController {
    constructor(@Inject(MICROSOFT_IDENTITY) private readonly identity: MicrosoftIdentity) {}

    @Get()
    @AllowAnonymous()
    read() {
      return this.identity.resourceMetadata;
    }
  }

  it('initializes at start-up, provides the identity everywhere and closes it at shutdown', async () => {
    state.identity = undefined;
    const imported = MicrosoftIdentityModule.forRoot({
      ...issuer.options,
      resourceMetadata: { resource: 'https://api.example' },
    });
    expect(state.identity).toBeUndefined();

    @Module({ controllers: [KeysController, ResourceMetadataController] })
    class FeatureModule {}
    const api = await serve(platform, { imports: [imported, FeatureModule] });
    const answer = await api.call('/keys/ready', { token: await issuer.token() });
    expect(answer.body).toEqual({ inForce: true });
    const metadata = await api.call('/.well-known/oauth-protected-resource');
    expect(metadata.body).toMatchObject({ resource: 'https://api.example', bearer_methods_supported: ['header'] });
    expect((await api.call('/keys/ready')).headers['www-authenticate']).toBe(
      'Bearer resource_metadata="https://api.example/.well-known/oauth-protected-resource"',
    );
    const close = vi.spyOn(api.app.get<MicrosoftIdentity>(MICROSOFT_IDENTITY), 'close');
    await api.app.close();
    expect(close).toHaveBeenCalledOnce();
    started.length = 0;
  });

  it('takes options from a factory, with what that needs injected', async () => {
    @Module({ providers: [{ provide: 'TENANT', useFactory: () => issuer.options }], exports: ['TENANT'] })
    class ConfigModule {}
    state.identity = undefined;
    const imported = MicrosoftIdentityModule.forRootAsync({
      imports: [ConfigModule],
      inject: ['TENANT'],
      useFactory: (tenant: TestIssuer['options']) => Promise.resolve({ ...tenant, clockToleranceSeconds: 7 }),
    });
    const api = await serve(platform, { imports: [imported], controllers: [KeysController] });
    expect((await api.call('/keys/ready', { token: await issuer.token() })).body).toEqual({ inForce: true });
    expect((state.identity as { settings?: { clockToleranceSeconds: number } } | undefined)?.settings).toMatchObject({
      clockToleranceSeconds: 7,
    });
  });

  it('does not start with options that are wrong', async () => {
    const wrong = MicrosoftIdentityModule.forRoot({ tenantId: 'x' });
    await expect(NestFactory.create(wrong, platform.adapter(), { logger: false, abortOnError: false })).rejects.toThrow(
      'tenantId',
    );
    const failing = MicrosoftIdentityModule.forRootAsync({ useFactory: () => Promise.reject(new Error('no vault')) });
    await expect(
      NestFactory.create(failing, platform.adapter(), { logger: false, abortOnError: false }),
    ).rejects.toThrow('no vault');
  });

  it('demands a token of every handler with requireAuth, in the context of each request', async () => {
    const imported = MicrosoftIdentityModule.forRoot(issuer.options, { requireAuth: true });
    const api = await serve(platform, {
      imports: [imported],
      controllers: [BareController, UndecoratedController, WeatherController],
    });
    for (const path of ['/bare/open', '/bare/helper', '/plain/open', '/weather/now/Oslo']) {
      expectRefusal(await api.call(path), 'missing_token');
    }
    const token = await issuer.token();
    expectRefusal(await api.call('/bare/helper', { token }), { insufficientScope: 'scope', scope: 'write' });
    expect((await api.call('/bare/helper', { token: await issuer.token({ scp: 'write' }) })).body).toEqual({
      sub: subject,
    });
    expect((await api.call('/weather/now/Oslo', { token })).status).toBe(200);
    expect((await api.call('/plain/lifted')).status).toBe(200);
    expect((await api.call('/weather/open')).status).toBe(200);
    expectRefusal(await api.call('/bare/open', { token: await issuer.token({ aud: 'api://other' }) }), {
      invalidToken: 'audience',
    });
  });

  it('answers 500 with requireAuth where both authorities are configured and a handler names none', async () => {
    const given = warnings();
    const options = { ...issuer.options, b2c: issuer.b2cOptions };
    const api = await serve(platform, {
      imports: [MicrosoftIdentityModule.forRoot(options, { requireAuth: true })],
      controllers: [BareController],
    });
    expectRefusal(await api.call('/bare/open', { token: await issuer.token() }), 'server_error');
    expect(given).toHaveLength(1);
  });
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

  it('refuses to run, and names runAs', async () => {
    const controller = new Protected();
    expect(() => controller.read()).toThrow(ConfigurationError);
    expect(() => controller.read()).toThrow('runAs');
    await expect(controller.slow()).rejects.toThrow('runAs');
    expect(() => new PlainChild().who(undefined as never, '')).toThrow('runAs');
    expect(() => new ProtectedChild().who('', '')).toThrow('runAs');
    expect(new OpenChild().who('', 'a')).toEqual({ sub: '', q: 'a' });
  });

  it('runs inside runAs, with its claims filled', async () => {
    const controller = new Protected();
    expect(runAs({ sub: 'ada' }, () => controller.read())).toEqual({ sub: 'ada', ran: true });
    expect(await runAs({ sub: 'ada' }, () => controller.slow())).toEqual({ sub: 'ada', ran: true });
  });

  it.each(platforms)('is refused where another class has copied it, $platform', async (platform) => {
    @Controller('copy')
    class Copy {}
    const descriptor = Object.getOwnPropertyDescriptor(MethodBase.prototype, 'redeclared');
    Object.defineProperty(Copy.prototype, 'redeclared', descriptor ?? expect.fail());
    const api = await serve(platform, { controllers: [Copy] });
    const answer = await api.call('/copy/redeclared', { token: await issuer.token({ scp: 'read' }) });
    // Nothing of this library stands before that class, so the answer is Nest's.
    expect([answer.status, answer.body]).toEqual([500, { statusCode: 500, message: 'Internal Server Error' }]);
  });

  it.each(platforms)('is refused where a test has put another guard in its place, $platform', async (platform) => {
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

describe('the guard, handed a context', () => {
  const guard = new MicrosoftIdentityGuard();

  it.each(['graphql', 'rpc', 'ws'])('refuses a protected handler that is reached by %s', async (type) => {
    const given = warnings();
    const check = () => guard.canActivate(contextOf(WeatherController, 'now', type));
    await expect(check()).rejects.toThrow(ConfigurationError);
    await expect(check()).rejects.toThrow(`WeatherController.now is protected, and was reached by ${type}`);
    expect(given).toHaveLength(1);
    expect(await guard.canActivate(contextOf(WeatherController, 'open', type))).toBe(true);
    expect(await guard.canActivate(contextOf(BareController, 'open', type))).toBe(true);
    const strict = new MicrosoftIdentityGuard({ requireAuth: true });
    await expect(strict.canActivate(contextOf(BareController, 'open', type))).rejects.toThrow(ConfigurationError);
  });

  it.each(['graphql', 'rpc', 'ws'])('fills no claims in a handler that is reached by %s', (type) => {
    const [parameter] = Object.values(
      Reflect.getMetadata('__routeArguments__', WeatherController, 'open') as Record<
        string,
        { factory: (data: unknown, context: ExecutionContext) => unknown }
      >,
    );
    expect(parameter?.factory(undefined, contextOf(WeatherController, 'open', type))).toBeUndefined();
  });

  it('rejects with an HttpException that stands for the refusal', async () => {
    const error: unknown = await guard.canActivate(contextOf(WeatherController, 'now')).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(HttpException);
    expect((error as HttpException).getStatus()).toBe(401);
    expect((error as HttpException).cause).toBeInstanceOf(MissingTokenError);
  });

  it.each([
    [{ requiresAuth: true }, 'no option requiresAuth'],
    [{ requireAuth: 'true' }, 'requireAuth takes true or false'],
  ])('throws where it is given %j', (options, message) => {
    const wrong = options as never;
    expect(() => new MicrosoftIdentityGuard(wrong)).toThrow(ConfigurationError);
    expect(() => new MicrosoftIdentityGuard(wrong)).toThrow(message);
    expect(() => MicrosoftIdentityModule.forRoot(undefined, wrong)).toThrow(message);
  });

  it('finds the method behind a handler that an instance bound for itself', async () => {
    const bound = contextOf(WeatherController, 'now');
    const handler = bound.getHandler().bind(new WeatherController()) as ReturnType<ExecutionContext['getHandler']>;
    bound.getHandler = () => handler;
    await expect(guard.canActivate(bound)).rejects.toThrow('needs an access token');
  });

  it('refuses a handler that is no method of a protected class, and leaves that of another alone', async () => {
    warnings();
    const stranger = (controller: new () => object) => {
      const context = contextOf(controller, 'constructor');
      context.getHandler = () => () => undefined;
      return context;
    };
    await expect(guard.canActivate(stranger(WeatherController))).rejects.toThrow('server_error');
    expect(await guard.canActivate(stranger(BareController))).toBe(true);
  });

  it('takes the stricter of the two where a handler has two names', async () => {
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

describe('the host', () => {
  it('refuses a decorator on what is no method', () => {
    expect(() => {
      class Wrong {
        @RequiresAuth()
        static read() {
          return {};
        }
      }
      return Wrong;
    }).toThrow(ConfigurationError);
  });

  it('refuses decorators that contradict each other', () => {
    expect(() => {
      @AllowAnonymous()
      @RequiresAuth()
      class Wrong {}
      return Wrong;
    }).toThrow('@AllowAnonymous()');
  });

  it('leaves a method that is no handler as it is, where only its class is protected', () => {
    @RequiresAuth()
    class Service {
      helper() {
        return 'ran';
      }
    }
    expect(new Service().helper()).toBe('ran');
  });
});
