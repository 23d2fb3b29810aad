import { describe, expect, it } from 'vitest';
import {
  fillTenant,
  isExternalId,
  matchIssuer,
  tenantOfIssuer,
  tokenVersionOf,
} from '../../../src/core/issuers/issuer.js';
import { ofPolicy } from '../../../src/core/token/b2c-policy.js';

const tenantId = '11111111-2222-4333-8444-555555555555';

describe('tokenVersionOf', () => {
  it.each<[unknown, string]>([
    [`https://login.microsoftonline.com/${tenantId}/v2.0`, 'v2'],
    [`https://login.microsoftonline.com/${tenantId}/v2.0/`, 'v2'],
    [`https://sts.windows.net/${tenantId}/`, 'v1'],
    [`https://login.microsoftonline.us/${tenantId}/`, 'v1'],
    ['', 'v2'],
    [tenantId, 'v2'],
    ['https://stranger.example/', 'v2'],
    [`https://sts.windows.net/${tenantId}`, 'v2'],
    [`https://sts.windows.net/${tenantId}?`, 'v2'],
    [`https://sts.windows.net/${tenantId}/v1.1/`, 'v2'],
    [undefined, 'v2'],
    [2, 'v2'],
  ])('reads %j as %s', (issuer, version) => {
    expect(tokenVersionOf(issuer)).toBe(version);
  });
});

describe('matchIssuer with a template', () => {
  it.each([
    ['another host of the same length', `https://login.microsoftonline.con/${tenantId}/v2.0`],
    ['another scheme of the same length', `httpx://login.microsoftonline.com/${tenantId}/v2.0`],
    ['another version of the same length', `https://login.microsoftonline.com/${tenantId}/v3.0`],
  ])('refuses %s', (_, issuer) => {
    expect(matchIssuer(issuer, 'https://login.microsoftonline.com/{tenantid}/v2.0')).toBe(false);
  });
});

describe('matchIssuer', () => {
  const template = 'https://login.microsoftonline.com/{tenantid}/v2.0';
  const v1Template = 'https://sts.windows.net/{tenantid}/';

  it('compares an issuer that is no template exactly', () => {
    const issuer = `https://login.microsoftonline.com/${tenantId}/v2.0`;
    expect(matchIssuer(issuer, issuer)).toBe(true);
    for (const other of [`${issuer}/`, issuer.toUpperCase(), issuer.replace('https', 'http'), '', ` ${issuer}`]) {
      expect(matchIssuer(other, issuer)).toBe(false);
    }
  });

  it.each([
    [`https://login.microsoftonline.com/${tenantId}/v2.0`, template],
    [`https://sts.windows.net/${tenantId}/`, v1Template],
  ])('reads the tenant of %s from its place in the template', (issuer, published) => {
    expect(matchIssuer(issuer, published)).toEqual({ tenant: tenantId });
  });

  it.each([
    ['another host', `https://login.example/${tenantId}/v2.0`, template],
    ['another version', `https://login.microsoftonline.com/${tenantId}/`, template],
    ['a slash too many', `https://login.microsoftonline.com/${tenantId}/v2.0/`, template],
    ['a slash too few', `https://sts.windows.net/${tenantId}`, v1Template],
    ['a tenant that is no GUID', 'https://login.microsoftonline.com/contoso/v2.0', template],
    ['a tenant in upper case', `https://login.microsoftonline.com/ABCDEFAB${tenantId.slice(8)}/v2.0`, template],
    ['two tenants', `https://login.microsoftonline.com/${tenantId}/${tenantId}/v2.0`, template],
    ['no tenant', 'https://login.microsoftonline.com//v2.0', template],
    ['one slash that is prefix and suffix at once', 'https://sts.windows.net/', v1Template],
    ['the template itself', template, template],
  ])('refuses %s', (_, issuer, published) => {
    expect(matchIssuer(issuer, published)).toBe(false);
  });
});

describe('fillTenant', () => {
  it('fills in every placeholder with the tenant as it is written', () => {
    expect(fillTenant('https://sts.windows.net/{tenantid}/', '$&')).toBe('https://sts.windows.net/$&/');
    expect(fillTenant('https://sts.windows.net/', tenantId)).toBe('https://sts.windows.net/');
    expect(fillTenant('https://{tenantid}.ciamlogin.com/{tenantid}/v2.0', tenantId)).toBe(
      `https://${tenantId}.ciamlogin.com/${tenantId}/v2.0`,
    );
  });
});

describe('tenantOfIssuer', () => {
  it.each([
    [`https://login.microsoftonline.com/${tenantId}/v2.0`, tenantId],
    [`https://sts.windows.net/${tenantId}/`, tenantId],
    [`https://contoso.b2clogin.com/tfp/${tenantId}/b2c_1_susi/v2.0/`, tenantId],
    ['https://sts.windows.net/{tenantid}/', '{tenantid}'],
    [`https://${tenantId}.ciamlogin.com/v2.0`, undefined],
    ['https://login.microsoftonline.com/contoso.onmicrosoft.com/v2.0', undefined],
    [tenantId, undefined],
  ])('reads %s as %s', (issuer, tenant) => {
    expect(tenantOfIssuer(issuer)).toBe(tenant);
  });
});

describe('isExternalId', () => {
  it.each([
    [`https://${tenantId}.ciamlogin.com/${tenantId}/v2.0`, true],
    [`https://ciamlogin.com/${tenantId}/v2.0`, false],
    [`https://evilciamlogin.com/${tenantId}/v2.0`, false],
    [`https://contoso.ciamlogin.com.example/${tenantId}/v2.0`, false],
    [`https://login.microsoftonline.com/${tenantId}/v2.0?contoso.ciamlogin.com`, false],
    ['contoso.ciamlogin.com', false],
  ])('returns for %s: %s', (issuer, expected) => {
    expect(isExternalId(issuer)).toBe(expected);
  });
});

describe('ofPolicy', () => {
  const policies = new Map(['B2C_1_susi', 'B2C_1A_signin'].map((policy) => [policy.toLowerCase(), policy]));
  const tfpIssuer = (policy: string) => `https://contoso.b2clogin.com/tfp/${tenantId}/${policy}/v2.0/`;

  it.each([
    ['in tfp', { tfp: 'B2C_1_susi' }, 'B2C_1_susi'],
    ['in tfp, in another case', { tfp: 'b2c_1_SUSI' }, 'B2C_1_susi'],
    ['in acr', { acr: 'b2c_1a_signin' }, 'B2C_1A_signin'],
    ['in the issuer', { iss: tfpIssuer('b2c_1a_signin') }, 'B2C_1A_signin'],
    ['in tfp, whatever acr says', { tfp: 'B2C_1_susi', acr: 'B2C_1A_signin' }, 'B2C_1_susi'],
    ['in tfp, whatever the issuer says', { tfp: 'B2C_1_susi', iss: tfpIssuer('b2c_1a_signin') }, 'B2C_1_susi'],
  ])('finds the policy %s', (_, claims, policy) => {
    expect(ofPolicy(claims, policies)).toBe(policy);
  });

  it.each<[string, object]>([
    ['none', {}],
    ['none, in an issuer without policy', { iss: `https://contoso.b2clogin.com/${tenantId}/v2.0/` }],
    ['one that is not configured', { tfp: 'B2C_1_edit' }],
    ['one that is not configured, beside one that is', { tfp: 'B2C_1_edit', acr: 'B2C_1_susi' }],
    [
      'one that is not configured, above an issuer with one that is',
      { tfp: 'B2C_1_edit', iss: tfpIssuer('b2c_1_susi') },
    ],
    ['an empty one', { tfp: '' }],
    ['an empty one, beside one that is configured', { tfp: '', acr: 'B2C_1_susi' }],
    ['a part of one', { tfp: 'B2C_1' }],
    ['one and a space', { tfp: 'B2C_1_susi ' }],
    ['a list', { tfp: ['B2C_1_susi'] }],
    ['a number', { tfp: 1 }],
    ['the authentication context class of Entra v1.0', { acr: '1' }],
    ['one in an issuer, out of place', { iss: `https://contoso.b2clogin.com/${tenantId}/tfp/b2c_1_susi/v2.0/` }],
    ['one in an issuer without tfp', { iss: `https://contoso.b2clogin.com/x/${tenantId}/b2c_1_susi/v2.0/` }],
    ['an issuer that is no URL', { iss: 'tfp/tenant/b2c_1_susi' }],
    ['an issuer that is no text', { iss: 1 }],
  ])('finds no policy in a token that names %s', (_, claims) => {
    expect(ofPolicy(claims, policies)).toBeUndefined();
  });
});
