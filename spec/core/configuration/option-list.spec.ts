import { describe, expect, it } from 'vitest';
import { b2c, clientId, entra, otherId, parse, refusalOf, takesApplication, tenantId } from './given-options.js';

const takesTenant = "it takes a tenant GUID, a verified domain, or 'organizations', 'common' or 'consumers'";

const ofMicrosoft = (api: string) =>
  `is that of ${api}; every client of the tenant can get tokens for it. It takes an identifier of this API`;
const takesAudience = 'it takes an audience without white space';
const takesHeader = 'it takes the name of a header that may hold a token, such as x-api-authorization';
const takesInstance =
  'it takes an https origin such as Cloud.Global, without a path unless it is a tenant on ciamlogin.com (http for a loopback address alone)';
const takesB2cInstance =
  'it takes an https origin such as https://contoso.b2clogin.com, without a path (http for a loopback address alone)';
const takesTenants = "it takes a list of tenant GUIDs, '*', or a function";
const takesClients = 'it takes a list of application (client) ids';
const takesDomainName = "it takes the tenant's name, such as contoso for contoso.onmicrosoft.com";
const takesPolicy = 'it takes a user flow or custom policy name such as B2C_1_signin';
const takesResource = 'it takes the https URL of the API, without query and fragment';
const takesCustomDomain = 'it takes a bare host name such as login.contoso.com, which has B2C behind it';

/** A host name of so many characters, in labels of at most 63. */
const hostOfLength = (length: number) =>
  `${`${'a'.repeat(62)}.`.repeat(3)}${'b'.repeat(30)}.${'c'.repeat(length - 220)}`;

describe('a tenant that is a domain', () => {
  it('may have the 253 characters that DNS allows', () => {
    expect(parse({ ...entra, tenantId: hostOfLength(253) }).entra?.tenantId).toBe(hostOfLength(253));
  });
});

describe('a client that is a daemon', () => {
  it('is taken in lower case, and none is known by default', () => {
    const parsed = parse({ b2c: { ...b2c, daemonClients: [clientId.toUpperCase(), otherId] } });
    expect(parsed.b2c?.daemonClients).toEqual(new Set([clientId, otherId]));
    expect(parse({ b2c }).b2c?.daemonClients).toBeUndefined();
  });
});

describe('a wrong option', () => {
  it.each<[string, unknown, string]>([
    ['tenantId', 'my-tenant', `got a string of 9 characters; ${takesTenant}`],
    ['tenantId', '', `got an empty string; ${takesTenant}`],
    ['tenantId', 'Organizations', `got a string of 13 characters; ${takesTenant}`],
    ['tenantId', 'contoso..com', `got a string of 12 characters; ${takesTenant}`],
    ['tenantId', ' contoso.com', `got a string of 12 characters; ${takesTenant}`],
    ['tenantId', `{${tenantId}}`, `got a string of 38 characters; ${takesTenant}`],
    ['tenantId', 'contoso.com/v2.0', `got a string of 16 characters; ${takesTenant}`],
    ['tenantId', hostOfLength(254), `got a string of 254 characters; ${takesTenant}`],
    ['tenantId', 5, `got 5; ${takesTenant}`],
    ['tenantId', null, `got null; ${takesTenant}`],
    ['tenantId', [tenantId], `got a list of 1; ${takesTenant}`],
    ['clientId', 'sEcr3t~sEcr3t~sEcr3t~sEcr3t', `got a string of 27 characters; ${takesApplication}`],
    ['clientId', 'short', `got a string of 5 characters; ${takesApplication}`],
    ['clientId', `api://${clientId}`, `got a string of 42 characters; ${takesApplication}`],
    ['clientId', true, `got true; ${takesApplication}`],
    ['clientId', {}, `got an object; ${takesApplication}`],
    ['audience', '', `got an empty string; ${takesAudience}`],
    ['audience', 'a b', `got a string of 3 characters; ${takesAudience}`],
    ['audience', 5, `got 5; ${takesAudience}`],
    ['audience', [], 'got an empty list; it takes an audience or a list of them'],
    ['audience', ['a', ''], `got an empty string; ${takesAudience}`],
    ['audience', ['a', 5], `got 5; ${takesAudience}`],
    ['audience', 'https://management.azure.com/', ofMicrosoft('Azure Resource Manager')],
    ['audience', 'https://graph.microsoft.com.', ofMicrosoft('Microsoft Graph')],
    ['audience', 'api://00000003-0000-0000-c000-000000000000', ofMicrosoft('Microsoft Graph')],
    ['audience', 'https://management.core.windows.net', ofMicrosoft('Azure Resource Manager')],
    ['audience', ['a', '00000003-0000-0000-c000-000000000000'], ofMicrosoft('Microsoft Graph')],
    ['audience', 'https://contoso.sharepoint.com', ofMicrosoft('SharePoint')],
    ['clientId', '797F4846-BA00-4FD7-BA43-DAC1F8F63013', ofMicrosoft('Azure Resource Manager')],
    ['instance', 'http://login.microsoftonline.com', `got 'http://login.microsoftonline.com'; ${takesInstance}`],
    [
      'instance',
      'https://login.microsoftonline.com/common',
      `got 'https://login.microsoftonline.com/common'; ${takesInstance}`,
    ],
    ['instance', 'ftp://login.example', `got 'ftp://login.example'; ${takesInstance}`],
    ['instance', 'http://127.0.0.1.example', `got 'http://127.0.0.1.example'; ${takesInstance}`],
    ['instance', 'http://10.0.0.1', `got 'http://10.0.0.1'; ${takesInstance}`],
    ['instance', 'https://user:secret@login.example', `got a string of 33 characters; ${takesInstance}`],
    ['instance', 'https://:secret@login.example', `got a string of 29 characters; ${takesInstance}`],
    ['instance', 'https://secret@login.example', `got a string of 28 characters; ${takesInstance}`],
    ['instance', 'https://login.example?code=secret', `got a string of 33 characters; ${takesInstance}`],
    ['instance', 'https://login.example#secret', `got a string of 28 characters; ${takesInstance}`],
    ['instance', 'login.microsoftonline.com', `got a string of 25 characters; ${takesInstance}`],
    ['instance', false, `got false; ${takesInstance}`],
    ['instance', 'https://login.microsoftonline.uk', `got 'https://login.microsoftonline.uk'; ${takesInstance}`],
    ['instance', 'https://login.microsoftonline.de', `got 'https://login.microsoftonline.de'; ${takesInstance}`],
    [
      'instance',
      'https://login.microsoftonline.com.example',
      `got 'https://login.microsoftonline.com.example'; ${takesInstance}`,
    ],
    ['instance', 'https://evil.microsoftonline.com', `got 'https://evil.microsoftonline.com'; ${takesInstance}`],
    ['instance', 'https://microsoftonline.us', `got 'https://microsoftonline.us'; ${takesInstance}`],
    ['instance', 'https://login.chinacloudapi.com', `got 'https://login.chinacloudapi.com'; ${takesInstance}`],
    [
      'instance',
      'https://login.contoso.com/contoso.onmicrosoft.com',
      `got 'https://login.contoso.com/contoso.onmicrosoft.com'; ${takesInstance}`,
    ],
    [
      'instance',
      `https://contoso.ciamlogin.com.example/${tenantId}`,
      `got 'https://contoso.ciamlogin.com.example/${tenantId}'; ${takesInstance}`,
    ],
    [
      'instance',
      'https://contoso.ciamlogin.com/contoso',
      `got 'https://contoso.ciamlogin.com/contoso'; ${takesInstance}`,
    ],
    [
      'instance',
      `https://contoso.ciamlogin.com/${tenantId}/v2.0`,
      `got 'https://contoso.ciamlogin.com/${tenantId}/v2.0'; ${takesInstance}`,
    ],
    [
      'instance',
      `http://contoso.ciamlogin.com/${tenantId}`,
      `got 'http://contoso.ciamlogin.com/${tenantId}'; ${takesInstance}`,
    ],
    [
      'instance',
      `https://user:secret@contoso.ciamlogin.com/${tenantId}`,
      `got a string of 78 characters; ${takesInstance}`,
    ],
    ['diagnostics', 1, 'got 1; it takes true, false, or { explanations, identifiers }'],
    ['diagnostics', 'true', "got 'true'; it takes true, false, or { explanations, identifiers }"],
    ['diagnostics', null, 'got null; it takes true, false, or { explanations, identifiers }'],
    ['diagnostics', [], 'got an empty list; it takes an object of options'],
    ['tokenHeader', '', `got an empty string; ${takesHeader}`],
    ['tokenHeader', 'x authorization', `got a string of 15 characters; ${takesHeader}`],
    ['tokenHeader', 'x-authorization:', `got a string of 16 characters; ${takesHeader}`],
    ['tokenHeader', 'x-autorisación', `got a string of 14 characters; ${takesHeader}`],
    ['tokenHeader', 'x'.repeat(101), `got a string of 101 characters; ${takesHeader}`],
    ['tokenHeader', ['x-authorization'], `got a list of 1; ${takesHeader}`],
    ['tokenHeader', /x/, `got an object; ${takesHeader}`],
    ['tokenHeader', null, `got null; ${takesHeader}`],
    ['ownSigningKey', 'true', "got 'true'; it takes true or false"],
    ['ownSigningKey', null, 'got null; it takes true or false'],
    ['resolveGroups', ['a'], 'got a list of 1; it takes a function of the claims'],
    ['resolveGroups', true, 'got true; it takes a function of the claims'],
    [
      'resolveGroups',
      'https://graph.microsoft.com?key=secret',
      'got a string of 38 characters; it takes a function of the claims',
    ],
    ['resolveGroups', null, 'got null; it takes a function of the claims'],
    ['resourceMetadata', 'https://api.example', 'got a string of 19 characters; it takes an object of options'],
    ['resourceMetadata', null, 'got null; it takes an object of options'],
    ['allowedClients', [], `got an empty list; ${takesClients}`],
    ['allowedClients', clientId, `got a string of 36 characters; ${takesClients}`],
    ['allowedClients', '*', `got a string of 1 characters; ${takesClients}`],
    ['allowedClients', ['my-client'], `got a string of 9 characters; ${takesApplication}`],
    ['allowedClients', [clientId, null], `got null; ${takesApplication}`],
    ['clockToleranceSeconds', -1, 'got -1; it takes a number from 0 to 300'],
    ['clockToleranceSeconds', 300.5, 'got 300.5; it takes a number from 0 to 300'],
    ['clockToleranceSeconds', NaN, 'got NaN; it takes a number from 0 to 300'],
    ['clockToleranceSeconds', Infinity, 'got Infinity; it takes a number from 0 to 300'],
    ['clockToleranceSeconds', '5', "got '5'; it takes a number from 0 to 300"],
    ['clockToleranceSeconds', null, 'got null; it takes a number from 0 to 300'],
    ['errors', 'Respond', "got 'Respond'; it takes 'respond' or 'forward'"],
    ['errors', true, "got true; it takes 'respond' or 'forward'"],
    ['errors', 'x'.repeat(21), "got a string of 21 characters; it takes 'respond' or 'forward'"],
    ['tokenCache', true, 'got true; it takes false, or { maxEntries, maxBytes }'],
    ['tokenCache', 0, 'got 0; it takes false, or { maxEntries, maxBytes }'],
    ['tokenCache', null, 'got null; it takes false, or { maxEntries, maxBytes }'],
    ['fetch', 'node-fetch', "got 'node-fetch'; it takes a function like the global fetch"],
    ['fetch', {}, 'got an object; it takes a function like the global fetch'],
    ['now', 1_234, 'got 1234; it takes a function that returns milliseconds since the epoch'],
    ['now', new Date(0), 'got an object; it takes a function that returns milliseconds since the epoch'],
  ])('appears in the message: %s %j', (option, value, problem) => {
    expect(parse(entra).entra).toBeDefined();
    expect(refusalOf({ ...entra, [option]: value })).toBe(`initialize: ${option}: ${problem}.`);
  });

  it.each<[unknown, string]>([
    [[], `got an empty list; ${takesTenants}`],
    ['all', `got 'all'; ${takesTenants}`],
    [tenantId, `got a string of 36 characters; ${takesTenants}`],
    [['*'], 'got a string of 1 characters; it takes a tenant id, which is a GUID'],
    [['contoso.com'], 'got a string of 11 characters; it takes a tenant id, which is a GUID'],
    [[tenantId, 5], 'got 5; it takes a tenant id, which is a GUID'],
    [true, `got true; ${takesTenants}`],
  ])('appears in the message: allowedTenants %j', (allowedTenants, problem) => {
    const options = { tenantId: 'organizations', clientId };
    expect(parse({ ...options, allowedTenants: '*' }).entra).toBeDefined();
    expect(refusalOf({ ...options, allowedTenants })).toBe(`initialize: allowedTenants: ${problem}.`);
  });

  it.each<[string, unknown, string]>([
    ['domainName', 'contoso.com', `got a string of 11 characters; ${takesDomainName}`],
    ['domainName', 'con toso', `got a string of 8 characters; ${takesDomainName}`],
    ['domainName', '-contoso', `got '-contoso'; ${takesDomainName}`],
    ['domainName', 'contoso-', `got 'contoso-'; ${takesDomainName}`],
    // KELVIN SIGN: in lower case it is a k.
    ['domainName', '\u212Aontoso', `got a string of 7 characters; ${takesDomainName}`],
    ['domainName', '', `got an empty string; ${takesDomainName}`],
    ['domainName', 5, `got 5; ${takesDomainName}`],
    ['policies', '', `got an empty string; ${takesPolicy}`],
    ['policies', 'a/b', `got a string of 3 characters; ${takesPolicy}`],
    ['policies', '../common', `got a string of 9 characters; ${takesPolicy}`],
    ['policies', '.', `got a string of 1 characters; ${takesPolicy}`],
    ['policies', '..', `got a string of 2 characters; ${takesPolicy}`],
    ['policies', 'a b', `got a string of 3 characters; ${takesPolicy}`],
    ['policies', 5, `got 5; ${takesPolicy}`],
    ['policies', ['a', null], `got null; ${takesPolicy}`],
    ['policies', [], 'got an empty list; it takes a policy name or a list of them'],
    ['tenantId', 'contoso.onmicrosoft.com', 'got a string of 23 characters; it takes a tenant id, which is a GUID'],
    ['tenantId', 'organizations', 'got a string of 13 characters; it takes a tenant id, which is a GUID'],
    ['clientId', 'short', `got a string of 5 characters; ${takesApplication}`],
    ['audience', 'a b', `got a string of 3 characters; ${takesAudience}`],
    ['audience', 'https://graph.microsoft.com', ofMicrosoft('Microsoft Graph')],
    ['clientId', '00000003-0000-0000-c000-000000000000', ofMicrosoft('Microsoft Graph')],
    ['instance', 'http://contoso.b2clogin.com', `got 'http://contoso.b2clogin.com'; ${takesB2cInstance}`],
    ['instance', 'https://contoso.ciamlogin.com', `got 'https://contoso.ciamlogin.com'; ${takesB2cInstance}`],
    [
      'instance',
      'https://contoso.b2clogin.com/contoso.onmicrosoft.com',
      `got 'https://contoso.b2clogin.com/contoso.onmicrosoft.com'; ${takesB2cInstance}`,
    ],
    ['daemonClients', [], `got an empty list; ${takesClients}`],
    ['daemonClients', clientId, `got a string of 36 characters; ${takesClients}`],
    ['daemonClients', '*', `got a string of 1 characters; ${takesClients}`],
    ['daemonClients', ['my-daemon'], `got a string of 9 characters; ${takesApplication}`],
    ['daemonClients', [clientId, null], `got null; ${takesApplication}`],
    ['daemonClients', { [clientId]: true }, `got an object; ${takesClients}`],
    ['customDomain', 'contoso.ciamlogin.com', `got a string of 21 characters; ${takesCustomDomain}`],
    ['instance', 'https://login.microsoftonline.uk', `got 'https://login.microsoftonline.uk'; ${takesB2cInstance}`],
    ['customDomain', 'Login.MicrosoftOnline.uk', `got a string of 24 characters; ${takesCustomDomain}`],
    ['customDomain', 'CONTOSO.CIAMLOGIN.COM', `got a string of 21 characters; ${takesCustomDomain}`],
    ['customDomain', 'https://login.contoso.com', `got a string of 25 characters; ${takesCustomDomain}`],
    ['customDomain', 'login.contoso.com/path', `got a string of 22 characters; ${takesCustomDomain}`],
    ['customDomain', 'user:secret@login.contoso.com', `got a string of 29 characters; ${takesCustomDomain}`],
    ['customDomain', 'localhost', `got 'localhost'; ${takesCustomDomain}`],
    ['customDomain', true, `got true; ${takesCustomDomain}`],
  ])('appears in the message with its path: b2c.%s %j', (option, value, problem) => {
    expect(parse({ b2c }).b2c).toBeDefined();
    expect(refusalOf({ b2c: { ...b2c, [option]: value } })).toBe(`initialize: b2c.${option}: ${problem}.`);
  });

  it.each<[string, number, string]>([
    ['domainName', 63, takesDomainName],
    ['policies', 128, takesPolicy],
    ['audience', 1024, takesAudience],
  ])('appears in the message where it has one character too many: b2c.%s, %i', (option, most, takes) => {
    expect(parse({ b2c: { ...b2c, [option]: 'a'.repeat(most) } }).b2c).toBeDefined();
    expect(refusalOf({ b2c: { ...b2c, [option]: 'a'.repeat(most + 1) } })).toBe(
      `initialize: b2c.${option}: got a string of ${String(most + 1)} characters; ${takes}.`,
    );
  });

  it.each<[unknown, string]>([
    [0, 'got 0'],
    [1.5, 'got 1.5'],
    [-1, 'got -1'],
    [1_000_001, 'got 1000001'],
    ['5', "got '5'"],
    [Infinity, 'got Infinity'],
  ])('appears in the message with its path: tokenCache.maxEntries %j', (maxEntries, got) => {
    expect(refusalOf({ ...entra, tokenCache: { maxEntries } })).toBe(
      `initialize: tokenCache.maxEntries: ${got}; it takes a whole number from 1 to 1000000.`,
    );
  });

  it.each<[string, unknown, string]>([
    ['resource', 'http://api.example', `got 'http://api.example'; ${takesResource}`],
    ['resource', 'https://api.example?key=secret', `got a string of 30 characters; ${takesResource}`],
    ['resource', 'https://api.example/reports?key=secret', `got a string of 38 characters; ${takesResource}`],
    ['resource', 'https://api.example/#secret', `got a string of 27 characters; ${takesResource}`],
    ['resource', 'https://user:secret@api.example', `got a string of 31 characters; ${takesResource}`],
    ['resource', 'https://api.example/"', `got 'https://api.example/"'; ${takesResource}`],
    ['resource', 'api.example', `got a string of 11 characters; ${takesResource}`],
    ['resource', `api://${clientId}`, `got 'api://${clientId}'; ${takesResource}`],
    ['resource', 'https://api.example/#', `got a string of 21 characters; ${takesResource}`],
    ['resource', 'https://api.example/?', `got a string of 21 characters; ${takesResource}`],
    ['resource', ' https://api.example', `got a string of 20 characters; ${takesResource}`],
    ['resource', 'https://api.exa\nmple', `got a string of 20 characters; ${takesResource}`],
    ['resource', 'https:api.example', `got a string of 17 characters; ${takesResource}`],
    ['resource', '', `got an empty string; ${takesResource}`],
    ['resource', 5, `got 5; ${takesResource}`],
    ['scopes', 'reports.read', 'got a string of 12 characters; it takes a list of scope names'],
    ['scopes', [], 'got an empty list; it takes a list of scope names'],
    ['scopes', ['reports read'], 'got a string of 12 characters; it takes a scope name'],
    ['scopes', ['reports.read', ''], 'got an empty string; it takes a scope name'],
    ['scopes', ['a"b'], 'got a string of 3 characters; it takes a scope name'],
    ['scopes', [5], 'got 5; it takes a scope name'],
    ...['openid', 'profile', 'email', 'offline_access'].map((name): [string, unknown, string] => [
      'scopes',
      ['reports.read', name],
      `has ${name}, a scope of the sign-in, which clients ask for by themselves; it takes scopes of this API`,
    ]),
    ['name', ' ', 'got a string of 1 characters; it takes a name'],
    ['name', 5, 'got 5; it takes a name'],
    ['documentation', 'http://docs.example', `got 'http://docs.example'; it takes an https URL`],
    ['documentation', 'docs.example', 'got a string of 12 characters; it takes an https URL'],
  ])('appears in the message with its path: resourceMetadata.%s %j', (option, value, problem) => {
    const resourceMetadata = { resource: 'https://api.example', scopes: ['reports.read'], name: 'Reports' };
    expect(parse({ ...entra, resourceMetadata }).resourceMetadata).toBeDefined();
    expect(refusalOf({ ...entra, resourceMetadata: { ...resourceMetadata, [option]: value } })).toBe(
      `initialize: resourceMetadata.${option}: ${problem}.`,
    );
  });

  it.each([
    ['explanations', 1, 'got 1; it takes true or false'],
    ['explanations', null, 'got null; it takes true or false'],
    ['identifiers', 'true', "got 'true'; it takes true or false"],
    ['identifiers', ['oid'], 'got a list of 1; it takes true or false'],
  ])('appears in the message with its path: diagnostics.%s %j', (option, value, problem) => {
    expect(refusalOf({ ...entra, diagnostics: { [option]: value } })).toBe(
      `initialize: diagnostics.${option}: ${problem}.`,
    );
  });

  it.each<[string, unknown, RegExp]>([
    ['b2c as a name', { ...entra, b2c: 'contoso' }, /^initialize: b2c: got 'contoso'; it takes /],
    ['b2c of null', { ...entra, b2c: null }, /^initialize: b2c: got null; it takes /],
    ['b2c as a list', { ...entra, b2c: [b2c] }, /^initialize: b2c: got a list of 1; it takes /],
    ['b2c as a map', { ...entra, b2c: new Map() }, /^initialize: b2c: got an object; it takes an object of options\.$/],
    ['tokenCache as a list', { ...entra, tokenCache: [] }, /^initialize: tokenCache: got an empty list; it takes /],
    ['options as a word', 'contoso', /^initialize: the options: got 'contoso'; it takes /],
    [
      'options as a secret',
      's3cr3t~s3cr3t~s3cr3t~',
      /^initialize: the options: got a string of 21 characters; it takes /,
    ],
    ['options of null', null, /^initialize: the options: got null; it takes /],
    ['options left out', undefined, /^initialize: the options: got undefined; it takes /],
    ['options as a list', [entra], /^initialize: the options: got a list of 1; it takes /],
    ['options as a function', () => entra, /^initialize: the options: got a function; it takes /],
  ])('appears in the message that asks for an object: %s', (_, options, message) => {
    expect(refusalOf(options)).toMatch(message);
  });

  it.each<[string, unknown, RegExp]>([
    ['at the top', { ...entra, audiences: 'a' }, /^initialize: the options: .*'audiences'.* it takes .*\baudience\b/],
    [
      'in another case',
      { ...entra, clientID: clientId },
      /^initialize: the options: .*'clientID'.* it takes .*\bclientId\b/,
    ],
    ['that is long', { ...entra, clockToleranceInSeconds: 5 }, /'clockToleranceInSeconds'/],
    ['of undefined', { ...entra, validateIssuer: undefined }, /'validateIssuer'/],
    ['in b2c', { b2c: { ...b2c, policy: 'a' } }, /^initialize: b2c: .*'policy'.* it takes .*\bpolicies\b/],
    [
      'in diagnostics',
      { ...entra, diagnostics: { identifier: true } },
      /^initialize: diagnostics: .*'identifier'.* it takes .*\bidentifiers\b/,
    ],
    [
      'in tokenCache',
      { ...entra, tokenCache: { max: 5 } },
      /^initialize: tokenCache: .*'max'.* it takes .*\bmaxEntries\b/,
    ],
  ])('appears in the message that lists the options: one %s', (_, options, message) => {
    expect(refusalOf(options)).toMatch(message);
  });

  it('may be a full name of this API that ends like a scope of the sign-in: resourceMetadata.scopes', () => {
    const resourceMetadata = { resource: 'https://api.example', scopes: [`api://${clientId}/profile`] };
    expect(parse({ ...entra, resourceMetadata }).resourceMetadata?.scopes).toEqual([`api://${clientId}/profile`]);
  });

  it('appears in the message if it is missing: resourceMetadata.resource', () => {
    expect(refusalOf({ ...entra, resourceMetadata: { scopes: ['reports.read'] } })).toMatch(
      /^initialize: resourceMetadata\.resource: got undefined; it takes /,
    );
  });

  it('is refused if it would change a prototype', () => {
    refusalOf({ ...entra, b2c: JSON.parse('{"__proto__":{"domainName":"a"}}') as unknown });
    refusalOf(JSON.parse(`{"__proto__":{},"tenantId":"${tenantId}","clientId":"${clientId}"}`));
  });
});
