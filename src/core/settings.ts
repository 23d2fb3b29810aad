/** What this process accepts: the options after cross-checks and defaults, copied and frozen. */
import { ConfigurationError } from './errors.js';
import { isGuid } from './guid.js';
import { checkOptions, isMultiTenant, type B2cOptions, type CheckedOptions, type IdentityOptions } from './options.js';

/** How an Entra tenant is accepted. */
export interface EntraSettings {
  readonly kind: 'entra';
  readonly tenantId: string;
  readonly audiences: readonly string[];
  readonly instance: string;
  readonly allowedTenants: '*' | ReadonlySet<string> | undefined;
}

/** How a B2C tenant is accepted. */
export interface B2cSettings {
  readonly kind: 'b2c';
  readonly domainName: string;
  /** The GUID that the issuer must name, where it is known. */
  readonly tenantId: string | undefined;
  readonly audiences: readonly string[];
  readonly instance: string;
  readonly policies: readonly string[];
}

/** The checked settings that everything else works from. */
export interface Settings {
  readonly entra: EntraSettings | undefined;
  readonly b2c: B2cSettings | undefined;
  readonly allowedClients: ReadonlySet<string> | undefined;
  readonly clockToleranceSeconds: number;
  readonly errors: 'respond' | 'forward';
  readonly tokenCacheEntries: number;
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => number;
}

/** Which kind of authority a token must come from. */
export type Scheme = 'entra' | 'b2c';

const defaultInstance = 'https://login.microsoftonline.com';
const defaultTokenCacheEntries = 10_000;

function refuse(option: string, problem: string): never {
  throw new ConfigurationError(`initialize: ${option}: ${problem}.`);
}

const unique = (values: readonly string[]): readonly string[] => Object.freeze([...new Set(values)]);

/** Both forms name the same application, so neither widens what is accepted. */
const audiencesOf = (clientId: string, configured: readonly string[] = []) =>
  unique([clientId, `api://${clientId}`, ...configured]);

const originOf = (url: string) => new URL(url).origin;

function entraSettings(options: CheckedOptions): EntraSettings | undefined {
  const { tenantId, clientId, b2c, allowedTenants } = options;
  if (tenantId === undefined || clientId === undefined) {
    if (b2c === undefined) {
      if (tenantId !== undefined) refuse('clientId', 'got undefined; it is required beside tenantId');
      if (clientId !== undefined) refuse('tenantId', 'got undefined; it is required beside clientId');
      refuse('the options', 'need tenantId and clientId (Entra ID), or b2c (Azure AD B2C)');
    }
    for (const option of ['audience', 'instance', 'allowedTenants'] as const) {
      if (options[option] !== undefined) {
        const hint = option === 'allowedTenants' ? '' : `; for B2C alone see b2c.${option}`;
        refuse(option, `belongs to Entra ID, which needs tenantId and clientId beside it${hint}`);
      }
    }
    return undefined;
  }
  if (isMultiTenant(tenantId) && allowedTenants === undefined) {
    refuse('allowedTenants', `got undefined; with tenantId '${tenantId}' it takes a list of tenant GUIDs, or '*'`);
  }
  if (!isMultiTenant(tenantId) && allowedTenants !== undefined) {
    refuse('allowedTenants', "is for tenantId 'organizations' or 'common'; a single tenant allows itself alone");
  }
  return Object.freeze({
    kind: 'entra',
    tenantId: tenantId.toLowerCase(),
    audiences: audiencesOf(clientId.toLowerCase(), options.audience),
    instance: originOf(options.instance ?? defaultInstance),
    allowedTenants:
      allowedTenants === undefined || allowedTenants === '*' ? allowedTenants : lowerCaseSet(allowedTenants),
  });
}

function b2cSettings(options: CheckedOptions): B2cSettings | undefined {
  const { b2c } = options;
  if (b2c === undefined) return undefined;
  if (b2c.domainName === undefined) refuse('b2c.domainName', "got undefined; it takes the tenant's name");
  if (b2c.policies === undefined) refuse('b2c.policies', 'got undefined; it takes a policy name or a list of them');
  if (b2c.customDomain !== undefined && b2c.instance !== undefined) {
    refuse('b2c.customDomain', 'stands beside b2c.instance; name the host once');
  }
  const clientId = b2c.clientId ?? options.clientId;
  if (clientId === undefined) refuse('b2c.clientId', 'got undefined, and there is no clientId above to fall back to');
  const domainName = b2c.domainName.toLowerCase().replace(/\.onmicrosoft\.com$/, '');
  const tenantId = (b2c.tenantId ?? options.tenantId)?.toLowerCase();
  const host = b2c.customDomain ?? `${domainName}.b2clogin.com`;
  return Object.freeze({
    kind: 'b2c',
    domainName,
    tenantId: tenantId !== undefined && isGuid(tenantId) ? tenantId : undefined,
    audiences: audiencesOf(clientId.toLowerCase(), b2c.audience),
    instance: originOf(b2c.instance ?? `https://${host}`),
    policies: unique(b2c.policies),
  });
}

const lowerCaseSet = (values: readonly string[]): ReadonlySet<string> =>
  new Set(values.map((value) => value.toLowerCase()));

/** A clock that answers nonsense must not make an expired token look good: every comparison with NaN is false. */
function trustworthyClock(now: () => number): () => number {
  return () => {
    let time: unknown;
    try {
      time = now();
    } catch (cause) {
      throw new ConfigurationError('initialize: now: threw an error.', { cause });
    }
    if (typeof time === 'number' && Number.isFinite(time)) return time;
    throw new ConfigurationError('initialize: now: returned something other than milliseconds since the epoch.');
  };
}

/**
 * Checks options and turns them into settings.
 *
 * @throws ConfigurationError naming the option, what it got and what it takes
 */
export function parseSettings(input: IdentityOptions): Settings {
  const options = checkOptions(input);
  const now = trustworthyClock(options.now ?? (() => Date.now()));
  now();
  const entra = entraSettings(options);
  return Object.freeze({
    entra,
    b2c: b2cSettings(options),
    allowedClients: options.allowedClients && lowerCaseSet(options.allowedClients),
    clockToleranceSeconds: options.clockToleranceSeconds ?? 5,
    errors: options.errors ?? 'respond',
    tokenCacheEntries: options.tokenCache === false ? 0 : (options.tokenCache?.maxEntries ?? defaultTokenCacheEntries),
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    now,
  });
}

/**
 * Reads options from environment variables, by the names Microsoft.Identity.Web uses.
 *
 * `AZURE_CLIENT_ID` and `AZURE_TENANT_ID` are left alone: workload identity puts the caller's own values there.
 *
 * @param environment - the variables, such as `process.env`
 */
export function optionsFromEnvironment(environment: Readonly<Record<string, string | undefined>>): IdentityOptions {
  const read = (name: string) => {
    const value = environment[name]?.trim();
    return value === '' ? undefined : value;
  };
  const policies = read('AzureAdB2C__Policies') ?? read('AzureAdB2C__SignUpSignInPolicyId');
  const b2c = {
    domainName: read('AzureAdB2C__Domain'),
    policies: policies?.split(',').map((policy) => policy.trim()),
    tenantId: read('AzureAdB2C__TenantId'),
    clientId: read('AzureAdB2C__ClientId'),
  };
  return {
    tenantId: read('AzureAd__TenantId'),
    clientId: read('AzureAd__ClientId'),
    instance: read('AzureAd__Instance'),
    audience: read('AzureAd__Audience'),
    // Half a B2C configuration is refused by the schema, like half of one given as an option.
    b2c: Object.values(b2c).some((value) => value !== undefined) ? (b2c as B2cOptions) : undefined,
  };
}
