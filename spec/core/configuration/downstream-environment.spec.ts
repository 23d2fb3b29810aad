import { describe, expect, it } from 'vitest';
import { readEnvironment } from '../../../src/core/configuration/environment.js';
import { ConfigurationError } from '../../../src/core/errors.js';
import { errorOf } from '../../support/refusals.js';
import { clientId, otherId, parse, tenantId } from './given-options.js';

const azureAd = { AzureAd__TenantId: tenantId, AzureAd__ClientId: clientId };
const graph = {
  DownstreamApis__graph__BaseUrl: 'https://graph.microsoft.com/v1.0',
  DownstreamApis__graph__Scopes: 'https://graph.microsoft.com/User.Read',
};
const secret = { AzureAd__ClientSecret: ' sEcr3t ' };
const first = 'AzureAd__ClientCredentials__0__';

const inCode =
  'Remove it, and set it by the option downstream: initialize({ ...optionsFromEnvironment(), downstream }).';
const optionsOf = (environment: object) => readEnvironment({ ...azureAd, ...environment }).downstream;
const settingsOf = (environment: object) => parse(readEnvironment({ ...azureAd, ...environment })).downstream;

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

  it.each<[string, object, string]>([
    [
      'no credential',
      {},
      'DownstreamApis__graph__BaseUrl is set, and no credential is. Set AzureAd__ClientSecret, or AzureAd__ClientCredentials__0__SourceType.',
    ],
    [
      'no URL',
      { ...secret, DownstreamApis__graph__BaseUrl: ' ' },
      'DownstreamApis__graph__Scopes is set, and DownstreamApis__graph__BaseUrl is not. Set it.',
    ],
    [
      'no scopes',
      { ...secret, DownstreamApis__graph__Scopes: '' },
      'DownstreamApis__graph__BaseUrl is set, and DownstreamApis__graph__Scopes is not. Set it.',
    ],
    [
      'one API in two ways',
      { ...secret, DownstreamApis__Graph__Scopes__1: 'https://graph.microsoft.com/Mail.Read' },
      'DownstreamApis__graph__BaseUrl and DownstreamApis__Graph__Scopes__1 write the name of one API in two ways. Write it as the code does.',
    ],
    [
      'one variable twice',
      { ...secret, 'DownstreamApis:graph:BaseUrl': 'https://other.example' },
      'DownstreamApis__graph__BaseUrl and DownstreamApis:graph:BaseUrl are one name and have two values. Set one.',
    ],
  ])('is refused where it names an API and %s', async (_, environment, message) => {
    const error = await errorOf(() => optionsOf({ ...graph, ...environment }));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toBe(message);
  });

  it.each<[string, object, string]>([
    [
      'an unknown source',
      { [`${first}SourceType`]: 'KeyVault' },
      `${first}SourceType: got 'KeyVault'; it takes ClientSecret, SignedAssertionFromManagedIdentity, SignedAssertionFilePath. For a certificate, remove it and the variables of DownstreamApis, and give the option downstream: initialize({ ...optionsFromEnvironment(), downstream }).`,
    ],
    [
      'a source by the name of a member that every object has',
      { [`${first}SourceType`]: 'constructor' },
      `${first}SourceType: got 'constructor'; it takes ClientSecret, SignedAssertionFromManagedIdentity, SignedAssertionFilePath. For a certificate, remove it and the variables of DownstreamApis, and give the option downstream: initialize({ ...optionsFromEnvironment(), downstream }).`,
    ],
    [
      'a source that may be a secret',
      { [`${first}SourceType`]: 'sEcr3t~sEcr3t' },
      `${first}SourceType: got a string of 13 characters; it takes ClientSecret, SignedAssertionFromManagedIdentity, SignedAssertionFilePath. For a certificate, remove it and the variables of DownstreamApis, and give the option downstream: initialize({ ...optionsFromEnvironment(), downstream }).`,
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
  ])('names %s', (_, environment, credential) => {
    expect(optionsOf({ ...graph, ...environment })?.credential).toEqual(credential);
  });

  it.each([
    'DownstreamApis__orders__BaseUrl',
    'DownstreamApis__or_ders__BaseUrl',
    'DownstreamApis__o__BaseUrl',
    'DownstreamApis__orders-2__BaseUrl',
    'DownstreamApis__Orders__BaseURL',
    'downstreamapis__orders__baseurl',
    'DOWNSTREAMAPIS__ORDERS__BASEURL',
    'DownstreamApis:orders:BaseUrl',
  ])('names an API by %s', (variable) => {
    const name = variable.split(/__|:/)[1] ?? '';
    const scopes = variable.replace(/BaseUrl/i, 'Scopes');
    const environment = { [variable]: ' https://orders.example ', [scopes]: 'api://orders/a', ...secret };
    expect(optionsOf(environment)?.apis).toEqual({
      [name]: { baseUrl: 'https://orders.example', scopes: ['api://orders/a'] },
    });
  });

  it('reads a variable once that is written in two ways', () => {
    const twice = { 'downstreamapis:graph:scopes': graph.DownstreamApis__graph__Scopes };
    expect(optionsOf({ ...graph, ...secret, ...twice })?.apis?.['graph']?.scopes).toEqual([
      'https://graph.microsoft.com/User.Read',
    ]);
  });

  const write = 'DownstreamApis__<name>__BaseUrl or DownstreamApis__<name>__Scopes, or remove it.';

  it.each([
    ['DownstreamApis__orders__BaseUrls', ' The nearest name is DownstreamApis__orders__BaseUrl.'],
    ['DownstreamApis__orders__BaseUri', ' The nearest name is DownstreamApis__orders__BaseUrl.'],
    ['DownstreamApis:orders:Scope', ' The nearest name is DownstreamApis__orders__Scopes.'],
    ['DownstreamApis__orders__BaseUrl__0', ' The nearest name is DownstreamApis__orders__BaseUrl.'],
    ['DownstreamApis__orders__Scopes__a', ' The nearest name is DownstreamApis__orders__Scopes.'],
    ['DownstreamApis__orders__Scopes__', ' The nearest name is DownstreamApis__orders__Scopes.'],
    ['DownstreamApis__orders__AcceptHeader', ''],
    ['DownstreamApis__orders__list__BaseUrl', ''],
  ])('refuses %s, a member that is not known', async (name, hint) => {
    const error = await errorOf(() => optionsOf({ ...graph, ...secret, [name]: 'x' }));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toBe(`${name} is not a name that is read.${hint} Correct it, or remove it.`);
  });

  it.each(['DownstreamApis____orders__BaseUrl', 'DownstreamApis__orders', 'DownstreamApis__BaseUrl'])(
    'refuses %s, which names no API',
    async (name) => {
      const error = await errorOf(() => optionsOf({ [name]: 'x' }));
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as Error).message).toBe(`${name} is not a name that is read. Write ${write}`);
    },
  );

  it.each([
    ['RelativePath', '/me', 'Remove it, and give it to the call: get(path), post(path, body).'],
    ['HttpMethod', 'GET', 'Remove it, and give it to the call: get(path), post(path, body).'],
    ['RequestAppToken', 'true', 'Remove it, and write @AsApplication() or asApplication().'],
    ['TenantId', tenantId, inCode],
    ['TimeoutMs', '5000', inCode],
    ['Headers__Accept', 'x', inCode],
  ])('refuses %s of an API, which has no meaning here', async (member, value, remedy) => {
    const name = `DownstreamApis__graph__${member}`;
    const error = await errorOf(() => optionsOf({ ...graph, ...secret, [name]: value }));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toBe(`${name} has no meaning here. ${remedy}`);
  });

  it.each([
    'DownstreamApi__orders__BaseUrl',
    'DownstreamApi__BaseUrl',
    'DOWNSTREAMAPI__ORDERS__SCOPES__0',
    'DownstreamApi:orders:Scopes',
    'DownstreamApps__orders__BaseUrl',
    'Downstream_Apis__orders__BaseUrl',
    'DownstreamApis_orders__BaseUrl',
    'DownstreamApi_orders__BaseUrl',
    'DownstreamApis_orders_BaseUrl',
    'DOWNSTREAM_APIS_ORDERS_SCOPES',
  ])('refuses %s, which is nearly the name of an API', async (name) => {
    const error = await errorOf(() => optionsOf({ [name]: 'https://orders.example' }));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toBe(`${name} is not read: write ${write}`);
  });

  it.each([
    'MyDownstreamApis__orders__BaseUrl',
    'DOWNSTREAM_API_BASE_URL',
    'DOWNSTREAM_API_SCOPES',
    'DOWNSTREAM_APIS_BASE_URL',
    'DOWNSTREAM_API_ORDERS_BASE_URL',
    'DownstreamApis',
    'DownstreamApi__Name',
    'Upstream__orders__BaseUrl',
  ])('leaves %s to others', (name) => {
    expect(optionsOf({ [name]: 'https://orders.example' })).toBeUndefined();
  });

  it.each([
    ['DownstreamApis__orders__BaseUri', ' '],
    ['DownstreamApis__orders', ''],
    ['DownstreamApi__orders__BaseUrl', ''],
    ['DownstreamApis__orders__RequestAppToken', 'false'],
  ])('passes over %s, which is blank or switched off', (name, value) => {
    expect(optionsOf({ [name]: value })).toBeUndefined();
    expect(optionsOf({ ...graph, ...secret, [name]: value })).toEqual(optionsOf({ ...graph, ...secret }));
  });
});
