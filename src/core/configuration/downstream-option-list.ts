/** Does each option of `downstream` have a value that it takes? Of a value that may be a secret, only the length is shown. */
import {
  between,
  boolean,
  integer,
  object,
  pojo,
  record,
  select,
  unknown,
  type Decoder,
  type DecoderType,
} from 'decoders';
import { describe, problemWithOptions } from '../call-arguments.js';
import { isGuid } from '../guid.js';
import { isScopeToken } from '../scope-token.js';
import { isSecure, parseUrl } from '../url.js';
import type { ClientCredential, DownstreamApiOptions, DownstreamOptions } from './downstream-options.js';
import { callable, oneOrMore, optional, options, takes, text } from './option-checks.js';
import type { TokenStore } from './token-store.js';

/** A function; a string in its place may be a secret. */
const secretFunction = <T>(expected: string): Decoder<T> =>
  takes(
    unknown.refine((value): value is T => typeof value === 'function', ''),
    expected,
    'id',
  );

const pem = (expected: string) => text(expected, (value) => value.includes('-----BEGIN '), 'id');
const nonBlank = (expected: string) => text(expected, (value) => value.trim() !== '', 'id');

const credentialMembers = {
  clientSecret: optional(nonBlank('a client secret')),
  certificate: optional(pem('a certificate in PEM')),
  privateKey: optional(pem('a private key in PEM')),
  sendX5c: optional(takes(boolean, 'true or false', 'id')),
  assertion: optional(
    secretFunction<() => string | Promise<string>>(
      'a function that returns an assertion, which is valid for a short time',
    ),
  ),
  federatedTokenFile: optional(nonBlank('the path of a file')),
  managedIdentity: optional(
    text(
      "'system', or the client id of a managed identity",
      (value) => value === 'system' || isGuid(value.toLowerCase()),
      'id',
    ),
  ),
};

type CredentialMembers = { [Name in keyof typeof credentialMembers]?: unknown };

const kinds = ['clientSecret', 'certificate', 'assertion', 'federatedTokenFile', 'managedIdentity'] as const;
const takesOne =
  'it takes exactly one of clientSecret, certificate with privateKey, assertion, federatedTokenFile, managedIdentity';

function problemWithCredential(given: CredentialMembers): string | null {
  const found = kinds.filter((kind) => given[kind] !== undefined);
  if (found.length !== 1) return `got ${found.length === 0 ? 'none' : found.join(' and ')}; ${takesOne}`;
  const isCertificate = found[0] === 'certificate';
  if (isCertificate && given.privateKey === undefined) return 'got certificate without privateKey; it takes both';
  if (isCertificate) return null;
  const stray = (['privateKey', 'sendX5c'] as const).find((name) => given[name] !== undefined);
  return stray === undefined ? null : `got ${stray} without certificate; ${takesOne}`;
}

/** A credential, without unknown members. */
export const clientCredential: Decoder<ClientCredential> = takes(
  pojo,
  'an object with one credential, or a function that returns one',
  'id',
)
  .reject((given) => problemWithOptions(given, Object.keys(credentialMembers)) ?? null)
  .reject(problemWithCredential)
  .pipe(object(credentialMembers))
  .transform((checked) => Object.freeze(checked) as ClientCredential);

const credential = select(unknown, (value): Decoder<DownstreamOptions['credential']> =>
  typeof value === 'function' ? callable<() => ClientCredential>('a function') : clientCredential,
);

/** Whether a text can name an API. */
export const isApiName = (name: string) => /^[A-Za-z][\w-]{0,63}$/.test(name);

// A URL parser would remove white space and an empty query, and turn a backslash.
const isBaseUrl = (value: string): boolean => {
  const url = parseUrl(value);
  if (url === undefined || !/^https?:\/\/[^\s\\?#]+$/i.test(value)) return false;
  return url.username === '' && url.password === '' && isSecure(url);
};

/** The resource of a scope, and its name: `https://graph.microsoft.com`, `User.Read`. A resource may be an application id. */
function resourceOf(scope: string): string | undefined {
  const end = scope.lastIndexOf('/');
  const resource = scope.slice(0, Math.max(end, 0));
  const isFull = /^[a-z][a-z\d+.-]*:\/\/[^/]/i.test(resource) || isGuid(resource.toLowerCase());
  return isFull && end < scope.length - 1 ? resource : undefined;
}

const takesScope = 'a full scope such as https://graph.microsoft.com/User.Read or api://<client id>/access_as_user';

const scopes = oneOrMore(
  text(takesScope, (value) => isScopeToken(value) && resourceOf(value) !== undefined),
  'a scope or a list of them',
).reject((list) => {
  if (new Set(list.map(resourceOf)).size > 1) return 'names scopes of two APIs; it takes those of one';
  const isDefault = list.some((scope) => scope.endsWith('/.default'));
  return isDefault && list.length > 1 ? 'names /.default beside another scope; it takes /.default alone' : null;
});

/** RFC 9110 §5.6.2: the characters of a header's name. */
export const headerName = /^[\w!#$%&'*+.^`|~-]{1,100}$/;
/** The token is ours to add; a cookie or another host would change whose call it is, or who gets the token. */
export const reservedHeaders: readonly string[] = ['authorization', 'cookie', 'host'];

const headers = takes(pojo, 'an object of headers')
  .reject((given) => {
    const wrong = Object.keys(given).find((name) => !headerName.test(name));
    if (wrong !== undefined) return `got ${describe(wrong, 'name')}, which is no name of a header`;
    const taken = Object.keys(given).find((name) => reservedHeaders.includes(name.toLowerCase()));
    return taken === undefined ? null : `got ${taken}; it takes any header but Authorization, Cookie and Host`;
  })
  .pipe(record(text('a text without control characters', (value) => /^[\x20-\x7E\x80-\xFF]*$/.test(value), 'id')));

const isTenantOfApplication = (value: string) => value === 'caller' || isGuid(value.toLowerCase());

/** The tenant of a token for the application itself. */
export const applicationTenant = text(
  "a tenant id, which is a GUID, or 'caller'",
  isTenantOfApplication,
  'id',
).transform((value) => value.toLowerCase());

const apiMembers = {
  baseUrl: optional(
    text('an https URL without a query (http for a loopback address alone)', isBaseUrl, 'url').transform((value) =>
      new URL(value).href.replace(/\/+$/, ''),
    ),
  ),
  scopes: optional(scopes.transform((list) => ({ scopes: list, resource: resourceOf(list[0] ?? '') ?? '' }))),
  tenantId: optional(applicationTenant),
  timeoutMs: optional(takes(between(1, 300_000), 'a number from 1 to 300000')),
  headers: optional(headers),
} satisfies Record<keyof DownstreamApiOptions, unknown>;

/** An API that is called, without unknown members. */
export const downstreamApi = options(apiMembers);

/** An API after each of its options was checked. */
export type CheckedApi = DecoderType<typeof downstreamApi>;

const apis = takes(pojo, 'an object of APIs by their names')
  .reject((given) => {
    const wrong = Object.keys(given).find((name) => !isApiName(name));
    if (wrong === undefined) return null;
    return `got the name ${describe(wrong, 'name')}; it takes names of letters, digits, _ and -, which begin with a letter`;
  })
  .pipe(record(downstreamApi));

function problemWithStore(given: unknown): string | null {
  const { get, set, claim, release } = given as Record<keyof TokenStore, unknown>;
  const { sendCommand, customCommand } = given as Record<'sendCommand' | 'customCommand', unknown>;
  if (typeof (sendCommand ?? customCommand) === 'function') {
    return 'got a client of Redis; it takes redisTokenStore(client)';
  }
  const isStore = [get, set].every((method) => typeof method === 'function');
  const mayHave = [claim, release].every((method) => method === undefined || typeof method === 'function');
  return isStore && mayHave ? null : `got ${describe(given)}; it takes what redisTokenStore() returns, or { get, set }`;
}

const store = takes(
  unknown.refine((value): value is TokenStore => typeof value === 'object' && value !== null, ''),
  'what redisTokenStore() returns, or { get, set }',
).reject(problemWithStore);

/** The options of `downstream`, without unknown ones. */
export const downstream = options({
  credential: optional(credential),
  apis: optional(apis),
  store: optional(store),
  maxEntries: optional(takes(between(1, 1_000_000, integer), 'a whole number from 1 to 1000000')),
} satisfies Record<keyof DownstreamOptions, unknown>);
