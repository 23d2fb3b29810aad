/** The options of `initialize`, and the schema each of them is checked against on its own. */
import { define, exact, type Decoder, type DecoderType } from 'decoders';
import type { AccessTokenClaims } from './access-token-claims.js';
import { ConfigurationError } from './errors.js';
import { isGuid } from './guid.js';

/** Azure AD B2C, as given to {@link IdentityOptions.b2c}. */
export interface B2cOptions {
  /** The tenant's name: `contoso` for contoso.onmicrosoft.com. */
  readonly domainName: string;
  /** The user flow or custom policy, or several, whose tokens are accepted. */
  readonly policies: string | readonly string[];
  /** The B2C tenant's GUID. Default: the `tenantId` above, where that is a GUID. */
  readonly tenantId?: string | undefined;
  /** The API's app registration in the B2C tenant. Default: the `clientId` above. */
  readonly clientId?: string | undefined;
  /** Audiences accepted beside `<clientId>` and `api://<clientId>`. */
  readonly audience?: string | readonly string[] | undefined;
  /** The authority's origin, in place of `https://<domainName>.b2clogin.com`. */
  readonly instance?: string | undefined;
  /** A custom domain's bare host name, in place of `<domainName>.b2clogin.com`; beside `instance`, both are accepted. */
  readonly customDomain?: string | undefined;
}

/** What the API says of itself to clients (RFC 9728), as given to {@link IdentityOptions.resourceMetadata}. */
export interface ResourceMetadataOptions {
  /** The API's resource identifier: the https URL that clients call, without a fragment. */
  readonly resource: string;
  /** The scopes a client may ask for, by their short names. */
  readonly scopes?: readonly string[] | undefined;
  /** The API's name, for people. */
  readonly name?: string | undefined;
  /** Where developers read about the API. */
  readonly documentation?: string | undefined;
}

/** The authority hosts of Microsoft's clouds, for {@link IdentityOptions.instance}. */
export const Cloud = Object.freeze({
  Global: 'https://login.microsoftonline.com',
  UsGovernment: 'https://login.microsoftonline.us',
  China: 'https://login.partner.microsoftonline.cn',
});

/** The options of `initialize`. */
export interface IdentityOptions {
  /** The tenant: its GUID, a verified domain, or `organizations`, `common`, `consumers`. */
  readonly tenantId?: string | undefined;
  /** The API's app registration (application id, a GUID). */
  readonly clientId?: string | undefined;
  /** Audiences accepted beside `<clientId>` and `api://<clientId>`; compared exactly, one trailing slash apart. */
  readonly audience?: string | readonly string[] | undefined;
  /**
   * The authority's origin: a {@link Cloud}, `https://<name>.ciamlogin.com` (with or without the tenant as its path), or a
   * custom domain. Default `https://login.microsoftonline.com`. `http:` is for loopback addresses alone.
   */
  readonly instance?: string | undefined;
  /**
   * Which tenants may call: GUIDs, `'*'`, or a function that is asked for each request once its token verified. Required
   * with `organizations` and `common`, refused beside a single tenant.
   */
  readonly allowedTenants?: '*' | readonly string[] | ((tid: string) => boolean | Promise<boolean>) | undefined;
  /** Which client applications may call (`azp`, or `appid` in v1.0 tokens). Default: any. */
  readonly allowedClients?: readonly string[] | undefined;
  /** Looks up the groups of a caller who is in too many for the token to hold. Default: such a caller is refused. */
  readonly resolveGroups?: ((claims: AccessTokenClaims) => readonly string[] | Promise<readonly string[]>) | undefined;
  /** Azure AD B2C, alone or beside Entra ID. */
  readonly b2c?: B2cOptions | undefined;
  /** What the API says of itself, so that clients find the issuer (RFC 9728). Default: nothing. */
  readonly resourceMetadata?: ResourceMetadataOptions | undefined;
  /** Whether refusals are explained to the developer. Default: unless `NODE_ENV` is `production`. */
  readonly diagnostics?: boolean | undefined;
  /** Tolerance for `exp`, `nbf` and `iat`, in seconds, 0 to 300. Default 5. */
  readonly clockToleranceSeconds?: number | undefined;
  /** `'respond'` (default): a refusal is answered at once. `'forward'`: it goes to the application's error handler. */
  readonly errors?: 'respond' | 'forward' | undefined;
  /** The cache of verified tokens: `false` turns it off; `maxEntries` bounds it, default 10,000. */
  readonly tokenCache?: false | { readonly maxEntries?: number | undefined } | undefined;
  /** Fetches OpenID configurations and keys, for proxies and custom TLS. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

// A wrong value is described, and shown only where it cannot be a pasted secret.
type Showing = 'word' | 'name' | 'id' | 'url';

function describe(value: unknown, showing: Showing): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${String(value.length)}`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value !== 'string') return String(value);
  if (value === '') return 'an empty string';
  const shown =
    (showing === 'word' && /^[\w-]{1,20}$/.test(value)) ||
    (showing === 'name' && /^\w{1,64}$/.test(value)) ||
    (showing === 'url' && /^[a-z]+:\/\/[^@?#\s]{1,80}$/i.test(value));
  return shown ? `'${value}'` : `a string of ${String(value.length)} characters`;
}

const takes = (value: unknown, showing: Showing, expected: string) =>
  `got ${describe(value, showing)}; it takes ${expected}`;

function text(showing: Showing, expected: string, accepts: (value: string) => boolean): Decoder<string> {
  return define((value, ok, err) =>
    typeof value === 'string' && accepts(value) ? ok(value) : err(takes(value, showing, expected)),
  );
}

/** An option that may be left out. Unlike `optional`, it says of a wrong value only what is wrong with it. */
function optional<T>(decoder: Decoder<T>): Decoder<T | undefined> {
  return define((value, ok) => (value === undefined ? ok(undefined) : decoder.decode(value)));
}

/** A list that is not empty, of items that are all accepted. */
function listOf(item: Decoder<string>, expected: string): Decoder<readonly string[]> {
  return define((value, ok, err) => {
    if (!Array.isArray(value) || value.length === 0) return err(takes(value, 'word', expected));
    for (const element of value) {
      const result = item.decode(element);
      if (!result.ok) return err(result.error);
    }
    return ok([...(value as string[])]);
  });
}

function oneOrMore(item: Decoder<string>, expected: string): Decoder<readonly string[]> {
  const list = listOf(item, expected);
  return define((value, ok, err) => {
    const result = Array.isArray(value) ? list.decode(value) : item.decode(value);
    if (!result.ok) return err(result.error);
    return ok(typeof result.value === 'string' ? [result.value] : result.value);
  });
}

function numberBetween(least: number, most: number, options: { integer: boolean }): Decoder<number> {
  const expected = `${options.integer ? 'a whole number' : 'a number'} from ${String(least)} to ${String(most)}`;
  return define((value, ok, err) =>
    typeof value === 'number' && value >= least && value <= most && (!options.integer || Number.isInteger(value))
      ? ok(value)
      : err(takes(value, 'word', expected)),
  );
}

function oneOf<T extends string | boolean>(...values: readonly T[]): Decoder<T> {
  const expected = values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value))).join(' or ');
  return define((value, ok, err) => {
    const found = values.find((candidate) => candidate === value);
    return found === undefined ? err(takes(value, 'word', expected)) : ok(found);
  });
}

function callable<T>(expected: string): Decoder<T> {
  return define((value, ok, err) =>
    typeof value === 'function' ? ok(value as T) : err(takes(value, 'word', expected)),
  );
}

/** Whether a tenant name stands for more than one tenant, so that the issuer is a template. */
export const isMultiTenant = (tenantId: string) => tenantId === 'organizations' || tenantId === 'common';

/** An object of options. One that is not known is refused: it may be a misspelled restriction. */
function options<T extends Record<string, Decoder<unknown>>>(decoders: T) {
  const decoder = exact(decoders);
  const known = Object.keys(decoders);
  return define<DecoderType<typeof decoder>>((value, _ok, err) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return err(takes(value, 'word', 'an object of options'));
    }
    const unknown = Object.keys(value).find((key) => !known.includes(key));
    if (unknown === undefined) return decoder.decode(value);
    return err(`got ${describe(unknown, 'name')}, which is no option; it takes ${known.join(', ')}`);
  });
}

const hostLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
const isHostName = (value: string) =>
  value.length <= 253 && value.split('.').length > 1 && value.split('.').every((label) => hostLabel.test(label));
const isTenant = (value: string) =>
  isGuid(value.toLowerCase()) || isHostName(value) || value === 'consumers' || isMultiTenant(value);

/** Whether an address never leaves this machine: the only place where plain http is allowed. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function isPlainUrl(url: URL): boolean {
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
}

const isOrigin = (value: string) =>
  URL.canParse(value) && isPlainUrl(new URL(value)) && new URL(value).pathname === '/';

const externalIdSuffix = '.ciamlogin.com';

/** Whether a host is Entra External ID's. */
export const isExternalIdHost = (hostname: string) => hostname.endsWith(externalIdSuffix);

const knownClouds: ReadonlySet<string> = new Set([
  ...Object.values(Cloud).map((url) => new URL(url).hostname),
  'login-us.microsoftonline.com',
  'login.chinacloudapi.cn',
  // The clouds of the United States' agencies, which no other network reaches.
  'login.microsoftonline.eaglex.ic.gov',
  'login.microsoftonline.microsoft.scloud',
]);
const looksLikeCloud = /(^|\.)(microsoftonline|chinacloudapi)\./;

/** A host that bears a cloud's name and is none of Microsoft's would be handed the say over who may call. */
const isUnknownCloud = (hostname: string) => looksLikeCloud.test(hostname) && !knownClouds.has(hostname);

const isB2cHost = (hostname: string) => !isExternalIdHost(hostname) && !isUnknownCloud(hostname);

/** The tenant that stands in the path of an External ID authority. */
export function tenantInPath(instance: string): string | undefined {
  const [, tenant, ...rest] = new URL(instance).pathname.split('/');
  return tenant === undefined || tenant === '' || rest.some((segment) => segment !== '') ? undefined : tenant;
}

function isInstance(value: string): boolean {
  if (isOrigin(value)) return !isUnknownCloud(new URL(value).hostname);
  if (!URL.canParse(value) || !isPlainUrl(new URL(value))) return false;
  const tenant = tenantInPath(value);
  return isExternalIdHost(new URL(value).hostname) && tenant !== undefined && isTenant(tenant);
}

// The text is published as it stands, and compared so: the parser would mend white space, and an empty query or fragment.
const isResource = (value: string) =>
  /^https?:\/\/[^\s"\\?#]+$/i.test(value) && URL.canParse(value) && isPlainUrl(new URL(value));

const guid = (expected: string) => text('id', expected, (value) => isGuid(value.toLowerCase()));
const applicationId = guid('an application (client) id, which is a GUID');
const tenantGuid = guid('a tenant id, which is a GUID');
const audience = oneOrMore(
  text('id', 'an audience without white space', (value) => value !== '' && !/\s/.test(value) && value.length <= 1024),
  'an audience or a list of them',
);
const instance = text(
  'url',
  'an https origin such as Cloud.Global, without a path unless it is a tenant on ciamlogin.com (http for a loopback address alone)',
  isInstance,
);
const b2cInstance = text(
  'url',
  'an https origin such as https://contoso.b2clogin.com, without a path (http for a loopback address alone)',
  (value) => isOrigin(value) && isB2cHost(new URL(value).hostname),
);

const b2cSchema = options({
  domainName: optional(
    text('word', "the tenant's name, such as contoso for contoso.onmicrosoft.com", (value) =>
      hostLabel.test(value.replace(/\.onmicrosoft\.com$/i, '')),
    ),
  ),
  policies: optional(
    oneOrMore(
      text('word', 'a user flow or custom policy name such as B2C_1_signin', (value) => /^[\w-]{1,128}$/.test(value)),
      'a policy name or a list of them',
    ),
  ),
  tenantId: optional(tenantGuid),
  clientId: optional(applicationId),
  audience: optional(audience),
  instance: optional(b2cInstance),
  customDomain: optional(
    text(
      'word',
      'a bare host name such as login.contoso.com, which has B2C behind it',
      (value) => isHostName(value) && isB2cHost(value.toLowerCase()),
    ),
  ),
});

const resourceMetadataSchema = options({
  resource: optional(text('url', 'the https URL of the API, without query and fragment', isResource)),
  scopes: optional(
    listOf(
      text('word', 'a scope name', (value) => /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(value)),
      'a list of scope names',
    ),
  ),
  name: optional(text('word', 'a name', (value) => value.trim() !== '')),
  documentation: optional(text('url', 'an https URL', isResource)),
});

type TenantQuestion = (tid: string) => boolean | Promise<boolean>;

const tenantList = listOf(tenantGuid, "a list of tenant GUIDs, '*', or a function");
const tokenCacheBounds = options({ maxEntries: optional(numberBetween(1, 1_000_000, { integer: true })) });

const schema = options({
  tenantId: optional(
    text('id', "a tenant GUID, a verified domain, or 'organizations', 'common' or 'consumers'", isTenant),
  ),
  clientId: optional(applicationId),
  audience: optional(audience),
  instance: optional(instance),
  allowedTenants: optional(
    define<'*' | readonly string[] | TenantQuestion>((value, ok) => {
      if (typeof value === 'function') return ok(value as TenantQuestion);
      return value === '*' ? ok('*') : tenantList.decode(value);
    }),
  ),
  resolveGroups: optional(callable<NonNullable<IdentityOptions['resolveGroups']>>('a function of the claims')),
  resourceMetadata: optional(resourceMetadataSchema),
  diagnostics: optional(oneOf(true, false)),
  allowedClients: optional(listOf(applicationId, 'a list of application (client) ids')),
  b2c: optional(b2cSchema),
  clockToleranceSeconds: optional(numberBetween(0, 300, { integer: false })),
  errors: optional(oneOf('respond', 'forward')),
  tokenCache: optional(
    define<false | { maxEntries?: number | undefined }>((value, ok, err) => {
      if (value === false) return ok(false);
      if (typeof value !== 'object' || value === null) return err(takes(value, 'word', 'false, or { maxEntries }'));
      return tokenCacheBounds.decode(value);
    }),
  ),
  fetch: optional(callable<typeof globalThis.fetch>('a function like the global fetch')),
  now: optional(callable<() => number>('a function that returns milliseconds since the epoch')),
});

/** The options after each was checked on its own. */
export type CheckedOptions = DecoderType<typeof schema>;

/**
 * Checks each option on its own.
 *
 * @throws ConfigurationError naming the first option that is wrong, what it got and what it takes
 */
export function checkOptions(options: unknown): CheckedOptions {
  const result = schema['~standard'].validate(options) as StandardResult<CheckedOptions>;
  const issue = result.issues?.[0];
  if (issue === undefined) return (result as { value: CheckedOptions }).value;
  const path = (issue.path ?? []).map(String).join('.');
  throw new ConfigurationError(`initialize: ${path === '' ? 'the options' : path}: ${issue.message}.`);
}

interface StandardResult<T> {
  readonly value?: T;
  readonly issues?: readonly { readonly message: string; readonly path?: readonly PropertyKey[] }[];
}
