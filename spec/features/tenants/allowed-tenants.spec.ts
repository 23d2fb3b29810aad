import { describe, expect, it, vi } from 'vitest';
import { initialize, type IdentityOptions } from '../../../src/index.js';
import { expectRefusal, type Refusal } from '../../support/api.js';
import { start } from '../../support/clock.js';
import { errorOf } from '../../support/refusals.js';
import { api, now, useApi } from './api.js';
import {
  byKey,
  bySignature,
  byTenant,
  clientId,
  consumers,
  global,
  organizations,
  otherTenant,
  person,
  refused,
  sign,
  single,
  standIn,
  stranger,
  tenant,
  v1Claims,
  v2Claims,
  type Claims,
  type Key,
} from './microsoft.js';

useApi();

describe('allowedTenants as a function', () => {
  type Question = Extract<IdentityOptions['allowedTenants'], (...parameters: never) => unknown>;

  const iss = `${global}/${tenant}/v2.0`;
  const valid = v2Claims(iss);
  const configure = (allowedTenants: Question, options: IdentityOptions = {}) =>
    initialize({
      tenantId: 'organizations',
      clientId,
      allowedTenants,
      now,
      fetch: standIn(organizations),
      ...options,
    });
  const call = async (claims: Claims = valid, by?: Key) => api.call('/entra', { token: await sign(claims, by) });

  it.each<[string, Question]>([
    ['at once', (tid) => tid === tenant],
    ['later', async (tid) => Promise.resolve(tid === tenant)],
  ])('decides %s which tenants may call', async (_, allowedTenants) => {
    configure(allowedTenants);
    expect((await call()).status).toBe(200);
    expectRefusal(await call(v2Claims(`${global}/${otherTenant}/v2.0`, otherTenant)), byTenant);
    expect((await call(v1Claims(`https://sts.windows.net/${tenant}/`))).status).toBe(200);
  });

  it.each(['at once', 'later'])(
    'answers %s, and is called with the tenant id for each request, also for a cached token',
    async (when) => {
      let isAllowed = true;
      const question = vi.fn((_tid: string) => (when === 'later' ? Promise.resolve(isAllowed) : isAllowed));
      configure(question);
      const token = await sign(valid);
      expect((await api.call('/entra', { token })).status).toBe(200);
      expect((await api.call('/entra', { token })).status).toBe(200);
      isAllowed = false;
      expectRefusal(await api.call('/entra', { token }), byTenant);
      expect(question.mock.calls).toEqual([[tenant], [tenant], [tenant]]);
    },
  );

  it.each<[string, (token: string) => string | Promise<string>, Refusal]>([
    ['a tampered token', (token) => `${token.slice(0, -8)}AAAAAAAA`, bySignature],
    ['a token of a stranger', () => sign(valid, stranger), byKey],
    ['an expired token', () => sign({ ...valid, exp: start / 1000 - 60 }), refused('expired')],
    ['an ID token', () => sign({ ...valid, scp: undefined, azp: undefined, nonce: 'n' }), refused('token_type')],
    ['a token for another API', () => sign({ ...valid, aud: person }), refused('audience')],
    ["a tid that is not the issuer's", () => sign({ ...valid, tid: otherTenant }), byTenant],
    ['a personal account', () => sign(v2Claims(`${global}/${consumers}/v2.0`, consumers)), byTenant],
  ])('is not called for %s', async (_, spoil, refusal) => {
    const question = vi.fn(() => true);
    configure(question);
    const token = await sign(valid);
    expectRefusal(await api.call('/entra', { token: await spoil(token) }), refusal);
    expect(question).not.toHaveBeenCalled();
    expect((await api.call('/entra', { token })).status).toBe(200);
    expect(question).toHaveBeenCalledOnce();
  });

  it.each<[string, unknown]>([
    ['true as text', 'true'],
    ['1', 1],
    ['an object', {}],
    ['nothing', undefined],
    ['a promise of text', Promise.resolve('true')],
    ['a promise of nothing', Promise.resolve()],
  ])('refuses the request if it returns %s', async (_, answer) => {
    configure((() => answer) as Question);
    expectRefusal(await call(), byTenant);
  });

  it.each<[string, Question]>([
    [
      'throws',
      () => {
        throw new Error('the list of customers is down');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the list of customers is down'))],
  ])('answers 500 without the message if it %s', async (_, allowedTenants) => {
    configure(allowedTenants);
    const answer = await call();
    expectRefusal(answer, 'server_error');
    expect(answer.text).not.toContain('customers');
  });

  it.each(['organizations', 'common'])('is required with %s, and refused with a single tenant', async (tenantId) => {
    const missing = await errorOf(() => initialize({ tenantId, clientId }));
    expect(missing).toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('initialize: allowedTenants: got undefined') as string,
    });
    const beside = await errorOf(() => initialize({ ...single, allowedTenants: () => true }));
    expect(beside).toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('initialize: allowedTenants: is for tenantId') as string,
    });
  });
});
