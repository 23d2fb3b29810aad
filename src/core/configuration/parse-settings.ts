/** Which settings do the options give? Here are the checks of options against each other, and the defaults. */
import { audiencesOf } from '../audience.js';
import { ConfigurationError } from '../errors.js';
import { isGuid } from '../guid.js';
import { b2cDomain, b2cHost, Cloud, isExternalIdHost, mayBeAt, tenantName } from '../microsoft-hosts.js';
import { isMultiTenant, isShared, tenantInPath, tenantOfInstance } from './configured-tenant.js';
import { checkOptions, type CheckedOptions } from './option-list.js';
import type { IdentityOptions, ResourceMetadataOptions } from './options.js';
import { downstreamSettings } from './parse-downstream.js';
import type { B2cSettings, EntraSettings, GroupsResolver, Settings } from './settings.js';

const defaultTokenCacheEntries = 10_000;
const defaultTokenCacheBytes = 64 * 1024 * 1024;

function refuseOption(option: string, problem: string): never {
  throw new ConfigurationError(`initialize: ${option}: ${problem}.`);
}

export const unique = (values: readonly string[]): readonly string[] => Object.freeze([...new Set(values)]);

const originOf = (url: string) => new URL(url).origin;

function checkTenants({ tenantId = '', allowedTenants, instance }: CheckedOptions): void {
  if (isMultiTenant(tenantId) && allowedTenants === undefined) {
    refuseOption(
      'allowedTenants',
      `got undefined; with tenantId '${tenantId}' it takes a list of tenant GUIDs, '*', or a function`,
    );
  }
  if (!isMultiTenant(tenantId) && allowedTenants !== undefined) {
    refuseOption('allowedTenants', "is for tenantId 'organizations' or 'common'; a single tenant allows itself alone");
  }
  if (instance === undefined) return;
  const inPath = tenantInPath(instance);
  if (inPath !== undefined && isGuid(inPath) === isGuid(tenantId) && inPath !== tenantId) {
    refuseOption('instance', 'names another tenant in its path than tenantId');
  }
  if (inPath !== undefined && isShared(inPath)) {
    refuseOption('instance', `names '${inPath}' in its path; an External ID instance has one tenant of its own`);
  }
  if (isExternalIdHost(new URL(instance).hostname) && isShared(tenantId)) {
    refuseOption('tenantId', `got '${tenantId}'; an External ID instance has one tenant of its own`);
  }
}

function checkSigningKey({ tenantId = '', ownSigningKey }: CheckedOptions): void {
  // The key belongs to the enterprise application, and each tenant has an enterprise application of its own.
  if (ownSigningKey === true && isShared(tenantId)) {
    refuseOption('ownSigningKey', `got true; with tenantId '${tenantId}' it takes false`);
  }
}

function entraSettings(options: CheckedOptions): EntraSettings | undefined {
  const { clientId, b2c, allowedTenants } = options;
  const tenantId = options.tenantId ?? (clientId && options.instance && tenantOfInstance(options.instance));
  if (tenantId === undefined || clientId === undefined) {
    if (b2c === undefined) {
      if (tenantId !== undefined) refuseOption('clientId', 'got undefined; it is required beside tenantId');
      if (clientId !== undefined) refuseOption('tenantId', 'got undefined; it is required beside clientId');
      refuseOption('the options', 'need tenantId and clientId (Entra ID), or b2c (Azure AD B2C)');
    }
    for (const option of [
      'audience',
      'instance',
      'allowedTenants',
      'resolveGroups',
      'ownSigningKey',
      'downstream',
    ] as const) {
      if (options[option] !== undefined) {
        const hint = option === 'audience' || option === 'instance' ? `; for B2C alone see b2c.${option}` : '';
        refuseOption(option, `belongs to Entra ID, which needs tenantId and clientId beside it${hint}`);
      }
    }
    return undefined;
  }
  checkTenants({ ...options, tenantId });
  checkSigningKey({ ...options, tenantId });
  const instance = options.instance ?? Cloud.Global;
  return Object.freeze({
    kind: 'entra',
    tenantId,
    clientId,
    audiences: audiencesOf(clientId, options.audience),
    instance: originOf(instance),
    tenantPath: tenantInPath(instance) ?? tenantId,
    ownSigningKey: options.ownSigningKey ?? false,
    allowedTenants,
  });
}

function b2cSettings(b2c: NonNullable<CheckedOptions['b2c']>, options: CheckedOptions): B2cSettings {
  if (b2c.domainName === undefined) refuseOption('b2c.domainName', "got undefined; it takes the tenant's name");
  if (b2c.policies === undefined)
    refuseOption('b2c.policies', 'got undefined; it takes a policy name or a list of them');
  const clientId = b2c.clientId ?? options.clientId;
  if (clientId === undefined)
    refuseOption('b2c.clientId', 'got undefined, and there is no clientId above to fall back to');
  const hostname = b2c.instance === undefined ? '' : new URL(b2c.instance).hostname;
  const domain = b2cDomain(b2c.domainName, hostname);
  if (!mayBeAt(domain, hostname)) refuseOption('b2c.domainName', 'is of another cloud than b2c.instance');
  const tenantId = b2c.tenantId ?? options.tenantId;
  const named = [b2c.customDomain && `https://${b2c.customDomain}`, b2c.instance].filter((url) => url !== undefined);
  return Object.freeze({
    kind: 'b2c',
    domainName: tenantName(domain),
    domain,
    tenantId: tenantId !== undefined && isGuid(tenantId) ? tenantId : undefined,
    clientId,
    audiences: audiencesOf(clientId, b2c.audience),
    instances: unique((named.length === 0 ? [`https://${b2cHost(domain)}`] : named).map(originOf)),
    policies: unique(b2c.policies),
    daemonClients: b2c.daemonClients,
  });
}

function resourceSettings(resourceMetadata: NonNullable<CheckedOptions['resourceMetadata']>): ResourceMetadataOptions {
  const { resource } = resourceMetadata;
  if (resource === undefined)
    refuseOption('resourceMetadata.resource', 'got undefined; it takes the https URL of the API');
  return Object.freeze({ ...resourceMetadata, resource });
}

function diagnosticsSettings(given: CheckedOptions['diagnostics']): Pick<Settings, 'diagnostics' | 'identifiers'> {
  const { explanations, identifiers = false } = typeof given === 'object' ? given : { explanations: given };
  return { diagnostics: explanations, identifiers };
}

/** A clock that returns no number must not make an expired token valid: every comparison with NaN is false. */
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

/** An error in `resolveGroups` refuses the request with a ConfigurationError. */
function groupsResolver(resolve: NonNullable<CheckedOptions['resolveGroups']>): GroupsResolver {
  return async (claims) => {
    let groups: unknown;
    try {
      groups = await resolve(claims);
    } catch (cause) {
      throw new ConfigurationError('initialize: resolveGroups: threw an error.', { cause });
    }
    if (Array.isArray(groups) && groups.every((group) => typeof group === 'string')) return groups;
    throw new ConfigurationError('initialize: resolveGroups: returned something other than a list of group ids.');
  };
}

/**
 * Checks the options and makes settings of them. The settings are copies, and frozen.
 *
 * @throws ConfigurationError that names the option, what it got and what it takes
 */
export function parseSettings(input: IdentityOptions): Settings {
  const options = checkOptions(input);
  const now = options.now === undefined ? () => Date.now() : trustworthyClock(options.now);
  now();
  const entra = entraSettings(options);
  const b2c = options.b2c && b2cSettings(options.b2c, options);
  return Object.freeze({
    entra,
    b2c,
    resolveGroups: options.resolveGroups && groupsResolver(options.resolveGroups),
    claimCheck: options.claimCheck,
    requireAuth: options.requireAuth ?? false,
    tokenHeader: options.tokenHeader === 'authorization' ? undefined : options.tokenHeader,
    resourceMetadata: options.resourceMetadata && resourceSettings(options.resourceMetadata),
    downstream: options.downstream && downstreamSettings(options.downstream),
    ...diagnosticsSettings(options.diagnostics),
    allowedClients: options.allowedClients,
    clockToleranceSeconds: options.clockToleranceSeconds ?? 5,
    errors: options.errors ?? 'respond',
    tokenCacheEntries: options.tokenCache === false ? 0 : (options.tokenCache?.maxEntries ?? defaultTokenCacheEntries),
    tokenCacheBytes:
      (options.tokenCache === false ? undefined : options.tokenCache?.maxBytes) ?? defaultTokenCacheBytes,
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    now,
  });
}
