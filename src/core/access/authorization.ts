/** Whether a verified token satisfies a requirement. Pure functions. */
import type { AccessTokenClaims } from '../access-token-claims.js';
import type { GroupsResolver } from '../configuration/settings.js';
import { InsufficientScopeError, InvalidTokenError } from '../errors.js';
import { authContextsOf, callsAsApp, callsAsUser, groupsOf, isGuest, rolesOf, scopesOf } from '../token/claims.js';
import type { VerifiedToken } from '../token/verified-token.js';
import { authContextRequest, ClaimsChallengeError } from './claims-challenge.js';
import {
  anyOf,
  comparable,
  type Callers,
  type Demand,
  type NameDemand,
  type PermissionDemand,
  type Requirement,
} from './requirement.js';

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
