/** May the tenant of a token call? Here `allowedTenants` is asked, as a list and as a function. */
import { isThenable, whenSettled } from '../awaited.js';
import type { EntraSettings } from '../configuration/settings.js';
import { ConfigurationError } from '../errors.js';
import { invalidToken } from '../gate-refusals.js';
import { consumerTenant } from '../issuers/issuer.js';
import type { VerifiedToken } from './verified-token.js';

/**
 * Whether the options let a tenant call, as far as they are a list. A function is called for each request, by
 * {@link askAboutTenant}.
 */
export function isListedTenant(tenant: string, { tenantId, allowedTenants }: EntraSettings): boolean {
  if (tenantId === 'organizations' && tenant === consumerTenant) return false;
  return typeof allowedTenants === 'object' ? allowedTenants.has(tenant) : true;
}

/**
 * Asks the application whether a tenant may call, if `allowedTenants` is a function.
 *
 * @returns a promise only if the function returns one
 * @throws InvalidTokenError `tenant`
 * @throws ConfigurationError if the function throws or rejects
 */
export function askAboutTenant(
  { kind, claims }: VerifiedToken,
  entra: EntraSettings | undefined,
): void | Promise<void> {
  const isAllowed = entra?.allowedTenants;
  if (kind !== 'entra' || typeof isAllowed !== 'function') return undefined;
  let answer: unknown;
  try {
    answer = isAllowed(claims.tid ?? '');
  } catch (cause) {
    return tenantQuestionFailed(cause);
  }
  if (isThenable(answer)) return whenSettled(answer, requireTrue, tenantQuestionFailed);
  requireTrue(answer);
  return undefined;
}

function tenantQuestionFailed(cause: unknown): never {
  throw new ConfigurationError('initialize: allowedTenants: threw an error.', { cause });
}

/** No other value, however truthy, allows a tenant. */
function requireTrue(answer: unknown): void {
  if (answer !== true) throw invalidToken('tenant');
}
