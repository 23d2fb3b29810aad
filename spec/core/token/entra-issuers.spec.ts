import { describe, expect, it, vi } from 'vitest';
import type { IdentityOptions } from '../../../src/core/configuration/options.js';
import { consumerTenant } from '../../../src/core/issuers/issuer.js';
import type { TokenOverrides } from '../../../src/testing/test-issuer.js';
import { refuses, type RefusalName } from '../../support/refusals.js';
import {
  authenticate,
  claimsOf,
  clientId,
  configured,
  entra,
  issuer,
  otherTenant,
  pretending,
  refusesSpoilt,
  tenantId,
  useIssuer,
} from './verification.js';

useIssuer();

const tenantOfAnyone = '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2';

describe('an Entra token', () => {
  it.each<[string, () => Promise<string>]>([
    ['a delegated token of v2.0', () => issuer.token()],
    ['a delegated token of v1.0', () => issuer.v1Token()],
    ['an app-only token of v2.0', () => issuer.appToken()],
    [
      'an app-only token of v1.0',
      () => issuer.v1Token({ scp: undefined, roles: ['access_as_app'], sub: 'service', oid: 'service' }),
    ],
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

  it.each<[RefusalName, string, TokenOverrides]>([
    ['tenant', 'a tid of another tenant', { tid: otherTenant }],
    ['tenant', 'a tid that is no GUID', { tid: 'contoso.onmicrosoft.com' }],
    ['tenant', 'a tid of null', { tid: null }],
    ['tenant', 'a list of tids', { tid: [otherTenant] }],
    ['tenant', 'a second tid in other letters', { TID: otherTenant }],
  ])('is refused as %s for %s', async (name, _, claims) => {
    await refusesSpoilt((...parts) => issuer.token(...parts), [claims], name);
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

  it('is refused if its issuer and tid are both of another tenant', async () => {
    const { iss } = await claimsOf(issuer.token());
    const claims = { iss: iss.replace(tenantId, otherTenant), tid: otherTenant };
    await refusesSpoilt((...parts) => issuer.token(...parts), [claims], 'issuer');
  });
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
  ])('are accepted if the list names them: %s', async (_, make) => {
    const by = multiTenant('organizations', [tenantId]);
    expect(await claimsOf(make(tenantId), entra, by)).toMatchObject({ tid: tenantId });
    const stranger = await make(otherTenant);
    await refuses(() => authenticate(stranger, entra, by), 'tenant');
  });

  it.each(['organizations', 'common'] as const)('are all accepted with * at %s', async (name) => {
    const by = multiTenant(name, '*');
    for (const tenant of [tenantId, otherTenant]) {
      expect(await claimsOf(of(tenant), entra, by)).toMatchObject({ tid: tenant });
      expect(await claimsOf(v1Of(tenant), entra, by)).toMatchObject({ tid: tenant });
    }
  });

  it.each<[string, '*' | readonly string[]]>([
    ['*', '*'],
    ['a list that names it', [consumerTenant]],
  ])('exclude that of personal accounts at organizations, with %s', async (_, allowedTenants) => {
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
  ])('are refused if a token %s', async (_, name, claims) => {
    const by = multiTenant('organizations', '*');
    await refusesSpoilt((overrides) => of(tenantId, overrides), [claims()], name, entra, by);
  });
});

describe('an issuer on a host of its own', () => {
  it.each<[string, string, string]>([
    ['China, by the old host', 'login.chinacloudapi.cn', 'https://login.partner.microsoftonline.cn/<tid>/v2.0'],
    ['US Government', 'login.microsoftonline.us', 'https://login.microsoftonline.us/<tid>/v2.0'],
    ['External ID', 'contoso.ciamlogin.com', 'https://<tid>.ciamlogin.com/<tid>/v2.0'],
  ])('is read from the metadata, not from the host: %s', async (_, host, template) => {
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

describe('an authority without v1.0 tokens', () => {
  it.each<[string, string, IdentityOptions]>([
    ['External ID', tenantOfAnyone, { instance: 'https://contoso.ciamlogin.com', tenantId: tenantOfAnyone }],
    [
      'External ID by its host alone',
      tenantOfAnyone,
      { instance: 'https://contoso.ciamlogin.com', tenantId: undefined },
    ],
    ['personal accounts', consumerTenant, { instance: undefined, tenantId: 'consumers' }],
  ])('refuses a v1.0 issuer without a request: %s', async (_, tenant, options) => {
    const fetch = vi.fn<typeof globalThis.fetch>();
    const by = configured({ ...options, b2c: undefined, fetch });
    const token = await issuer.v1Token({ iss: `https://sts.windows.net/${tenant}/`, tid: tenant });
    await refuses(() => authenticate(token, entra, by), 'issuer');
    expect(fetch).not.toHaveBeenCalled();
  });

  it('refuses a v1.0 issuer on a custom domain once its document shows that it is External ID', async () => {
    const published = `https://${tenantId}.ciamlogin.com/${tenantId}/v2.0`;
    const options = pretending('login.contoso.com', {
      configuration: { issuer: published },
      key: { issuer: undefined },
    });
    const fetch = vi.fn(options.fetch);
    const by = configured({ ...options, fetch });
    expect(await claimsOf(issuer.token({ iss: published }), entra, by)).toBeDefined();
    fetch.mockClear();
    const token = await issuer.v1Token({ iss: `https://sts.windows.net/${tenantId}/` });
    await refuses(() => authenticate(token, entra, by), 'issuer');
    expect(fetch).not.toHaveBeenCalled();
  });
});

describe('a tenant that is configured by its domain', () => {
  const host = 'login.microsoftonline.com';
  const domain = 'contoso.onmicrosoft.com';
  const v2 = () => `https://${host}/${tenantId}/v2.0`;
  const v1Of = (tenant: string) =>
    issuer.v1Token({ iss: `https://sts.windows.net/${tenant}/`, tid: tenant, aud: clientId });

  it('is known by the document that is loaded: a v1.0 issuer of another tenant is refused without a request', async () => {
    const { fetch: answer = expect.fail('nothing answers'), ...options } = pretending(host, {
      key: { issuer: undefined },
      configuration: { issuer: v2() },
      v1: { issuer: `https://sts.windows.net/${tenantId}/` },
    });
    const fetch = vi.fn(((url: string, init) => answer(url.replace(domain, tenantId), init)) as typeof answer);
    const by = configured({ ...options, tenantId: domain, fetch });
    expect(await claimsOf(issuer.token({ iss: v2() }), entra, by)).toBeDefined();
    fetch.mockClear();
    const stranger = await v1Of(otherTenant);
    await refuses(() => authenticate(stranger, entra, by), 'issuer');
    expect(fetch).not.toHaveBeenCalled();
    expect(await claimsOf(v1Of(tenantId), entra, by)).toBeDefined();
    expect(fetch).toHaveBeenCalledTimes(2);
    fetch.mockClear();
    await refuses(() => authenticate(stranger, entra, by), 'issuer');
    expect(fetch).not.toHaveBeenCalled();
  });
});
