import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decodeToken } from '../../src/testing/signing-keys.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js';
import { fakeClock, hour, minute, type Clock } from '../support/clock.js';

const ann = { id: 'aaaaaaaa-0000-4000-8000-00000000000a', name: 'Ann <b>', email: 'ann@contoso.example' };
const bob = {
  id: 'aaaaaaaa-0000-4000-8000-00000000000b',
  name: 'Bob',
  email: 'bob@contoso.example',
  scopes: ['read'],
  claims: { roles: ['Admin'] },
};
const dora = { id: 'aaaaaaaa-0000-4000-8000-00000000000d', name: 'Dora', email: 'dora@post.example' };

const clientId = 'bbbbbbbb-0000-4000-8000-000000000001';
const redirectUri = 'http://localhost:5173/callback?x=1';
const verifier = 'v'.repeat(43);
const mcp = 'https://mcp.example/mcp';

const anotherClientId = 'bbbbbbbb-0000-4000-8000-000000000002';

let clock: Clock;
let issuer: TestIssuer;
const now = () => clock.now();

beforeAll(async () => {
  clock = fakeClock();
  issuer = await startTestIssuer({ now, signIn: { people: [ann, bob], customers: [dora], appIdUris: [mcp] } });
});
beforeEach(() => {
  clock = fakeClock();
});
afterAll(() => issuer.close());

type Changes = Readonly<Record<string, string | undefined>>;

const api = () => `api://${issuer.options.clientId}`;
const entra = () => `${issuer.url}/${issuer.options.tenantId}`;
const b2c = () => `${issuer.url}/contoso.onmicrosoft.com/B2C_1_susi`;

const formOf = (members: Changes) =>
  new URLSearchParams(
    Object.entries(members).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    ),
  );

/** The address at which a person signs in. Parameters that are undefined are left out. */
function authorizeUrl(changes: Changes = {}, authority = entra()): string {
  const params: Changes = {
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: `openid profile offline_access ${api()}/read ${api()}/write`,
    state: 'the state',
    nonce: 'the nonce',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...changes,
  };
  const url = new URL(`${authority}/oauth2/v2.0/authorize`);
  url.search = formOf(params).toString();
  return url.href;
}

const get = (url: string) => fetch(url, { redirect: 'manual' });

const pick = (person: string, url: string, form: Changes = {}) =>
  fetch(url, { method: 'POST', redirect: 'manual', body: formOf({ person, ...form }) });

const returned = (response: Response) => new URL(response.headers.get('location') ?? '');

async function codeOf(person: string, url = authorizeUrl()): Promise<string> {
  return returned(await pick(person, url)).searchParams.get('code') ?? expect.fail('no code');
}

interface TokenAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function redeem(changes: Changes, authority = entra()): Promise<TokenAnswer> {
  const form: Changes = {
    grant_type: 'authorization_code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_verifier: verifier,
    ...changes,
  };
  const body = formOf(form);
  const response = await fetch(`${authority}/oauth2/v2.0/token`, { method: 'POST', body });
  return { status: response.status, body: (await response.json()) as TokenAnswer['body'] };
}

const claimsOf = ({ body }: TokenAnswer, token = 'access_token') => decodeToken(String(body[token]))?.claims;

describe('the sign-in page', () => {
  it('shows the people of the tenant, escaped, with no script', async () => {
    const response = await get(authorizeUrl());
    expect(response.status).toBe(200);
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-\S+';/);
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    const page = await response.text();
    expect(page).toContain('Ann &lt;b&gt;');
    expect(page).not.toMatch(/Dora|<script/);
    expect(await (await get(authorizeUrl({}, b2c()))).text()).toMatch(/Azure AD B2C, policy B2C_1_susi[^]*Dora/);
  });

  it.each<[string, Changes]>([
    ['no redirect_uri', { redirect_uri: undefined }],
    ['a redirect_uri on another machine', { redirect_uri: 'https://localhost.example/' }],
    ['a redirect_uri that runs as a script', { redirect_uri: 'javascript:alert(1)' }],
    ['a redirect_uri with a fragment', { redirect_uri: 'http://localhost/#x' }],
    ['a client_id that is no GUID', { client_id: 'app' }],
  ])('sends a browser nowhere with %s', async (_, changes) => {
    for (const response of [await get(authorizeUrl(changes)), await pick(ann.id, authorizeUrl(changes))]) {
      expect([response.status, response.headers.get('location')]).toEqual([400, null]);
      expect(await response.text()).toContain('Sign-in failed');
    }
  });

  it('sends a browser nowhere with a parameter that is repeated', async () => {
    const response = await get(`${authorizeUrl()}&redirect_uri=http://localhost/`);
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
  });

  it.each<[string, Changes, string, number]>([
    ['without PKCE', { code_challenge: undefined }, 'invalid_request', 9002325],
    ['with a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request', 9002325],
    ['for a token in the address', { response_type: 'token' }, 'unsupported_response_type', 700051],
    ['with another response_mode', { response_mode: 'form_post' }, 'invalid_request', 900144],
    ['without a page to show', { prompt: 'none' }, 'login_required', 50058],
    ['with claims that are not JSON', { claims: '{' }, 'invalid_request', 90014],
    ['for two APIs', { scope: `api://a/read api://b/read` }, 'invalid_scope', 28000],
    ['for another resource than that of the scopes', { resource: 'https://x.example/' }, 'invalid_target', 9010010],
  ])('refuses a request %s', async (_, changes, error, code) => {
    const { searchParams } = returned(await get(authorizeUrl(changes)));
    expect(searchParams.get('error')).toBe(error);
    expect(searchParams.get('error_description')).toContain(`AADSTS${String(code)}: `);
    expect(searchParams.get('state')).toBe('the state');
    expect(searchParams.has('code')).toBe(false);
  });

  it.each([
    ['nobody is picked', '', undefined],
    ['the person is unknown', dora.id, undefined],
    ['the person grants none of the scopes', bob.id, 'api://x/write'],
  ])('sends the app an error where %s', async (_, person, scope) => {
    const { searchParams } = returned(await pick(person, authorizeUrl(scope === undefined ? {} : { scope })));
    expect([searchParams.get('error'), searchParams.get('code')]).toEqual(['access_denied', null]);
  });

  it('takes no answer from another site', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { 'sec-fetch-site': 'cross-site', 'content-type': 'application/x-www-form-urlencoded' };
      httpRequest(authorizeUrl(), { method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end(`person=${ann.id}`);
    });
    expect(status).toBe(403);
  });

  it('answers under the names of this machine alone', async () => {
    const status = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        httpRequest(authorizeUrl(), { headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await status('localhost')).toBe(200);
    expect(await status('rebound.example')).toBe(403);
    expect(await status('a b')).toBe(400);
  });

  it('sends the answer in the fragment where the app asks for it', async () => {
    const target = returned(await pick(ann.id, authorizeUrl({ response_mode: 'fragment' })));
    expect(target.search).toBe('?x=1');
    expect(new URLSearchParams(target.hash.slice(1)).get('state')).toBe('the state');
    expect(new URLSearchParams(target.hash.slice(1)).has('code')).toBe(true);
  });

  it('gives the app a token with the capabilities that it declares', async () => {
    const claims = JSON.stringify({ access_token: { xms_cc: { values: ['CP1'] } } });
    const code = returned(await pick(ann.id, authorizeUrl({ claims }))).searchParams.get('code') ?? '';
    expect(claimsOf(await redeem({ code, claims }))?.['xms_cc']).toEqual(['CP1']);
    const other = returned(await pick(ann.id, authorizeUrl())).searchParams.get('code') ?? '';
    expect(claimsOf(await redeem({ code: other }))).not.toHaveProperty('xms_cc');
  });

  it('asks for a second factor where the app asks for an authentication context', async () => {
    const claims = JSON.stringify({ access_token: { acrs: { essential: true, value: 'c1' } } });
    expect(await (await get(authorizeUrl({ claims, login_hint: ann.email }))).text()).toContain('Is it you');
    const url = authorizeUrl({ claims });
    expect(await (await pick(ann.id, url)).text()).toContain('Is it you, Ann');
    const code = returned(await pick(ann.id, url, { 'second-factor': 'given' })).searchParams.get('code') ?? '';
    expect(claimsOf(await redeem({ code }))?.['acrs']).toEqual(['c1']);
  });
});

describe('a code', () => {
  it('is redeemed for tokens of the person', async () => {
    const answer = await redeem({ code: await codeOf(ann.id) });
    expect(answer).toMatchObject({
      status: 200,
      body: { scope: `openid profile offline_access ${api()}/read ${api()}/write`, expires_in: 3600 },
    });
    expect(claimsOf(answer)).toMatchObject({
      aud: issuer.options.clientId,
      iss: `${entra()}/v2.0`,
      azp: clientId,
      oid: ann.id,
      name: ann.name,
      preferred_username: ann.email,
      scp: 'read write',
      tid: issuer.options.tenantId,
    });
    const ofId = claimsOf(answer, 'id_token');
    expect(ofId).toMatchObject({ aud: clientId, oid: ann.id, nonce: 'the nonce', iss: `${entra()}/v2.0` });
    expect(ofId).not.toHaveProperty('scp');
  });

  it('grants what the person grants, with the claims of the person', async () => {
    const answer = await redeem({ code: await codeOf(bob.id) });
    expect(answer.body['scope']).toBe(`openid profile offline_access ${api()}/read`);
    expect(claimsOf(answer)).toMatchObject({ scp: 'read', roles: ['Admin'] });
  });

  it('is redeemed at the policy of B2C where the person signed in', async () => {
    const scope = `openid https://contoso.onmicrosoft.com/${issuer.b2cOptions.clientId}/read`;
    const code = await codeOf(dora.id, authorizeUrl({ scope }, b2c()));
    const answer = await redeem({ code }, b2c());
    const iss = `${issuer.url}/${issuer.b2cOptions.tenantId}/v2.0/`;
    const common = { iss, sub: dora.id, tfp: 'B2C_1_susi', name: 'Dora' };
    expect(claimsOf(answer)).toMatchObject({ ...common, aud: issuer.b2cOptions.clientId, scp: 'read', azp: clientId });
    expect(claimsOf(answer, 'id_token')).toMatchObject({ ...common, aud: clientId, nonce: 'the nonce' });
    expect(claimsOf(answer, 'id_token')).not.toHaveProperty('scp');
  });

  it.each([
    ['an Application ID URI of the API', () => `${mcp}/read`, () => issuer.options.clientId],
    [
      'another API',
      () => 'api://cccccccc-0000-4000-8000-000000000001/read',
      () => 'cccccccc-0000-4000-8000-000000000001',
    ],
    ['no API, as Microsoft Graph', () => 'User.Read', () => '00000003-0000-0000-c000-000000000000'],
    ['nothing but the person', () => 'openid', () => '00000003-0000-0000-c000-000000000000'],
  ])('has the audience of the scope: %s', async (_, scope, aud) => {
    const code = await codeOf(ann.id, authorizeUrl({ scope: scope() }));
    expect(claimsOf(await redeem({ code }))?.['aud']).toBe(aud());
  });

  it('is good once', async () => {
    const code = await codeOf(ann.id);
    expect((await redeem({ code })).status).toBe(200);
    expect(await redeem({ code })).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', error_codes: [54005] },
    });
  });

  it('is good for a minute', async () => {
    const code = await codeOf(ann.id);
    clock.advance(minute);
    expect(await redeem({ code })).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', error_codes: [70008] },
    });
  });

  it.each<[string, Changes, number]>([
    ['another verifier', { code_verifier: 'w'.repeat(43) }, 501481],
    ['no verifier', { code_verifier: undefined }, 501481],
    ['another redirect_uri', { redirect_uri: 'http://localhost:5173/other' }, 500112],
    ['another client', { client_id: anotherClientId }, 700005],
  ])('is not redeemed with %s', async (_, changes, code) => {
    const answer = await redeem({ code: await codeOf(ann.id), ...changes });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant', error_codes: [code] } });
    expect(answer.body).not.toHaveProperty('access_token');
  });

  it('is not redeemed at another authority', async () => {
    const answer = await redeem({ code: await codeOf(ann.id) }, b2c());
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant', error_codes: [700005] } });
  });
});

describe('a refresh token', () => {
  const refreshTokenOf = async () => String((await redeem({ code: await codeOf(ann.id) })).body['refresh_token']);
  const refresh = (refresh_token: string, changes: Changes = {}) =>
    redeem({ grant_type: 'refresh_token', refresh_token, ...changes });

  it('is redeemed again and again for a day, for scopes that were granted', async () => {
    const token = await refreshTokenOf();
    clock.advance(23 * hour);
    const answer = await refresh(token, { scope: `openid ${api()}/read ${api()}/more` });
    expect(answer.body['scope']).toBe(`openid ${api()}/read`);
    expect(claimsOf(answer)).toMatchObject({ scp: 'read', oid: ann.id });
    expect((await refresh(token)).body['refresh_token']).toBe(token);
    clock.advance(hour);
    expect(await refresh(token)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', error_codes: [700082] },
    });
  });

  it('is of the client that got it', async () => {
    const answer = await refresh(await refreshTokenOf(), { client_id: anotherClientId });
    expect(answer).toMatchObject({ status: 400, body: { error_codes: [700005] } });
  });
});

describe('an app on this machine', () => {
  it('may read documents and tokens from its page, and no other page may', async () => {
    const allowed = async (origin: string, method: string) => {
      const url = `${entra()}/v2.0/.well-known/openid-configuration`;
      const response = await fetch(url, { method, headers: { origin } });
      return [response.status, response.headers.get('access-control-allow-origin')];
    };
    expect(await allowed('http://localhost:5173', 'GET')).toEqual([200, 'http://localhost:5173']);
    expect(await allowed('http://localhost:5173', 'OPTIONS')).toEqual([204, 'http://localhost:5173']);
    expect(await allowed('https://evil.example', 'GET')).toEqual([200, null]);
    expect(await allowed('null', 'GET')).toEqual([200, null]);
  });
});

describe('an issuer without the setting signIn', () => {
  it('signs nobody in', async () => {
    const closed = await startTestIssuer({ now });
    try {
      const url = authorizeUrl({}, `${closed.url}/${closed.options.tenantId}`);
      expect((await get(url)).status).toBe(404);
    } finally {
      await closed.close();
    }
  });
});
