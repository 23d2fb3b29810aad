/** Whether a verified token satisfies a requirement. Pure functions. */
import type { AccessTokenClaims } from '../access-token-claims.js';
import type { GroupsResolver, Scheme } from '../configuration/settings.js';
import { andThen } from '../awaited.js';
import { ConfigurationError, InsufficientScopeError, InvalidTokenError } from '../errors.js';
import { ownMember } from '../json.js';
import {
  callerKindBy,
  heldRoles,
  isGuest,
  mayBeUser,
  type CallerKind,
  type KnownCaller,
} from '../token/caller-kind.js';
import { authContextsOf, groupsOf, scopesOf } from '../token/claims.js';
import type { VerifiedToken } from '../token/verified-token.js';
import { askApplication } from './application-check.js';
import { authContextRequest, ClaimsChallengeError } from './claims-challenge.js';
import { comparable, isSamePolicy, type Callers } from './demand-names.js';
import {
  anyOf,
  type Caller,
  type CheckDemand,
  type ClaimDemanded,
  type Demand,
  type NameDemand,
  type PermissionDemand,
  type Requirement,
} from './requirement.js';

const hasAny = (names: readonly string[], held: readonly string[]) => names.some((name) => held.includes(name));

/** A person's token has scopes, an application's has roles. A route need not know which of the two it gets. */
export function heldScopes(caller: KnownCaller, scheme?: Scheme): readonly string[] {
  return caller.callerKind === 'app' ? heldRoles(caller, scheme) : scopesOf(caller.claims);
}

function checkPermission({ scopes, appPermissions }: PermissionDemand, token: VerifiedToken): void {
  const { claims, callerKind, kind } = token;
  if (callerKind === 'app') {
    if (!hasAny(appPermissions, heldRoles(token, kind))) throw new InsufficientScopeError('role', [], appPermissions);
    return;
  }
  // A person's role is no application permission, even if both have the same name. In B2C an application that is not known
  // as one has its permissions where a person has scopes.
  const accepted = callerKind === 'app or user' ? [...scopes, ...appPermissions] : scopes;
  if (!hasAny(accepted, scopesOf(claims))) throw new InsufficientScopeError('scope', scopes);
}

/** Whether a claim has a value. A list has one if an item of it has. */
function isPresent(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() !== '';
  if (Array.isArray(value)) return value.some(isPresent);
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value !== undefined && value !== null;
}

function checkClaim({ claim, values }: ClaimDemanded, claims: AccessTokenClaims): void {
  const held = ownMember(claims, claim);
  const items: readonly unknown[] = Array.isArray(held) ? held : [held];
  const isHeld = values.length === 0 ? isPresent(held) : values.some((value) => items.includes(value));
  if (!isHeld) throw new InsufficientScopeError('check');
}

/**
 * Checks one demand. Those for groups and those of the application are checked apart, since something may have to be asked.
 *
 * @throws InsufficientScopeError
 * @throws ClaimsChallengeError
 * @throws ConfigurationError if the demand is of an unknown kind
 */
function checkDemand(demand: Demand, token: VerifiedToken, at: string): void {
  const { claims, authority, kind } = token;
  switch (demand.kind) {
    case 'scope':
      if (!hasAny(demand.anyOf, heldScopes(token, kind))) throw new InsufficientScopeError('scope', demand.anyOf);
      return;
    case 'role':
      if (!hasAny(demand.anyOf, heldRoles(token, kind))) throw new InsufficientScopeError('role', [], demand.anyOf);
      return;
    case 'permission':
      checkPermission(demand, token);
      return;
    case 'not_guest':
      if (isGuest(token, kind)) throw new InsufficientScopeError('guest');
      return;
    case 'auth_context':
      if (!authContextsOf(claims).includes(demand.id)) {
        throw new ClaimsChallengeError(authContextRequest(demand.id), { caller: { claims, authority } });
      }
      return;
    case 'claim':
      checkClaim(demand, claims);
      return;
    case 'group':
    case 'check':
      return;
    default:
      demand satisfies never;
      // Two versions of this package in one process share what decorators recorded.
      throw new ConfigurationError(
        `${at} has a demand of another version of microsoft-identity-decorators. Load only one version.`,
      );
  }
}

/**
 * Checks that claims have one of some scopes.
 *
 * @throws InsufficientScopeError
 * @throws ConfigurationError if a name is one that no token can have
 */
export function checkScopes(scopes: readonly string[], claims: AccessTokenClaims): void {
  const names = anyOf('scope', scopes).anyOf;
  const held = heldScopes({ claims, callerKind: callerKindBy(claims) });
  if (!hasAny(names, held)) throw new InsufficientScopeError('scope', names);
}

/**
 * Checks that a verified token comes from a policy that the route takes.
 *
 * @throws InvalidTokenError `policy`
 */
export function checkPolicy({ scheme }: Requirement, token: VerifiedToken): void {
  if (scheme?.policies === undefined) return;
  if (!scheme.policies.some((name) => isSamePolicy(name, token.policy))) throw new InvalidTokenError('policy');
}

function checkCallers(callers: Callers | undefined, callerKind: CallerKind): void {
  if (callers === undefined || callers === 'any') return;
  if (!(callers === 'app' ? callerKind === 'app' : mayBeUser(callerKind))) throw new InsufficientScopeError('caller');
}

const isForGroups = (demand: Demand): demand is NameDemand => demand.kind === 'group';

function checkGroups(demands: readonly NameDemand[], held: readonly string[]): void {
  const groups = held.map(comparable);
  for (const { anyOf: names } of demands) if (!hasAny(names, groups)) throw new InsufficientScopeError('group');
}

const isOfApplication = (demand: Demand): demand is CheckDemand => demand.kind === 'check';

/** Whether the application may have to be asked: for the groups of a caller, or by a check of its own. */
export const asksApplication = ({ demands }: Requirement) =>
  demands.some((demand) => isForGroups(demand) || isOfApplication(demand));

/** Asks the checks of the application one after the other. Those that let the request in are not asked again. */
function askChecks(
  { demands, at = 'A route' }: Requirement,
  { token, requirement: satisfied }: Caller,
  request: unknown,
): void | Promise<void> {
  let asked: void | Promise<void> = undefined;
  for (const demand of demands) {
    if (!isOfApplication(demand) || satisfied?.demands.includes(demand) === true) continue;
    const { check } = demand;
    asked = andThen(asked, () => askApplication(check, token.claims, request, at));
  }
  return asked;
}

type Groups = readonly string[] | undefined;

/**
 * Checks that a verified token satisfies the callers and all demands of a requirement.
 *
 * @param caller - the token, and what is known of its request
 * @param resolveGroups - called if the caller is in too many groups for the token, and they were not looked up before
 * @param request - for the checks of the application, which are asked last
 * @returns the groups that were looked up, if any; a promise only if `resolveGroups` or a check returns one
 * @throws InsufficientScopeError if a demand is not satisfied
 * @throws ClaimsChallengeError if a stronger sign-in is needed
 * @throws ConfigurationError if a check of the application throws or rejects
 */
export function checkDemands(
  requirement: Requirement,
  caller: Caller,
  resolveGroups?: GroupsResolver,
  request: unknown = caller.handed?.deref(),
): Groups | Promise<Groups> {
  const groups = checkOwnDemands(requirement, caller, resolveGroups);
  if (!requirement.demands.some(isOfApplication)) return groups;
  return andThen(groups, (found) => andThen(askChecks(requirement, caller, request), () => found));
}

/** Checks what this library decides. */
function checkOwnDemands(
  { scheme, demands, at = 'A route' }: Requirement,
  { token, groups: known }: Caller,
  resolveGroups: GroupsResolver | undefined,
): Groups | Promise<Groups> {
  const { claims, callerKind } = token;
  checkCallers(scheme?.callers, callerKind);
  for (const demand of demands) checkDemand(demand, token, at);
  if (!demands.some(isForGroups)) return known;
  const groupDemands = demands.filter(isForGroups);
  const groups = known ?? groupsOf(claims);
  if (groups !== 'overage') {
    checkGroups(groupDemands, groups);
    return known;
  }
  if (resolveGroups === undefined) throw new InsufficientScopeError('groups_overage');
  return resolveGroups(claims).then((held) => {
    checkGroups(groupDemands, held);
    return held;
  });
}

/** Refuses a token of the other authority, with the reason that the verifier of the required one would give. */
function checkAuthority({ scheme }: Requirement, { kind }: VerifiedToken): void {
  if (scheme === undefined || scheme.kind === 'any' || scheme.kind === kind) return;
  throw new InvalidTokenError(scheme.kind === 'b2c' ? 'policy' : 'issuer');
}

/**
 * Checks that a token which was verified for one requirement satisfies another one, bound to the same configuration. A
 * requirement without a scheme takes the scheme of the token.
 *
 * @returns as {@link checkDemands}
 * @throws InvalidTokenError where the token comes from another authority or policy
 * @throws InsufficientScopeError, ClaimsChallengeError as {@link checkDemands}
 */
export function checkFurtherRequirement(
  requirement: Requirement,
  caller: Caller,
  resolveGroups: GroupsResolver | undefined,
): ReturnType<typeof checkDemands> {
  checkAuthority(requirement, caller.token);
  checkPolicy(requirement, caller.token);
  return checkDemands(requirement, caller, resolveGroups);
}
