import { IsString } from 'class-validator';
import Koa from 'koa';
import 'reflect-metadata';
import {
  Body,
  Get,
  JsonController,
  NotFoundError,
  Param,
  Post,
  UseBefore,
  UseInterceptor,
  useKoaServer,
} from 'routing-controllers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AllowAnonymous,
  AuthError,
  getTokenClaims,
  initialize,
  InsufficientScopeError,
  MissingTokenError,
  RequiresAuth,
  RequiresB2cAuth,
  TokenClaims,
  ValidateScope,
  validateScope,
  type AccessTokenClaims,
} from '../../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expectRefusal, listen, type Api } from '../../support/api.js';

let ran: string[] = [];

class Note {
  @IsString()
  text!: string;
}

@RequiresAuth()
abstract class Base {
  @Get('/inherited')
  inherited(@TokenClaims('sub') sub: string) {
    ran.push('inherited');
    return { sub };
  }
}

@JsonController('/weather')
class KoaController extends Base {
  @Get('/now/:city')
  @ValidateScope('access_as_user')
  now(@Param('city') city: string, @TokenClaims() claims: AccessTokenClaims) {
    ran.push('now');
    return { city, sub: claims.sub };
  }

  @Get('/open')
  @AllowAnonymous()
  open(@TokenClaims() claims: AccessTokenClaims | undefined) {
    return { claims: claims ?? 'none' };
  }

  @Get('/b2c')
  @RequiresB2cAuth()
  b2c() {
    return {};
  }

  @Post('/notes')
  notes(@Body() note: Note) {
    ran.push('notes');
    return note;
  }

  @Get('/helper')
  @UseInterceptor((_action: unknown, content: unknown) => ({ wrapped: content }))
  async helper() {
    await Promise.resolve();
    validateScope('write');
    return { sub: getTokenClaims().sub };
  }

  @Get('/middleware')
  @UseBefore((_context: Koa.Context, next: Koa.Next) => {
    validateScope('write');
    return next();
  })
  middleware() {
    ran.push('middleware');
    return {};
  }

  @Get('/not-found')
  notFound() {
    throw new NotFoundError();
  }
}

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

function serveKoa(options: { defaultErrorHandler?: boolean } = {}, seen?: unknown[]): Promise<Api> {
  const app = new Koa();
  app.silent = true;
  app.on('error', (error: unknown) => seen?.push(error));
  useKoaServer(app, { controllers: [KoaController], ...options });
  const handle = app.callback();
  return listen((request, response) => void handle(request, response));
}

describe.each([[true], [false]])('decorators on Koa, default error handler of routing-controllers %s', (handler) => {
  let api: Api;
  beforeAll(async () => {
    api = await serveKoa({ defaultErrorHandler: handler });
  });
  beforeEach(() => {
    initialize({ ...issuer.options, b2c: issuer.b2cOptions });
    ran = [];
  });
  afterAll(() => api.close());

  it('let a valid token in and fill the parameters', async () => {
    const answer = await api.call('/weather/now/Oslo', { token: await issuer.token() });
    expect([answer.status, answer.body]).toEqual([200, { city: 'Oslo', sub: 'v2-pairwise-subject' }]);
  });

  it('refuse an anonymous caller, an expired token and a missing scope', async () => {
    expectRefusal(await api.call('/weather/now/Oslo'), 'missing_token');
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token({ exp: 1 }) }), {
      invalidToken: 'expired',
    });
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token({ scp: 'other' }) }), {
      insufficientScope: 'scope',
      scope: 'access_as_user',
    });
    expect(ran).toEqual([]);
  });

  it('refuse two Authorization headers', async () => {
    const token = await issuer.token();
    const headers = { authorization: [`Bearer ${token}`, `Bearer ${token}`] };
    expectRefusal(await api.call('/weather/now/Oslo', { headers }), 'invalid_request');
  });

  it('keep inherited actions shut, and fill their claims', async () => {
    expectRefusal(await api.call('/weather/inherited'), 'missing_token');
    const answer = await api.call('/weather/inherited', { token: await issuer.token() });
    expect(answer.body).toEqual({ sub: 'v2-pairwise-subject' });
  });

  it('leave open what allows anonymous callers', async () => {
    expect((await api.call('/weather/open', { token: await issuer.token() })).body).toEqual({ claims: 'none' });
  });

  it('take B2C tokens where a method asks for them', async () => {
    expect((await api.call('/weather/b2c', { token: await issuer.b2cToken() })).status).toBe(200);
    expectRefusal(await api.call('/weather/b2c', { token: await issuer.token() }), { invalidToken: 'policy' });
  });

  it('stand before the parameters: an anonymous caller with an invalid body gets 401', async () => {
    const headers = { 'content-type': 'application/json' };
    const call = { method: 'POST', headers, body: '{"text":1}' };
    expectRefusal(await api.call('/weather/notes', call), 'missing_token');
    expect((await api.call('/weather/notes', { ...call, token: await issuer.token() })).status).toBeGreaterThanOrEqual(
      400,
    );
    const valid = await api.call('/weather/notes', { ...call, body: '{"text":"a"}', token: await issuer.token() });
    expect(valid.body).toEqual({ text: 'a' });
    expect(ran).toEqual(['notes']);
  });

  it('answer what an action, or a middleware behind the gate, throws like the gate does', async () => {
    const token = await issuer.token();
    expectRefusal(await api.call('/weather/helper', { token }), { insufficientScope: 'scope', scope: 'write' });
    expectRefusal(await api.call('/weather/middleware', { token }), { insufficientScope: 'scope', scope: 'write' });
    expect(ran).toEqual([]);
    const writer = await issuer.token({ scp: 'write' });
    expect((await api.call('/weather/helper', { token: writer })).body).toEqual({
      wrapped: { sub: 'v2-pairwise-subject' },
    });
  });

  it('answer HEAD like GET, and leave OPTIONS to the framework', async () => {
    const head = await api.call('/weather/now/Oslo', { method: 'HEAD' });
    expect([head.status, head.headers['www-authenticate'], head.text]).toEqual([401, 'Bearer', '']);
    const options = await api.call('/weather/now/Oslo', { method: 'OPTIONS' });
    expect([options.status, options.headers['allow']]).toEqual([200, 'HEAD, GET']);
    expect(ran).toEqual([]);
  });

  it('answer 500 where the scheme is not configured, and 503 in an outage', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    initialize(issuer.options);
    expectRefusal(await api.call('/weather/b2c', { token: await issuer.b2cToken() }), 'server_error');
    issuer.setFault({ down: true });
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token() }), 'issuer_unavailable');
    issuer.setFault();
    vi.restoreAllMocks();
  });
});

describe.each([[true], [false]])("errors: 'forward' on Koa, default error handler %s", (handler) => {
  it('throws the refusal to the application, the one of an action too', async () => {
    const seen: unknown[] = [];
    const api = await serveKoa({ defaultErrorHandler: handler }, seen);
    initialize({ ...issuer.options, errors: 'forward' });
    const anonymous = await api.call('/weather/now/Oslo');
    expect([anonymous.status, anonymous.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    const answer = await api.call('/weather/helper', { token: await issuer.token() });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([
      403,
      expect.stringContaining('scope="write"') as string,
    ]);
    expect(seen).toEqual([expect.any(MissingTokenError), expect.any(InsufficientScopeError)]);
    expect(seen.every((error) => error instanceof AuthError)).toBe(true);
    await api.close();
  });
});
