/** The check of each option on its own. */
import { define, exact, type Decoder, type DecoderType } from 'decoders';
import { ConfigurationError } from '../errors.js';
import { isGuid } from '../guid.js';
import { isExternalIdHost, isUnknownCloud, tenantName } from '../microsoft-hosts.js';
import { isScopeToken } from '../scope-token.js';
import { isLoopback } from '../url.js';
import type { IdentityOptions } from './options.js';
import { isMultiTenant, tenantInPath } from './tenant.js';

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

function isPlainUrl(url: URL): boolean {
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
}

const isOrigin = (value: string) =>
  URL.canParse(value) && isPlainUrl(new URL(value)) && new URL(value).pathname === '/';

function isInstance(value: string): boolean {
  if (isOrigin(value)) return !isUnknownCloud(new URL(value).hostname);
  if (!URL.canParse(value) || !isPlainUrl(new URL(value))) return false;
  const tenant = tenantInPath(value);
  return isExternalIdHost(new URL(value).hostname) && tenant !== undefined && isTenant(tenant);
}

const mayServeB2c = (hostname: string) => !isExternalIdHost(hostname) && !isUnknownCloud(hostname);

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
  (value) => isOrigin(value) && mayServeB2c(new URL(value).hostname),
);

const b2cSchema = options({
  domainName: optional(
    text('word', "the tenant's name, such as contoso for contoso.onmicrosoft.com", (value) =>
      hostLabel.test(tenantName(value)),
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
      (value) => isHostName(value) && mayServeB2c(value.toLowerCase()),
    ),
  ),
});

const resourceMetadataSchema = options({
  resource: optional(text('url', 'the https URL of the API, without query and fragment', isResource)),
  scopes: optional(listOf(text('word', 'a scope name', isScopeToken), 'a list of scope names')),
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
