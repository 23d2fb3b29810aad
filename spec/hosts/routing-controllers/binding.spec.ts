import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ConfigurationError, initialize, RequiresAuth } from '../../../src/index.js';
import { runAs, startTestIssuer } from '../../../src/testing.js';
import { expectRefusal, expressReleases, serve, type Api } from '../../support/api.js';
import { controllers, issuer, ProtectedController, ran, useIssuer, WeatherController } from './controllers.js';

useIssuer();

describe.each(expressReleases)('decorators on routing-controllers, $release', ({ express }) => {
  let api: Api;

  beforeAll(async () => {
    api = await serve(controllers, { express });
  });
  afterAll(() => api.close());

  it('accepts a valid token and fills the parameters', async () => {
    const answer = await api.call('/weather/now/Oslo', { token: await issuer.token({ oid: 'some-oid' }) });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ city: 'Oslo', sub: 'v2-pairwise-subject', oid: 'some-oid', frozen: true });
    expect(ran).toEqual(['now']);
  });

  it('accepts v1.0 tokens beside v2.0 tokens', async () => {
    const answer = await api.call('/weather/now/Oslo', { token: await issuer.v1Token() });
    expect(answer.status).toBe(200);
  });

  it('fills the parameters and applies the decorators in any order', async () => {
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

  it('accepts any scope of one decorator', async () => {
    for (const scp of ['read', 'write', 'other write']) {
      expect((await api.call('/weather/any', { token: await issuer.token({ scp }) })).status).toBe(200);
    }
    expectRefusal(await api.call('/weather/any', { token: await issuer.token({ scp: 'readwrite' }) }), {
      insufficientScope: 'scope',
      scope: 'read write',
    });
  });

  it('requires all scope decorators, and names the one that failed', async () => {
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

  it('requires of an app-only token a role with the name of the scope', async () => {
    const roles = ['access_as_user'];
    expect((await api.call('/weather/now/Oslo', { token: await issuer.appToken({ roles }) })).status).toBe(200);
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.appToken() }), {
      insufficientScope: 'scope',
      scope: 'access_as_user',
    });
  });

  it('accepts no role of a person in place of a scope', async () => {
    const token = await issuer.token({ scp: 'other', roles: ['access_as_user'] });
    expectRefusal(await api.call('/weather/now/Oslo', { token }), {
      insufficientScope: 'scope',
      scope: 'access_as_user',
    });
  });

  it('accepts any role of one decorator, of a person or an application', async () => {
    expect((await api.call('/weather/admin', { token: await issuer.token({ roles: ['Owner'] }) })).status).toBe(200);
    expect((await api.call('/weather/admin', { token: await issuer.appToken({ roles: ['Admin'] }) })).status).toBe(200);
    expectRefusal(await api.call('/weather/admin', { token: await issuer.token({ roles: ['Admin Owner'] }) }), {
      insufficientScope: 'role',
    });
    expectRefusal(await api.call('/weather/admin', { token: await issuer.token({ scp: 'Admin' }) }), {
      insufficientScope: 'role',
    });
  });

  it('accepts B2C tokens of any configured policy, or of the one a route names', async () => {
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

  it('refuses a token of one scheme on a route of the other', async () => {
    expectRefusal(await api.call('/weather/b2c', { token: await issuer.token() }), { invalidToken: 'policy' });
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.b2cToken() }), { invalidToken: 'issuer' });
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

  it('gives undefined for the claims on an open route, even with a token', async () => {
    expect((await api.call('/weather/open', { token: await issuer.token() })).body).toEqual({ claims: 'none' });
  });

  it('requires what class and method require', async () => {
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

  it('replaces the scheme of the class by that of the method, and keeps the scopes of the class', async () => {
    expect((await api.call('/class/b2c', { token: await issuer.b2cToken({ scp: 'read' }) })).status).toBe(200);
    expectRefusal(await api.call('/class/b2c', { token: await issuer.b2cToken() }), {
      insufficientScope: 'scope',
      scope: 'read',
    });
    expectRefusal(await api.call('/class/b2c', { token: await issuer.token({ scp: 'read' }) }), {
      invalidToken: 'policy',
    });
  });

  it('removes the requirement of the class from a method with @AllowAnonymous()', async () => {
    expect((await api.call('/class/health')).body).toEqual({ ok: true });
  });

  it('runs before the middleware of the class', async () => {
    await api.call('/class/plain');
    expect(ran).toEqual([]);
    await api.call('/class/plain', { token: await issuer.token({ scp: 'read' }) });
    await api.call('/class/health');
    expect(ran).toEqual(['before', 'before']);
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

  it('uses the only configured scheme if a route names none, and answers 500 with both', async () => {
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

  it('accepts only listed client applications', async () => {
    const client = 'aaaaaaaa-0000-4000-8000-000000000001';
    initialize({ ...issuer.options, allowedClients: [client.toUpperCase()] });
    expect((await api.call('/weather/now/Oslo', { token: await issuer.token({ azp: client }) })).status).toBe(200);
    expect((await api.call('/weather/now/Oslo', { token: await issuer.v1Token({ appid: client }) })).status).toBe(200);
    expectRefusal(await api.call('/weather/now/Oslo', { token: await issuer.token() }), {
      insufficientScope: 'client',
    });
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
    expect(local.requests).toEqual({ metadata: 1, keys: 1, tokens: 0 });
    await local.close();
  });
});

describe('a protected method called without its gate', () => {
  it('throws an error that names runAs', () => {
    const controller = new WeatherController();
    const call = () => controller.now('Oslo', undefined as never, 'oid');
    expect(call).toThrow(ConfigurationError);
    expect(call).toThrow('runAs');
    expect(ran).toEqual([]);
  });

  it('rejects if the method is asynchronous', async () => {
    await expect(new WeatherController().helper()).rejects.toThrow(ConfigurationError);
    expect(ran).toEqual([]);
  });

  it('throws if the requirement is on the class', () => {
    expect(() => new ProtectedController().plain('')).toThrow('ProtectedController.plain');
  });

  it('is refused where it is no action, and its class has the requirement', () => {
    expect(() => new ProtectedController().notAnAction()).toThrow('ProtectedController.notAnAction is protected');
    expect(runAs({}, () => new ProtectedController().notAnAction())).toBe('called');
  });

  it('runs where @AllowAnonymous() lifts the requirement', () => {
    expect(new ProtectedController().health()).toEqual({ ok: true });
    expect(new WeatherController().open(undefined)).toEqual({ claims: 'none' });
  });

  it('runs inside runAs, and fills the claims', async () => {
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
