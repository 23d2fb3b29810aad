import assert from 'node:assert/strict';
import express from 'express';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  getTokenClaims,
  initialize,
  requiresAnyAuth,
  requiresAuth,
  requiresB2cAuth,
  requiresGroup,
  requiresRole,
  requiresScope,
} from '../../src/express.js';
import { RequiresAuth as RequiresAuthOfAction, TokenClaims } from '../../src/index.js';
import { runAs, startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expectRefusal, listen, type Api } from '../support/api.js';

let issuer: TestIssuer;
let api: Api;
const polluted: string[] = [];

/** What another flaw of the process adds to every object. */
function pollute(name: string, value: unknown): void {
  polluted.push(name);
  Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: false, writable: true });
}

beforeAll(async () => {
  issuer = await startTestIssuer();
  const app = express();
  app.set('env', 'test');
  app.get('/role', requiresRole('Admin'), (_request, response) => void response.json({}));
  app.get('/scope', requiresScope('admin'), (_request, response) => void response.json({}));
  app.get('/group', requiresGroup('staff'), (_request, response) => void response.json({}));
  app.get('/people', requiresAuth({ callers: 'user' }), (_request, response) => void response.json({}));
  api = await listen(app);
});
beforeEach(() => {
  initialize({ ...issuer.options, tokenCache: false });
});
afterEach(() => {
  for (const name of polluted.splice(0)) Reflect.deleteProperty(Object.prototype, name);
});
afterAll(async () => {
  await api.close();
  await issuer.close();
});

describe('what is added to Object.prototype', () => {
  it('is no role', async () => {
    const token = await issuer.token();
    pollute('roles', ['Admin']);
    expectRefusal(await api.call('/role', { token }), { insufficientScope: 'role' });
  });

  it('is no scope of an application', async () => {
    const token = await issuer.appToken();
    pollute('scp', 'admin');
    expectRefusal(await api.call('/scope', { token }), { insufficientScope: 'scope', scope: 'admin' });
  });

  it('is no group', async () => {
    const token = await issuer.token();
    pollute('groups', ['staff']);
    const { status, headers } = await api.call('/group', { token });
    expect([status, headers['www-authenticate']]).toEqual([
      403,
      'Bearer error="insufficient_scope", error_description="The caller is in none of the groups this request needs."',
    ]);
  });

  it('makes no person of an application', async () => {
    const token = await issuer.appToken();
    pollute('idtyp', 'user');
    const { status, headers } = await api.call('/people', { token });
    expect([status, headers['www-authenticate']]).toEqual([
      403,
      'Bearer error="insufficient_scope", error_description="This kind of caller is not accepted."',
    ]);
  });

  it('is no client of a token that names none', async () => {
    const token = await issuer.token({ azp: undefined });
    pollute('azp', 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee');
    expectRefusal(await api.call('/role', { token }), { invalidToken: 'token_type' });
  });

  it('is no tenant of a token that names none', async () => {
    const token = await issuer.token({ tid: 1 });
    pollute('tid', issuer.options.tenantId);
    expectRefusal(await api.call('/role', { token }), { invalidToken: 'tenant' });
  });

  it('is no policy, by which the authority of a token is found', async () => {
    initialize({ ...issuer.options, b2c: issuer.b2cOptions, tokenCache: false });
    const app = express();
    app.get('/any', requiresAnyAuth(), (_request, response) => void response.json({}));
    app.get('/b2c', requiresB2cAuth(), (_request, response) => void response.json({}));
    const both = await listen(app);
    const [token, ofB2c] = [await issuer.token(), await issuer.b2cToken({ tfp: undefined })];
    expect((await both.call('/any', { token })).status).toBe(200);
    pollute('tfp', 'B2C_1_susi');
    pollute('acr', 'B2C_1_susi');
    expect((await both.call('/any', { token })).status).toBe(200);
    expectRefusal(await both.call('/b2c', { token: ofB2c }), { invalidToken: 'policy' });
    await both.close();
  });

  it.each([
    ['the configured issuer', () => `${issuer.url}/${issuer.options.tenantId}/v2.0`],
    ['another one', () => 'https://issuer.example'],
  ])('is no issuer of a token that names none: %s', async (_, iss) => {
    const token = await issuer.token({ iss: undefined });
    pollute('iss', iss());
    expectRefusal(await api.call('/role', { token }), { invalidToken: 'malformed' });
  });
});

describe('the claims', () => {
  class Reports {
    @RequiresAuthOfAction()
    show(@TokenClaims('constructor') made?: unknown, @TokenClaims('__proto__') prototype?: unknown) {
      return [made, prototype];
    }
  }

  it('have no member that they inherit', () => {
    runAs({ oid: 'me' }, () => {
      expect(new Reports().show()).toEqual([undefined, undefined]);
      const claims = getTokenClaims();
      expect('roles' in claims).toBe(false);
      pollute('roles', ['Admin']);
      expect([claims.roles, 'roles' in claims]).toEqual([undefined, false]);
    });
  });

  it('keep the methods of objects, and compare by their members', () => {
    runAs({ oid: 'me', roles: ['Admin'] }, () => {
      const claims = getTokenClaims();
      const methods = Object.getPrototypeOf(claims) as object;
      expect(Reflect.ownKeys(methods)).toContain('hasOwnProperty');
      expect(Object.prototype.toString.call(claims)).toBe('[object Object]');
      expect(claims).toEqual({ oid: 'me', roles: ['Admin'] });
      expect(claims).toStrictEqual(Object.assign(Object.create(Object.getPrototypeOf(claims) as object), claims));
      assert.deepEqual(Object.entries(claims), [
        ['oid', 'me'],
        ['roles', ['Admin']],
      ]);
    });
  });
});
