import { describe, expect, it } from 'vitest';
import { optionsFromEnvironment } from '../../../src/core/configuration/environment.js';
import { clientId, entra, otherId, parse, refusalOf, takesApplication, tenantId } from './given-options.js';

describe('optionsFromEnvironment', () => {
  const fromEnvironment = (environment: Record<string, string>) => parse(optionsFromEnvironment(environment));
  const azureAd = { AzureAd__TenantId: tenantId, AzureAd__ClientId: clientId };
  const azureAdB2c = {
    AzureAdB2C__Domain: 'contoso.onmicrosoft.com',
    AzureAdB2C__TenantId: tenantId,
    AzureAdB2C__ClientId: clientId,
    AzureAdB2C__Policies: 'B2C_1_susi',
  };

  it('reads Entra ID', () => {
    expect(fromEnvironment(azureAd)).toMatchObject({ entra: { tenantId, audiences: [clientId, `api://${clientId}`] } });
    expect(
      fromEnvironment({
        ...azureAd,
        AzureAd__Instance: 'https://login.microsoftonline.us/',
        AzureAd__Audience: 'https://api.example',
      }).entra,
    ).toMatchObject({
      instance: 'https://login.microsoftonline.us',
      audiences: [clientId, `api://${clientId}`, 'https://api.example'],
    });
  });

  it.each(['contoso', 'contoso.onmicrosoft.com'])('reads B2C with the domain %s', (domain) => {
    const settings = fromEnvironment({ ...azureAdB2c, AzureAdB2C__Domain: domain });
    expect(settings).toMatchObject({
      entra: undefined,
      b2c: { domainName: 'contoso', tenantId, policies: ['B2C_1_susi'] },
    });
  });

  it('reads both', () => {
    const settings = fromEnvironment({ ...azureAd, ...azureAdB2c, AzureAdB2C__TenantId: otherId });
    expect(settings).toMatchObject({ entra: { tenantId }, b2c: { tenantId: otherId } });
  });

  it('splits the policies at commas', () => {
    const policies = 'B2C_1_susi, B2C_1_edit,B2C_1A_signin';
    expect(fromEnvironment({ ...azureAdB2c, AzureAdB2C__Policies: policies }).b2c?.policies).toEqual([
      'B2C_1_susi',
      'B2C_1_edit',
      'B2C_1A_signin',
    ]);
  });

  it.each([',', 'B2C_1_susi,', 'B2C_1_susi,,B2C_1_edit'])(
    'refuses the policies %s, because one is blank',
    (policies) => {
      expect(() => fromEnvironment({ ...azureAdB2c, AzureAdB2C__Policies: policies })).toThrow(/b2c\.policies/);
    },
  );

  it('reads the sign-up or sign-in policy if there is no list', () => {
    const environment = { ...azureAdB2c, AzureAdB2C__Policies: '', AzureAdB2C__SignUpSignInPolicyId: 'B2C_1_first' };
    expect(fromEnvironment(environment).b2c?.policies).toEqual(['B2C_1_first']);
    expect(fromEnvironment({ ...environment, AzureAdB2C__Policies: ' ' }).b2c?.policies).toEqual(['B2C_1_first']);
    expect(fromEnvironment({ ...environment, AzureAdB2C__Policies: 'B2C_1_list' }).b2c?.policies).toEqual([
      'B2C_1_list',
    ]);
  });

  it('treats blank values as missing, and trims the others', () => {
    const blank = { AzureAd__Instance: '', AzureAd__Audience: ' ', AzureAdB2C__Domain: '', AzureAdB2C__ClientId: '\t' };
    const settings = fromEnvironment({
      AzureAd__TenantId: ` ${tenantId} `,
      AzureAd__ClientId: `${clientId}\n`,
      ...blank,
    });
    expect(settings.entra).toEqual(parse(entra).entra);
    expect(settings.b2c).toBeUndefined();
  });

  it.each<[string, keyof typeof azureAdB2c, RegExp]>([
    ['a domain', 'AzureAdB2C__Domain', /^initialize: b2c\.domainName: got undefined; /],
    ['a policy', 'AzureAdB2C__Policies', /^initialize: b2c\.policies: got undefined; /],
    ['a client', 'AzureAdB2C__ClientId', /^initialize: b2c\.clientId: got undefined/],
  ])('refuses half a B2C configuration: one without %s', (_, name, message) => {
    const half = Object.fromEntries(Object.entries(azureAdB2c).filter(([key]) => key !== name));
    expect(refusalOf(optionsFromEnvironment(half))).toMatch(message);
  });

  it.each<[keyof typeof azureAd, RegExp]>([
    ['AzureAd__TenantId', /^initialize: tenantId: got undefined; /],
    ['AzureAd__ClientId', /^initialize: clientId: got undefined; /],
  ])('refuses half an Entra ID configuration: one without %s', (name, message) => {
    const half = Object.fromEntries(Object.entries(azureAd).filter(([key]) => key !== name));
    expect(refusalOf(optionsFromEnvironment(half))).toMatch(message);
  });

  it.each<[string, Record<string, string>]>([
    ['workload identity', { AZURE_TENANT_ID: tenantId, AZURE_CLIENT_ID: clientId }],
    ['another case', { AZUREAD__TENANTID: tenantId, AZUREAD__CLIENTID: clientId }],
    ['another separator', { 'AzureAd:TenantId': tenantId, 'AzureAd:ClientId': clientId }],
    ['nobody', {}],
  ])('ignores the names of %s', (_, environment) => {
    expect(refusalOf(optionsFromEnvironment(environment))).toMatch(/tenantId and clientId .*b2c/);
  });

  it('names a wrong value without showing it', () => {
    expect(refusalOf(optionsFromEnvironment({ ...azureAd, AzureAd__ClientId: 's3cr3t' }))).toBe(
      `initialize: clientId: got a string of 6 characters; ${takesApplication}.`,
    );
  });
});
