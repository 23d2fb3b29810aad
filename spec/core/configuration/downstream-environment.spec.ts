import { describe, expect, it } from 'vitest';
import { optionsFromEnvironment } from '../../../src/core/configuration/environment.js';
import { ConfigurationError } from '../../../src/core/errors.js';
import { errorOf } from '../../support/refusals.js';
import { clientId, otherId, parse, refusalOf, tenantId } from './given-options.js';

const azureAd = { AzureAd__TenantId: tenantId, AzureAd__ClientId: clientId };
const graph = {
  DownstreamApis__graph__BaseUrl: 'https://graph.microsoft.com/v1.0',
  DownstreamApis__graph__Scopes: 'https://graph.microsoft.com/User.Read',
};
const secret = { AzureAd__ClientSecret: ' sEcr3t ' };
const first = 'AzureAd__ClientCredentials__0__';

const optionsOf = (environment: object) => optionsFromEnvironment({ ...azureAd, ...environment }).downstream;
const settingsOf = (environment: object) => parse(optionsFromEnvironment({ ...azureAd, ...environment })).downstream;

describe('the environment', () => {
  it('names an API and a secret', async () => {
    const settings = settingsOf({ ...graph, ...secret });
    expect(settings?.apis.get('graph')).toMatchObject({
      baseUrl: 'https://graph.microsoft.com/v1.0',
      scopes: ['https://graph.microsoft.com/User.Read'],
    });
    expect(await settings?.credential()).toEqual({ clientSecret: 'sEcr3t' });
  });

  it.each<[string, object]>([
    ['by spaces', { DownstreamApis__orders__Scopes: ' api://orders/a  api://orders/b ' }],
    [
      'by numbers',
      { DownstreamApis__orders__Scopes__1: 'api://orders/b', DownstreamApis__orders__Scopes__0: 'api://orders/a' },
    ],
    [
      'by numbers of two digits',
      { DownstreamApis__orders__Scopes__10: 'api://orders/b', DownstreamApis__orders__Scopes__9: 'api://orders/a' },
    ],
    [
      'without a number before those by numbers',
      { DownstreamApis__orders__Scopes__1: 'api://orders/b', DownstreamApis__orders__Scopes: 'api://orders/a' },
    ],
  ])('lists scopes %s', (_, scopes) => {
    const environment = { ...graph, ...secret, DownstreamApis__orders__BaseUrl: 'https://orders.example', ...scopes };
    expect([...(settingsOf(environment)?.apis.keys() ?? [])].sort()).toEqual(['graph', 'orders']);
    expect(settingsOf(environment)?.apis.get('orders')?.scopes).toEqual(['api://orders/a', 'api://orders/b']);
  });

  it.each<[string, Record<string, string>, object]>([
    ['a secret', { SourceType: 'ClientSecret', ClientSecret: 'sEcr3t' }, { clientSecret: 'sEcr3t' }],
    ['the identity of the system', { SourceType: 'SignedAssertionFromManagedIdentity' }, { managedIdentity: 'system' }],
    [
      'a managed identity',
      { SourceType: 'SignedAssertionFromManagedIdentity', ManagedIdentityClientId: otherId },
      { managedIdentity: otherId },
    ],
    [
      'a file',
      { SourceType: 'SignedAssertionFilePath', SignedAssertionFileDiskPath: '/token' },
      { federatedTokenFile: '/token' },
    ],
  ])('names %s in its list of credentials', async (_, members, credential) => {
    const named = Object.fromEntries(Object.entries(members).map(([name, value]) => [`${first}${name}`, value]));
    expect(await settingsOf({ ...graph, ...named })?.credential()).toEqual(credential);
  });

  it('names the file that Kubernetes does, where the list names none', () => {
    const environment = { [`${first}SourceType`]: 'SignedAssertionFilePath', AZURE_FEDERATED_TOKEN_FILE: '/token' };
    expect(optionsOf({ ...graph, ...environment })?.credential).toEqual({ federatedTokenFile: '/token' });
  });

  it('names a credential in any letter case', () => {
    expect(optionsOf({ ...graph, AZUREAD__CLIENTSECRET: 'sEcr3t' })?.credential).toEqual({ clientSecret: 'sEcr3t' });
    const listed = { 'AzureAd:ClientCredentials:0:SourceType': 'SignedAssertionFromManagedIdentity' };
    expect(optionsOf({ ...graph, ...listed })?.credential).toEqual({ managedIdentity: 'system' });
  });

  it('configures nothing by a credential alone, which may be for another application', () => {
    expect(optionsOf(secret)).toBeUndefined();
    expect(optionsOf({ [`${first}SourceType`]: 'Certificate' })).toBeUndefined();
  });

  it.each<[string, object, RegExp]>([
    ['no credential', {}, /^initialize: downstream\.credential: got undefined/],
    [
      'no URL',
      { ...secret, DownstreamApis__graph__BaseUrl: ' ' },
      /^initialize: downstream\.apis\.graph\.baseUrl: got undef/,
    ],
    [
      'no scopes',
      { ...secret, DownstreamApis__graph__Scopes: '' },
      /^initialize: downstream\.apis\.graph\.scopes: got undef/,
    ],
  ])('is refused where it names an API and %s', (_, environment, message) => {
    expect(refusalOf(optionsFromEnvironment({ ...azureAd, ...graph, ...environment }))).toMatch(message);
  });

  it.each<[string, object, string]>([
    [
      'an unknown source',
      { [`${first}SourceType`]: 'KeyVault' },
      `${first}SourceType: got 'KeyVault'; it takes ClientSecret, SignedAssertionFromManagedIdentity, SignedAssertionFilePath. For a certificate, call initialize() with the option downstream.`,
    ],
    [
      'a source by the name of a member that every object has',
      { [`${first}SourceType`]: 'constructor' },
      `${first}SourceType: got 'constructor'; it takes ClientSecret, SignedAssertionFromManagedIdentity, SignedAssertionFilePath. For a certificate, call initialize() with the option downstream.`,
    ],
    [
      'a source that may be a secret',
      { [`${first}SourceType`]: 'sEcr3t~sEcr3t' },
      `${first}SourceType: got a string of 13 characters; it takes ClientSecret, SignedAssertionFromManagedIdentity, SignedAssertionFilePath. For a certificate, call initialize() with the option downstream.`,
    ],
    [
      'two credentials',
      { ...secret, [`${first}SourceType`]: 'ClientSecret' },
      `AzureAd__ClientSecret and ${first}SourceType name two credentials. Set one of them.`,
    ],
    [
      'a second credential',
      { [`${first}SourceType`]: 'ClientSecret', AzureAd__ClientCredentials__1__SourceType: 'ClientSecret' },
      'AzureAd__ClientCredentials__1__SourceType names a second credential. Set the one at 0 alone.',
    ],
    [
      'a second credential in another letter case',
      { [`${first}SourceType`]: 'ClientSecret', AZUREAD__CLIENTCREDENTIALS__1__SOURCETYPE: 'ClientSecret' },
      'AZUREAD__CLIENTCREDENTIALS__1__SOURCETYPE names a second credential. Set the one at 0 alone.',
    ],
    [
      'a source without its secret',
      { [`${first}SourceType`]: 'ClientSecret' },
      `${first}SourceType is ClientSecret, and ${first}ClientSecret is not set. Set it.`,
    ],
    [
      'a source without its file',
      { [`${first}SourceType`]: 'SignedAssertionFilePath' },
      `${first}SourceType is SignedAssertionFilePath, and ${first}SignedAssertionFileDiskPath is not set. Set it, or AZURE_FEDERATED_TOKEN_FILE.`,
    ],
  ])('is refused where it names %s', async (_, environment, message) => {
    const error = await errorOf(() => optionsOf({ ...graph, ...environment }));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toBe(message);
  });

  it.each<[string, object, object | undefined]>([
    [
      'the file of the list before that of Kubernetes',
      {
        [`${first}SourceType`]: 'SignedAssertionFilePath',
        [`${first}SignedAssertionFileDiskPath`]: ' /list ',
        AZURE_FEDERATED_TOKEN_FILE: '/kubernetes',
      },
      { federatedTokenFile: '/list' },
    ],
    [
      'a secret without the white space around it',
      { [`${first}SourceType`]: ' ClientSecret ', [`${first}ClientSecret`]: ' sEcr3t ' },
      { clientSecret: 'sEcr3t' },
    ],
    [
      'one credential, beside members of a second that has no source',
      { ...secret, AzureAd__ClientCredentials__1__ClientSecret: 'x' },
      { clientSecret: 'sEcr3t' },
    ],
    [
      'one credential, beside a source of another list',
      { ...secret, Other__ClientCredentials__1__SourceType: 'ClientSecret' },
      { clientSecret: 'sEcr3t' },
    ],
    ['no credential where the secret is blank', { AzureAd__ClientSecret: ' ' }, undefined],
  ])('names %s', (_, environment, credential) => {
    expect(optionsOf({ ...graph, ...environment })?.credential).toEqual(credential);
  });

  it.each([
    'DownstreamApis__orders__BaseUrl',
    'DownstreamApis__or_ders__BaseUrl',
    'DownstreamApis__o__BaseUrl',
    'DownstreamApis__orders-2__BaseUrl',
  ])('names an API by %s', (variable) => {
    const name = variable.split('__')[1] ?? '';
    expect(optionsOf({ [variable]: ' https://orders.example ' })?.apis).toEqual({
      [name]: { baseUrl: 'https://orders.example' },
    });
  });

  it.each([
    'MyDownstreamApis__orders__BaseUrl',
    'DownstreamApis__orders__BaseUrls',
    'DownstreamApis__orders__BaseUri',
    'DownstreamApis____orders__BaseUrl',
    'DownstreamApis__orders__list__BaseUrl',
    'DownstreamApis__orders__Scopes__a',
    'DownstreamApis__orders__Scopes__',
    'DownstreamApis__orders',
    'DownstreamApis__BaseUrl',
    'downstreamapis__orders__baseurl',
  ])('names no API by %s', (variable) => {
    expect(optionsOf({ [variable]: 'https://orders.example' })).toBeUndefined();
  });
});
