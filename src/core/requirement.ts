/** What a route demands of a token, and whether a verified token satisfies it. Pure functions. */
import {
  authContextsOf,
  callsAsApp,
  callsAsUser,
  groupsOf,
  isGuest,
  rolesOf,
  scopesOf,
  type AccessTokenClaims,
} from './claims.js';
import { authContextRequest, ClaimsChallengeError, type ChallengeAuthority } from './claims-challenge.js';
import { ConfigurationError, InsufficientScopeError, InvalidTokenError } from './errors.js';
import { isGuid } from './guid.js';
import type { Authenticator } from './identity.js';
import type { Scheme } from './settings.js';

/** A demand for at least one of some names: scopes (of an application: roles), or roles, or groups. */
export interface NameDemand {
  readonly kind: 'scope' | 'role' | 'group';
  readonly anyOf: readonly string[];
}

/** A demand for one of some scopes of a person, or one of some application permissions of an application. */
export interface PermissionDemand {
  readonly kind: 'permission';
  readonly scopes: readonly string[];
  readonly appPermissions: readonly string[];
}

/** One thing that a route demands. */
export type Demand =
  NameDemand | PermissionDemand | { readonly kind: 'member' } | { readonly kind: 'auth_context'; readonly id: string };

/** Who may call: people, applications on their own behalf, or both. */
export type Callers = 'user' | 'app' | 'any';

/** Which authority the token must come from, for Entra ID on whose behalf, and for B2C from which policies. */
export interface SchemeDemand {
  readonly kind: Scheme | 'any';
  /** The policies accepted; any configured one where this is undefined. */
  readonly policies?: readonly string[] | undefined;
  /** The callers accepted; any where this is undefined. */
  readonly callers?: Callers | undefined;
}

/** All that a route demands. Every demand must hold. */
export interface Requirement {
  /** Undefined: the one scheme that is configured. */
  readonly scheme: SchemeDemand | undefined;
  readonly demands: readonly Demand[];
  /** The configuration to hold the token against; undefined: the one of the process. */
  readonly identity?: Authenticator | undefined;
}

/** A token that passed every check, and what its authority vouches for. */
export interface VerifiedToken {
  readonly kind: Scheme;
  readonly claims: AccessTokenClaims;
  /** The configured name of the B2C policy that issued it. */
  readonly policy: string | undefined;
  /** Where a client goes for a token that says more. */
  readonly authority: ChallengeAuthority;
}

/** Looks up the groups of a caller whose token could not hold them. */
export type GroupsResolver = (claims: AccessTokenClaims) => Promise<readonly string[]>;

/** RFC 6749 §3.3: what a scope name may hold. It also keeps the name safe inside a quoted challenge parameter. */
const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

function checkName(kind: NameDemand['kind'], name: unknown): string {
  if (typeof name !== 'string' || name.trim() === '') throw new ConfigurationError(`A ${kind} name is blank.`);
  // Groups synchronized from Windows Server may be named as in DOMAIN\\Domain Users.
  if (kind === 'group') return comparable(name);
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

/** GUIDs are the same in either letter case; anything else is compared as it stands. */
function comparable(group: string): string {
  const lowerCase = group.toLowerCase();
  return isGuid(lowerCase) ? lowerCase : group;
}

function checkNames(kind: NameDemand['kind'], names: readonly unknown[]): readonly string[] {
  if (names.length === 0) throw new ConfigurationError(`At least one ${kind} name is needed.`);
  return Object.freeze(names.map((name) => checkName(kind, name)));
}

/**
 * A demand for any of the names.
 *
 * @throws ConfigurationError where there is no name, or one that no token can hold
 */
export function anyOf(kind: NameDemand['kind'], names: readonly unknown[]): NameDemand {
  return Object.freeze({ kind, anyOf: checkNames(kind, names) });
}

const listed = (names: unknown): readonly unknown[] => (Array.isArray(names) ? (names as unknown[]) : [names]);

/**
 * A demand for a scope of a person, or an application permission of an application.
 *
 * @throws ConfigurationError as {@link anyOf} does
 */
export function scopeOrAppPermission(scope: unknown, appPermission: unknown): PermissionDemand {
  return Object.freeze({
    kind: 'permission',
    scopes: checkNames('scope', listed(scope)),
    appPermissions: checkNames('role', listed(appPermission)),
  });
}

/**
 * A demand for an authentication context of Conditional Access.
 *
 * @throws ConfigurationError where the id is none of `c1` to `c99`
 */
export function authContext(id: unknown): Demand {
  if (typeof id !== 'string' || !/^c[1-9]\d?$/.test(id)) {
    throw new ConfigurationError('An authentication context is named c1 to c99.');
  }
  return Object.freeze({ kind: 'auth_context', id });
}

/**
 * Who may call, as `@RequiresAuth` names it.
 *
 * @throws ConfigurationError where it is none of the three words
 */
export function namedCallers(callers: unknown): Callers | undefined {
  if (callers === undefined || callers === 'user' || callers === 'app' || callers === 'any') return callers;
  throw new ConfigurationError("callers takes 'user', 'app' or 'any'.");
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

const holdsAny = (names: readonly string[], held: readonly string[]) => names.some((name) => held.includes(name));

/** An application has roles where a person has scopes; the route need not know which of the two it meets. */
function checkScope(names: readonly string[], claims: AccessTokenClaims): void {
  const scopes = scopesOf(claims);
  const held = scopes.length > 0 || !callsAsApp(claims) ? scopes : rolesOf(claims);
  if (!holdsAny(names, held)) throw new InsufficientScopeError('scope', names);
}

function checkPermission({ scopes, appPermissions }: PermissionDemand, claims: AccessTokenClaims): void {
  if (callsAsApp(claims)) {
    if (!holdsAny(appPermissions, rolesOf(claims))) throw new InsufficientScopeError('role');
  } else if (!holdsAny(scopes, scopesOf(claims))) {
    // A role that a person was given is no application permission, even where it bears the same name.
    throw new InsufficientScopeError('scope', scopes);
  }
}

/**
 * Checks one demand, unless it is for groups: those may have to be asked for.
 *
 * @throws InsufficientScopeError
 * @throws ClaimsChallengeError
 */
function checkDemand(demand: Demand, { claims, authority }: Pick<VerifiedToken, 'claims' | 'authority'>): void {
  switch (demand.kind) {
    case 'scope':
      checkScope(demand.anyOf, claims);
      return;
    case 'role':
      if (!holdsAny(demand.anyOf, rolesOf(claims))) throw new InsufficientScopeError('role');
      return;
    case 'permission':
      checkPermission(demand, claims);
      return;
    case 'member':
      if (isGuest(claims)) throw new InsufficientScopeError('guest');
      return;
    case 'auth_context':
      if (!authContextsOf(claims).includes(demand.id)) {
        throw new ClaimsChallengeError(authContextRequest(demand.id), { claims, authority });
      }
      return;
    case 'group':
  }
}

/**
 * Checks that claims carry one of some scopes.
 *
 * @throws InsufficientScopeError
 * @throws ConfigurationError where a name is none that a token can hold
 */
export function checkScopes(scopes: readonly string[], claims: AccessTokenClaims): void {
  checkScope(anyOf('scope', scopes).anyOf, claims);
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

function checkCallers(callers: Callers | undefined, claims: AccessTokenClaims): void {
  if (callers === undefined || callers === 'any') return;
  if (!(callers === 'app' ? callsAsApp(claims) : callsAsUser(claims))) throw new InsufficientScopeError('caller');
}

const isForGroups = (demand: Demand): demand is NameDemand => demand.kind === 'group';

function checkGroups(demands: readonly NameDemand[], held: readonly string[]): void {
  const groups = held.map(comparable);
  for (const { anyOf: names } of demands) if (!holdsAny(names, groups)) throw new InsufficientScopeError('group');
}

/**
 * Checks that a verified token reaches as far as a route demands.
 *
 * @param resolveGroups - asked where the token could not hold the caller's groups
 * @returns a promise only where groups have to be asked for
 * @throws InsufficientScopeError where a demand does not hold
 * @throws ClaimsChallengeError where a stronger sign-in is needed
 */
export function checkDemands(
  { scheme, demands }: Requirement,
  token: VerifiedToken,
  resolveGroups?: GroupsResolver,
): void | Promise<void> {
  const { claims } = token;
  checkCallers(scheme?.callers, claims);
  for (const demand of demands) checkDemand(demand, token);
  if (!demands.some(isForGroups)) return undefined;
  const groupDemands = demands.filter(isForGroups);
  const groups = groupsOf(claims);
  if (groups !== 'overage') {
    checkGroups(groupDemands, groups);
    return undefined;
  }
  if (resolveGroups === undefined) throw new InsufficientScopeError('groups_overage');
  return resolveGroups(claims).then((held) => {
    checkGroups(groupDemands, held);
  });
}
