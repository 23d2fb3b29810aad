import { AsyncResource } from 'node:async_hooks';
import { IsString } from 'class-validator';
import type { Request, Response } from 'express';
import 'reflect-metadata';
import {
  Body,
  Controller,
  Get,
  JsonController,
  Middleware,
  NotFoundError,
  Param,
  Post,
  Req,
  Res,
  UseBefore,
  UseInterceptor,
  type ExpressErrorMiddlewareInterface,
} from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AllowAnonymous,
  ConfigurationError,
  getTokenClaims,
  initialize,
  InsufficientScopeError,
  MissingTokenError,
  RequiresAuth,
  RequiresB2cAuth,
  RequiresRole,
  TokenClaims,
  ValidateScope,
  validateScope,
  type AccessTokenClaims,
  type AuthError,
} from '../../../src/index.js';
import { runAs, startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expectRefusal, expressReleases, send, serve, type Api } from '../../support/api.js';
import { forgetIdentity, forgetWarnings } from '../../support/isolation.js';

let issuer: TestIssuer;
let ran: string[] = [];

class Note {
  @IsString()
  text!: string;
}

@JsonController('/weather')
class WeatherController {
  @Get('/open')
  open(@TokenClaims() claims: AccessTokenClaims | undefined) {
    ran.push('open');
    return { claims: claims ?? 'none' };
  }

  @Get('/now/:city')
  @RequiresAuth()
  @ValidateScope('access_as_user')
  now(@Param('city') city: string, @TokenClaims() claims: AccessTokenClaims, @TokenClaims('oid') oid: string) {
    ran.push('now');
    return { city, sub: claims.sub, oid, frozen: Object.isFrozen(claims) };
  }

  @ValidateScope('access_as_user')
  @RequiresAuth()
  @Get('/reversed/:city')
  reversed(@TokenClaims('sub') sub: string, @Param('city') city: string) {
    ran.push('reversed');
    return { city, sub };
  }

  @Get('/any')
  @RequiresAuth()
  @ValidateScope('read', 'write')
  any() {
    ran.push('any');
    return {};
  }

  @Get('/all')
  @RequiresAuth()
  @ValidateScope('read')
  @ValidateScope('write')
  all() {
    ran.push('all');
    return {};
  }

  @Get('/admin')
  @RequiresRole('Admin', 'Owner')
  @RequiresAuth()
  admin() {
    ran.push('admin');
    return {};
  }

  @Get('/susi')
  @RequiresB2cAuth({ policy: 'b2c_1_SUSI' })
  susi() {
    ran.push('susi');
    return {};
  }

  @Get('/b2c')
  @RequiresB2cAuth()
  b2c(@TokenClaims() claims: AccessTokenClaims) {
    ran.push('b2c');
    return { policy: claims.tfp };
  }

  @Get('/unconfigured-policy')
  @RequiresB2cAuth({ policy: 'B2C_1_other' })
  unconfiguredPolicy() {
    ran.push('unconfiguredPolicy');
    return {};
  }

  @Get('/scope-only')
  @ValidateScope('access_as_user')
  scopeOnly() {
    ran.push('scopeOnly');
    return {};
  }

  @Get('/role-only')
  @RequiresRole('access_as_app')
  roleOnly() {
    ran.push('roleOnly');
    return {};
  }

  @Post('/notes')
  @RequiresAuth()
  post(@Body() note: Note) {
    ran.push('post');
    return note;
  }

  @Get('/helper')
  @RequiresAuth()
  async helper() {
    ran.push('helper');
    await Promise.resolve();
    validateScope('write');
    return {};
  }

  @Get('/helper-sync')
  @RequiresAuth()
  helperSync() {
    validateScope(['write', 'delete']);
  }

  @Get('/helper-thenable')
  @RequiresAuth()
  helperThenable() {
    // A promise of another library.
    return {
      then: (_: unknown, reject: (error: unknown) => void) => {
        reject(new MissingTokenError());
      },
    };
  }

  @Get('/helper-claims')
  @RequiresAuth()
  async helperClaims(@Req() request: Request) {
    await new Promise((resolve) => setImmediate(resolve));
    return { same: getTokenClaims() === getTokenClaims(request) };
  }

  @Get('/helper-open')
  helperOpen() {
    return getTokenClaims();
  }

  @Get('/not-found')
  @RequiresAuth()
  notFound() {
    throw new NotFoundError();
  }

  @Get('/streaming')
  @RequiresAuth()
  streaming(@Res() response: Response) {
    response.write('partial');
    throw new MissingTokenError();
  }

  @Get('/self')
  @RequiresAuth()
  self() {
    return this.admin();
  }

  @Get('/open-calls-protected')
  openCallsProtected() {
    return this.admin();
  }

  @Get('/intercepted')
  @UseInterceptor((_action: unknown, content: unknown) => ({ wrapped: content, sub: getTokenClaims().sub }))
  @RequiresAuth()
  intercepted() {
    validateScope('access_as_user');
    return 'content';
  }
}

let beforeRan = 0;

@JsonController('/class')
@UseBefore((_request: Request, _response: Response, next: () => void) => {
  beforeRan++;
  next();
})
@ValidateScope('read')
@RequiresAuth()
class ProtectedController {
  @Get('/plain')
  plain(@TokenClaims('scp') scp: string) {
    return { scp };
  }

  @Get('/both')
  @ValidateScope('write')
  both() {
    return {};
  }

  @Get('/b2c')
  @RequiresB2cAuth()
  b2c() {
    return {};
  }

  @Get('/health')
  @AllowAnonymous()
  health() {
    return { ok: true };
  }

  notAnAction() {
    return 'called';
  }
}

@Controller('/text')
class TextController {
  @Get('/secret')
  @RequiresAuth()
  secret() {
    return 'text';
  }
}

// Remembers the context that it is created in, which is that of no request.
const outside = new AsyncResource('outside');
let losesContext: ((request: Request, response: Response, next: () => void) => void)[] = [];

@JsonController('/lost')
class LostContextController {
  @Get('/claims')
  @RequiresAuth()
  @UseBefore((request: Request, response: Response, next: () => void) => {
    outside.runInAsyncScope(() => {
      for (const lose of losesContext) lose(request, response, next);
      next();
    });
  })
  claims(@TokenClaims('sub') sub: string) {
    return { sub, helper: getTokenClaims().sub };
  }
}

const controllers = [WeatherController, ProtectedController, TextController, LostContextController];

beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

describe.each(expressReleases)('decorators on routing-controllers, $release', ({ express }) => {
  let api: Api;

  beforeAll(async () => {
    api = await serve(controllers, { express });
  });
  beforeEach(() => {
    initialize({ ...issuer.options, b2c: issuer.b2cOptions });
    ran = [];
    beforeRan = 0;
    losesContext = [];
  });
  afterAll(() => api.close());

  it('lets a valid token in and fills the parameters', async () => {
    const answer = await api.call('/weather/now/Oslo', { token: await issuer.token({ oid: 'some-oid' }) });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ city: 'Oslo', sub: 'v2-pairwise-subject', oid: 'some-oid', frozen: true });
    expect(ran).toEqual(['now']);
  });

  it('accepts v1.0 tokens beside v2.0 tokens', async () => {
    const answer = await api.call('/weather/now/Oslo', { token: await issuer.v1Token() });
    expect(answer.status).toBe(200);
  });

  it('fills the parameters whatever their order, and judges decorators whatever theirs', async () => {
    const answer = await api.call('/weather/reversed/Oslo', { token: await issuer.token() });
    expect(answer.body).toEqual({ city: 'Oslo', sub: 'v2-pairwise-subject' });
    expectRefusal(await api.call('/weather/reversed/Oslo', { token: await issuer.token({ scp: 'other' }) }), {
      insufficientScope: 'scope',
      scope: 'access_as_user',
    });
    expectRefusal(await api.call('/weather/reversed/Oslo'), 'missing_token');
  });

  it('refuses an anonymous caller, and the action does not run', async () => {
    expectRefusal(await api.call('/weather/now/Oslo'), 'missing_token');
    expect(ran).toEqual([]);
  });

  it('refuses a token without the scope, and names the scope', async () => {
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token({ scp: 'access_as_use' }) }), {
      insufficientScope: 'scope',
      scope: 'access_as_user',
    });
    expect(ran).toEqual([]);
  });

  it('takes any scope of one decorator', async () => {
    for (const scp of ['read', 'write', 'other write']) {
      expect((await api.call('/weather/any', { token: await issuer.token({ scp }) })).status).toBe(200);
    }
    expectRefusal(await api.call('/weather/any', { token: await issuer.token({ scp: 'readwrite' }) }), {
      insufficientScope: 'scope',
      scope: 'read write',
    });
  });

  it('demands all of stacked decorators, and names the one that failed', async () => {
    expect((await api.call('/weather/all', { token: await issuer.token({ scp: 'read write' }) })).status).toBe(200);
    expectRefusal(await api.call('/weather/all', { token: await issuer.token({ scp: 'read' }) }), {
      insufficientScope: 'scope',
      scope: 'write',
    });
    expectRefusal(await api.call('/weather/all', { token: await issuer.token({ scp: 'write' }) }), {
      insufficientScope: 'scope',
      scope: 'read',
    });
  });

  it("asks an app-only token for a role of the scope's name", async () => {
    const roles = ['access_as_user'];
    expect((await api.call('/weather/now/Oslo', { token: await issuer.appToken({ roles }) })).status).toBe(200);
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.appToken() }), {
      insufficientScope: 'scope',
      scope: 'access_as_user',
    });
  });

  it("does not take a person's role for a scope", async () => {
    const token = await issuer.token({ scp: 'other', roles: ['access_as_user'] });
    expectRefusal(await api.call('/weather/now/Oslo', { token }), {
      insufficientScope: 'scope',
      scope: 'access_as_user',
    });
  });

  it('takes any role of one decorator, of a person or an application', async () => {
    expect((await api.call('/weather/admin', { token: await issuer.token({ roles: ['Owner'] }) })).status).toBe(200);
    expect((await api.call('/weather/admin', { token: await issuer.appToken({ roles: ['Admin'] }) })).status).toBe(200);
    expectRefusal(await api.call('/weather/admin', { token: await issuer.token({ roles: ['Admin Owner'] }) }), {
      insufficientScope: 'role',
    });
    expectRefusal(await api.call('/weather/admin', { token: await issuer.token({ scp: 'Admin' }) }), {
      insufficientScope: 'role',
    });
  });

  it('takes B2C tokens of any configured policy, or of the one a route names', async () => {
    expect((await api.call('/weather/b2c', { token: await issuer.b2cToken() })).body).toEqual({ policy: 'B2C_1_susi' });
    expect((await api.call('/weather/b2c', { token: await issuer.b2cToken({ tfp: 'b2c_1a_SIGNIN' }) })).status).toBe(
      200,
    );
    expect((await api.call('/weather/susi', { token: await issuer.b2cToken() })).status).toBe(200);
    const other = await issuer.b2cToken({ tfp: 'B2C_1A_signin' });
    expectRefusal(await api.call('/weather/susi', { token: other }), { invalidToken: 'policy' });
    expectRefusal(await api.call('/weather/b2c', { token: await issuer.b2cToken({ tfp: 'B2C_1_reset' }) }), {
      invalidToken: 'policy',
    });
  });

  it('does not take a token of one scheme for the other', async () => {
    expectRefusal(await api.call('/weather/b2c', { token: await issuer.token() }), { invalidToken: 'policy' });
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.b2cToken() }), { invalidToken: 'key' });
  });

  it('runs before the body is read: 401 for an anonymous malformed body, 400 for a known caller', async () => {
    const headers = { 'content-type': 'application/json' };
    const malformed = { method: 'POST', headers, body: '{"text":' };
    expectRefusal(await api.call('/weather/notes', malformed), 'missing_token');
    expect((await api.call('/weather/notes', { ...malformed, token: await issuer.token() })).status).toBe(400);
    const invalid = await api.call('/weather/notes', {
      method: 'POST',
      headers,
      body: '{"text":1}',
      token: await issuer.token(),
    });
    expect(invalid.status).toBe(400);
    const valid = await api.call('/weather/notes', {
      method: 'POST',
      headers,
      body: '{"text":"a"}',
      token: await issuer.token(),
    });
    expect(valid.body).toEqual({ text: 'a' });
    expect(ran).toEqual(['post']);
  });

  it('answers what a protected action throws like the gate does, whether it is asynchronous or not', async () => {
    const token = await issuer.token();
    expectRefusal(await api.call('/weather/helper', { token }), { insufficientScope: 'scope', scope: 'write' });
    expectRefusal(await api.call('/weather/helper-sync', { token }), {
      insufficientScope: 'scope',
      scope: 'write delete',
    });
    expectRefusal(await api.call('/weather/helper-thenable', { token }), 'missing_token');
    expectRefusal(await api.call('/weather/helper-open'), 'missing_token');
  });

  it('leaves errors that are not ours to the framework', async () => {
    const answer = await api.call('/weather/not-found', { token: await issuer.token() });
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ name: 'NotFoundError' });
  });

  it('cuts off an answer that was under way, rather than mixing two', async () => {
    await expect(api.call('/weather/streaming', { token: await issuer.token() })).rejects.toThrow(
      /aborted|socket hang up/,
    );
    expect((await api.call('/weather/open')).status).toBe(200);
  });

  it('finds the current request for the helpers', async () => {
    const answer = await api.call('/weather/helper-claims', { token: await issuer.token() });
    expect(answer.body).toEqual({ same: true });
  });

  it('gives undefined for the claims on an open route, even with a token', async () => {
    expect((await api.call('/weather/open', { token: await issuer.token() })).body).toEqual({ claims: 'none' });
  });

  it('keeps the request context through interceptors, and through middleware that loses it', async () => {
    const token = await issuer.token();
    expect((await api.call('/weather/intercepted', { token })).body).toEqual({
      wrapped: 'content',
      sub: 'v2-pairwise-subject',
    });
    expect((await api.call('/lost/claims', { token })).body).toEqual({
      sub: 'v2-pairwise-subject',
      helper: 'v2-pairwise-subject',
    });
  });

  it('lets calls inside a verified request pass', async () => {
    expect((await api.call('/weather/self', { token: await issuer.token() })).status).toBe(200);
    expect(ran).toEqual(['admin']);
  });

  it('refuses a protected method that an open route calls', async () => {
    expectRefusal(await api.call('/weather/open-calls-protected'), 'server_error');
    expect(ran).toEqual([]);
  });

  it('adds up class and method', async () => {
    const read = await issuer.token({ scp: 'read' });
    expect((await api.call('/class/plain', { token: read })).body).toEqual({ scp: 'read' });
    expectRefusal(await api.call('/class/plain', { token: await issuer.token({ scp: 'write' }) }), {
      insufficientScope: 'scope',
      scope: 'read',
    });
    expectRefusal(await api.call('/class/both', { token: read }), { insufficientScope: 'scope', scope: 'write' });
    expect((await api.call('/class/both', { token: await issuer.token({ scp: 'read write' }) })).status).toBe(200);
    expectRefusal(await api.call('/class/both'), 'missing_token');
  });

  it("replaces the class's scheme by the method's, and keeps the class's scopes", async () => {
    expect((await api.call('/class/b2c', { token: await issuer.b2cToken({ scp: 'read' }) })).status).toBe(200);
    expectRefusal(await api.call('/class/b2c', { token: await issuer.b2cToken() }), {
      insufficientScope: 'scope',
      scope: 'read',
    });
    expectRefusal(await api.call('/class/b2c', { token: await issuer.token({ scp: 'read' }) }), {
      invalidToken: 'policy',
    });
  });

  it('lifts the requirement of the class from a method that allows anonymous callers', async () => {
    expect((await api.call('/class/health')).body).toEqual({ ok: true });
  });

  it('runs before the middleware of the class', async () => {
    await api.call('/class/plain');
    expect(beforeRan).toBe(0);
    await api.call('/class/plain', { token: await issuer.token({ scp: 'read' }) });
    await api.call('/class/health');
    expect(beforeRan).toBe(2);
  });

  it('answers a controller of text like one of JSON', async () => {
    expectRefusal(await api.call('/text/secret'), 'missing_token');
    expect((await api.call('/text/secret', { token: await issuer.token() })).text).toBe('text');
  });

  it('treats HEAD as GET', async () => {
    const refused = await api.call('/weather/now/Oslo', { method: 'HEAD' });
    expect([refused.status, refused.headers['www-authenticate'], refused.text]).toEqual([401, 'Bearer', '']);
    const token = await issuer.token();
    expect((await api.call('/weather/now/Oslo', { method: 'HEAD', token })).status).toBe(200);
  });

  it('leaves OPTIONS to the framework, and the action does not run', async () => {
    const answer = await api.call('/weather/now/Oslo', { method: 'OPTIONS' });
    expect(answer.status).toBe(200);
    expect(answer.headers['allow']).toContain('GET');
    expect(ran).toEqual([]);
  });

  it('keeps the connection usable after a refusal, body unread or not', async () => {
    const { Agent, request } = await import('node:http');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    const call = (path: string, method: string, body?: string) =>
      new Promise<number>((resolve, reject) => {
        const outgoing = request(api.url + path, { agent, method, headers: { 'content-type': 'application/json' } });
        outgoing.on('socket', (socket) => sockets.add(socket)).on('error', reject);
        outgoing.on('response', (response) => {
          response.resume().on('end', () => {
            resolve(response.statusCode ?? 0);
          });
        });
        outgoing.end(body);
      });
    expect(await call('/weather/now/Oslo', 'GET')).toBe(401);
    expect(await call('/weather/notes', 'POST', JSON.stringify({ text: 'x'.repeat(200_000) }))).toBe(401);
    expect(await call('/weather/helper-open', 'GET')).toBe(401);
    expect(await call('/weather/open', 'GET')).toBe(200);
    expect(sockets.size).toBe(1);
    agent.destroy();
  });

  it('answers 500 before initialize, and the action does not run', async () => {
    forgetIdentity();
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    forgetWarnings();
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token() }), 'server_error');
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token() }), 'server_error');
    expect(ran).toEqual([]);
    expect(warned.mock.calls).toEqual([
      [
        'A protected route was called before initialize().',
        { type: 'MicrosoftIdentityWarning', code: 'invalid_configuration' },
      ],
    ]);
    warned.mockRestore();
  });

  it('answers 500 for a scheme or a policy that is not configured', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    expectRefusal(await api.call('/weather/unconfigured-policy', { token: await issuer.b2cToken() }), 'server_error');
    initialize(issuer.options);
    expectRefusal(await api.call('/weather/b2c', { token: await issuer.b2cToken() }), 'server_error');
    initialize({ b2c: issuer.b2cOptions });
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token() }), 'server_error');
    expect(ran).toEqual([]);
    vi.restoreAllMocks();
  });

  it('uses the one scheme that is configured where a route names none, and answers 500 with both', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    expectRefusal(await api.call('/weather/scope-only', { token: await issuer.token() }), 'server_error');
    expectRefusal(await api.call('/weather/role-only', { token: await issuer.appToken() }), 'server_error');
    initialize(issuer.options);
    expect((await api.call('/weather/scope-only', { token: await issuer.token() })).status).toBe(200);
    expect((await api.call('/weather/role-only', { token: await issuer.appToken() })).status).toBe(200);
    expectRefusal(await api.call('/weather/scope-only'), 'missing_token');
    initialize({ b2c: issuer.b2cOptions });
    expect((await api.call('/weather/scope-only', { token: await issuer.b2cToken() })).status).toBe(200);
    vi.restoreAllMocks();
  });

  it('accepts listed client applications alone', async () => {
    const client = 'aaaaaaaa-0000-4000-8000-000000000001';
    initialize({ ...issuer.options, allowedClients: [client.toUpperCase()] });
    expect((await api.call('/weather/now/Oslo', { token: await issuer.token({ azp: client }) })).status).toBe(200);
    expect((await api.call('/weather/now/Oslo', { token: await issuer.v1Token({ appid: client }) })).status).toBe(200);
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token() }), {
      insufficientScope: 'client',
    });
  });

  it('answers 500 rather than guess when the clock answers nonsense', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    let time = Date.now();
    initialize({ ...issuer.options, now: () => time });
    const token = await issuer.token();
    expect((await api.call('/weather/now/Oslo', { token })).status).toBe(200);
    time = NaN;
    expectRefusal(await api.call('/weather/now/Oslo', { token }), 'server_error');
    vi.restoreAllMocks();
  });

  it('refuses two Authorization headers, which Node would hide', async () => {
    const token = await issuer.token();
    const headers = { authorization: [`Bearer ${token}`, `Bearer ${token}`] };
    expectRefusal(await api.call('/weather/now/Oslo', { headers }), 'invalid_request');
    expectRefusal(
      await api.call('/weather/now/Oslo', { headers: { authorization: ['Basic eA==', `Bearer ${token}`] } }),
      'invalid_request',
    );
  });

  it('never takes a token from query, body or cookie', async () => {
    const token = await issuer.token();
    const elsewhere = [
      api.call(`/weather/now/Oslo?access_token=${token}`),
      api.call('/weather/now/Oslo', { headers: { cookie: `access_token=${token}; Authorization=Bearer ${token}` } }),
      api.call('/weather/now/Oslo', {
        headers: { 'x-authorization': `Bearer ${token}`, 'proxy-authorization': `Bearer ${token}` },
      }),
      api.call('/weather/notes', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `access_token=${token}`,
      }),
    ];
    for (const answer of await Promise.all(elsewhere)) expectRefusal(answer, 'missing_token');
  });

  it('keeps serving when further classes are decorated later', async () => {
    class Later {
      @RequiresAuth()
      method() {
        return {};
      }
    }
    expect(() => new Later().method()).toThrow(ConfigurationError);
    expect((await api.call('/weather/now/Oslo', { token: await issuer.token() })).status).toBe(200);
    expect((await api.call('/class/plain', { token: await issuer.token({ scp: 'read' }) })).status).toBe(200);
  });

  it('serves a first burst of 500 requests with one metadata and one key request', async () => {
    const local = await startTestIssuer();
    initialize(local.options);
    const token = await local.token();
    const tokens = await Promise.all(Array.from({ length: 10 }, (_, index) => local.token({ uti: String(index) })));
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, index) => api.call('/weather/now/Oslo', { token: tokens[index % 10] ?? token })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(local.requests).toEqual({ metadata: 1, keys: 1 });
    await local.close();
  });
});

describe.each(expressReleases)("errors: 'forward', $release", ({ express }) => {
  let seen: unknown[] = [];

  @Middleware({ type: 'after' })
  class ErrorHandler implements ExpressErrorMiddlewareInterface {
    error(error: unknown, _request: Request, response: Response): void {
      seen.push(error);
      expect(response.headersSent).toBe(false);
      const { status, headers } = error as AuthError;
      response.status(status).set(headers).json({ handled: error });
    }
  }

  let api: Api;
  beforeAll(async () => {
    api = await serve(controllers, { express, middlewares: [ErrorHandler], defaultErrorHandler: false });
  });
  beforeEach(() => {
    seen = [];
    initialize({ ...issuer.options, errors: 'forward' });
  });
  afterAll(() => api.close());

  it("hands the gate's refusal to the application before anything is sent", async () => {
    const answer = await api.call('/weather/now/Oslo');
    expect(seen).toEqual([expect.any(MissingTokenError)]);
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(answer.body).toEqual({
      handled: { error: 'missing_token', error_description: 'This request needs an access token.' },
    });
  });

  it('hands over what a protected action throws', async () => {
    const answer = await api.call('/weather/helper', { token: await issuer.token() });
    expect(seen).toEqual([expect.any(InsufficientScopeError)]);
    expect(answer.headers['www-authenticate']).toContain('scope="write"');
  });

  it('hands over an error of the configuration', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const answer = await api.call('/weather/b2c', { token: await issuer.b2cToken() });
    expect(seen).toEqual([expect.any(ConfigurationError)]);
    expect([answer.status, answer.body]).toEqual([500, { handled: { error: 'server_error' } }]);
    vi.restoreAllMocks();
  });
});

describe("errors: 'forward' without a handler of the application's own", () => {
  it('is answered by routing-controllers and Express with the status, and no stack in production', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    initialize({ ...issuer.options, errors: 'forward' });
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const api = await serve(controllers);
    const answer = await api.call('/weather/now/Oslo');
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(answer.text).not.toContain('at ');
    await api.close();
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });
});

describe('a protected method called without its gate', () => {
  beforeEach(() => {
    initialize(issuer.options);
    ran = [];
  });

  it('refuses, and names runAs', () => {
    const controller = new WeatherController();
    const call = () => controller.now('Oslo', undefined as never, 'oid');
    expect(call).toThrow(ConfigurationError);
    expect(call).toThrow('runAs');
    expect(ran).toEqual([]);
  });

  it('rejects where the method is asynchronous', async () => {
    await expect(new WeatherController().helper()).rejects.toThrow(ConfigurationError);
    expect(ran).toEqual([]);
  });

  it('refuses where the requirement stands on the class', () => {
    expect(() => new ProtectedController().plain('')).toThrow('ProtectedController.plain');
  });

  it('leaves methods that are no actions, and open ones, alone', () => {
    expect(new ProtectedController().notAnAction()).toBe('called');
    expect(new ProtectedController().health()).toEqual({ ok: true });
    expect(new WeatherController().open(undefined)).toEqual({ claims: 'none' });
  });

  it('runs inside runAs, with its claims filled in', async () => {
    const claims = { scp: 'anything', oid: 'my-oid', sub: 'me' };
    const controller = new WeatherController();
    const unfilled = undefined as never;
    expect(runAs(claims, () => controller.now('Oslo', unfilled, unfilled))).toEqual({
      city: 'Oslo',
      sub: 'me',
      oid: 'my-oid',
      frozen: true,
    });
    await expect(runAs({ scp: 'write' }, () => controller.helper())).resolves.toEqual({});
    expect(() => controller.admin()).toThrow(ConfigurationError);
  });

  it('keeps its name and its number of parameters', () => {
    // eslint-disable-next-line @typescript-eslint/unbound-method -- it is looked at, not called
    const { now } = WeatherController.prototype;
    expect([now.name, now.length]).toEqual(['now', 3]);
  });
});

describe('helpers outside of a request', () => {
  it('throw MissingTokenError', () => {
    expect(() => getTokenClaims()).toThrow(MissingTokenError);
    expect(() => {
      validateScope('read');
    }).toThrow(MissingTokenError);
    expect(() => getTokenClaims({ headers: { authorization: 'Bearer x' } })).toThrow(MissingTokenError);
  });

  it.each([[''], [' '], ['two words'], ['api://id/access_as_user'], [[]]])('refuse the scope %j', (scope) => {
    expect(() => {
      validateScope(scope);
    }).toThrow(ConfigurationError);
  });
});

describe('decorators that contradict each other or ask for nothing', () => {
  const decorating =
    (...decorators: ((target: object, key: string, descriptor: PropertyDescriptor) => void)[]) =>
    () => {
      class Target {
        method(): void {
          return undefined;
        }
      }
      const descriptor = Object.getOwnPropertyDescriptor(Target.prototype, 'method') ?? {};
      for (const decorate of decorators) decorate(Target.prototype, 'method', descriptor);
    };
  const none = [] as unknown as [string];

  it.each([
    ['both schemes', decorating(RequiresAuth(), RequiresB2cAuth())],
    ['anonymous beside a scheme', decorating(AllowAnonymous(), RequiresAuth())],
    ['a scope beside anonymous', decorating(ValidateScope('read'), AllowAnonymous())],
    ['policies with nothing in common', decorating(RequiresB2cAuth({ policy: 'a' }), RequiresB2cAuth({ policy: 'b' }))],
    ['no scope', () => ValidateScope(...none)],
    ['no role', () => RequiresRole(...none)],
    ['an empty scope', () => ValidateScope('')],
    ['a blank scope', () => ValidateScope('read', '  ')],
    ['two scopes in one', () => ValidateScope('read write')],
    ['a full URI', () => ValidateScope('api://1234/access_as_user')],
    ['a quote in a scope', () => ValidateScope('a"b')],
    ['a blank role', () => RequiresRole('\t')],
    ['two roles in one', () => RequiresRole('Admin Owner')],
    ['no policy', () => RequiresB2cAuth({ policy: [] })],
    ['a blank policy', () => RequiresB2cAuth({ policy: '' })],
  ])('throws where the decorator stands: %s', (_, act) => {
    expect(act).toThrow(ConfigurationError);
  });

  it('throws for both schemes on one class', () => {
    expect(() => {
      @RequiresB2cAuth()
      @RequiresAuth()
      class Both {}
      return Both;
    }).toThrow(ConfigurationError);
  });

  it('throws for standard decorators, which cannot mark parameters', () => {
    const standard = RequiresAuth() as unknown as (value: unknown, context: unknown) => void;
    expect(() => {
      standard(() => undefined, { kind: 'method', name: 'method' });
    }).toThrow('experimentalDecorators');
  });
});

describe('unhandled failures', () => {
  const unhandled: unknown[] = [];
  const remember = (reason: unknown) => unhandled.push(reason);
  beforeAll(() => process.on('unhandledRejection', remember));
  afterAll(() => process.off('unhandledRejection', remember));
  afterEach(() => {
    expect(unhandled).toEqual([]);
  });

  it.each(expressReleases)('never arise from refusals, $release', async ({ express }) => {
    initialize(issuer.options);
    const api = await serve(controllers, { express });
    const paths = ['/weather/now/Oslo', '/weather/helper', '/weather/helper-open', '/class/both', '/weather/b2c'];
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    for (const path of paths) {
      for (const token of [undefined, 'x', 'a.b.c', await issuer.token({ scp: 'x' }), await issuer.token({ exp: 1 })]) {
        const answer = await send(api.url + path, token === undefined ? {} : { token });
        expect(answer.status).toBeGreaterThanOrEqual(400);
      }
    }
    await new Promise((resolve) => setImmediate(resolve));
    vi.restoreAllMocks();
    await api.close();
  });
});
