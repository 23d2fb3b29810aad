import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../src/core/configuration/parse-settings.js';
import type { IdentityOptions } from '../../src/core/configuration/options.js';
import { ConfigurationError, MissingTokenError } from '../../src/core/errors.js';
import { Cloud } from '../../src/core/microsoft-hosts.js';
import {
  applicationScope,
  applicationTenant,
  authorityOf,
  tokenEndpoint,
  userTenant,
} from '../../src/downstream/authority.js';

const tenantId = 'aaaaaaaa-0000-4000-8000-000000000001';
const other = 'bbbbbbbb-0000-4000-8000-000000000002';
const clientId = 'aaaaaaaa-0000-4000-8000-000000000003';

function entraOf(options: IdentityOptions = {}) {
  const { entra } = parseSettings({ tenantId, clientId, ...options });
  if (entra === undefined) throw new Error('Entra is configured in every case.');
  return entra;
}

const tokenOf = (tid?: string) => ({ kind: 'entra' as const, claims: { tid } });
const b2cToken = { kind: 'b2c' as const, claims: { tid: other } };
const multiTenant = { tenantId: 'organizations', allowedTenants: '*' } as const;

describe('userTenant', () => {
  it.each<[string, IdentityOptions, string | undefined, string]>([
    ['a single tenant', {}, tenantId, `https://login.microsoftonline.com/${tenantId}`],
    ['a token without a tenant', {}, undefined, `https://login.microsoftonline.com/${tenantId}`],
    ['a domain as the tenant', { tenantId: 'contoso.com' }, tenantId, `https://login.microsoftonline.com/${tenantId}`],
    ['a domain, and no tid', { tenantId: 'contoso.com' }, undefined, 'https://login.microsoftonline.com/contoso.com'],
    ['organizations', multiTenant, other, `https://login.microsoftonline.com/${other}`],
    ['common', { ...multiTenant, tenantId: 'common' }, other, `https://login.microsoftonline.com/${other}`],
    ['consumers', { tenantId: 'consumers' }, other, `https://login.microsoftonline.com/${other}`],
    ['the US Government', { instance: Cloud.UsGovernment }, tenantId, `https://login.microsoftonline.us/${tenantId}`],
    ['China', { instance: Cloud.China }, tenantId, `https://login.partner.microsoftonline.cn/${tenantId}`],
    [
      'External ID',
      { instance: 'https://contoso.ciamlogin.com' },
      tenantId,
      `https://contoso.ciamlogin.com/${tenantId}`,
    ],
    [
      'External ID with its tenant in the path',
      { instance: 'https://contoso.ciamlogin.com/contoso.onmicrosoft.com' },
      tenantId,
      `https://contoso.ciamlogin.com/${tenantId}`,
    ],
    ['a custom domain', { instance: 'https://login.contoso.com' }, tenantId, `https://login.contoso.com/${tenantId}`],
    ['loopback', { instance: 'http://127.0.0.1:8080' }, tenantId, `http://127.0.0.1:8080/${tenantId}`],
  ])('is the tenant of the verified token: %s', (_, options, tid, authority) => {
    const entra = entraOf(options);
    expect(authorityOf(entra.instance, userTenant(entra, tokenOf(tid)))).toBe(authority);
  });

  it('names the tenant of the request', () => {
    expect(userTenant(entraOf(multiTenant), tokenOf(other))).toBe(other);
  });

  it('refuses a B2C token, also where Entra is configured beside B2C', () => {
    const expected = 'Azure AD B2C has no on-behalf-of flow.';
    expect(() => userTenant(entraOf(), b2cToken)).toThrow(expected);
    expect(() => userTenant(undefined, tokenOf(tenantId))).toThrow(expected);
    expect(() => userTenant(entraOf(), b2cToken)).toThrow(ConfigurationError);
  });

  it('refuses a token without a tenant where tenantId names many', () => {
    expect(() => userTenant(entraOf(multiTenant), tokenOf())).toThrow(
      "onBehalfOf needs one tenant: the token of the caller has no tid, and tenantId is 'organizations'.",
    );
  });
});

describe('applicationTenant', () => {
  const of = (options: IdentityOptions, tenant?: string, caller?: ReturnType<typeof tokenOf> | typeof b2cToken) =>
    applicationTenant(entraOf(options), { api: 'inventory', tenantId: tenant, caller });

  it('is the configured tenant, whoever calls', () => {
    expect(of({})).toBe(tenantId);
    expect(of({}, undefined, tokenOf(other))).toBe(tenantId);
    expect(of({}, undefined, b2cToken)).toBe(tenantId);
    expect(of({ tenantId: 'contoso.com' })).toBe('contoso.com');
    expect(of({ instance: 'https://contoso.ciamlogin.com' })).toBe(tenantId);
  });

  it.each(['organizations', 'common', 'consumers'])('needs a tenant where tenantId is %s', (many) => {
    const options = { tenantId: many, ...(many !== 'consumers' && { allowedTenants: '*' as const }) };
    expect(() => of(options, undefined, tokenOf(other))).toThrow(
      `asApplication('inventory') needs a tenant, because tenantId is '${many}'. Set downstream.apis.inventory.tenantId`,
    );
    expect(of(options, other)).toBe(other);
    expect(of(options, 'caller', tokenOf(other))).toBe(other);
  });

  it('refuses the tenant of a caller that is not there, or has a B2C token', () => {
    expect(() => of(multiTenant, 'caller')).toThrow(MissingTokenError);
    expect(() => of(multiTenant, 'caller', b2cToken)).toThrow('this one has a B2C token');
  });
});

it('asks for what the application has been granted', () => {
  expect(applicationScope('https://graph.microsoft.com')).toBe('https://graph.microsoft.com/.default');
});

it('builds the token endpoint from the authority', () => {
  expect(tokenEndpoint('https://login.contoso.com/t')).toBe('https://login.contoso.com/t/oauth2/v2.0/token');
});
