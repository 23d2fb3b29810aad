import { describe, expect, it } from 'vitest';
import { readEnvironment, remarkOnNames } from '../../../src/core/configuration/environment.js';
import { ConfigurationError } from '../../../src/core/errors.js';
import { clientId, entra, otherId, parse, refusalOf, takesApplication, tenantId } from './given-options.js';

/** The message that an environment is refused with. */
function refusalIn(environment: Record<string, string>): string {
  try {
    readEnvironment(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as Error).message;
  }
  return expect.fail('the environment was taken');
}

describe('readEnvironment', () => {
  const fromEnvironment = (environment: Record<string, string>) => parse(readEnvironment(environment));
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
    expect(refusalOf(readEnvironment(half))).toMatch(message);
  });

  it.each<[keyof typeof azureAd, RegExp]>([
    ['AzureAd__TenantId', /^initialize: tenantId: got undefined; /],
    ['AzureAd__ClientId', /^initialize: clientId: got undefined; /],
  ])('refuses half an Entra ID configuration: one without %s', (name, message) => {
    const half = Object.fromEntries(Object.entries(azureAd).filter(([key]) => key !== name));
    expect(refusalOf(readEnvironment(half))).toMatch(message);
  });

  it.each<[string, Record<string, string>]>([
    ['workload identity', { AZURE_TENANT_ID: tenantId, AZURE_CLIENT_ID: clientId }],
    ['another separator', { AzureAd_TenantId: tenantId, 'AzureAd.ClientId': clientId }],
    ['another section', { MyAzureAd__TenantId: tenantId, AzureAdB2E__ClientId: clientId }],
    ['nobody', {}],
  ])('ignores the names of %s', (_, environment) => {
    expect(refusalOf(readEnvironment(environment))).toMatch(/tenantId and clientId .*b2c/);
  });

  it.each<[string, Record<string, string>]>([
    ['in capital letters', { AZUREAD__TENANTID: tenantId, AZUREAD__CLIENTID: clientId }],
    ['in small letters', { azuread__tenantid: tenantId, azuread__clientid: clientId }],
    ['with a colon', { 'AzureAd:TenantId': tenantId, 'AzureAd:ClientId': clientId }],
    ['twice, with one value', { ...azureAd, AZUREAD__TENANTID: ` ${tenantId}` }],
  ])('reads names %s', (_, environment) => {
    expect(fromEnvironment(environment).entra).toEqual(parse(entra).entra);
  });

  it('names a wrong value without showing it', () => {
    expect(refusalOf(readEnvironment({ ...azureAd, AzureAd__ClientId: 's3cr3t' }))).toBe(
      `initialize: clientId: got a string of 6 characters; ${takesApplication}.`,
    );
  });

  const authority = `https://login.microsoftonline.us/${tenantId}/v2.0`;
  const b2cAuthority = 'https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_susi/v2.0';
  const inUsGovernment = { tenantId, instance: 'https://login.microsoftonline.us' };
  const susi = { domainName: 'contoso', policies: ['B2C_1_susi'], instances: ['https://contoso.b2clogin.com'] };

  it.each<[string, string, Record<string, string>, object]>([
    ['with its version', authority, {}, inUsGovernment],
    ['without a version', `https://login.microsoftonline.us/${tenantId}`, {}, inUsGovernment],
    ['with a slash at its end', `https://login.microsoftonline.us/${tenantId}/v2.0/`, {}, inUsGovernment],
    [
      'beside an instance and a tenant that agree',
      authority,
      { AzureAd__Instance: 'https://login.microsoftonline.us/', AzureAd__TenantId: tenantId.toUpperCase() },
      inUsGovernment,
    ],
    [
      'beside the id of a tenant that it names by its domain',
      'https://login.microsoftonline.us/contoso.com/v2.0',
      { AzureAd__TenantId: tenantId },
      inUsGovernment,
    ],
    [
      'of External ID without a tenant',
      'https://contoso.ciamlogin.com/',
      {},
      { tenantId: 'contoso.onmicrosoft.com', instance: 'https://contoso.ciamlogin.com' },
    ],
    [
      'of External ID with a tenant',
      `https://contoso.ciamlogin.com/${tenantId}/v2.0`,
      {},
      { tenantId, instance: 'https://contoso.ciamlogin.com' },
    ],
  ])('splits an authority %s into instance and tenant', (_, url, others, settings) => {
    const environment = { AzureAd__ClientId: clientId, AzureAd__Authority: url, ...others };
    expect(fromEnvironment(environment).entra).toMatchObject(settings);
  });

  it.each<[string, Record<string, string>, object]>([
    ['', { AzureAdB2C__Authority: b2cAuthority }, susi],
    [
      ' with the segment tfp',
      { AzureAdB2C__Authority: 'https://contoso.b2clogin.com/tfp/contoso.onmicrosoft.com/B2C_1_susi/' },
      susi,
    ],
    [
      ' that names its tenant by its id',
      {
        AzureAdB2C__Authority: `https://contoso.b2clogin.com/${tenantId}/B2C_1_susi/v2.0`,
        AzureAdB2C__TenantName: 'contoso',
      },
      { ...susi, tenantId },
    ],
    [
      ' in China',
      { AzureAdB2C__Authority: 'https://contoso.b2clogin.cn/contoso.partner.onmschina.cn/B2C_1_susi/v2.0' },
      { ...susi, domain: 'contoso.partner.onmschina.cn', instances: ['https://contoso.b2clogin.cn'] },
    ],
    [
      ' without a policy',
      {
        AzureAdB2C__Authority: 'https://contoso.b2clogin.com/contoso.onmicrosoft.com',
        AzureAdB2C__SignUpSignInPolicyId: 'B2C_1_susi',
      },
      susi,
    ],
    [
      ' beside variables that agree',
      {
        AzureAdB2C__Authority: b2cAuthority,
        AzureAdB2C__Domain: 'contoso',
        AzureAdB2C__TenantName: 'contoso.onmicrosoft.com',
        AzureAdB2C__Instance: 'https://contoso.b2clogin.com/tfp/',
        AzureAdB2C__Policies: 'B2C_1A_other,b2c_1_SUSI',
      },
      { ...susi, policies: ['B2C_1A_other', 'b2c_1_SUSI'] },
    ],
  ])('splits an authority of B2C%s', (_, environment, settings) => {
    expect(fromEnvironment({ AzureAdB2C__ClientId: clientId, ...environment }).b2c).toMatchObject(settings);
  });

  it.each([
    'login.microsoftonline.com',
    'https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_susi/v2.0',
    `${authority}?appid=${clientId}`,
    `https://user:secret@login.microsoftonline.com/${tenantId}`,
    `https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/token`,
    'ftp://login.microsoftonline.com/common',
  ])('refuses the authority %s', (url) => {
    expect(refusalIn({ ...azureAd, AzureAd__Authority: url })).toMatch(
      /^AzureAd__Authority: got .*; it takes a URL such as https:\/\/login\.microsoftonline\.com\/<tenant id>\/v2\.0\.$/,
    );
  });

  it.each<[string, Record<string, string>]>([
    ['AzureAd__TenantId and AzureAd__Authority', { AzureAd__TenantId: otherId, AzureAd__Authority: authority }],
    ['AzureAd__TenantId and AzureAd__Authority', { AzureAd__TenantId: 'organizations', AzureAd__Authority: authority }],
    [
      'AzureAd__Instance and AzureAd__Authority',
      { AzureAd__Instance: 'https://login.microsoftonline.com/', AzureAd__Authority: authority },
    ],
    [
      'AzureAdB2C__Instance and AzureAdB2C__Authority',
      { AzureAdB2C__Instance: 'https://login.contoso.com', AzureAdB2C__Authority: b2cAuthority },
    ],
    [
      'AzureAdB2C__Authority and AzureAdB2C__Domain',
      { AzureAdB2C__Domain: 'contoso.onmicrosoft.us', AzureAdB2C__Authority: b2cAuthority },
    ],
    [
      'AzureAdB2C__Authority and AzureAdB2C__Domain',
      { AzureAdB2C__Domain: 'fabrikam', AzureAdB2C__Authority: b2cAuthority },
    ],
    [
      'AzureAdB2C__Domain and AzureAdB2C__TenantName',
      { AzureAdB2C__Domain: 'fabrikam.onmicrosoft.com', AzureAdB2C__TenantName: 'contoso' },
    ],
  ])('refuses %s that do not agree', (names, environment) => {
    expect(refusalIn(environment)).toBe(`${names} do not agree. Set one of them.`);
  });

  it('refuses an authority of B2C whose policy is not listed', () => {
    expect(refusalIn({ AzureAdB2C__Authority: b2cAuthority, AzureAdB2C__SignUpSignInPolicyId: 'B2C_1_other' })).toBe(
      'AzureAdB2C__Authority has a policy that the other variables do not name. Add it to AzureAdB2C__Policies.',
    );
  });

  it.each<[string, Record<string, string>]>([
    ['by commas', { AzureAd__Audience: 'https://a.example, https://b.example' }],
    ['by numbers', { AzureAd__Audiences__1: 'https://b.example', AzureAd__Audiences__0: 'https://a.example' }],
    ['by two names', { AzureAd__Audience: 'https://a.example', AzureAd__Audiences__0: 'https://b.example' }],
    [
      'as the parameters of the handler of .NET name them',
      {
        AzureAd__TokenValidationParameters__ValidAudience: 'https://a.example',
        AzureAd__TokenValidationParameters__ValidAudiences__0: 'https://b.example',
      },
    ],
  ])('lists audiences %s', (_, environment) => {
    const audiences = [clientId, `api://${clientId}`, 'https://a.example', 'https://b.example'];
    expect(fromEnvironment({ ...azureAd, ...environment }).entra?.audiences).toEqual(audiences);
    const ofB2c = Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name.replace('AzureAd', 'AzureAdB2C'), value]),
    );
    expect(fromEnvironment({ ...azureAdB2c, ...ofB2c }).b2c?.audiences).toEqual(audiences);
  });

  it('lists by numbers in the order of the numbers', () => {
    const policies = {
      AzureAdB2C__Policies: '',
      AzureAdB2C__Policies__10: 'B2C_1_b',
      AzureAdB2C__Policies__9: 'B2C_1_a',
    };
    expect(fromEnvironment({ ...azureAdB2c, ...policies }).b2c?.policies).toEqual(['B2C_1_a', 'B2C_1_b']);
  });

  it.each(['https://contoso.b2clogin.com/', 'https://contoso.b2clogin.com/tfp/', 'https://contoso.b2clogin.com'])(
    'reads the instance %s of B2C',
    (instance) => {
      const settings = fromEnvironment({ ...azureAdB2c, AzureAdB2C__Domain: 'x', AzureAdB2C__Instance: instance });
      expect(settings.b2c?.instances).toEqual(['https://contoso.b2clogin.com']);
    },
  );

  it('reads the clients and the tenants that may call', () => {
    expect(fromEnvironment({ ...azureAd, AzureAd__AllowedClients: otherId }).allowedClients).toEqual(
      new Set([otherId]),
    );
    expect(
      fromEnvironment({ ...azureAdB2c, AzureAdB2C__AllowedClients__0: clientId, AzureAd__AllowedClients: otherId })
        .allowedClients,
    ).toEqual(new Set([otherId, clientId]));
    const organizations = { ...azureAd, AzureAd__TenantId: 'organizations' };
    const allowedTenants = (value: string) =>
      fromEnvironment({ ...organizations, AzureAd__AllowedTenants: value }).entra?.allowedTenants;
    expect(allowedTenants(`${tenantId},${otherId}`)).toEqual(new Set([tenantId, otherId]));
    expect(allowedTenants('*')).toBe('*');
  });

  it('reads the daemons of B2C', () => {
    const read = (environment: Record<string, string>) =>
      fromEnvironment({ ...azureAdB2c, ...environment }).b2c?.daemonClients;
    const daemons = new Set([clientId, otherId]);
    expect(read({ AzureAdB2C__DaemonClients: `${clientId}, ${otherId}` })).toEqual(daemons);
    expect(read({ AzureAdB2C__DaemonClients__0: clientId, AzureAdB2C__DaemonClients__1: otherId })).toEqual(daemons);
    expect(read({})).toBeUndefined();
    expect(refusalOf(readEnvironment({ ...azureAdB2c, AzureAdB2C__DaemonClients: ' ' }))).toMatch(
      /^initialize: b2c\.daemonClients: got an empty list; /,
    );
    expect(() => fromEnvironment({ ...azureAd, AzureAd__DaemonClients: clientId })).toThrow(
      'It belongs to Azure AD B2C: write AzureAdB2C__DaemonClients.',
    );
  });

  it('refuses a blank list of clients, because a restriction was lost', () => {
    expect(refusalOf(readEnvironment({ ...azureAd, AzureAd__AllowedClients: ' ' }))).toMatch(
      /^initialize: allowedClients: got an empty list; /,
    );
  });

  it.each([
    'AzureAd__CallbackPath',
    'AzureAd__SignedOutCallbackPath',
    'AzureAd__Domain',
    'AzureAd__EnablePiiLogging',
    'AzureAd__ClientCapabilities__0',
    'AzureAd__ClientSecret',
    'AzureAd__ClientCertificates__0__SourceType',
    'AzureAd__ClientCredentials__0__SourceType',
    'AzureAd__ExtraQueryParameters__dc',
    'AZUREAD__SENDX5C',
    'AzureAdB2C__EditProfilePolicyId',
    'AzureAdB2C__ResetPasswordPolicyId',
    'AzureAdB2C__SignedOutCallbackPath',
    'AzureAdB2C__ClientSecret',
    'AzureAdB2C__CallbackPath',
  ])('passes over %s, which means nothing to an API', (name) => {
    expect(fromEnvironment({ ...azureAd, [name]: 'x' })).toMatchObject({ entra: { tenantId }, b2c: undefined });
  });

  it('passes over what is blank or switched off', () => {
    const environment = { ...azureAd, AzureAd__Scopes: '', AzureAd__AllowWebApiToBeAuthorizedByACL: 'False' };
    expect(fromEnvironment(environment).entra).toEqual(parse(entra).entra);
  });

  it.each([
    ['AzureAd__AllowedClientIds', ' The nearest name is AzureAd__AllowedClients.'],
    ['AZUREAD__ALLOWEDCLIENT', ' The nearest name is AzureAd__AllowedClients.'],
    ['AzureAd__TenatId', ' The nearest name is AzureAd__TenantId.'],
    ['AzureAd__TenantId__0', ' The nearest name is AzureAd__TenantId.'],
    ['AzureAd__Audiences__x', ' The nearest name is AzureAd__Audiences.'],
    ['AzureAd__CalbackPath', ' The nearest name is AzureAd__CallbackPath.'],
    ['AzureAd__Issuer', ''],
    ['AzureAd__TokenValidationParameters__ValidateIssuer', ''],
    ['AzureAd__constructor', ''],
    ['AzureAd____TenantId', ' The nearest name is AzureAd__TenantId.'],
    ['AzureAdB2C__Policy', ' The nearest name is AzureAdB2C__Policies.'],
    ['AzureAdB2C__ApiClientId', ' The nearest name is AzureAdB2C__ClientId.'],
    ['AzureAdB2C__UserFlow', ''],
  ])('refuses %s', (name, hint) => {
    expect(refusalIn({ ...azureAd, [name]: 'x' })).toBe(
      `${name} is not a name that is read, and it may be a restriction.${hint} Correct it, or remove it.`,
    );
  });

  it.each([
    ['AzureAd_AllowedClients', 'AzureAd__AllowedClients'],
    ['AZURE_AD_ALLOWED_CLIENTS', 'AzureAd__AllowedClients'],
    ['AzureAd_AllowedTenants__0', 'AzureAd__AllowedTenants'],
    ['AzureAdB2C_DaemonClients_0', 'AzureAdB2C__DaemonClients'],
  ])('refuses %s, which would not be read and restricts who may call', (name, meant) => {
    expect(refusalIn({ ...azureAd, [name]: 'm4rk3r' })).toBe(
      `${name} is not read, and it is a restriction: write ${meant}, or remove it.`,
    );
    expect(() => readEnvironment({ ...azureAd, [name]: ' ' })).not.toThrow();
  });

  it.each(['AZURE_AD_CLIENT_ID', 'AzureAd_TenantId', 'AZUREAD_POLICIES'])('leaves %s to others', (name) => {
    expect(readEnvironment({ ...azureAd, [name]: 'x' })).toEqual(readEnvironment(azureAd));
  });

  it.each([
    ['AzureAd__Scopes', 'Remove it, and write @ValidateScope() on the routes.'],
    ['AzureAdB2C__Scopes__0', 'Remove it, and write @ValidateScope() on the routes.'],
    [
      'AzureAd__AppPermissions',
      'Remove it, and write @RequiresRole() or @RequiresScopeOrAppPermission() on the routes.',
    ],
    ['AzureAd__TokenDecryptionCredentials__0__SourceType', 'Remove it: encrypted tokens are not accepted.'],
    [
      'AzureAd__AllowWebApiToBeAuthorizedByACL',
      'Remove it: a token needs a scope or an app role. See also AllowedClients.',
    ],
    ['AzureAdB2C__AllowedTenants', 'Remove it: B2C has one tenant, AzureAdB2C__TenantId.'],
    ['AzureAd__SignUpSignInPolicyId', 'It belongs to Azure AD B2C: write AzureAdB2C__SignUpSignInPolicyId.'],
  ])('refuses %s with the remedy', (name, remedy) => {
    expect(refusalIn({ ...azureAd, [name]: 'true' })).toBe(`${name} has no meaning here. ${remedy}`);
  });

  it('refuses one name that has two values', () => {
    expect(refusalIn({ ...azureAd, AZUREAD__TENANTID: otherId })).toBe(
      'AzureAd__TenantId and AZUREAD__TENANTID are one name and have two values. Set one.',
    );
  });
});

describe('the remark on names', () => {
  it.each([
    ['AzureAd_TenantId', 'AzureAd__TenantId'],
    ['AZURE_AD_TENANT_ID', 'AzureAd__TenantId'],
    ['AzureAd.ClientId', 'AzureAd__ClientId'],
    ['AzureAdB2C_Domain', 'AzureAdB2C__Domain'],
  ])('has the name that is meant by %s, and no value', (name, meant) => {
    expect(remarkOnNames({ [name]: 'm4rk3r', Path: 'x' })).toBe(` ${name} is not read: write ${meant}.`);
  });

  it.each([
    'AZURE_TENANT_ID',
    'AZURE_CLIENT_ID',
    'AzureAd_Other',
    // It is refused, and the message has the name already.
    'AzureAd_AllowedClients',
    'TenantId',
    'AzureAd__TenantId',
    'AZUREAD__TENANTID',
  ])('has nothing about %s', (name) => {
    expect(remarkOnNames({ [name]: 'x' })).toBe('');
  });
});
