import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Authenticator, Requirement } from '../../../src/core/access/requirement.js';
import type { IdentityOptions } from '../../../src/core/configuration/options.js';
import { createIdentity } from '../../../src/core/identity.js';
import { consumerTenant } from '../../../src/core/issuers/issuer.js';
import type { Verification } from '../../../src/core/token/verified-token.js';
import { startTestIssuer, type TestIssuer, type TokenOverrides } from '../../../src/testing/issuer.js';
import { fakeClock, hour, minute, second, until, type Clock } from '../../support/clock.js';
import { refuses, type RefusalName } from '../../support/refusals.js';

const otherTenant = '99999999-2222-4333-8444-555555555555';
const entra: Requirement = { scheme: { kind: 'entra', policies: undefined }, demands: [] };
const b2c: Requirement = { scheme: { kind: 'b2c', policies: undefined }, demands: [] };

let clock: Clock;
let issuer: TestIssuer;
let identity: Authenticator;
let tenantId: string;
let clientId: string;

beforeAll(async () => {
  clock = fakeClock();
  issuer = await startTestIssuer({ now: () => clock.now() });
  ({ tenantId, clientId } = issuer.options);
});
beforeEach(() => {
  clock = fakeClock();
  issuer.setFault();
  identity = configured();
});
afterAll(() => issuer.close());

const configured = (options: IdentityOptions = {}) =>
  createIdentity({ ...issuer.options, b2c: issuer.b2cOptions, now: () => clock.now(), ...options });
const verify = (token: string, requirement = entra, by = identity) =>
  by.authenticate({ headers: { authorization: `Bearer ${token}` } }, requirement);
const authenticate = async (token: string, requirement = entra, by = identity) =>
  (await verify(token, requirement, by)).token;
const nowSeconds = () => clock.now() / 1000;

async function claimsOf(token: Promise<string>, requirement = entra, by = identity) {
  return (await authenticate(await token, requirement, by)).claims;
}

/** Refuses a token, though one that differs in nothing but what was spoilt is accepted. */
async function refusesSpoilt(
  make: (claims?: TokenOverrides, header?: TokenOverrides) => Promise<string>,
  [claims, header]: readonly [(TokenOverrides | undefined)?, (TokenOverrides | undefined)?],
  name: RefusalName,
  requirement = entra,
  by = identity,
): Promise<void> {
  const [accepted, spoilt] = [await make(), await make(claims, header)];
  expect((await authenticate(accepted, requirement, by)).claims).toBeDefined();
  await refuses(() => authenticate(spoilt, requirement, by), name);
}

describe('an Entra token', () => {
  it.each<[string, () => Promise<string>]>([
    ['a delegated token of v2.0', () => issuer.token()],
    ['a delegated token of v1.0', () => issuer.v1Token()],
    ['an app-only token of v2.0', () => issuer.appToken()],
    ['an app-only token of v1.0', () => issuer.v1Token({ scp: undefined, roles: ['access_as_app'] })],
    ["an agent's token, its scp a slash", () => issuer.appToken({ scp: '/' })],
    ["an agent's token, its scp empty", () => issuer.appToken({ scp: '' })],
    ['a v2.0 token for the App ID URI', () => issuer.token({ aud: `api://${clientId}` })],
    ['a v1.0 token for the client id', () => issuer.v1Token({ aud: clientId })],
    ['a token for the App ID URI with a slash', () => issuer.token({ aud: `api://${clientId}/` })],
    ['a token for several APIs', () => issuer.token({ aud: ['other', clientId] })],
    ['a token without tid', () => issuer.token({ tid: undefined })],
    ['a token without nbf and iat', () => issuer.token({ nbf: undefined, iat: undefined })],
    ['a token without typ', () => issuer.token({}, { typ: undefined })],
    ['a token of type at+jwt', () => issuer.token({}, { typ: 'at+jwt' })],
    ['a v2.0 token that calls itself 1.0', () => issuer.token({ ver: '1.0' })],
  ])('is accepted: %s', async (_, make) => {
    const verified = await authenticate(await make(), entra);
    expect(verified).toMatchObject({ kind: 'entra', policy: undefined });
    expect(verified.claims.iss).toContain(tenantId);
  });

  it('gives its claims as they are, frozen to the bottom', async () => {
    const claims = await claimsOf(issuer.token({ custom: { list: [{ a: 1 }] } }));
    expect(claims).toMatchObject({ aud: clientId, tid: tenantId, scp: 'access_as_user', custom: { list: [{ a: 1 }] } });
    const custom = claims['custom'] as { list: object[] };
    for (const part of [claims, custom, custom.list, custom.list[0]]) expect(Object.isFrozen(part)).toBe(true);
  });

  it.each<[RefusalName, string, TokenOverrides, TokenOverrides?]>([
    ['malformed', 'crit', {}, { crit: ['exp'] }],
    ['malformed', 'an empty crit', {}, { crit: [] }],
    ['malformed', 'a crit of null', {}, { crit: null }],
    ['malformed', 'b64', {}, { b64: true }],
    ['algorithm', 'alg none', {}, { alg: 'none' }],
    ['algorithm', 'alg HS256', {}, { alg: 'HS256' }],
    ['algorithm', 'alg PS256', {}, { alg: 'PS256' }],
    ['algorithm', 'alg RS384', {}, { alg: 'RS384' }],
    ['algorithm', 'alg in lower case', {}, { alg: 'rs256' }],
    ['algorithm', 'no alg', {}, { alg: undefined }],
    ['algorithm', 'a list of algs', {}, { alg: ['RS256'] }],
    ['token_type', 'typ pop', {}, { typ: 'pop' }],
    ['token_type', 'typ in lower case', {}, { typ: 'jwt' }],
    ['token_type', 'a typ of null', {}, { typ: null }],
    ['key', 'no kid', {}, { kid: undefined }],
    ['key', 'an empty kid', {}, { kid: '' }],
    ['key', 'a kid that is no text', {}, { kid: 1 }],
    ['key', 'an unknown kid', {}, { kid: 'unknown' }],
    ['malformed', 'no exp', { exp: undefined }],
    ['malformed', 'an exp in text', { exp: '9999999999' }],
    ['malformed', 'an exp with a fraction', { exp: 9_999_999_999.5 }],
    ['malformed', 'an exp of null', { exp: null }],
    ['malformed', 'an nbf in text', { nbf: '0' }],
    ['malformed', 'an nbf of null', { nbf: null }],
    ['malformed', 'an iat in text', { iat: '0' }],
    ['malformed', 'no audience', { aud: undefined }],
    ['malformed', 'an empty list of audiences', { aud: [] }],
    ['malformed', 'an audience that is no text', { aud: 1 }],
    ['malformed', 'no issuer', { iss: undefined }],
    ['malformed', 'a sub that is no text', { sub: 1 }],
    ['malformed', 'a jti that is no text', { jti: 1 }],
    ['audience', 'the audience of another API', { aud: otherTenant }],
    ['audience', 'an empty audience', { aud: '' }],
    ['audience', 'the audiences of other APIs', { aud: [otherTenant, `api://${otherTenant}`] }],
    ['tenant', 'a tid of another tenant', { tid: otherTenant }],
    ['tenant', 'a tid that is no GUID', { tid: 'contoso.onmicrosoft.com' }],
    ['tenant', 'a tid of null', { tid: null }],
    ['tenant', 'a list of tids', { tid: [otherTenant] }],
    ['tenant', 'a second tid in other letters', { TID: otherTenant }],
    ['token_type', 'at_hash', { at_hash: 'hash' }],
    ['token_type', 'c_hash', { c_hash: 'hash' }],
    ['token_type', 'no client', { azp: undefined }],
    ['token_type', 'no scp and no roles', { scp: undefined }],
    ['token_type', 'a nonce and no scp', { scp: undefined, roles: ['Admin'], nonce: 'nonce' }],
    ['token_type', 'a list of scopes', { scp: ['access_as_user'] }],
    ['token_type', 'a number of scopes', { scp: 1 }],
    ['token_type', 'blank scopes', { scp: ' ' }],
    ['token_type', 'roles in text', { scp: undefined, roles: 'access_as_app' }],
  ])('is refused as %s for %s', async (name, _, claims, header) => {
    await refusesSpoilt((...parts) => issuer.token(...parts), [claims, header], name);
  });

  it('is refused as an ID token, which has the same issuer, audience and key', async () => {
    const idToken = await issuer.idToken();
    await refuses(() => authenticate(idToken), 'token_type');
    // Even where it names a client, and roles as an app-only token does.
    const alike = await issuer.idToken({ azp: clientId, roles: ['Admin'] });
    await refuses(() => authenticate(alike), 'token_type');
  });

  it.each<[string, (iss: string) => string]>([
    ['another tenant', (iss) => iss.replace(tenantId, otherTenant)],
    ['a slash more', (iss) => `${iss}/`],
    ['another scheme', (iss) => iss.replace('http:', 'https:')],
    ['another host', (iss) => iss.replace('127.0.0.1', '127.0.0.2')],
    ['upper case', (iss) => iss.toUpperCase().replace('/V2.0', '/v2.0')],
    ['the template', (iss) => iss.replace(tenantId, '{tenantid}')],
    ['nothing', () => ''],
  ])('is refused for an issuer with %s', async (_, spoil) => {
    const { iss } = await claimsOf(issuer.token());
    await refusesSpoilt((...parts) => issuer.token(...parts), [{ iss: spoil(iss) }], 'issuer');
  });

  it('is refused where its issuer and tid are both of another tenant', async () => {
    const { iss } = await claimsOf(issuer.token());
    const claims = { iss: iss.replace(tenantId, otherTenant), tid: otherTenant };
    await refusesSpoilt((...parts) => issuer.token(...parts), [claims], 'issuer');
  });

  it.each<[string, (text: string) => string]>([
    [
      'a changed payload',
      (text) => {
        const [header, payload, signature] = text.split('.');
        const claims = JSON.parse(Buffer.from(String(payload), 'base64url').toString()) as object;
        const changed = Buffer.from(JSON.stringify({ ...claims, roles: ['Admin'] })).toString('base64url');
        return [header, changed, signature].join('.');
      },
    ],
    ['no signature', (text) => text.slice(0, text.lastIndexOf('.') + 1)],
    ['a changed signature', (text) => `${text.slice(0, -10)}${text.at(-10) === 'A' ? 'B' : 'A'}${text.slice(-9)}`],
    ['a shorter signature', (text) => text.slice(0, -4 - ((text.length - text.lastIndexOf('.') - 1) % 4))],
  ])('is refused as signature for %s', async (_, spoil) => {
    const text = await issuer.token();
    await authenticate(text);
    await refuses(() => authenticate(spoil(text)), 'signature');
  });

  it.each<[string, (header: string, payload: string) => readonly [string, string]]>([
    ['a claim that stands twice', (header, payload) => [header, `{"tid":"${otherTenant}",${payload.slice(1)}`]],
    [
      'a claim that stands twice, once as an escape',
      (header, payload) => [header, `{"t\\u0069d":1,${payload.slice(1)}`],
    ],
    ['a header member that stands twice', (header, payload) => [`{"alg":"none",${header.slice(1)}`, payload]],
    ['a payload that is a list', (header, payload) => [header, `[${payload}]`]],
    ['a payload that is no JSON', (header, payload) => [header, payload.slice(0, -1)]],
    ['a payload after a byte order mark', (header, payload) => [header, `\uFEFF${payload}`]],
    ['an exp beyond all numbers', (header, payload) => [header, payload.replace(/"exp":\d+/, '"exp":1e400')]],
    ['__proto__', (header, payload) => [header, `{"__proto__":{"roles":["Admin"]},${payload.slice(1)}`]],
  ])('is refused as malformed for %s', async (_, spoil) => {
    const [header, payload] = (await issuer.token())
      .split('.')
      .slice(0, 2)
      .map((part) => Buffer.from(part, 'base64url').toString()) as [string, string];
    await authenticate(await issuer.sign(header, payload));
    const spoilt = await issuer.sign(...spoil(header, payload));
    await refuses(() => authenticate(spoilt), 'malformed');
  });

  it('is never checked with a key that it brings along', async () => {
    const header = {
      jku: 'https://keys.example',
      x5u: 'https://keys.example',
      jwk: { kty: 'RSA' },
      x5c: ['MIIB'],
      zip: 'DEF',
    };
    expect(await claimsOf(issuer.token({}, header))).toMatchObject({ tid: tenantId });
  });
});

describe('the times of a token', () => {
  it.each([undefined, 0, 300])(
    'hold with a tolerance of %s seconds, to the millisecond',
    async (clockToleranceSeconds) => {
      const tolerance = (clockToleranceSeconds ?? 5) * second;
      const by = configured({ clockToleranceSeconds, tokenCache: false });
      const [from, to] = [nowSeconds() + 1_000, nowSeconds() + 2_000];
      const tokens = [
        await issuer.token({ nbf: from, iat: from, exp: to }),
        await issuer.token({ nbf: undefined, iat: from, exp: to }),
      ];
      for (const token of tokens) {
        clock.set(from * second - tolerance - 1);
        await refuses(() => authenticate(token, entra, by), 'not_yet_valid');
        clock.set(from * second - tolerance);
        await authenticate(token, entra, by);
        clock.set(to * second + tolerance - 1);
        await authenticate(token, entra, by);
        clock.set(to * second + tolerance);
        await refuses(() => authenticate(token, entra, by), 'expired');
      }
    },
  );
});

describe('many tenants', () => {
  const of = (tenant: string, overrides: TokenOverrides = {}) =>
    issuer.token({ iss: `${issuer.url}/${tenant}/v2.0`, tid: tenant, ...overrides });
  const v1Of = (tenant: string, overrides: TokenOverrides = {}) =>
    issuer.v1Token({ iss: `${issuer.url}/sts/${tenant}/`, tid: tenant, ...overrides });
  const multiTenant = (name: 'organizations' | 'common', allowedTenants: '*' | readonly string[]) =>
    configured({ tenantId: name, allowedTenants });

  it.each([
    ['a v2.0 token', of],
    ['a v1.0 token', v1Of],
  ])('are let in where the list names them: %s', async (_, make) => {
    const by = multiTenant('organizations', [tenantId]);
    expect(await claimsOf(make(tenantId), entra, by)).toMatchObject({ tid: tenantId });
    const stranger = await make(otherTenant);
    await refuses(() => authenticate(stranger, entra, by), 'tenant');
  });

  it.each(['organizations', 'common'] as const)('are all let in by * at %s', async (name) => {
    const by = multiTenant(name, '*');
    for (const tenant of [tenantId, otherTenant]) {
      expect(await claimsOf(of(tenant), entra, by)).toMatchObject({ tid: tenant });
      expect(await claimsOf(v1Of(tenant), entra, by)).toMatchObject({ tid: tenant });
    }
  });

  it.each<[string, '*' | readonly string[]]>([
    ['*', '*'],
    ['a list that names it', [consumerTenant]],
  ])('never are that of personal accounts at organizations, with %s', async (_, allowedTenants) => {
    const token = await of(consumerTenant);
    expect(await claimsOf(Promise.resolve(token), entra, multiTenant('common', allowedTenants))).toMatchObject({
      tid: consumerTenant,
    });
    await refuses(() => authenticate(token, entra, multiTenant('organizations', allowedTenants)), 'tenant');
  });

  it.each<[string, RefusalName, () => TokenOverrides]>([
    ['has no tid', 'tenant', () => ({ tid: undefined })],
    ['has a tid beside its issuer', 'tenant', () => ({ tid: otherTenant })],
    ['has a tid in upper case', 'tenant', () => ({ tid: tenantId.toUpperCase() })],
    ['has an issuer beside its tid', 'tenant', () => ({ iss: `${issuer.url}/${otherTenant}/v2.0` })],
    ['has the template for an issuer', 'issuer', () => ({ iss: `${issuer.url}/{tenantid}/v2.0` })],
    ['names no tenant', 'issuer', () => ({ iss: `${issuer.url}//v2.0` })],
    ['names a tenant that is no GUID', 'issuer', () => ({ iss: `${issuer.url}/contoso/v2.0`, tid: 'contoso' })],
    ['comes from another host', 'issuer', () => ({ iss: `http://127.0.0.2/${tenantId}/v2.0` })],
  ])('are refused where a token %s', async (_, name, claims) => {
    const by = multiTenant('organizations', '*');
    await refusesSpoilt((overrides) => of(tenantId, overrides), [claims()], name, entra, by);
  });
});

/** Answers as an issuer on another host would, with what the test changes in its documents. */
function pretending(host: string, change: { configuration?: object; key?: object; v1?: object } = {}): IdentityOptions {
  const answer = async (url: string, init?: RequestInit) => {
    const { pathname } = new URL(url);
    const response = await fetch(issuer.url + pathname, init);
    const document = (await response.json()) as { keys?: object[] };
    if (document.keys) return Response.json({ keys: document.keys.map((key) => ({ ...key, ...change.key })) });
    const keys = `${pathname.includes('/v2.0/') ? 'discovery/v2.0' : 'discovery'}/keys`;
    const own = pathname.includes('/v2.0/') ? change.configuration : change.v1;
    return Response.json({ ...document, jwks_uri: `https://${host}/${tenantId}/${keys}`, ...own });
  };
  return {
    instance: `https://${host}`,
    b2c: undefined,
    fetch: ((url: string, init) => answer(url, init)) as typeof fetch,
  };
}

describe('an issuer on a host of its own', () => {
  it.each<[string, string, string]>([
    ['China, by the old host', 'login.chinacloudapi.cn', 'https://login.partner.microsoftonline.cn/<tid>/v2.0'],
    ['US Government', 'login.microsoftonline.us', 'https://login.microsoftonline.us/<tid>/v2.0'],
    ['External ID', 'contoso.ciamlogin.com', 'https://<tid>.ciamlogin.com/<tid>/v2.0'],
  ])('is taken from the metadata, not from the host: %s', async (_, host, template) => {
    const iss = template.replaceAll('<tid>', tenantId);
    const by = configured(pretending(host, { configuration: { issuer: iss }, key: { issuer: undefined } }));
    await refusesSpoilt(
      (claims) => issuer.token({ iss, ...claims }),
      [{ iss: `https://${host}/${otherTenant}/v2.0` }],
      'issuer',
      entra,
      by,
    );
  });
});

describe('a key that names its issuer', () => {
  const host = 'login.microsoftonline.com';
  const v2 = () => `https://${host}/${tenantId}/v2.0`;
  const v1 = () => `https://sts.windows.net/${tenantId}/`;
  const withKey = (key: object, configuration: object = {}) =>
    configured(
      pretending(host, {
        key,
        configuration: { issuer: v2(), ...configuration },
        v1: { issuer: v1(), ...configuration },
      }),
    );
  const token = () => issuer.token({ iss: v2() });
  const v1Token = () => issuer.v1Token({ iss: v1() });

  it.each<[string, () => string | undefined]>([
    ['nothing', () => undefined],
    ["the token's issuer", v2],
    ["the token's issuer as a template", () => `https://${host}/{tenantid}/v2.0`],
    ['the issuer of the v1.0 metadata', v1],
    ['the issuer of the v1.0 metadata as a template', () => 'https://sts.windows.net/{tenantid}/'],
  ])('speaks for a tenant where it names %s', async (_, named) => {
    const by = withKey({ issuer: named() });
    expect(await claimsOf(token(), entra, by)).toMatchObject({ tid: tenantId });
    expect(await claimsOf(v1Token(), entra, by)).toMatchObject({ tid: tenantId });
  });

  it.each<[string, () => string]>([
    ['personal accounts', () => `https://${host}/${consumerTenant}/v2.0`],
    ['another tenant', () => `https://${host}/${otherTenant}/v2.0`],
    ['another host', () => `https://login.example/${tenantId}/v2.0`],
    ['a slash more', () => `${v2()}/`],
    ['no URL', () => 'somebody'],
  ])('does not speak for a tenant where it names %s', async (_, named) => {
    const by = withKey({ issuer: named() });
    const [v2Token, v1Text] = [await token(), await v1Token()];
    await refuses(() => authenticate(v2Token, entra, by), 'key');
    await refuses(() => authenticate(v1Text, entra, by), 'key');
  });

  it.each<[string, string, boolean]>([
    ['the template of login.microsoftonline.com', 'https://login.microsoftonline.com/{tenantid}/v2.0', true],
    ['the tenant at login.microsoftonline.com', 'https://login.microsoftonline.com/<tid>/v2.0', true],
    ['the template of External ID', 'https://{tenantid}.ciamlogin.com/{tenantid}/v2.0', true],
    ['another tenant', `https://login.microsoftonline.com/${otherTenant}/v2.0`, false],
    ['personal accounts', `https://login.microsoftonline.com/${consumerTenant}/v2.0`, false],
    ['no tenant', 'https://login.microsoftonline.com/v2.0', false],
  ])('in External ID has its tenant looked at: %s', async (_, named, isAccepted) => {
    const iss = `https://${tenantId}.ciamlogin.com/${tenantId}/v2.0`;
    const key = { issuer: named.replace('<tid>', tenantId) };
    const by = configured(pretending('contoso.ciamlogin.com', { configuration: { issuer: iss }, key }));
    const text = await issuer.token({ iss });
    if (isAccepted) expect((await authenticate(text, entra, by)).claims.iss).toBe(iss);
    else await refuses(() => authenticate(text, entra, by), 'key');
  });

  it('must be of the cloud that the metadata names, where both name one', async () => {
    const cloud = (name?: string) => ({ cloud_instance_name: name });
    const rows: readonly [string | undefined, string | undefined, boolean][] = [
      ['microsoftonline.com', 'microsoftonline.com', true],
      ['microsoftonline.com', undefined, true],
      [undefined, 'microsoftonline.com', true],
      ['microsoftonline.us', 'microsoftonline.com', false],
    ];
    for (const [ofKey, ofMetadata, isAccepted] of rows) {
      const by = withKey({ issuer: v2(), ...cloud(ofKey) }, cloud(ofMetadata));
      for (const text of [await token(), await v1Token()]) {
        if (isAccepted) await authenticate(text, entra, by);
        else await refuses(() => authenticate(text, entra, by), 'key');
      }
    }
  });
});

describe('a B2C token', () => {
  const make: TestIssuer['b2cToken'] = (...parts) => issuer.b2cToken(...parts);

  it.each<[string, TokenOverrides, string]>([
    ['with its policy in tfp', {}, 'B2C_1_susi'],
    ['with its policy in other letters', { tfp: 'b2c_1_SUSI' }, 'B2C_1_susi'],
    ['with its policy in acr', { tfp: undefined, acr: 'b2c_1a_signin' }, 'B2C_1A_signin'],
    ['with a nonce beside its scope', { nonce: 'nonce' }, 'B2C_1_susi'],
    ['with emails', { emails: ['a@example.com'] }, 'B2C_1_susi'],
  ])('is accepted %s', async (_, claims, policy) => {
    expect(await authenticate(await make(claims), b2c)).toMatchObject({ kind: 'b2c', policy });
  });

  it('is accepted with the tenant its issuer names', async () => {
    const tid = issuer.b2cOptions.tenantId;
    expect(await claimsOf(make({ tid }), b2c)).toMatchObject({ tid });
  });

  it('is accepted with its policy in the issuer alone', async () => {
    const tfpIssuer = `${issuer.url}/tfp/${issuer.b2cOptions.tenantId}/b2c_1a_signin/v2.0/`;
    issuer.setFault({ on: 'metadata', body: (document) => ({ ...document, issuer: tfpIssuer }) });
    const text = await make({ tfp: undefined, iss: tfpIssuer });
    expect(await authenticate(text, b2c)).toMatchObject({ policy: 'B2C_1A_signin' });
    const spoilt = await make({ tfp: undefined, iss: tfpIssuer.replace('b2c_1a_signin', 'b2c_1_edit') });
    await refuses(() => authenticate(spoilt, b2c), 'policy');
  });

  it.each<[RefusalName, string, TokenOverrides, TokenOverrides?]>([
    ['policy', 'a policy that is not configured', { tfp: 'B2C_1_edit' }],
    ['policy', 'a policy that is not configured in acr', { tfp: undefined, acr: 'b2c_1_edit' }],
    ['policy', 'a policy that is not configured, beside one that is', { tfp: 'B2C_1_edit', acr: 'b2c_1_susi' }],
    ['policy', 'no policy', { tfp: undefined }],
    ['policy', 'an empty policy', { tfp: '' }],
    ['policy', 'a list of policies', { tfp: ['B2C_1_susi'] }],
    ['tenant', 'another tenant', { tid: otherTenant }],
    ['tenant', 'a tid of null', { tid: null }],
    ['tenant', 'a tid in other letters', { TID: otherTenant }],
    ['audience', 'another audience', { aud: otherTenant }],
    ['expired', 'an end in the past', { exp: 1 }],
    ['malformed', 'no exp', { exp: undefined }],
    ['token_type', 'no scope, as ID tokens have', { scp: undefined }],
    ['token_type', 'no client, as ID tokens have', { azp: undefined }],
    ['token_type', 'at_hash, as ID tokens have', { at_hash: 'hash' }],
    ['token_type', 'a list of scopes', { scp: ['access_as_user'] }],
    ['algorithm', 'another algorithm', {}, { alg: 'PS256' }],
    ['key', 'an unknown kid', {}, { kid: 'unknown' }],
  ])('is refused as %s for %s', async (name, _, claims, header) => {
    await refusesSpoilt(make, [claims, header], name, b2c);
  });

  it.each<[string, (iss: string) => string]>([
    ['no slash at its end', (iss) => iss.slice(0, -1)],
    ['another tenant', (iss) => iss.replace(issuer.b2cOptions.tenantId, otherTenant)],
    ['another host', (iss) => iss.replace('127.0.0.1', '127.0.0.2')],
  ])('is refused for an issuer with %s', async (_, spoil) => {
    const { iss } = await claimsOf(make(), b2c);
    await refusesSpoilt(make, [{ iss: spoil(iss) }], 'issuer', b2c);
  });

  it('is no Entra token, and an Entra token no B2C token', async () => {
    const [b2cText, entraText] = [await make(), await issuer.token()];
    const posing = await issuer.token({ tfp: 'B2C_1_susi', aud: issuer.b2cOptions.clientId });
    await refuses(() => authenticate(b2cText, entra), 'key');
    await refuses(() => authenticate(entraText, b2c), 'policy');
    await refuses(() => authenticate(posing, b2c), 'key');
  });
});

describe('a token that comes back', () => {
  const outcomeOf = async (...presented: Parameters<typeof verify>) => (await verify(...presented)).outcome;

  it('is answered without a promise, with the very claims of the first time', async () => {
    const token = await issuer.token();
    const first = verify(token);
    expect(first).toBeInstanceOf(Promise);
    expect(verify(token)).toBeInstanceOf(Promise);
    const { token: verified } = await first;
    const again = verify(token);
    expect(again).toMatchObject({ outcome: 'cached' });
    expect((again as Verification).token).toBe(verified);
  });

  it('needs no promise the first time either where the keys are at hand', async () => {
    await identity.ready();
    const [good, spoilt] = [await issuer.token(), await issuer.token({ aud: otherTenant })];
    expect(verify(good)).toMatchObject({ outcome: 'verified' });
    expect(() => verify(spoilt)).toThrow(expect.objectContaining({ reason: 'audience' }));
    expect(verify(good)).toMatchObject({ outcome: 'cached' });
  });

  it('is verified once, however many requests carry it at the same time', async () => {
    const token = await issuer.token();
    const before = { ...issuer.requests };
    const all = await Promise.all(Array.from({ length: 20 }, async () => verify(token)));
    expect(new Set(all).size).toBe(1);
    expect(issuer.requests).toEqual({ metadata: before.metadata + 1, keys: before.keys + 1 });
  });

  it('is refused when it has expired in the meantime', async () => {
    const token = await issuer.token({ exp: nowSeconds() + 60 });
    await authenticate(token);
    clock.advance(65 * second - 1);
    expect(await outcomeOf(token)).toBe('cached');
    clock.advance(1);
    await refuses(() => authenticate(token), 'expired');
  });

  it('is refused when the clock is set back to before it starts', async () => {
    const token = await issuer.token();
    await authenticate(token);
    clock.advance(-6 * second);
    await refuses(() => authenticate(token), 'not_yet_valid');
  });

  it('is refused when its key was dropped', async () => {
    const own = await startTestIssuer({ now: () => clock.now() });
    try {
      const by = createIdentity({ ...own.options, now: () => clock.now() });
      const token = await own.token({ exp: nowSeconds() + 7 * 24 * 3600 });
      await authenticate(token, entra, by);
      await own.rotateKeys();
      clock.advance(2 * hour);
      // Last known good: the key went missing from the newest set, and stays usable for a day.
      expect(await outcomeOf(token, entra, by)).toBe('cached');
      await until(() => own.requests.keys === 2);
      clock.advance(22 * hour - 1);
      expect(await outcomeOf(token, entra, by)).toBe('cached');
      clock.advance(1);
      await refuses(() => authenticate(token, entra, by), 'key');
      await refuses(() => authenticate(token, entra, by), 'key');
    } finally {
      await own.close();
    }
  });

  it('is refused each time where it was refused once, and verified again each time', async () => {
    const token = await issuer.token({ nbf: nowSeconds() + 60 });
    await refuses(() => authenticate(token), 'not_yet_valid');
    await refuses(() => authenticate(token), 'not_yet_valid');
    clock.advance(minute);
    expect(await outcomeOf(token)).toBe('verified');
    expect((await authenticate(token)).claims.scp).toBe('access_as_user');
  });

  it('is not remembered for another scheme', async () => {
    const token = await issuer.token();
    await authenticate(token);
    await refuses(() => authenticate(token, b2c), 'policy');
  });

  it('is not remembered for another spelling of it', async () => {
    const token = await issuer.token();
    await authenticate(token);
    // A signature of 256 bytes leaves 4 bits of its last character unused.
    const last = token.charCodeAt(token.length - 1);
    const spelled = `${token.slice(0, -1)}${String.fromCharCode(last + 1)}`;
    expect(Buffer.from(spelled.split('.')[2] ?? '', 'base64url')).toEqual(
      Buffer.from(token.split('.')[2] ?? '', 'base64url'),
    );
    await refuses(() => authenticate(spelled), 'malformed');
  });

  it('is verified anew where the cache is off', async () => {
    const by = configured({ tokenCache: false });
    const token = await issuer.token();
    const first = await authenticate(token, entra, by);
    const again = await verify(token, entra, by);
    expect(again.outcome).toBe('verified');
    expect(again.token).not.toBe(first);
    expect(again.token.claims).toEqual(first.claims);
  });

  it('makes room for others where the cache is full', async () => {
    const by = configured({ tokenCache: { maxEntries: 1 } });
    const [one, two] = [await issuer.token({ uti: '1' }), await issuer.token({ uti: '2' })];
    await authenticate(one, entra, by);
    expect(await outcomeOf(one, entra, by)).toBe('cached');
    await authenticate(two, entra, by);
    expect(await outcomeOf(two, entra, by)).toBe('cached');
    expect(await outcomeOf(one, entra, by)).toBe('verified');
  });
});
