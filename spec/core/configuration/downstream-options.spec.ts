import { describe, expect, it } from 'vitest';
import type { DownstreamSettings } from '../../../src/core/configuration/settings.js';
import { ConfigurationError } from '../../../src/core/errors.js';
import { isApiName } from '../../../src/core/configuration/downstream-option-list.js';
import { parseApplicationTenant, parseUnnamedApi } from '../../../src/core/configuration/parse-downstream.js';
import { errorOf } from '../../support/refusals.js';
import { b2c, entra, otherId, parse, refusalOf } from './given-options.js';

const credential = { clientSecret: 'sEcr3t' };
const graph = { baseUrl: 'https://graph.microsoft.com/v1.0', scopes: ['https://graph.microsoft.com/User.Read'] };
const pem = '-----BEGIN CERTIFICATE-----';
const key = '-----BEGIN PRIVATE KEY-----';
const takesOne =
  'it takes exactly one of clientSecret, certificate with privateKey, assertion, federatedTokenFile, managedIdentity';
const store = { get: () => Promise.resolve(null), set: () => Promise.resolve() };

function settingsOf(downstream: object): DownstreamSettings {
  const settings = parse({ ...entra, downstream: { credential, ...downstream } }).downstream;
  return settings ?? expect.fail('downstream is not configured');
}

const apiOf = (api: object) => settingsOf({ apis: { graph: { ...graph, ...api } } }).apis.get('graph');
const withCredential = (given: unknown) => ({ ...entra, downstream: { credential: given } });
const withApi = (api: object) => ({ ...entra, downstream: { credential, apis: { graph: { ...graph, ...api } } } });

describe('downstream', () => {
  it('is undefined where it is not configured', () => {
    expect(parse(entra).downstream).toBeUndefined();
  });

  it('has defaults for all but the credential', async () => {
    const { apis, store: none, maxEntries, credential: read } = settingsOf({});
    expect([apis.size, none, maxEntries, await read()]).toEqual([0, undefined, 10_000, credential]);
  });

  it('is frozen, and a copy', async () => {
    const given = { ...graph, scopes: [...graph.scopes] };
    const settings = settingsOf({ apis: { graph: given } });
    given.scopes.push('api://other/x');
    const api = settings.apis.get('graph');
    expect(api).toEqual({
      name: 'graph',
      baseUrl: 'https://graph.microsoft.com/v1.0',
      scopes: graph.scopes,
      resource: 'https://graph.microsoft.com',
      tenantId: undefined,
      timeoutMs: 30_000,
      headers: {},
    });
    for (const value of [settings, api, api?.scopes, api?.headers, await settings.credential()]) {
      expect(Object.isFrozen(value)).toBe(true);
    }
  });

  it.each<[string, object, string]>([
    ['nothing', {}, 'credential: got undefined; it takes a credential, or a function that returns one'],
    [
      'an unknown option',
      { credential, secret: 'sEcr3t' },
      "got 'secret', which is no option; it takes credential, apis, store, maxEntries",
    ],
    [
      'a part of an entry',
      { credential, maxEntries: 1.5 },
      'maxEntries: got 1.5; it takes a whole number from 1 to 1000000',
    ],
    [
      'too many entries',
      { credential, maxEntries: 1_000_001 },
      'maxEntries: got 1000001; it takes a whole number from 1 to 1000000',
    ],
    [
      'a store that cannot be read',
      { credential, store: { set: store.set } },
      'store: got an object; it takes what redisTokenStore() returns, or { get, set }',
    ],
    [
      'a store that cannot give up a claim',
      { credential, store: { ...store, claim: store.set, release: 'x' } },
      'store: got an object; it takes what redisTokenStore() returns, or { get, set }',
    ],
    [
      'a function as a store',
      { credential, store: store.get },
      'store: got a function; it takes what redisTokenStore() returns, or { get, set }',
    ],
    [
      'null as a store',
      { credential, store: null },
      'store: got null; it takes what redisTokenStore() returns, or { get, set }',
    ],
    ['no entries', { credential, maxEntries: 0 }, 'maxEntries: got 0; it takes a whole number from 1 to 1000000'],
    [
      'a store that is none',
      { credential, store: { get: store.get } },
      'store: got an object; it takes what redisTokenStore() returns, or { get, set }',
    ],
    [
      'a store with half a claim',
      { credential, store: { ...store, claim: true } },
      'store: got an object; it takes what redisTokenStore() returns, or { get, set }',
    ],
    [
      'a client of Redis',
      { credential, store: { ...store, sendCommand: () => undefined } },
      'store: got a client of Redis; it takes redisTokenStore(client)',
    ],
    [
      'a client of Valkey',
      { credential, store: { ...store, customCommand: () => undefined } },
      'store: got a client of Redis; it takes redisTokenStore(client)',
    ],
    [
      'a URL as a store',
      { credential, store: 'redis://:pass@host' },
      'store: got a string of 18 characters; it takes what redisTokenStore() returns, or { get, set }',
    ],
    [
      'a list of APIs',
      { credential, apis: [graph] },
      'apis: got a list of 1; it takes an object of APIs by their names',
    ],
    [
      'a name that begins with a digit',
      { credential, apis: { '1a': graph } },
      "apis: got the name '1a'; it takes names of letters, digits, _ and -, which begin with a letter",
    ],
    [
      'a name with a dot',
      { credential, apis: { 'a.b': graph } },
      'apis: got the name a string of 3 characters; it takes names of letters, digits, _ and -, which begin with a letter',
    ],
    [
      'an API without a URL',
      { credential, apis: { graph: { scopes: graph.scopes } } },
      'apis.graph.baseUrl: got undefined; it takes the https URL of the API',
    ],
    [
      'an API without scopes',
      { credential, apis: { graph: { baseUrl: graph.baseUrl } } },
      'apis.graph.scopes: got undefined; it takes a scope or a list of them',
    ],
  ])('refuses %s', (_, downstream, problem) => {
    const message = refusalOf({ ...entra, downstream });
    expect(message.replace(/^initialize: downstream[.:] ?/, '')).toBe(`${problem}.`);
    expect(message).not.toContain('sEcr3t');
  });

  it('is refused with B2C alone, which has no such flow', () => {
    expect(refusalOf({ b2c, downstream: { credential } })).toBe(
      'initialize: downstream: belongs to Entra ID, which needs tenantId and clientId beside it.',
    );
    expect(refusalOf({ downstream: { credential } })).toContain('tenantId and clientId');
  });

  it('takes from 1 to 1,000,000 entries', () => {
    expect([1, 1_000_000].map((maxEntries) => settingsOf({ maxEntries }).maxEntries)).toEqual([1, 1_000_000]);
  });

  it('takes a store with claims, and one that has no claims', () => {
    const claims = { claim: () => Promise.resolve(true), release: () => Promise.resolve() };
    for (const given of [store, { ...store, ...claims }, { ...store, claim: undefined }]) {
      expect(settingsOf({ store: given }).store).toBe(given);
    }
  });

  it('shows whether its credential is a function', () => {
    expect(settingsOf({}).hasCredentialFunction).toBe(false);
    expect(settingsOf({ credential: () => credential }).hasCredentialFunction).toBe(true);
  });

  it('takes a store with its own class, and calls it as it is', () => {
    class Store {
      readonly #values = new Map<string, string>();
      get = (name: string) => Promise.resolve(this.#values.get(name));
      set = (name: string, value: string) => Promise.resolve(this.#values.set(name, value));
    }
    const given = new Store();
    expect(settingsOf({ store: given }).store).toBe(given);
  });
});

describe('a credential', () => {
  const kinds = ['clientSecret', 'certificate', 'assertion', 'federatedTokenFile', 'managedIdentity'];
  const everyKind = Object.fromEntries(kinds.map((kind) => [kind, 'x']));

  it.each<[string, object]>([
    ['a secret', credential],
    ['a certificate', { certificate: pem, privateKey: key }],
    ['a certificate that is sent along', { certificate: pem, privateKey: key, sendX5c: true }],
    ['an assertion', { assertion: () => 'assertion' }],
    ['a file', { federatedTokenFile: '/var/run/secrets/token' }],
    ['the managed identity of the system', { managedIdentity: 'system' }],
    ['a managed identity', { managedIdentity: otherId }],
    ['a managed identity in capitals', { managedIdentity: 'AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE' }],
    ['one beside members that are undefined', { ...credential, certificate: undefined }],
  ])('can be %s', async (_, given) => {
    const { credential: read } = settingsOf({ credential: given });
    expect(await read()).toEqual(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));
    expect(await settingsOf({ credential: () => Promise.resolve(given) }).credential()).toEqual(await read());
  });

  it.each<[string, unknown, string]>([
    [
      'a text',
      'sEcr3t',
      'got a string of 6 characters; it takes an object with one credential, or a function that returns one',
    ],
    ['null', null, 'got null; it takes an object with one credential, or a function that returns one'],
    ['none', {}, `got none; ${takesOne}`],
    ['two', { ...credential, managedIdentity: 'system' }, `got clientSecret and managedIdentity; ${takesOne}`],
    [
      'an unknown member',
      { ...credential, thumbprint: 'sEcr3t' },
      "got 'thumbprint', which is no option; it takes clientSecret, certificate, privateKey, sendX5c, assertion, federatedTokenFile, managedIdentity.",
    ],
    ['of each kind', everyKind, `got ${kinds.join(' and ')}; ${takesOne}`],
    ['a list', [credential], 'got a list of 1; it takes an object with one credential, or a function that returns one'],
    ['a certificate without its key', { certificate: pem }, 'got certificate without privateKey; it takes both'],
    ['a key without its certificate', { privateKey: key }, `got none; ${takesOne}`],
    ['a key beside a secret', { ...credential, privateKey: key }, `got privateKey without certificate; ${takesOne}`],
    ['sendX5c beside a secret', { ...credential, sendX5c: true }, `got sendX5c without certificate; ${takesOne}`],
  ])('is refused where it is %s', (_, given, problem) => {
    const message = refusalOf(withCredential(given));
    expect(message).toContain(`initialize: downstream.credential: ${problem}`);
    expect(message).not.toContain('sEcr3t');
  });

  it.each<[string, unknown, string]>([
    ['clientSecret', ' ', 'got a string of 1 characters; it takes a client secret'],
    ['clientSecret', ['sEcr3t'], 'got a list of 1; it takes a client secret'],
    [
      'assertion',
      'sEcr3t',
      'got a string of 6 characters; it takes a function that returns an assertion, which is valid for a short time',
    ],
    ['federatedTokenFile', '', 'got an empty string; it takes the path of a file'],
    [
      'managedIdentity',
      'sEcr3t',
      "got a string of 6 characters; it takes 'system', or the client id of a managed identity",
    ],
  ])('names a wrong %s %j, and shows no more than its length', (name, value, problem) => {
    expect(refusalOf(withCredential({ [name]: value }))).toBe(`initialize: downstream.credential.${name}: ${problem}.`);
  });

  it.each<[string, object, string]>([
    [
      'certificate',
      { certificate: 'sEcr3t', privateKey: key },
      'got a string of 6 characters; it takes a certificate in PEM',
    ],
    [
      'privateKey',
      { certificate: pem, privateKey: 'sEcr3t' },
      'got a string of 6 characters; it takes a private key in PEM',
    ],
    [
      'sendX5c',
      { certificate: pem, privateKey: key, sendX5c: 'yes' },
      'got a string of 3 characters; it takes true or false',
    ],
  ])('names a wrong %s of a certificate', (name, given, problem) => {
    expect(refusalOf(withCredential(given))).toBe(`initialize: downstream.credential.${name}: ${problem}.`);
  });

  it('is asked for at each token request, where it is a function', async () => {
    const secrets = ['first', 'second'];
    const { credential: read } = settingsOf({ credential: () => ({ clientSecret: secrets.shift() ?? '' }) });
    expect([await read(), await read()]).toEqual([{ clientSecret: 'first' }, { clientSecret: 'second' }]);
    expect(await errorOf(read)).toMatchObject({
      message:
        'initialize: downstream.credential: the function returned a wrong value: clientSecret: got an empty string; it takes a client secret.',
    });
  });

  it.each([undefined, 'sEcr3t', { ...credential, managedIdentity: 'system' }])(
    'is refused where the function returns %j',
    async (returned) => {
      const error = await errorOf(settingsOf({ credential: () => returned }).credential);
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as Error).message).toMatch(
        /^initialize: downstream\.credential: the function returned a wrong value: got /,
      );
      expect((error as Error).message).not.toContain('sEcr3t');
    },
  );

  it('fails with what the function throws', async () => {
    const cause = new Error('vault');
    const failing = () => {
      throw cause;
    };
    expect(await errorOf(settingsOf({ credential: failing }).credential)).toBe(cause);
  });
});

describe('an API', () => {
  it.each([
    ['https://graph.microsoft.com/v1.0/', 'https://graph.microsoft.com/v1.0'],
    ['https://graph.microsoft.com', 'https://graph.microsoft.com'],
    ['https://graph.microsoft.com/', 'https://graph.microsoft.com'],
    ['https://graph.microsoft.com/v1.0///', 'https://graph.microsoft.com/v1.0'],
    ['HTTPS://Graph.Microsoft.com/V1.0', 'https://graph.microsoft.com/V1.0'],
    ['http://127.0.0.1:8080/a', 'http://127.0.0.1:8080/a'],
  ])('has the base URL %s without the last slash', (baseUrl, expected) => {
    expect(apiOf({ baseUrl })?.baseUrl).toBe(expected);
  });

  it.each<[unknown, string]>([
    ['http://graph.microsoft.com', "'http://graph.microsoft.com'"],
    ['https://user:sEcr3t@graph.microsoft.com', 'a string of 39 characters'],
    ['https://:sEcr3t@graph.microsoft.com', 'a string of 35 characters'],
    ['https://user@graph.microsoft.com', 'a string of 32 characters'],
    ['https://graph.microsoft.com:port', "'https://graph.microsoft.com:port'"],
    ['ftp://graph.microsoft.com', "'ftp://graph.microsoft.com'"],
    ['https://graph.microsoft.com?a=1', 'a string of 31 characters'],
    ['https://graph.microsoft.com/#a', 'a string of 30 characters'],
    ['https://graph.microsoft.com\\@evil', "'https://graph.microsoft.com\\@evil'"],
    [' https://graph.microsoft.com', 'a string of 28 characters'],
    ['graph.microsoft.com', 'a string of 19 characters'],
    [5, '5'],
  ])('is refused with the base URL %j', (baseUrl, shown) => {
    const message = refusalOf(withApi({ baseUrl }));
    const expected = typeof baseUrl === 'string' && baseUrl.includes('\\') ? 'a string of 33 characters' : shown;
    expect(message).toBe(
      `initialize: downstream.apis.graph.baseUrl: got ${expected}; it takes an https URL without a query (http for a loopback address alone).`,
    );
  });

  it.each<[string | string[], string]>([
    ['https://graph.microsoft.com/User.Read', 'https://graph.microsoft.com'],
    [['https://graph.microsoft.com/User.Read', 'https://graph.microsoft.com/Mail.Read'], 'https://graph.microsoft.com'],
    ['api://orders/stock.read', 'api://orders'],
    [`${otherId}/.default`, otherId],
    ['AAAAAAAA-bbbb-4CCC-8ddd-eeeeeeeeeeee/.default', 'AAAAAAAA-bbbb-4CCC-8ddd-eeeeeeeeeeee'],
    ['API://Orders/stock.read', 'API://Orders'],
    ['ms-appx+a.b1://orders/x', 'ms-appx+a.b1://orders'],
    ['https://management.azure.com//.default', 'https://management.azure.com/'],
    ['https://contoso.com/orders/stock.read', 'https://contoso.com/orders'],
  ])('has the scopes %j and their resource', (scopes, resource) => {
    expect(apiOf({ scopes })).toMatchObject({ resource, scopes: [scopes].flat() });
  });

  it.each<[unknown, string]>([
    ['User.Read', 'got a string of 9 characters; it takes a full scope'],
    ['openid', "got 'openid'; it takes a full scope"],
    ['https://graph.microsoft.com', 'got a string of 27 characters; it takes a full scope'],
    ['https://graph.microsoft.com/', 'got a string of 28 characters; it takes a full scope'],
    ['/User.Read', 'got a string of 10 characters; it takes a full scope'],
    ['1api://orders/x', 'got a string of 15 characters; it takes a full scope'],
    ['!api://orders/x', 'got a string of 15 characters; it takes a full scope'],
    ['api:///x', 'got a string of 8 characters; it takes a full scope'],
    ['api://orders/"x', 'got a string of 15 characters; it takes a full scope'],
    [`x${otherId}/.default`, 'got a string of 46 characters; it takes a full scope'],
    ['api://a/b api://a/c', 'got a string of 19 characters; it takes a full scope'],
    [[], 'got an empty list; it takes a scope or a list of them'],
    [[5], 'got 5; it takes a full scope'],
    [['api://a/x', 'api://b/x'], 'names scopes of two APIs; it takes those of one.'],
    [['api://a/.default', 'api://a/x'], 'names /.default beside another scope; it takes /.default alone.'],
  ])('is refused with the scopes %j', (scopes, problem) => {
    expect(refusalOf(withApi({ scopes }))).toContain(`initialize: downstream.apis.graph.scopes: ${problem}`);
  });

  it('takes a tenant, a time and headers', () => {
    const headers = { 'Ocp-Apim-Subscription-Key': 'key' };
    expect(apiOf({ tenantId: otherId.toUpperCase(), timeoutMs: 300_000, headers })).toMatchObject({
      tenantId: otherId,
      timeoutMs: 300_000,
      headers,
    });
    expect(apiOf({ tenantId: 'caller' })).toMatchObject({ tenantId: 'caller' });
    expect(apiOf({ timeoutMs: 1 })).toMatchObject({ timeoutMs: 1 });
  });

  it.each<[string, object, string]>([
    [
      'a domain as its tenant',
      { tenantId: 'contoso.com' },
      "tenantId: got a string of 11 characters; it takes a tenant id, which is a GUID, or 'caller'.",
    ],
    ['a number as its tenant', { tenantId: 5 }, "tenantId: got 5; it takes a tenant id, which is a GUID, or 'caller'."],
    ['a list of headers', { headers: ['a'] }, 'headers: got a list of 1; it takes an object of headers.'],
    ['no time', { timeoutMs: 0 }, 'timeoutMs: got 0; it takes a number from 1 to 300000.'],
    ['too much time', { timeoutMs: 300_001 }, 'timeoutMs: got 300001; it takes a number from 1 to 300000.'],
    [
      'a header of its own',
      { headers: { authorization: 'sEcr3t' } },
      'headers: got authorization; it takes any header but Authorization, Cookie and Host.',
    ],
    [
      'a cookie',
      { headers: { COOKIE: 'sEcr3t' } },
      'headers: got COOKIE; it takes any header but Authorization, Cookie and Host.',
    ],
    [
      'a host',
      { headers: { Host: 'sEcr3t' } },
      'headers: got Host; it takes any header but Authorization, Cookie and Host.',
    ],
    [
      'a header that has no name',
      { headers: { 'a b': '' } },
      'headers: got a string of 3 characters, which is no name of a header.',
    ],
    [
      'a header with a line break',
      { headers: { a: 'sEcr3t\r\nb: c' } },
      'headers.a: got a string of 12 characters; it takes a text without control characters.',
    ],
    [
      'an unknown option',
      { retries: 3 },
      "graph: got 'retries', which is no option; it takes baseUrl, scopes, tenantId, timeoutMs, headers.",
    ],
  ])('is refused with %s', (_, api, problem) => {
    const message = refusalOf(withApi(api));
    expect(message).toContain(problem);
    expect(message).not.toContain('sEcr3t');
  });
});

describe('the headers of an API', () => {
  it.each(['a', 'X-Request-Id', "!#$%&'*+.^_`|~-", 'a'.repeat(100)])('may be named %s', (name) => {
    expect(apiOf({ headers: { [name]: 'x' } })?.headers).toEqual({ [name]: 'x' });
  });

  it.each(['', 'a:', ' a', 'a'.repeat(101), 'é'])('are not named %j', (name) => {
    expect(refusalOf(withApi({ headers: { [name]: 'x' } }))).toMatch(/ which is no name of a header\.$/);
  });

  it.each(['', ' a b ', '~', 'é', 'ÿ'])('may have the value %j', (value) => {
    expect(apiOf({ headers: { a: value } })?.headers).toEqual({ a: value });
  });

  it.each(['a\n', '\ta', 'a\u007F', 'Ā', 'a\0b'])('do not have the value %j', (value) => {
    expect(refusalOf(withApi({ headers: { a: value } }))).toMatch(/ it takes a text without control characters\.$/);
  });
});

describe('the name of an API', () => {
  it.each(['a', 'Graph', 'graph-2_b', `a${'b'.repeat(63)}`])('may be %s', (name) => {
    expect(isApiName(name)).toBe(true);
  });

  it.each(['', '1a', '_a', '-a', 'a.b', 'a b', ' a', 'a!', `a${'b'.repeat(64)}`])('is not %j', (name) => {
    expect(isApiName(name)).toBe(false);
  });
});

describe('an API that is not named in the configuration', () => {
  it('has the same options, and needs no base URL', () => {
    expect(parseUnnamedApi({ scopes: 'api://orders/read' }, 'callApi')).toEqual({
      name: '(unnamed)',
      baseUrl: undefined,
      scopes: ['api://orders/read'],
      resource: 'api://orders',
      tenantId: undefined,
      timeoutMs: 30_000,
      headers: {},
    });
  });

  it.each<[unknown, string]>([
    [{}, 'callApi.scopes: got undefined; it takes a scope or a list of them.'],
    [
      { scope: 'a' },
      "callApi: got 'scope', which is no option; it takes baseUrl, scopes, tenantId, timeoutMs, headers.",
    ],
    [null, 'callApi: got null; it takes an object of options.'],
  ])('is refused where it is %j', async (given, message) => {
    const error = await errorOf(() => parseUnnamedApi(given, 'callApi'));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toBe(message);
  });
});

describe('the tenant of a token for the application itself', () => {
  it.each([
    ['caller', 'caller'],
    ['AAAAAAAA-BBBB-4ccc-8ddd-eeeeeeeeeeee', 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'],
  ])('may be %s', (given, tenant) => {
    expect(parseApplicationTenant(given, 'callApi')).toBe(tenant);
  });

  it.each([undefined, 'Caller', 'contoso.com', ''])('is not %j', async (given) => {
    const error = await errorOf(() => parseApplicationTenant(given, 'callApi.tenantId'));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toMatch(
      /^callApi\.tenantId: got .*; it takes a tenant id, which is a GUID, or 'caller'\.$/,
    );
  });
});
