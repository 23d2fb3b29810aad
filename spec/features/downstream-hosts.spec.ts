/** Calls of another API from the same routes on every host: the same tokens, and the same answers to what goes wrong. */
import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { asApplication, initialize } from '../../src/index.js';
import { startTestIssuer, tokenError, type TestIssuer } from '../../src/testing.js';
import type { Api } from '../support/api.js';
import { hosts, kept, optionsOf, partnersIssuer } from '../support/hosts/downstream.js';
import { errorOf } from '../support/refusals.js';

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startTestIssuer();
});

afterAll(async () => {
  await issuer.close();
  await partnersIssuer.close();
});

const ofUser = (oid: string) => ({ pathname: '/v1.0/me', aud: 'https://graph.example', oid, scp: 'User.Read' });

describe.each(hosts)('$name', ({ start }) => {
  let api: Api;

  beforeEach(async () => {
    kept.length = 0;
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    initialize(optionsOf(issuer));
    api = await start();
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    issuer.setFault();
    issuer.userPolicy = undefined;
    await api.close();
  });

  it.each(['/me', '/service'])('calls on behalf of each of several users at once: %s', async (path) => {
    const users = ['ada', 'eve', 'joe'];
    const calls = [...users, ...users].map(async (oid) => api.call(path, { token: await issuer.token({ oid }) }));
    const answers = await Promise.all(calls);
    expect(answers.map(({ status, body }) => [status, body])).toEqual(
      [...users, ...users].map((oid) => [200, ofUser(oid)]),
    );
  });

  it('asks once for each token of a user', async () => {
    const token = await issuer.token({ oid: 'ada' });
    const before = issuer.requests.tokens;
    for (const path of ['/me', '/service', '/me']) {
      expect((await api.call(path, { token })).body).toEqual(ofUser('ada'));
    }
    expect(issuer.requests.tokens - before).toBe(1);
    expect(issuer.tokenRequests.at(-1)).toMatchObject({
      grant: 'on_behalf_of',
      tenant: issuer.options.tenantId,
      scopes: ['https://graph.example/User.Read'],
    });
  });

  it('calls as the application', async () => {
    const answer = await api.call('/application', { token: await issuer.token() });
    expect([answer.status, answer.body]).toEqual([
      200,
      { pathname: '/v1.0/users', aud: 'https://graph.example', roles: ['access_as_app'] },
    ]);
    expect(issuer.tokenRequests.at(-1)).toMatchObject({
      grant: 'client_credentials',
      scopes: ['https://graph.example/.default'],
    });
  });

  it('keeps what a parameter was filled with for its caller, after the request and in another one', async () => {
    await api.call('/me', { token: await issuer.token({ oid: 'ada' }) });
    const [ofAda] = kept;
    await api.call('/me', { token: await issuer.token({ oid: 'eve' }) });
    expect(await ofAda?.get('/me')).toEqual(ofUser('ada'));
  });

  it('fills the parameter of an open route, and refuses its use', async () => {
    expect((await api.call('/open')).body).toEqual({ isFilled: true });
    const answer = await api.call('/open/me');
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(answer.body).toMatchObject({ error: 'missing_token' });
  });

  it('refuses an application as the caller, without a token request', async () => {
    const token = await issuer.appToken();
    const before = issuer.requests.tokens;
    const answer = await api.call('/me', { token });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([
      403,
      'Bearer error="insufficient_scope", error_description="This kind of caller is not accepted."',
    ]);
    expect(issuer.requests.tokens).toBe(before);
  });

  it('calls on behalf of the callers of another configuration, by what is bound to it', async () => {
    for (const path of ['/partners/me', '/partners/service']) {
      const answer = await api.call(path, { token: await partnersIssuer.token({ oid: 'pat' }) });
      expect([answer.status, answer.body]).toEqual([200, ofUser('pat')]);
    }
    expect(partnersIssuer.tokenRequests.at(-1)?.clientId).toBe(partnersIssuer.options.clientId);
  });

  it('has no caller for what is bound to another configuration', async () => {
    const answer = await api.call('/of-partners', { token: await issuer.token() });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  });

  it('passes the claims challenge of the authority on, byte for byte, to any client', async () => {
    const claims = '{"access_token" : {"polids":{"essential":true,"values":["p1"]}}}';
    issuer.userPolicy = () => ({ refuse: tokenError('interaction_required', { claims, codes: [50076] }) });
    const answer = await api.call('/me', { token: await issuer.token() });
    const { tenantId } = issuer.options;
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([
      401,
      `Bearer realm="${tenantId}", authorization_uri="${issuer.url}/${tenantId}/oauth2/v2.0/authorize", ` +
        `error="insufficient_claims", claims="${Buffer.from(claims).toString('base64')}"`,
    ]);
    expect(answer.body).toMatchObject({ error: 'insufficient_claims' });
  });

  it('answers 403 where consent is missing', async () => {
    issuer.userPolicy = () => ({
      refuse: tokenError('invalid_grant', { codes: [65001], suberror: 'consent_required' }),
    });
    const answer = await api.call('/service', { token: await issuer.token() });
    expect([answer.status, answer.body]).toMatchObject([403, { error: 'consent_required' }]);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="insufficient_scope", error_description="/);
    expect(answer.text).not.toContain('AADSTS');
  });

  it('answers 503 while the authority does not', async () => {
    issuer.setFault({ on: 'token', status: 429, headers: { 'Retry-After': '7' } });
    const answer = await api.call('/me', { token: await issuer.token() });
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '7']);
    expect(answer.body).toMatchObject({ error: 'token_unavailable' });
  });

  it('answers 502 where the other API fails, and shows nothing of its answer', async () => {
    const answer = await api.call('/broken', { token: await issuer.token() });
    expect([answer.status, answer.body]).toMatchObject([502, { error: 'downstream_failed' }]);
    expect(answer.text).not.toContain('graph');
  });

  it('answers 500 where an API has another name, and tells the developer the names', async () => {
    const answer = await api.call('/unknown', { token: await issuer.token() });
    expect([answer.status, answer.body]).toEqual([500, { error: 'server_error' }]);
  });
});

describe('without a request', () => {
  it('calls as the application', async () => {
    initialize(optionsOf(issuer));
    expect(await asApplication('graph').get('/users')).toMatchObject({ roles: ['access_as_app'] });
  });

  it('has no caller', async () => {
    initialize(optionsOf(issuer));
    const { onBehalfOf } = await import('../../src/downstream.js');
    expect(await errorOf(() => onBehalfOf('graph').get('/me'))).toMatchObject({ code: 'missing_token' });
  });
});
