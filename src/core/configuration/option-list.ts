/** Does each option have a value that it takes? Ids and hosts are returned in lower case. */
import { between, boolean, constant, integer, oneOf, select, unknown, type Decoder, type DecoderType } from 'decoders';
import { isGuid } from '../guid.js';
import { microsoftApiOf } from '../microsoft-apis.js';
import { isB2cHost, isExternalIdHost, isUnknownCloud, tenantName } from '../microsoft-hosts.js';
import { isScopeToken } from '../scope-token.js';
import { isSecure, parseUrl } from '../url.js';
import { isMultiTenant, tenantInPath } from './configured-tenant.js';
import { downstream, headerName } from './downstream-option-list.js';
import { callable, checked, listOf, oneOrMore, optional, options, takes, text } from './option-checks.js';
import type {
  ApplicationCheck,
  B2cOptions,
  DiagnosticsOptions,
  IdentityOptions,
  ResourceMetadataOptions,
} from './options.js';
import type { TenantQuestion } from './settings.js';

// The length is compared apart, here and below: to compile a bounded repetition, or one without letter case, takes V8 a
// tenth of a millisecond, and all of it is spent when an application starts.
const isHostLabel = (value: string) => value.length <= 63 && /^[A-Za-z\d]([A-Za-z\d-]*[A-Za-z\d])?$/.test(value);
const isHostName = (value: string) =>
  value.length <= 253 && value.split('.').length > 1 && value.split('.').every(isHostLabel);
const isTenant = (value: string) =>
  isGuid(value.toLowerCase()) || isHostName(value) || value === 'consumers' || isMultiTenant(value);

function isPlain(url: URL): boolean {
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return false;
  return isSecure(url);
}

/** A URL that has a scheme, a host, a port and a path, and no other part. Plain http is for loopback. */
function plainUrl(value: string): URL | undefined {
  const url = parseUrl(value);
  return url !== undefined && isPlain(url) ? url : undefined;
}

function isInstance(value: string): boolean {
  const url = plainUrl(value);
  if (url === undefined) return false;
  if (url.pathname === '/') return !isUnknownCloud(url.hostname);
  const tenant = tenantInPath(value);
  return isExternalIdHost(url.hostname) && tenant !== undefined && isTenant(tenant);
}

const mayServeB2c = (hostname: string) => !isExternalIdHost(hostname) && !isUnknownCloud(hostname);

function isB2cInstance(value: string): boolean {
  const url = plainUrl(value);
  return url?.pathname === '/' && mayServeB2c(url.hostname);
}

// The URL is published and compared as it is written. A URL parser would remove white space and an empty query.
const isResource = (value: string) => /^https?:\/\/[^\s"\\?#]+$/i.test(value) && plainUrl(value) !== undefined;

const inLowerCase = (value: string) => value.toLowerCase();

const guid = (expected: string) => text(expected, (value) => isGuid(value.toLowerCase()), 'id').transform(inLowerCase);
const applicationId = guid('an application (client) id, which is a GUID');
const clients = listOf(applicationId, 'a list of application (client) ids').transform((ids) => new Set(ids));
const tenantGuid = guid('a tenant id, which is a GUID');

/** Refuses an id of Microsoft's own APIs: every client of the tenant can get tokens for them. */
const ofThisApi = (id: Decoder<string>) =>
  id.reject((value) => {
    const api = microsoftApiOf(value);
    if (api === undefined) return null;
    return `is that of ${api}; every client of the tenant can get tokens for it. It takes an identifier of this API`;
  });

const apiId = ofThisApi(applicationId);
const audience = oneOrMore(
  ofThisApi(text('an audience without white space', (value) => value.length <= 1024 && /^\S+$/.test(value), 'id')),
  'an audience or a list of them',
);

// The name is a segment of the path of the OpenID configuration. A segment of dots alone would leave that path.
const isPolicyName = (value: string) => value.length <= 128 && /^[\w.-]+$/.test(value) && !/^\.+$/.test(value);

const b2c = options({
  domainName: optional(
    text("the tenant's name, such as contoso for contoso.onmicrosoft.com", (value) =>
      isHostLabel(tenantName(value)),
    ).transform(inLowerCase),
  ),
  policies: optional(
    oneOrMore(
      text('a user flow or custom policy name such as B2C_1_signin', isPolicyName),
      'a policy name or a list of them',
    ),
  ),
  tenantId: optional(tenantGuid),
  clientId: optional(apiId),
  audience: optional(audience),
  instance: optional(
    text(
      'an https origin such as https://contoso.b2clogin.com, without a path (http for a loopback address alone)',
      isB2cInstance,
      'url',
    ),
  ),
  customDomain: optional(
    text(
      'a bare host name such as login.contoso.com, which has B2C behind it',
      (value) => isHostName(value) && mayServeB2c(value.toLowerCase()),
    ),
  ),
  daemonClients: optional(clients),
} satisfies Record<keyof B2cOptions, unknown>);

/**
 * Scopes of OpenID Connect that Entra ID and B2C know. No API has them: with a prefix before it, the authority takes such a
 * name for an unknown scope, and refuses the sign-in.
 *
 * @see {@link https://learn.microsoft.com/entra/identity-platform/scopes-oidc#openid-connect-scopes OpenID Connect scopes}
 */
const scopesOfSignIn: readonly string[] = ['openid', 'profile', 'email', 'offline_access'];

const scopeOfApi = text('a scope name', isScopeToken).reject((name) =>
  scopesOfSignIn.includes(name)
    ? `has ${name}, a scope of the sign-in, which clients ask for by themselves; it takes scopes of this API`
    : null,
);

const resourceMetadata = options({
  resource: optional(text('the https URL of the API, without query and fragment', isResource, 'url')),
  scopes: optional(listOf(scopeOfApi, 'a list of scope names')),
  name: optional(text('a name', (value) => value.trim() !== '')),
  documentation: optional(text('an https URL', isResource, 'url')),
} satisfies Record<keyof ResourceMetadataOptions, unknown>);

/** Headers that HTTP, a browser or a proxy writes, so that a client cannot put a token there. */
const headersOfHttp: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'max-forwards', 'via', 'forwarded'],
  ...['host', 'origin', 'referer', 'from', 'user-agent', 'cookie', 'set-cookie', 'www-authenticate'],
  ...['accept', 'age', 'date', 'expect', 'pragma', 'range', 'warning', 'x-forwarded-for', 'x-forwarded-host'],
  ...['x-forwarded-port', 'x-forwarded-proto', 'x-real-ip', 'x-http-method-override'],
]);
const prefixesOfHttp = ['accept-', 'access-control-', 'cache-', 'content-', 'if-', 'proxy-', 'sec-'];
const isOfHttp = (name: string) => headersOfHttp.has(name) || prefixesOfHttp.some((prefix) => name.startsWith(prefix));

const tenants = listOf(tenantGuid, "a list of tenant GUIDs, '*', or a function").transform((ids) => new Set(ids));
const tenantQuestion = callable<TenantQuestion>('a function of the tenant id');
const tokenCache = options({
  maxEntries: optional(takes(between(1, 1_000_000, integer), 'a whole number from 1 to 1000000')),
  maxBytes: optional(takes(between(1, Number.MAX_SAFE_INTEGER, integer), 'a whole number of bytes, at least 1')),
});

const diagnostics = options({
  explanations: optional(takes(boolean, 'true or false')),
  identifiers: optional(takes(boolean, 'true or false')),
} satisfies Record<keyof DiagnosticsOptions, unknown>);

const identityOptions = options({
  tenantId: optional(
    text("a tenant GUID, a verified domain, or 'organizations', 'common' or 'consumers'", isTenant, 'id').transform(
      inLowerCase,
    ),
  ),
  clientId: optional(apiId),
  audience: optional(audience),
  instance: optional(
    text(
      'an https origin such as Cloud.Global, without a path unless it is a tenant on ciamlogin.com (http for a loopback address alone)',
      isInstance,
      'url',
    )
      .reject((value) =>
        isB2cHost(plainUrl(value)?.hostname ?? '')
          ? 'is a host of Azure AD B2C, whose tokens come from its policies; it goes into b2c.instance, beside b2c.policies'
          : null,
      )
      .transform(inLowerCase),
  ),
  allowedTenants: optional(
    select(unknown, (value) => {
      if (typeof value === 'function') return tenantQuestion;
      return value === '*' ? constant('*') : tenants;
    }),
  ),
  resolveGroups: optional(callable<NonNullable<IdentityOptions['resolveGroups']>>('a function of the claims')),
  claimCheck: optional(callable<ApplicationCheck>('a function of the claims and the request')),
  requireAuth: optional(takes(boolean, 'true or false')),
  tokenHeader: optional(
    text(
      'the name of a header that may hold a token, such as x-api-authorization',
      (value) => headerName.test(value) && !isOfHttp(value.toLowerCase()),
    ).transform(inLowerCase),
  ),
  ownSigningKey: optional(takes(boolean, 'true or false')),
  resourceMetadata: optional(resourceMetadata),
  diagnostics: optional(
    select(unknown, (value) =>
      typeof value === 'object' && value !== null
        ? diagnostics
        : takes(boolean, 'true, false, or { explanations, identifiers }'),
    ),
  ),
  allowedClients: optional(clients),
  b2c: optional(b2c),
  downstream: optional(downstream),
  clockToleranceSeconds: optional(takes(between(0, 300), 'a number from 0 to 300')),
  errors: optional(takes(oneOf(['respond', 'forward']), "'respond' or 'forward'")),
  tokenCache: optional(
    select(unknown, (value) =>
      typeof value === 'object' && value !== null
        ? tokenCache
        : takes(constant(false), 'false, or { maxEntries, maxBytes }'),
    ),
  ),
  fetch: optional(callable<typeof globalThis.fetch>('a function like the global fetch')),
  now: optional(callable<() => number>('a function that returns milliseconds since the epoch')),
} satisfies Record<keyof IdentityOptions, unknown>);

/** The options after each of them was checked. */
export type CheckedOptions = DecoderType<typeof identityOptions>;

/**
 * Checks each option without the others.
 *
 * @throws ConfigurationError that names the first wrong option, what it got and what it takes
 */
export function checkOptions(given: unknown): CheckedOptions {
  return checked(identityOptions, given, 'initialize', 'the options');
}
