import { describe, expect, it } from 'vitest';
import type { IdentityOptions, ResourceMetadataOptions } from '../../../src/core/configuration/options.js';
import { createIdentity } from '../../../src/core/identity.js';
import { fullScopeNames, wellKnownPath } from '../../../src/core/issuers/resource-metadata.js';

const tenantId = '11111111-2222-4333-8444-555555555555';
const clientId = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
const b2cClientId = '99999999-2222-4333-8444-555555555555';
const entra = { tenantId, clientId };
const b2c = { domainName: 'contoso', policies: ['B2C_1_susi', 'B2C_1A_signin'], clientId: b2cClientId };

function publish(options: IdentityOptions, metadata: Partial<ResourceMetadataOptions> = {}) {
  const resourceMetadata = { resource: 'https://api.example', ...metadata };
  const published = createIdentity({ ...options, resourceMetadata }).publishedResource;
  return published ?? expect.fail('nothing is published');
}

describe('the metadata of a resource', () => {
  it('names the resource, its issuer and how tokens are sent, and no more', () => {
    expect(publish(entra).document).toStrictEqual({
      resource: 'https://api.example',
      authorization_servers: [`https://login.microsoftonline.com/${tenantId}/v2.0`],
      bearer_methods_supported: ['header'],
    });
  });

  it('names its scopes, itself and its documentation where they are given', () => {
    const metadata = { scopes: ['reports.read'], name: 'Reports', documentation: 'https://docs.example/reports' };
    expect(publish(entra, metadata).document).toStrictEqual({
      resource: 'https://api.example',
      authorization_servers: [`https://login.microsoftonline.com/${tenantId}/v2.0`],
      bearer_methods_supported: ['header'],
      scopes_supported: [`api://${clientId}/reports.read`],
      resource_name: 'Reports',
      resource_documentation: 'https://docs.example/reports',
    });
  });

  it('names the resource exactly as it was configured, by which clients compare it', () => {
    for (const resource of ['https://api.example', 'https://api.example/', 'https://api.example/v1/reports']) {
      expect(publish(entra, { resource }).document.resource).toBe(resource);
    }
  });

  it('is frozen, and a copy', () => {
    const scopes = ['reports.read'];
    const { document } = publish(entra, { scopes });
    scopes.push('later');
    expect(document.scopes_supported).toEqual([`api://${clientId}/reports.read`]);
    const lists = [document.authorization_servers, document.bearer_methods_supported, document.scopes_supported];
    for (const part of [document, ...lists]) expect(Object.isFrozen(part)).toBe(true);
  });
});

describe('the full names of scopes', () => {
  const uri = 'https://api.example/mcp';
  const listed = { scopes: [`${uri}/read`, 'write'] };

  it('are those that the metadata lists, and else those of the default Application ID URI', () => {
    const { fullNames } = publish(entra, listed);
    expect(fullNames(['read', 'write', 'other'], 'entra')).toEqual([
      `${uri}/read`,
      `api://${clientId}/write`,
      `api://${clientId}/other`,
    ]);
    // No other scope whose name ends in the same way.
    expect(fullNames(['ad'], 'entra')).toEqual([`api://${clientId}/ad`]);
    expect(publish(entra).fullNames(['read'], 'any')).toEqual([`api://${clientId}/read`]);
  });

  it('are those of the authority that a route accepts', () => {
    const { fullNames } = publish({ ...entra, b2c }, listed);
    const ofB2c = `https://contoso.onmicrosoft.com/${b2cClientId}/write`;
    expect(fullNames(['write'], 'entra')).toEqual([`api://${clientId}/write`]);
    expect(fullNames(['write'], 'b2c')).toEqual([ofB2c]);
    expect(fullNames(['write'], 'any')).toEqual([`api://${clientId}/write`, ofB2c]);
  });
});

describe('authorization_servers', () => {
  it.each<[string, IdentityOptions, readonly string[]]>([
    [
      'many tenants',
      { tenantId: 'organizations', clientId, allowedTenants: '*' },
      ['https://login.microsoftonline.com/organizations/v2.0'],
    ],
    [
      'another cloud',
      { ...entra, instance: 'https://login.microsoftonline.us' },
      [`https://login.microsoftonline.us/${tenantId}/v2.0`],
    ],
    [
      'External ID',
      { clientId, instance: 'https://contoso.ciamlogin.com' },
      ['https://contoso.ciamlogin.com/contoso.onmicrosoft.com/v2.0'],
    ],
    [
      'External ID by its path',
      { clientId, instance: `https://contoso.ciamlogin.com/${tenantId}` },
      [`https://contoso.ciamlogin.com/${tenantId}/v2.0`],
    ],
    [
      'B2C, each of its policies',
      { b2c },
      [
        'https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_susi/v2.0',
        'https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1A_signin/v2.0',
      ],
    ],
    [
      'B2C on two hosts, by the custom domain',
      {
        b2c: {
          ...b2c,
          policies: 'B2C_1_susi',
          customDomain: 'login.contoso.com',
          instance: 'https://contoso.b2clogin.com',
        },
      },
      ['https://login.contoso.com/contoso.onmicrosoft.com/B2C_1_susi/v2.0'],
    ],
    [
      'both',
      { ...entra, b2c: { ...b2c, policies: 'B2C_1_susi' } },
      [
        `https://login.microsoftonline.com/${tenantId}/v2.0`,
        'https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_susi/v2.0',
      ],
    ],
  ])('are those of %s', (_, options, servers) => {
    const { authorization_servers: named } = publish(options).document;
    expect(named).toEqual(servers);
    // A client finds the OpenID configuration by adding the well-known path.
    for (const server of named) expect(server).not.toMatch(/\/$|\.well-known/);
  });
});

describe('scopes_supported', () => {
  it.each<[string, IdentityOptions, readonly string[]]>([
    ['Entra ID', entra, [`api://${clientId}/a`, `api://${clientId}/b`]],
    [
      'B2C',
      { b2c },
      [`https://contoso.onmicrosoft.com/${b2cClientId}/a`, `https://contoso.onmicrosoft.com/${b2cClientId}/b`],
    ],
    [
      'both',
      { ...entra, b2c },
      [
        `api://${clientId}/a`,
        `https://contoso.onmicrosoft.com/${b2cClientId}/a`,
        `api://${clientId}/b`,
        `https://contoso.onmicrosoft.com/${b2cClientId}/b`,
      ],
    ],
  ])('are written as clients of %s ask for them', (_, options, scopes) => {
    expect(publish(options, { scopes: ['a', 'b'] }).document.scopes_supported).toEqual(scopes);
  });

  it('leave a full name as it is', () => {
    const scopes = ['api://reports/a', 'b'];
    expect(publish(entra, { scopes }).document.scopes_supported).toEqual(['api://reports/a', `api://${clientId}/b`]);
  });

  it('are none where nothing is configured', () => {
    expect(fullScopeNames(['a'], undefined, undefined)).toEqual([]);
  });
});

describe('the place of the metadata', () => {
  const wellKnown = '/.well-known/oauth-protected-resource';

  it.each([
    ['https://api.example', wellKnown],
    ['https://api.example/', wellKnown],
    ['https://api.example/reports', `${wellKnown}/reports`],
    ['https://api.example/v1/reports', `${wellKnown}/v1/reports`],
    ['https://api.example:8443/reports', `${wellKnown}/reports`],
    ['https://api.example/a%20b', `${wellKnown}/a%20b`],
  ])('of %s is %s on its host', (resource, path) => {
    expect(wellKnownPath({ resource })).toBe(path);
    expect(publish(entra, { resource }).url).toBe(`${new URL(resource).origin}${path}`);
  });

  it('is on loopback over http, where the API is', () => {
    expect(publish(entra, { resource: 'http://localhost:3000/reports' }).url).toBe(
      `http://localhost:3000${wellKnown}/reports`,
    );
  });
});
