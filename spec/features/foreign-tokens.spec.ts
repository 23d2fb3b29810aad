/** A token of another issuer is refused before a key is looked for. It causes no request beyond the first load. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Authenticator, Requirement } from '../../src/core/access/requirement.js';
import type { IdentityOptions } from '../../src/core/configuration/options.js';
import { createIdentity } from '../../src/core/identity.js';
import { startTestIssuer, type TestIssuer, type TokenOverrides } from '../../src/testing/test-issuer.js';
import { fakeClock, minute, type Clock } from '../support/clock.js';
import { refuses } from '../support/refusals.js';

const stranger = '99999999-2222-4333-8444-555555555555';
const entra: Requirement = { scheme: { kind: 'entra' }, demands: [] };
const b2c: Requirement = { scheme: { kind: 'b2c' }, demands: [] };

let clock: Clock;
let issuer: TestIssuer;
let identity: Authenticator;

beforeEach(async () => {
  clock = fakeClock();
  issuer = await startTestIssuer({ now: () => clock.now() });
  identity = configured();
});
afterEach(() => issuer.close());

const configured = (options: IdentityOptions = {}) =>
  createIdentity({ ...issuer.options, b2c: issuer.b2cOptions, now: () => clock.now(), ...options });

async function check(token: string | Promise<string>, requirement = entra, by = identity) {
  const headers = { authorization: `Bearer ${await token}` };
  return by.authenticate({ headers }, requirement);
}

const requests = () => ({ ...issuer.requests });

/** The token of a foreign issuer: with a key of ours, with an unknown one, and with a signature of no key. */
const forms: readonly (readonly [string, TokenOverrides, (text: string) => string])[] = [
  ['a kid of ours', {}, (text) => text],
  ['an unknown kid', { kid: 'unknown' }, (text) => text],
  ['a broken signature', {}, (text) => `${text.slice(0, -10)}AAAAAAAAAA`],
];

/** A token of each kind that names another issuer, and the route it comes to. */
const foreign: readonly (readonly [string, Requirement, (header: TokenOverrides) => Promise<string>])[] = [
  ['v2.0 tenant', entra, (header) => issuer.token({ iss: `${issuer.url}/${stranger}/v2.0`, tid: stranger }, header)],
  ['v1.0 tenant', entra, (header) => issuer.v1Token({ iss: `${issuer.url}/sts/${stranger}/`, tid: stranger }, header)],
  ['cloud', entra, (header) => issuer.token({ iss: `https://login.partner.example/${stranger}/v2.0` }, header)],
  ['text that is no URL', entra, (header) => issuer.token({ iss: 'issuer' }, header)],
  ['B2C tenant on an Entra route', entra, (header) => issuer.b2cToken({}, header)],
  [
    'B2C tenant with a policy of the same name',
    b2c,
    (header) => issuer.b2cToken({ iss: `${issuer.url}/${stranger}/v2.0/` }, header),
  ],
  [
    'B2C host',
    b2c,
    (header) => issuer.b2cToken({ iss: `https://fabrikam.b2clogin.com/${issuer.b2cOptions.tenantId}/v2.0/` }, header),
  ],
];

describe.each(foreign)('a token of another %s', (_, requirement, make) => {
  it.each(forms)('with %s is refused without any request', async (_form, header, spoil) => {
    await refuses(async () => check(spoil(await make(header)), requirement), 'issuer');
    expect(requests()).toEqual({ metadata: 0, keys: 0, tokens: 0 });
    await identity.ready();
    const loaded = requests();
    await refuses(async () => check(spoil(await make(header)), requirement), 'issuer');
    expect(requests()).toEqual(loaded);
  });
});

describe('a token of the configured scheme with another form of issuer', () => {
  it.each<[string, Requirement, () => Promise<string>]>([
    ['Entra', entra, () => issuer.token({ iss: `${issuer.url}/${issuer.options.tenantId}/v2.0/x` }, { kid: 'x' })],
    ['B2C', b2c, () => issuer.b2cToken({ iss: `${issuer.url}/${issuer.b2cOptions.tenantId}/v2.0` }, { kid: 'x' })],
  ])('of %s is compared with the published issuer, and no key is loaded for it', async (_, requirement, make) => {
    await refuses(async () => check(make(), requirement), 'issuer');
    expect(requests()).toEqual({ metadata: 1, keys: 0, tokens: 0 });
    await refuses(async () => check(make(), requirement), 'issuer');
    expect(requests()).toEqual({ metadata: 1, keys: 0, tokens: 0 });
  });
});

describe('a rotated key', () => {
  it.each([
    ['Entra', entra, (header: TokenOverrides) => issuer.token({ iss: `${issuer.url}/${stranger}/v2.0` }, header), 0],
    ['B2C', b2c, (header: TokenOverrides) => issuer.b2cToken({ iss: `${issuer.url}/${stranger}/v2.0/` }, header), 1],
  ] as const)('of %s works at once, after any number of foreign tokens', async (_, requirement, make, policy) => {
    const good = () => (policy === 0 ? issuer.token() : issuer.b2cToken());
    await check(good(), requirement);
    clock.advance(minute);
    for (let n = 0; n < 20; n++) {
      const kid = createHash('sha256').update(String(n)).digest('base64url');
      await refuses(async () => check(make({ kid }), requirement), 'issuer');
    }
    await issuer.rotateKeys();
    const before = issuer.requests.keys;
    expect(await check(good(), requirement)).toMatchObject({ outcome: 'verified' });
    expect(issuer.requests.keys).toBe(before + 1);
  });
});

describe('many tenants', () => {
  it('have one issuer template: each tenant is ours, and another form is foreign', async () => {
    const by = configured({ tenantId: 'organizations', allowedTenants: '*' });
    await refuses(
      async () => check(issuer.token({ iss: `https://login.example/${stranger}/v2.0` }), entra, by),
      'issuer',
    );
    expect(requests()).toEqual({ metadata: 0, keys: 0, tokens: 0 });
    const other = { iss: `${issuer.url}/${stranger}/v2.0`, tid: stranger };
    expect(await check(issuer.token(other), entra, by)).toMatchObject({ outcome: 'verified' });
    const loaded = requests();
    await refuses(
      async () => check(issuer.token({ iss: `${issuer.url}/common/v2.0` }, { kid: 'x' }), entra, by),
      'issuer',
    );
    expect(requests()).toEqual(loaded);
  });
});

describe('a tenant that is configured by its domain', () => {
  it('is known by its v2.0 document, so that foreign v1.0 tokens load none', async () => {
    const by = configured({ tenantId: 'contoso.com', b2c: undefined });
    await by.ready();
    const loaded = requests();
    const foreignV1 = issuer.v1Token({ iss: `https://sts.windows.net/${stranger}/`, tid: stranger }, { kid: 'x' });
    await refuses(async () => check(foreignV1, entra, by), 'issuer');
    expect(requests()).toEqual(loaded);
    expect(await check(issuer.v1Token(), entra, by)).toMatchObject({ outcome: 'verified' });
  });
});

describe('while the issuer cannot be reached', () => {
  it('a foreign token is refused, and only a token that may be ours waits for the metadata', async () => {
    issuer.setFault({ down: true });
    await refuses(async () => check(issuer.token({ iss: `${issuer.url}/${stranger}/v2.0` })), 'issuer');
    await refuses(async () => check(issuer.token()), 'issuer_unavailable');
  });
});
