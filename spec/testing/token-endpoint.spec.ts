import { createSign, generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../src/testing/fault.js';
import { decodeToken } from '../../src/testing/signing-keys.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js';
import { tokenError } from '../../src/testing/token-error.js';
import { selfSignedCertificate } from '../support/certificate.js';

const onBehalfOf = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const downstreamId = 'bbbbbbbb-0000-4000-8000-000000000001';
const scope = `api://${downstreamId}/stock.read`;
const now = Date.UTC(2030, 0, 1);

let issuer: TestIssuer;
let form: Record<string, string>;

const certificate = selfSignedCertificate();

beforeEach(async () => {
  issuer = await startTestIssuer({ certificates: [certificate.certificate], now: () => now });
  form = {
    grant_type: onBehalfOf,
    requested_token_use: 'on_behalf_of',
    client_id: issuer.options.clientId,
    client_secret: issuer.downstreamOptions.credential.clientSecret,
    assertion: await issuer.token(),
    scope,
  };
});

afterEach(() => issuer.close());

interface TokenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Sends a token request, with some members changed; those that are undefined are left out. */
function send(
  changes: Readonly<Record<string, string | undefined>> = {},
  tenant = issuer.options.tenantId,
): Promise<Response> {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...form, ...changes })) if (value !== undefined) body.set(name, value);
  return fetch(`${issuer.url}/${tenant}/oauth2/v2.0/token`, { method: 'POST', body });
}

async function ask(...request: Parameters<typeof send>): Promise<TokenAnswer> {
  const response = await send(...request);
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Readonly<Record<string, unknown>>,
  };
}

const claimsOf = ({ body }: TokenAnswer) => decodeToken(String(body['access_token']))?.claims;

async function refuses(answer: Promise<TokenAnswer>, error: string, code: number): Promise<void> {
  const { status, body } = await answer;
  expect({ status, error: body['error'], codes: body['error_codes'] }).toEqual({
    status: error === 'invalid_client' ? 401 : 400,
    error,
    codes: [code],
  });
  expect(body['error_description']).toContain(`AADSTS${String(code)}: `);
}

describe('an on-behalf-of request', () => {
  it('gets a token of the user for the API of the scope, signed by the issuer', async () => {
    const answer = await ask({ assertion: await issuer.token({ oid: 'user-1', name: 'Ada', groups: ['g'] }) });
    expect(answer).toMatchObject({
      status: 200,
      body: { token_type: 'Bearer', scope, expires_in: 3600 },
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).not.toHaveProperty('refresh_token');
    const { tenantId, clientId } = issuer.options;
    expect(claimsOf(answer)).toMatchObject({
      aud: downstreamId,
      iss: `${issuer.url}/${tenantId}/v2.0`,
      tid: tenantId,
      azp: clientId,
      azpacr: '1',
      scp: 'stock.read',
      oid: 'user-1',
      name: 'Ada',
      exp: now / 1000 + 3600,
    });
    expect(claimsOf(answer)).not.toHaveProperty('groups');
  });

  it('gets another token each time, also within one second', async () => {
    const application = { grant_type: 'client_credentials', scope: `api://${downstreamId}/.default` };
    const ids = [await ask(), await ask(), await ask(application), await ask(application)].map(
      (answer) => claimsOf(answer)?.['uti'],
    );
    expect(new Set(ids).size).toBe(4);
    expect(ids).toEqual(Array(4).fill(expect.stringMatching(/^[\w-]{22}$/)));
  });

  it('gets a token with the capabilities that the client declares, unless the policy has others', async () => {
    const claims = JSON.stringify({ access_token: { xms_cc: { values: ['cp1'] } } });
    expect(claimsOf(await ask({ claims }))).toMatchObject({ xms_cc: ['cp1'] });
    const application = { grant_type: 'client_credentials', scope: `api://${downstreamId}/.default`, claims };
    expect(claimsOf(await ask(application))).toMatchObject({ xms_cc: ['cp1'], idtyp: 'app' });
    issuer.userPolicy = () => ({ claims: { xms_cc: undefined } });
    expect(claimsOf(await ask({ claims }))).not.toHaveProperty('xms_cc');
  });

  it.each([
    '{"access_token":{"xms_cc":{"values":[1]}}}',
    '{"access_token":{"xms_cc":null}}',
    '{"id_token":{}}',
    'x',
    '1',
  ])('gets a token without capabilities where the client declares none: %s', async (claims) => {
    const answer = await ask({ claims });
    expect(answer.status).toBe(200);
    expect(claimsOf(answer)).not.toHaveProperty('xms_cc');
  });

  it('gets a refresh token and an ID token where their scopes are asked for', async () => {
    const { body } = await ask({ scope: `${scope} openid offline_access` });
    expect(body['refresh_token']).toMatch(/^[\w-]{80,}$/);
    expect(decodeToken(String(body['id_token']))?.claims).toMatchObject({ aud: issuer.options.clientId });
    expect(issuer.tokenRequests[0]?.scopes).toEqual([scope]);
  });

  it('accepts a v1.0 assertion, and one that an older key signed', async () => {
    expect(await ask({ assertion: await issuer.v1Token() })).toMatchObject({ status: 200 });
    await issuer.rotateKeys();
    expect(await ask()).toMatchObject({ status: 200 });
  });

  it('refuses an assertion that Entra would refuse', async () => {
    const { tenantId } = issuer.options;
    const token = form['assertion'] ?? '';
    await refuses(ask({ assertion: undefined }), 'invalid_request', 50027);
    await refuses(ask({ assertion: `${token.slice(0, -20)}${'A'.repeat(20)}` }), 'invalid_grant', 50013);
    await refuses(ask({ assertion: await issuer.token({ iss: 'https://other.example' }) }), 'invalid_grant', 50013);
    await refuses(ask({}, 'bbbbbbbb-0000-4000-8000-00000000000f'), 'invalid_grant', 50013);
    await refuses(ask({ assertion: await issuer.token({ aud: downstreamId }) }), 'invalid_grant', 500131);
    await refuses(ask({ assertion: await issuer.token({ exp: now / 1000 }) }), 'invalid_grant', 500133);
    await refuses(ask({ assertion: await issuer.appToken() }), 'unauthorized_client', 7000114);
    expect(await ask({ assertion: await issuer.token({ tid: undefined }) }, tenantId)).toMatchObject({ status: 200 });
  });

  it('refuses a request that names no tenant, no resource, or two', async () => {
    await refuses(ask({}, 'common'), 'invalid_request', 50059);
    await refuses(ask({}, 'nowhere'), 'invalid_request', 90002);
    await refuses(ask({ scope: 'User.Read' }), 'invalid_scope', 70011);
    await refuses(ask({ scope: `${scope} https://graph.microsoft.com/User.Read` }), 'invalid_scope', 28000);
    await refuses(ask({ grant_type: 'password' }), 'unsupported_grant_type', 70003);
    await refuses(ask({ client_id: 'weather' }), 'unauthorized_client', 700016);
  });
});

describe('a client credentials request', () => {
  it('gets a token of the application, with a role', async () => {
    const asApplication = { grant_type: 'client_credentials', assertion: undefined, requested_token_use: undefined };
    const answer = await ask({ ...asApplication, scope: `api://${downstreamId}/.default` });
    const claims = claimsOf(answer);
    expect(claims).toMatchObject({ aud: downstreamId, idtyp: 'app', roles: ['access_as_app'] });
    expect(claims?.['sub']).toBe(claims?.['oid']);
    expect(claims).not.toHaveProperty('scp');
    await refuses(ask({ ...asApplication, scope }), 'invalid_scope', 1002012);
  });
});

describe('client authentication', () => {
  function clientAssertion(overrides: object = {}, privateKey = certificate.privateKey): string {
    const { clientId, tenantId } = issuer.options;
    const header = { alg: 'RS256', 'x5t#S256': certificate.thumbprint };
    const aud = `https://127.0.0.1/${tenantId}/oauth2/v2.0/token`;
    const claims = { aud, iss: clientId, sub: clientId, exp: Date.now() / 1000 + 600, ...overrides };
    const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${signed}.${createSign('sha256').update(signed).sign(privateKey, 'base64url')}`;
  }
  const withAssertion = (assertion: string) =>
    ask({ client_secret: undefined, client_assertion_type: assertionType, client_assertion: assertion });

  it('accepts the secret, a registered certificate and a federated token, and keeps which it was', async () => {
    await ask();
    expect(claimsOf(await withAssertion(clientAssertion()))).toMatchObject({ azpacr: '2' });
    await withAssertion(await issuer.token({ aud: 'api://AzureADTokenExchange' }));
    expect(issuer.tokenRequests.map(({ clientAuthentication }) => clientAuthentication)).toEqual([
      'secret',
      'certificate',
      'federated',
    ]);
  });

  it('refuses what is none of these', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    });
    await refuses(ask({ client_secret: 'guess' }), 'invalid_client', 7000215);
    await refuses(ask({ client_secret: undefined }), 'invalid_client', 7000218);
    await refuses(ask({ client_assertion: 'x', client_assertion_type: assertionType }), 'invalid_client', 7000216);
    await refuses(withAssertion('nonsense'), 'invalid_client', 50027);
    await refuses(withAssertion(clientAssertion({}, other.toString())), 'invalid_client', 700027);
    await refuses(withAssertion(clientAssertion({ sub: downstreamId })), 'invalid_client', 700027);
    await refuses(withAssertion(clientAssertion({ aud: 'https://127.0.0.1/other' })), 'invalid_client', 700027);
    await refuses(withAssertion(clientAssertion({ exp: 1 })), 'invalid_client', 700027);
    const expired = await issuer.token({ aud: 'api://AzureADTokenExchange', exp: 1 });
    await refuses(withAssertion(expired), 'invalid_client', 700213);
    expect(issuer.tokenRequests.every(({ clientAuthentication }) => clientAuthentication === undefined)).toBe(true);
  });
});

describe('what a test can see and set', () => {
  it('counts token requests, and keeps their grant, tenant, scopes and claims', async () => {
    const claims = { access_token: { xms_cc: { values: ['cp1'] } } };
    await ask({ claims: JSON.stringify(claims) });
    expect(issuer.requests).toEqual({ metadata: 0, keys: 0, tokens: 1 });
    const { tenantId, clientId } = issuer.options;
    expect(issuer.tokenRequests).toEqual([
      { grant: 'on_behalf_of', tenant: tenantId, clientId, scopes: [scope], clientAuthentication: 'secret', claims },
    ]);
  });

  it('answers with a fault of the token endpoint, and documents without it', async () => {
    issuer.setFault({ on: 'token', status: 429, headers: { 'Retry-After': '7' }, body: '{"error":"x"}' });
    const answer = await ask();
    expect(answer).toMatchObject({ status: 429, body: { error: 'x' } });
    expect(answer.headers.get('retry-after')).toBe('7');
    const { url, options } = issuer;
    expect((await fetch(`${url}/${options.tenantId}/v2.0/.well-known/openid-configuration`)).status).toBe(200);
    issuer.setFault({ on: 'keys', status: 500 });
    expect(await ask()).toMatchObject({ status: 200 });
    issuer.setFault({ down: true });
    await expect(ask()).rejects.toThrow('fetch failed');
  });

  it('gives the refusal of a user to a fault that makes the body of all answers', async () => {
    const seen: unknown[] = [];
    issuer.userPolicy = () => ({ refuse: tokenError('interaction_required', { codes: [50076] }) });
    issuer.setFault({ on: 'token', body: (document) => seen.push(document) && { ...document, seen: true } });
    const { status, body } = await ask();
    expect([status, body]).toMatchObject([400, { error: 'interaction_required', error_codes: [50076], seen: true }]);
    expect(seen).toMatchObject([{ error: 'interaction_required' }]);
  });

  it('answers with an error in the form of Entra', async () => {
    const claims = { access_token: { acrs: { essential: true, value: 'c1' } } };
    issuer.setFault(tokenError('interaction_required', { claims, codes: [50076], suberror: 'basic_action' }));
    const { body } = await ask();
    expect(body).toMatchObject({ suberror: 'basic_action', claims: JSON.stringify(claims) });
    await refuses(ask(), 'interaction_required', 50076);
  });

  it('asks the policy about each user: it refuses, or adds claims', async () => {
    issuer.userPolicy = ({ assertion, scopes, tenant, claims }) => {
      if (assertion['oid'] === 'plain') return undefined;
      if (claims === undefined) return { refuse: tokenError('interaction_required', { codes: [50079] }) };
      return { claims: { acrs: ['c1'], scopes, tenant } };
    };
    const assertion = await issuer.token({ oid: 'strict' });
    await refuses(ask({ assertion }), 'interaction_required', 50079);
    expect(claimsOf(await ask({ assertion, claims: '{}' }))).toMatchObject({
      acrs: ['c1'],
      scopes: [scope],
      tenant: issuer.options.tenantId,
    });
    expect(claimsOf(await ask({ assertion: await issuer.token({ oid: 'plain' }) }))).not.toHaveProperty('acrs');
  });

  it.each<[string, Fault, object]>([
    [
      'a status and headers',
      { status: 503, headers: { 'Retry-After': '7' } },
      { status: 503, text: expect.stringContaining('"error":"invalid_grant"') as string, retryAfter: '7' },
    ],
    ['a body that is not JSON', { status: 500, body: 'down' }, { status: 500, text: 'down', retryAfter: null }],
    [
      'a function that answers',
      { answer: (response) => response.writeHead(502).end('from a proxy') },
      { status: 502, text: 'from a proxy', retryAfter: null },
    ],
  ])('refuses one user with %s', async (_, refuse, expected) => {
    issuer.userPolicy = ({ assertion }) => (assertion['oid'] === 'strict' ? { refuse } : undefined);
    const response = await send({ assertion: await issuer.token({ oid: 'strict' }) });
    const { status, headers } = response;
    expect({ status, text: await response.text(), retryAfter: headers.get('retry-after') }).toEqual(expected);
    expect(await ask({ assertion: await issuer.token({ oid: 'plain' }) })).toMatchObject({ status: 200 });
  });

  it('answers token requests to POST alone', async () => {
    expect((await fetch(`${issuer.url}/${issuer.options.tenantId}/oauth2/v2.0/token`)).status).toBe(404);
  });
});
