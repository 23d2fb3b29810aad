/** What a route demands of a token, and whether a verified token satisfies it. Pure functions. */
import { rolesOf, scopesOf, type AccessTokenClaims } from './claims.js';
import { ConfigurationError, InsufficientScopeError, InvalidTokenError } from './errors.js';
import type { Scheme } from './settings.js';

/** A demand for at least one of some names, in the token's scopes (or an application's roles) or in its roles alone. */
export interface Demand {
  readonly kind: 'scope' | 'role';
  readonly anyOf: readonly string[];
}

/** Which authority the token must come from, and for B2C from which policies. */
export interface SchemeDemand {
  readonly kind: Scheme;
  /** The policies accepted; any configured one where this is undefined. */
  readonly policies: readonly string[] | undefined;
}

/** All that a route demands. Every demand must hold. */
export interface Requirement {
  /** Undefined: the one scheme that is configured. */
  readonly scheme: SchemeDemand | undefined;
  readonly demands: readonly Demand[];
}

/** A token that passed every check, and what its authority vouches for. */
export interface VerifiedToken {
  readonly kind: Scheme;
  readonly claims: AccessTokenClaims;
  /** The configured name of the B2C policy that issued it. */
  readonly policy: string | undefined;
}

/** RFC 6749 §3.3: what a scope name may hold. It also keeps the name safe inside a quoted challenge parameter. */
const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

function checkName(kind: Demand['kind'], name: unknown): string {
  if (typeof name !== 'string' || name.trim() === '') throw new ConfigurationError(`A ${kind} name is blank.`);
  if (/\s/.test(name)) {
    throw new ConfigurationError(`A ${kind} name holds white space; several names are several arguments.`);
  }
  if (kind === 'scope') {
    if (name.includes('://')) {
      throw new ConfigurationError(
        'A scope is named by its short name, such as access_as_user: that is what the scp claim holds, not the full URI.',
      );
    }
    if (!scopeToken.test(name)) {
      throw new ConfigurationError('A scope name holds a character that RFC 6749 §3.3 does not allow.');
    }
  }
  return name;
}

/**
 * A demand for any of the names.
 *
 * @throws ConfigurationError where there is no name, or one that no token can hold
 */
export function anyOf(kind: Demand['kind'], names: readonly unknown[]): Demand {
  if (names.length === 0) throw new ConfigurationError(`At least one ${kind} name is needed.`);
  return Object.freeze({ kind, anyOf: Object.freeze(names.map((name) => checkName(kind, name))) });
}

/**
 * The policies that `@RequiresB2cAuth` names.
 *
 * @throws ConfigurationError where the list is empty or a name is blank
 */
export function namedPolicies(policy: string | readonly string[] | undefined): readonly string[] | undefined {
  if (policy === undefined) return undefined;
  const names: readonly unknown[] = typeof policy === 'string' ? [policy] : policy;
  if (!Array.isArray(names) || names.length === 0) throw new ConfigurationError('At least one policy name is needed.');
  return names.map((name: unknown) => {
    if (typeof name !== 'string' || name === '' || /\s/.test(name)) {
      throw new ConfigurationError('A policy name is blank or holds white space.');
    }
    return name;
  });
}

/** An application has roles where a person has scopes; the caller need not know which of the two it meets. */
function heldNames(demand: Demand, claims: AccessTokenClaims): readonly string[] {
  if (demand.kind === 'role') return rolesOf(claims);
  const scopes = scopesOf(claims);
  return scopes.length > 0 ? scopes : rolesOf(claims);
}

/**
 * Checks one demand.
 *
 * @throws InsufficientScopeError
 */
export function checkDemand(demand: Demand, claims: AccessTokenClaims): void {
  const held = heldNames(demand, claims);
  if (demand.anyOf.some((name) => held.includes(name))) return;
  throw new InsufficientScopeError(demand.kind, demand.kind === 'scope' ? demand.anyOf : []);
}

/**
 * Checks that a verified token comes from a policy the route takes.
 *
 * @throws InvalidTokenError `policy`
 */
export function checkPolicy({ scheme }: Requirement, token: VerifiedToken): void {
  if (scheme?.policies === undefined) return;
  const policy = token.policy?.toLowerCase();
  if (!scheme.policies.some((name) => name.toLowerCase() === policy)) throw new InvalidTokenError('policy');
}

/**
 * Checks that a verified token reaches as far as a route demands.
 *
 * @throws InsufficientScopeError where a demand does not hold
 */
export function checkDemands({ demands }: Requirement, token: VerifiedToken): void {
  for (const demand of demands) checkDemand(demand, token.claims);
}
