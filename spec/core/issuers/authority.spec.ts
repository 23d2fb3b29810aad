import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../../src/core/configuration/parse-settings.js';
import { b2cAuthority, b2cChallenge, entraAuthority, entraChallenge } from '../../../src/core/issuers/authority.js';
import { consumerTenant } from '../../../src/core/issuers/issuer.js';

const tenantId = '11111111-2222-4333-8444-555555555555';
const otherTenant = '99999999-2222-4333-8444-555555555555';
const clientId = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';

function entra(options: { tenantId?: string; instance?: string } = {}, version: 'v1' | 'v2' = 'v2') {
  const isMultiTenant = options.tenantId === 'organizations' || options.tenantId === 'common';
  const settings = parseSettings({
    tenantId,
    clientId,
    ...options,
    ...(isMultiTenant && { allowedTenants: '*' }),
  }).entra;
  if (settings === undefined) throw new Error('Entra ID is not configured');
  return entraAuthority(settings, version);
}

function b2cSettingsOf(options: { tenantId?: string | undefined; instance?: string; customDomain?: string }) {
  const settings = parseSettings({
    b2c: { domainName: 'contoso', policies: 'B2C_1_susi', tenantId, clientId, ...options },
  }).b2c;
  if (settings === undefined) throw new Error('B2C is not configured');
  return settings;
}

function b2c(options: Parameters<typeof b2cSettingsOf>[0] = {}) {
  const settings = b2cSettingsOf(options);
  return b2cAuthority(settings, 'B2C_1_susi', settings.instances[0] ?? '');
}

describe('metadataUrl', () => {
  const metadata = '.well-known/openid-configuration';

  it.each([
    ['the global cloud', {}, `https://login.microsoftonline.com/${tenantId}`],
    [
      'the US Government cloud',
      { instance: 'https://login.microsoftonline.us/' },
      `https://login.microsoftonline.us/${tenantId}`,
    ],
    [
      'China',
      { instance: 'https://login.partner.microsoftonline.cn' },
      `https://login.partner.microsoftonline.cn/${tenantId}`,
    ],
    ['External ID', { instance: 'https://contoso.ciamlogin.com' }, `https://contoso.ciamlogin.com/${tenantId}`],
    ['a custom domain', { instance: 'https://login.contoso.com' }, `https://login.contoso.com/${tenantId}`],
    ['loopback', { instance: 'http://127.0.0.1:8080' }, `http://127.0.0.1:8080/${tenantId}`],
    [
      'a verified domain',
      { tenantId: 'contoso.onmicrosoft.com' },
      'https://login.microsoftonline.com/contoso.onmicrosoft.com',
    ],
    ['organizations', { tenantId: 'organizations' }, 'https://login.microsoftonline.com/organizations'],
    ['common', { tenantId: 'common' }, 'https://login.microsoftonline.com/common'],
    ['consumers', { tenantId: 'consumers' }, 'https://login.microsoftonline.com/consumers'],
  ])('is that of %s', (_, options, base) => {
    expect(entra(options, 'v2').metadataUrl).toBe(`${base}/v2.0/${metadata}`);
    expect(entra(options, 'v1').metadataUrl).toBe(`${base}/${metadata}`);
  });

  it.each([
    ['b2clogin.com', {}, 'https://contoso.b2clogin.com'],
    ['a custom domain', { customDomain: 'login.contoso.com' }, 'https://login.contoso.com'],
    ['an instance', { instance: 'http://localhost:8080' }, 'http://localhost:8080'],
  ])('is that of a B2C policy on %s', (_, options, origin) => {
    expect(b2c(options).metadataUrl).toBe(`${origin}/contoso.onmicrosoft.com/B2C_1_susi/v2.0/${metadata}`);
  });

  it.each([
    ['as a GUID', tenantId, tenantId],
    ['as a GUID in upper case', 'AAAAAAAA-2222-4333-8444-555555555555', 'aaaaaaaa-2222-4333-8444-555555555555'],
    ['as a domain', 'Contoso.OnMicrosoft.com', 'contoso.onmicrosoft.com'],
  ])('follows the tenant in the path of an External ID instance %s', (_, path, tenant) => {
    const settings = parseSettings({ clientId, instance: `https://contoso.ciamlogin.com/${path}` }).entra;
    expect(settings && entraAuthority(settings, 'v2').metadataUrl).toBe(
      `https://contoso.ciamlogin.com/${tenant}/v2.0/${metadata}`,
    );
  });

  it('is one for each of the two hosts of B2C', () => {
    const settings = b2cSettingsOf({ customDomain: 'login.contoso.com', instance: 'https://contoso.b2clogin.com' });
    expect(settings.instances.map((origin) => b2cAuthority(settings, 'B2C_1_susi', origin).metadataUrl)).toEqual([
      `https://login.contoso.com/contoso.onmicrosoft.com/B2C_1_susi/v2.0/${metadata}`,
      `https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_susi/v2.0/${metadata}`,
    ]);
  });

  it('is returned with the names of its options', () => {
    expect(entra().options).toMatch(/tenantId.*instance/);
    expect(b2c().options).toMatch(/b2c\.domainName.*b2c\.policies/);
  });

  it('is returned with the names of the options that give its host', () => {
    expect(entra().hostOptions).toBe('instance');
    expect(b2c().hostOptions).toBe('b2c.domainName');
    const settings = b2cSettingsOf({ customDomain: 'login.contoso.com', instance: 'https://contoso.b2clogin.com' });
    expect(settings.instances.map((origin) => b2cAuthority(settings, 'B2C_1_susi', origin).hostOptions)).toEqual([
      'b2c.customDomain or b2c.instance',
      'b2c.domainName',
    ]);
  });
});

describe('ownsIssuer of an Entra tenant', () => {
  it.each([
    ['v2.0, global', {}, `https://login.microsoftonline.com/${tenantId}/v2.0`],
    ['v1.0, global', {}, `https://sts.windows.net/${tenantId}/`],
    [
      'v2.0, US Government',
      { instance: 'https://login.microsoftonline.us' },
      `https://login.microsoftonline.us/${tenantId}/v2.0`,
    ],
    ['v1.0, US Government', { instance: 'https://login.microsoftonline.us' }, `https://sts.windows.net/${tenantId}/`],
    [
      'v2.0, China, by the old host',
      { instance: 'https://login.chinacloudapi.cn' },
      `https://login.partner.microsoftonline.cn/${tenantId}/v2.0`,
    ],
    [
      'v1.0, China',
      { instance: 'https://login.partner.microsoftonline.cn' },
      `https://sts.chinacloudapi.cn/${tenantId}/`,
    ],
    [
      'External ID, on the host named by the tenant',
      { instance: 'https://contoso.ciamlogin.com' },
      `https://${tenantId}.ciamlogin.com/${tenantId}/v2.0`,
    ],
    [
      'a verified domain',
      { tenantId: 'contoso.onmicrosoft.com' },
      `https://login.microsoftonline.com/${tenantId}/v2.0`,
    ],
    ['organizations', { tenantId: 'organizations' }, 'https://login.microsoftonline.com/{tenantid}/v2.0'],
    ['common, v1.0', { tenantId: 'common' }, 'https://sts.windows.net/{tenantid}/'],
    ['consumers', { tenantId: 'consumers' }, `https://login.microsoftonline.com/${consumerTenant}/v2.0`],
    [
      'v1.0, a cloud that is not listed',
      { instance: 'https://login.cloud.example' },
      `https://sts.cloud.example/${tenantId}/`,
    ],
    ['loopback', { instance: 'http://localhost:8080' }, `http://localhost:8080/${tenantId}/v2.0`],
    ['loopback, over https', { instance: 'http://localhost:8080' }, `https://127.0.0.1/${tenantId}/v2.0`],
  ])('accepts that of %s', (_, options, issuer) => {
    expect(entra(options).ownsIssuer(issuer)).toBe(true);
  });

  it.each([
    ['another tenant', {}, `https://login.microsoftonline.com/${otherTenant}/v2.0`],
    ['the template of many tenants', {}, 'https://login.microsoftonline.com/{tenantid}/v2.0'],
    ['no tenant', {}, 'https://login.microsoftonline.com/v2.0'],
    ['plain http', {}, `http://login.microsoftonline.com/${tenantId}/v2.0`],
    ['another host', {}, `https://login.example/${tenantId}/v2.0`],
    ['a host that ends like ours', {}, `https://evillogin.microsoftonline.com/${tenantId}/v2.0`],
    ['a host that starts like ours', {}, `https://login.microsoftonline.com.example/${tenantId}/v2.0`],
    ['our host as user information', {}, `https://login.microsoftonline.com@login.example/${tenantId}/v2.0`],
    ['our host on another port', {}, `https://login.microsoftonline.com:8443/${tenantId}/v2.0`],
    ['loopback, which is not configured', {}, `http://127.0.0.1/${tenantId}/v2.0`],
    ['no URL', {}, tenantId],
    ['nothing', {}, ''],
    [
      "another External ID tenant's host",
      { instance: 'https://contoso.ciamlogin.com' },
      `https://${otherTenant}.ciamlogin.com/${tenantId}/v2.0`,
    ],
    [
      'another External ID tenant',
      { instance: 'https://contoso.ciamlogin.com' },
      `https://${otherTenant}.ciamlogin.com/${otherTenant}/v2.0`,
    ],
    [
      "an External ID neighbour's host",
      { instance: 'https://contoso.ciamlogin.com' },
      `https://fabrikam.ciamlogin.com/${tenantId}/v2.0`,
    ],
    ['one tenant of many', { tenantId: 'organizations' }, `https://login.microsoftonline.com/${tenantId}/v2.0`],
    [
      'consumers, for a workforce tenant',
      { tenantId: 'consumers' },
      `https://login.microsoftonline.com/${tenantId}/v2.0`,
    ],
    ['consumers, for the template', { tenantId: 'consumers' }, 'https://login.microsoftonline.com/{tenantid}/v2.0'],
    [
      'a verified domain, for the template',
      { tenantId: 'contoso.onmicrosoft.com' },
      'https://login.microsoftonline.com/{tenantid}/v2.0',
    ],
    [
      'a verified domain, for an issuer without a tenant',
      { tenantId: 'contoso.onmicrosoft.com' },
      'https://login.microsoftonline.com/v2.0',
    ],
    [
      'a cloud that is not listed, whose authority is not at login.…',
      { instance: 'https://admin.cloud.example' },
      `https://sts.cloud.example/${tenantId}/`,
    ],
    [
      'a loopback authority, for plain http beyond it',
      { instance: 'http://localhost' },
      `http://login.example/${tenantId}/v2.0`,
    ],
  ])('refuses %s', (_, options, issuer) => {
    expect(entra(options).ownsIssuer(issuer)).toBe(false);
  });
});

describe('mayIssueAs', () => {
  const many = { tenantId: 'organizations' };

  it.each<[string, Parameters<typeof entra>[0], 'v1' | 'v2', string]>([
    ['v2.0 of its tenant', {}, 'v2', `https://login.microsoftonline.com/${tenantId}/v2.0`],
    ['v1.0 of its tenant', {}, 'v1', `https://sts.windows.net/${tenantId}/`],
    ['v2.0 of one tenant of many', many, 'v2', `https://login.microsoftonline.com/${otherTenant}/v2.0`],
    ['v1.0 of one tenant of many', many, 'v1', `https://sts.windows.net/${otherTenant}/`],
    [
      'v2.0 of personal accounts',
      { tenantId: 'consumers' },
      'v2',
      `https://login.microsoftonline.com/${consumerTenant}/v2.0`,
    ],
    [
      'v2.0 of External ID',
      { instance: 'https://contoso.ciamlogin.com' },
      'v2',
      `https://${tenantId}.ciamlogin.com/${tenantId}/v2.0`,
    ],
  ])('holds of %s', (_, options, version, issuer) => {
    expect(entra(options, version).mayIssueAs(issuer)).toBe(true);
  });

  it.each<[string, Parameters<typeof entra>[0], 'v1' | 'v2', string]>([
    ['another tenant', {}, 'v2', `https://login.microsoftonline.com/${otherTenant}/v2.0`],
    ['another host', {}, 'v2', `https://login.example/${tenantId}/v2.0`],
    ['the template of many tenants', many, 'v2', 'https://login.microsoftonline.com/{tenantid}/v2.0'],
    ['no tenant, for many tenants', many, 'v2', 'https://login.microsoftonline.com/v2.0'],
    ['no URL, for many tenants', many, 'v2', tenantId],
    ['another host, for many tenants', many, 'v2', `https://login.example/${tenantId}/v2.0`],
    ['v1.0 of personal accounts', { tenantId: 'consumers' }, 'v1', `https://sts.windows.net/${consumerTenant}/`],
    [
      'v1.0 of External ID',
      { instance: 'https://contoso.ciamlogin.com' },
      'v1',
      `https://contoso.ciamlogin.com/${tenantId}/`,
    ],
  ])('does not hold of %s', (_, options, version, issuer) => {
    expect(entra(options, version).mayIssueAs(issuer)).toBe(false);
  });
});

describe('ownsIssuer of a B2C policy', () => {
  it.each([
    ['on b2clogin.com', {}, `https://contoso.b2clogin.com/${tenantId}/v2.0/`],
    ['that names the policy', {}, `https://contoso.b2clogin.com/tfp/${tenantId}/b2c_1_susi/v2.0/`],
    ['without a version', {}, `https://contoso.b2clogin.com/${tenantId}/`],
    ['on the custom domain', { customDomain: 'login.contoso.com' }, `https://login.contoso.com/${tenantId}/v2.0/`],
    [
      'on b2clogin.com beside a custom domain',
      { customDomain: 'login.contoso.com' },
      `https://contoso.b2clogin.com/${tenantId}/v2.0/`,
    ],
    [
      'of any tenant where none is configured',
      { tenantId: undefined },
      `https://contoso.b2clogin.com/${otherTenant}/v2.0/`,
    ],
  ])('accepts one %s', (_, options, issuer) => {
    expect(b2c(options).ownsIssuer(issuer)).toBe(true);
  });

  it.each([
    ['of another tenant', {}, `https://contoso.b2clogin.com/${otherTenant}/v2.0/`],
    ["on a neighbour's host", {}, `https://fabrikam.b2clogin.com/${tenantId}/v2.0/`],
    ['on a host that ends like ours', {}, `https://evilcontoso.b2clogin.com/${tenantId}/v2.0/`],
    ['over plain http', {}, `http://contoso.b2clogin.com/${tenantId}/v2.0/`],
    ['of Entra ID', {}, `https://login.microsoftonline.com/${tenantId}/v2.0`],
    ['without a tenant', {}, 'https://contoso.b2clogin.com/v2.0/'],
    ['on another custom domain', { customDomain: 'login.contoso.com' }, `https://login.fabrikam.com/${tenantId}/v2.0/`],
    [
      'on a sibling of the custom domain',
      { customDomain: 'login.contoso.com' },
      `https://www.contoso.com/${tenantId}/v2.0/`,
    ],
    ['that is no URL', {}, tenantId],
    ['without a tenant, where none is configured', { tenantId: undefined }, 'https://contoso.b2clogin.com/v2.0/'],
  ])('refuses one %s', (_, options, issuer) => {
    expect(b2c(options).ownsIssuer(issuer)).toBe(false);
  });
});

describe('ownsIssuer of a B2C policy on two hosts', () => {
  const settings = b2cSettingsOf({ customDomain: 'login.contoso.com', instance: 'https://contoso.b2clogin.us' });

  it.each(settings.instances)('accepts an issuer on either host, and on b2clogin.com, from %s', (origin) => {
    const { ownsIssuer } = b2cAuthority(settings, 'B2C_1_susi', origin);
    for (const host of ['login.contoso.com', 'contoso.b2clogin.us', 'contoso.b2clogin.com']) {
      expect(ownsIssuer(`https://${host}/${tenantId}/v2.0/`)).toBe(true);
      expect(ownsIssuer(`https://${host}/${otherTenant}/v2.0/`)).toBe(false);
      expect(ownsIssuer(`https://evil${host}/${tenantId}/v2.0/`)).toBe(false);
    }
    expect(ownsIssuer(`https://fabrikam.b2clogin.us/${tenantId}/v2.0/`)).toBe(false);
  });
});

describe('a B2C policy in China', () => {
  const settings = b2cSettingsOf({ instance: 'https://contoso.b2clogin.cn' });
  const [origin = ''] = settings.instances;
  const authority = b2cAuthority(settings, 'B2C_1_susi', origin);
  const base = 'https://contoso.b2clogin.cn/contoso.partner.onmschina.cn/B2C_1_susi';

  it('has its metadata, issuer and keys under the domain and on the host of that cloud', () => {
    expect(authority.metadataUrl).toBe(`${base}/v2.0/.well-known/openid-configuration`);
    expect(authority.ownsIssuer(`https://contoso.b2clogin.cn/${tenantId}/v2.0/`)).toBe(true);
    expect(authority.ownsIssuer(`https://contoso.b2clogin.com/${tenantId}/v2.0/`)).toBe(false);
    expect(authority.ownsKeysUrl(`${base}/discovery/v2.0/keys`, '')).toBe(true);
  });

  it('sends clients there', () => {
    expect(b2cChallenge(settings, 'B2C_1_susi', origin)).toEqual({
      realm: 'contoso.partner.onmschina.cn',
      authorizationUri: `${base}/oauth2/v2.0/authorize`,
    });
  });
});

describe('entraChallenge and b2cChallenge', () => {
  it.each([
    ['a tenant', { tenantId }, tenantId, `https://login.microsoftonline.com/${tenantId}`],
    [
      'many tenants',
      { tenantId: 'organizations', allowedTenants: '*' as const },
      'organizations',
      'https://login.microsoftonline.com/organizations',
    ],
    [
      'External ID',
      { instance: 'https://contoso.ciamlogin.com' },
      'contoso.onmicrosoft.com',
      'https://contoso.ciamlogin.com/contoso.onmicrosoft.com',
    ],
    [
      'External ID by its path',
      { tenantId, instance: 'https://contoso.ciamlogin.com/contoso.onmicrosoft.com' },
      tenantId,
      'https://contoso.ciamlogin.com/contoso.onmicrosoft.com',
    ],
  ])('send a client of %s to its authority', (_, options, realm, base) => {
    const settings = parseSettings({ clientId, ...options }).entra;
    expect(settings && entraChallenge(settings)).toEqual({
      realm,
      authorizationUri: `${base}/oauth2/v2.0/authorize`,
    });
  });

  it('send a client of B2C to the policy, on the host its token came from', () => {
    const settings = b2cSettingsOf({ customDomain: 'login.contoso.com', instance: 'https://contoso.b2clogin.com' });
    expect(settings.instances.map((origin) => b2cChallenge(settings, 'B2C_1_susi', origin))).toEqual(
      ['https://login.contoso.com', 'https://contoso.b2clogin.com'].map((origin) => ({
        realm: 'contoso.onmicrosoft.com',
        authorizationUri: `${origin}/contoso.onmicrosoft.com/B2C_1_susi/oauth2/v2.0/authorize`,
      })),
    );
  });
});

describe('ownsKeysUrl', () => {
  const china = { instance: 'https://login.chinacloudapi.cn' };
  const externalId = { instance: 'https://contoso.ciamlogin.com' };
  const custom = { instance: 'https://login.contoso.com' };
  const workforceIssuer = `https://login.microsoftonline.com/${tenantId}/v2.0`;
  const externalIdIssuer = `https://${tenantId}.ciamlogin.com/${tenantId}/v2.0`;

  it.each([
    ['the authority', {}, `https://login.microsoftonline.com/${tenantId}/discovery/v2.0/keys`],
    ['common, as v1.0 documents name it', {}, 'https://login.microsoftonline.com/common/discovery/keys'],
    ['China, by the old host', china, 'https://login.chinacloudapi.cn/common/discovery/v2.0/keys'],
    ['China, by the new host', china, 'https://login.partner.microsoftonline.cn/common/discovery/v2.0/keys'],
    ['External ID', externalId, `https://contoso.ciamlogin.com/${tenantId}/discovery/v2.0/keys`],
    [
      'External ID, on the host named by the tenant',
      externalId,
      `https://${tenantId}.ciamlogin.com/${tenantId}/discovery/v2.0/keys`,
    ],
    ['a custom domain', custom, `https://login.contoso.com/${tenantId}/discovery/v2.0/keys`],
    ['loopback', { instance: 'http://127.0.0.1:8080' }, 'http://127.0.0.1:8080/keys'],
  ])('accepts keys of %s', (_, options, url) => {
    expect(entra(options).ownsKeysUrl(url, workforceIssuer)).toBe(true);
  });

  it.each([
    ['over plain http', {}, 'http://login.microsoftonline.com/common/discovery/keys'],
    ['on another host', {}, 'https://keys.example/common/discovery/keys'],
    ['on a host that ends like ours', {}, 'https://evillogin.microsoftonline.com/keys'],
    ['on a host that starts like ours', {}, 'https://login.microsoftonline.com.example/keys'],
    ['with our host as user information', {}, 'https://login.microsoftonline.com@keys.example/keys'],
    ['on our host and another port', {}, 'https://login.microsoftonline.com:8443/keys'],
    ['on loopback', {}, 'http://127.0.0.1/keys'],
    ['on loopback over https', {}, 'https://localhost/keys'],
    ['in a file', {}, 'file:///etc/keys'],
    ['in the URL itself', {}, 'data:application/json,{"keys":[]}'],
    ['at no URL', {}, '/common/discovery/keys'],
    ['of an External ID neighbour', externalId, `https://fabrikam.ciamlogin.com/${tenantId}/discovery/v2.0/keys`],
    [
      'of another External ID tenant',
      externalId,
      `https://${otherTenant}.ciamlogin.com/${otherTenant}/discovery/v2.0/keys`,
    ],
    [
      "on another tenant's host under our tenant's path",
      externalId,
      `https://${otherTenant}.ciamlogin.com/${tenantId}/keys`,
    ],
    [
      'of an External ID customer who is named organizations',
      { tenantId: 'organizations' },
      'https://organizations.ciamlogin.com/keys',
    ],
    [
      'of an External ID customer who is named undefined',
      { tenantId: 'organizations' },
      'https://undefined.ciamlogin.com/keys',
    ],
    ['of an External ID customer who is named common', { tenantId: 'common' }, 'https://common.ciamlogin.com/keys'],
    ['over plain http beyond a loopback authority', { instance: 'http://localhost' }, 'http://keys.example/keys'],
    ['on another loopback scheme', { instance: 'http://localhost' }, 'ftp://localhost/keys'],
    ['on a host that shares a public suffix', { instance: 'https://contoso.co.uk' }, 'https://fabrikam.co.uk/keys'],
    [
      'of a neighbour on a shared platform',
      { instance: 'https://contoso.azurefd.net' },
      'https://fabrikam.azurefd.net/keys',
    ],
    ['of an unrelated host of the same company', custom, 'https://blog.contoso.com/keys'],
  ])('refuses keys %s', (_, options, url) => {
    expect(entra(options).ownsKeysUrl(url, workforceIssuer)).toBe(false);
  });

  it.each([
    ['beside its own, by its name', externalId, `https://fabrikam.ciamlogin.com/${tenantId}/discovery/v2.0/keys`],
    ['behind a custom domain', custom, `https://contoso.ciamlogin.com/${tenantId}/discovery/v2.0/keys`],
    ['of another tenant', custom, `https://${otherTenant}.ciamlogin.com/${tenantId}/discovery/v2.0/keys`],
  ])('accepts keys on a host of External ID %s, for an issuer of External ID alone', (_, options, url) => {
    expect(entra(options).ownsKeysUrl(url, externalIdIssuer)).toBe(true);
    for (const issuer of [
      workforceIssuer,
      `https://sts.windows.net/${tenantId}/`,
      `https://login.contoso.com/${tenantId}/v2.0`,
      `https://ciamlogin.com.example/${tenantId}/v2.0`,
      `https://evilciamlogin.com/${tenantId}/v2.0`,
      '',
    ]) {
      expect(entra(options).ownsKeysUrl(url, issuer)).toBe(false);
    }
  });

  it.each([
    ['over plain http', `http://fabrikam.ciamlogin.com/${tenantId}/discovery/v2.0/keys`],
    ['on another port', `https://fabrikam.ciamlogin.com:8443/${tenantId}/discovery/v2.0/keys`],
    ['on the bare domain', `https://ciamlogin.com/${tenantId}/discovery/v2.0/keys`],
    ['on a domain that ends alike', `https://evilciamlogin.com/${tenantId}/discovery/v2.0/keys`],
    ['on a domain that starts alike', `https://fabrikam.ciamlogin.com.example/${tenantId}/keys`],
    ['with a host of External ID as user information', 'https://fabrikam.ciamlogin.com@keys.example/keys'],
    ['with a host of External ID as path', 'https://keys.example/fabrikam.ciamlogin.com'],
    ['at no URL', 'fabrikam.ciamlogin.com'],
  ])('refuses keys %s also for an issuer of External ID', (_, url) => {
    expect(entra(externalId).ownsKeysUrl(url, externalIdIssuer)).toBe(false);
    expect(entra(custom).ownsKeysUrl(url, externalIdIssuer)).toBe(false);
  });

  it.each([
    ['b2clogin.com', {}, 'https://contoso.b2clogin.com/contoso.onmicrosoft.com/b2c_1_susi/discovery/v2.0/keys'],
    [
      'a custom domain',
      { customDomain: 'login.contoso.com' },
      'https://login.contoso.com/contoso.onmicrosoft.com/b2c_1_susi/discovery/v2.0/keys',
    ],
  ])('accepts keys of a B2C policy on %s', (_, options, url) => {
    expect(b2c(options).ownsKeysUrl(url, '')).toBe(true);
  });

  it.each([
    ["a neighbour's host", {}, 'https://fabrikam.b2clogin.com/fabrikam.onmicrosoft.com/b2c_1_susi/discovery/v2.0/keys'],
    ['a host that ends like ours', {}, 'https://evilcontoso.b2clogin.com/keys'],
    ['our host over plain http', {}, 'http://contoso.b2clogin.com/keys'],
    ['no host at all', {}, '/contoso.onmicrosoft.com/b2c_1_susi/discovery/v2.0/keys'],
    ["a neighbour's host in China", { instance: 'https://contoso.b2clogin.cn' }, 'https://fabrikam.b2clogin.cn/keys'],
    [
      "a neighbour's host in the US Government cloud",
      { instance: 'https://contoso.b2clogin.us' },
      'https://fabrikam.b2clogin.us/keys',
    ],
  ])('refuses keys of a B2C policy on %s', (_, options, url) => {
    expect(b2c(options).ownsKeysUrl(url, '')).toBe(false);
  });

  it('refuses keys of a B2C policy on a host of External ID, whatever the issuer', () => {
    const url = `https://contoso.ciamlogin.com/${tenantId}/discovery/v2.0/keys`;
    expect(b2c().ownsKeysUrl(url, externalIdIssuer)).toBe(false);
  });

  it('refuses keys of a B2C policy on the other of its two hosts', () => {
    const settings = b2cSettingsOf({ customDomain: 'login.contoso.com', instance: 'https://contoso.b2clogin.com' });
    const [first = '', second = ''] = settings.instances;
    const keys = (origin: string) => `${origin}/contoso.onmicrosoft.com/b2c_1_susi/discovery/v2.0/keys`;
    expect(b2cAuthority(settings, 'B2C_1_susi', first).ownsKeysUrl(keys(first), '')).toBe(true);
    expect(b2cAuthority(settings, 'B2C_1_susi', first).ownsKeysUrl(keys(second), '')).toBe(false);
    expect(b2cAuthority(settings, 'B2C_1_susi', second).ownsKeysUrl(keys(second), '')).toBe(true);
  });
});
