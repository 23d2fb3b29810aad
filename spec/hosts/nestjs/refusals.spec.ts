import { Agent, request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import {
  Catch,
  Controller,
  Get,
  Options,
  UseFilters,
  type ArgumentsHost,
  type CallHandler,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR } from '@nestjs/core';
import 'reflect-metadata';
import { catchError, timeout, type Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  AuthError,
  ClaimsChallengeError,
  ConfigurationError,
  initialize,
  InsufficientScopeError,
  MissingTokenError,
  RequiresAuth,
  validateScope,
} from '../../../src/nestjs.js';
import type { TokenOverrides } from '../../../src/testing.js';
import { expectRefusal } from '../../support/api.js';
import { forgetIdentity } from '../../support/isolation.js';
import { CatchAll, issuer, platforms, ran, serve, subject, useIssuer, warnings } from './application.js';
import { WeatherController } from './controllers.js';

useIssuer();

describe.each(platforms)('refusals on NestJS, $platform', (platform) => {
  it('answers HEAD like GET, without a body', async () => {
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

  it('leaves OPTIONS to the framework, and protects a handler for it', async () => {
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

  it('keeps the CORS headers on a refusal', async () => {
    const api = await serve(platform, { controllers: [WeatherController] }, (app) => {
      app.enableCors({ origin: 'https://spa.example' });
    });
    const answer = await api.call('/weather/now/Oslo', { headers: { origin: 'https://spa.example' } });
    expectRefusal(answer, 'missing_token');
    expect(answer.headers['access-control-allow-origin']).toBe('https://spa.example');
  });

  it('answers what a handler throws as the gate does, after awaits and from streams', async () => {
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

  it("leaves the application's own errors to Nest", async () => {
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

  it('ends a response that has begun if its handler throws a refusal', async () => {
    const api = await serve(platform, { controllers: [WeatherController] });
    const answer = await api.call('/weather/under-way', { token: await issuer.token() });
    expect([answer.status, answer.text]).toEqual([200, 'half']);
  });

  it('keeps the connection usable after refusals of the gate and of a handler', async () => {
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
});

describe.each(platforms)("errors: 'respond' beside filters of the application, $platform", (platform) => {
  it('answers before Nest calls a filter of the application or of the class', async () => {
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

  it('passes an HttpException to a filter of the method, with status and challenge set', async () => {
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

  it('shows a filter no more of a wrong configuration than the caller', async () => {
    warnings();
    forgetIdentity();
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

  it('answers what an interceptor of the application around the gate of the class refuses', async () => {
    class Scoped implements NestInterceptor {
      intercept(context: ExecutionContext, next: CallHandler) {
        validateScope('write', context.switchToHttp().getRequest<object>());
        return next.handle();
      }
    }
    @Controller('scoped')
    class ScopedController {
      @Get()
      @RequiresAuth()
      get() {
        ran.push('scoped');
        return {};
      }
    }
    const metadata = { controllers: [ScopedController], providers: [{ provide: APP_INTERCEPTOR, useClass: Scoped }] };
    const api = await serve(platform, metadata);
    expectRefusal(await api.call('/scoped', { token: await issuer.token({ scp: 'read' }) }), {
      insufficientScope: 'scope',
      scope: 'write',
    });
    expect(ran).toEqual([]);
    expect((await api.call('/scoped', { token: await issuer.token({ scp: 'write' }) })).status).toBe(200);
  });

  it('answers to each caller what was addressed to that one, where an application throws one error to several', async () => {
    const error = new ClaimsChallengeError({ access_token: { acrs: null } });
    let release: () => void = () => undefined;
    let thrown = 0;
    const bothAreThrown = new Promise<void>((resolve) => {
      release = resolve;
    });
    class HoldBack implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
        return next.handle().pipe(
          catchError(async (refused: unknown) => {
            if (++thrown === 2) release();
            await bothAreThrown;
            throw refused;
          }),
        );
      }
    }
    @Controller('challenge')
    class ChallengeController {
      @Get()
      @RequiresAuth()
      challenge() {
        throw error;
      }
    }
    const api = await serve(platform, { controllers: [ChallengeController] }, (app) => {
      app.useGlobalInterceptors(new HoldBack());
    });
    const get = async (claims: TokenOverrides) =>
      (await api.call('/challenge', { token: await issuer.token(claims) })).status;
    expect(await Promise.all([get({}), get({ xms_cc: ['cp1'] })])).toEqual([403, 401]);
  });

  it('answers a refusal as usual if an interceptor sets a time limit', async () => {
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
    initialize({ ...issuer.options, errors: 'forward' });
  });

  it('passes the refusal itself to the filters of the application, also from a handler', async () => {
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

  it('leaves the answer to Nest if the application has no filter', async () => {
    const api = await serve(platform, { controllers: [WeatherController] });
    expect((await api.call('/weather/now/Oslo')).status).toBe(401);
    expect(ran).toEqual([]);
  });
});
