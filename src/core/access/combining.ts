/**
 * What several requirements add up to: on one decorated element, along a prototype chain, along a chain of middlewares.
 * Pure functions.
 */
import { ConfigurationError } from '../errors.js';
import { isSamePolicy, type Callers } from './demand-names.js';
import type { Authenticator, Requirement, SchemeDemand } from './requirement.js';

/** What one decorator requires. */
export interface DecoratorRequirement extends Requirement {
  /** Whether it is `@AllowAnonymous()`. */
  readonly anonymous?: boolean | undefined;
}

/** What `@AllowAnonymous()` requires. */
export const anonymousAccess: DecoratorRequirement = Object.freeze({
  scheme: undefined,
  demands: Object.freeze([]),
  anonymous: true,
});

/** What the decorators of one element require: of a class, or of one of its methods. */
export interface ElementRequirement extends DecoratorRequirement {
  readonly at: string;
}

/** A scheme names the configuration it means, also that of the process. A demand of the process goes with any. */
const namesConfiguration = ({ scheme, identity, isWhole }: Requirement) =>
  scheme !== undefined || identity !== undefined || isWhole === true;

/** A token is verified against one configuration. */
function commonIdentity(requirements: readonly Requirement[], at: string): Authenticator | undefined {
  const [identity, ...others] = new Set(requirements.filter(namesConfiguration).map((named) => named.identity));
  if (others.length > 0) {
    throw new ConfigurationError(`${at} combines decorators of two configurations. Use one per route.`);
  }
  return identity;
}

type Policies = SchemeDemand['policies'];

function commonPolicies(present: Policies, added: Policies, at: string): Policies {
  if (present === undefined || added === undefined) return present ?? added;
  const common = present.filter((policy) => added.some((other) => isSamePolicy(policy, other)));
  if (common.length === 0) {
    throw new ConfigurationError(
      `${at} combines two @RequiresB2cAuth() that have no policy in common. Use one, with all its policies.`,
    );
  }
  return common;
}

function narrowerCallers(present: Callers | undefined, added: Callers | undefined, at: string): Callers | undefined {
  const named = new Set([present, added].filter((callers) => callers !== undefined && callers !== 'any'));
  if (named.size > 1) {
    throw new ConfigurationError(`${at} combines @RequiresAuth() for people and for applications. Use one of them.`);
  }
  const [callers = present ?? added] = named;
  return callers;
}

function commonScheme(
  present: SchemeDemand | undefined,
  added: SchemeDemand | undefined,
  at: string,
): SchemeDemand | undefined {
  if (present === undefined || added === undefined) return present ?? added;
  if (present.kind !== added.kind) {
    throw new ConfigurationError(
      `${at} combines two of @RequiresAuth(), @RequiresB2cAuth() and @RequiresAnyAuth(). Use one of them.`,
    );
  }
  return Object.freeze({
    kind: present.kind,
    policies: commonPolicies(present.policies, added.policies, at),
    callers: narrowerCallers(present.callers, added.callers, at),
  });
}

/**
 * What the decorators of one element add up to, whatever their order: all must hold.
 *
 * @throws ConfigurationError if two of them contradict each other
 */
export function combineOnElement(present: ElementRequirement, added: DecoratorRequirement): ElementRequirement {
  const { at } = present;
  const identity = commonIdentity([present, added], at);
  const scheme = commonScheme(present.scheme, added.scheme, at);
  const demands = Object.freeze([...present.demands, ...added.demands]);
  const anonymous = present.anonymous === true || added.anonymous === true;
  if (anonymous && (scheme !== undefined || demands.length > 0)) {
    throw new ConfigurationError(`${at} combines @AllowAnonymous() with a requirement. Remove one of them.`);
  }
  return Object.freeze({ at, identity, scheme, demands, anonymous });
}

/** The nearest scheme replaces those above it. What it leaves open is taken from those of its kind above it. */
function inheritedScheme(schemes: readonly SchemeDemand[]): SchemeDemand | undefined {
  const [nearest] = schemes;
  if (nearest === undefined) return undefined;
  const firstOther = schemes.findIndex(({ kind }) => kind !== nearest.kind);
  // A scheme of another kind in between replaced those above it.
  const alike = firstOther === -1 ? schemes : schemes.slice(0, firstOther);
  return Object.freeze({
    kind: nearest.kind,
    policies: alike.find(({ policies }) => policies !== undefined)?.policies,
    callers: alike.find(({ callers }) => callers !== undefined)?.callers,
  });
}

/**
 * What a method, its class and the classes above add up to: the demands of all, and the nearest scheme.
 * `@AllowAnonymous()` lifts the requirements of its element and of those above.
 *
 * @param elements - nearest first
 * @param at - the method, for messages
 * @returns undefined if nothing is required
 * @throws ConfigurationError if a demand needs another configuration than the scheme
 */
export function combineAlongPrototypeChain(
  elements: readonly ElementRequirement[],
  at: string,
): Requirement | undefined {
  const lifting = elements.findIndex(({ anonymous }) => anonymous === true);
  const levels = lifting === -1 ? elements : elements.slice(0, lifting);
  const scheme = inheritedScheme(levels.map((level) => level.scheme).filter((named) => named !== undefined));
  const demands = levels.flatMap((level) => level.demands);
  if (scheme === undefined && demands.length === 0) return undefined;
  // The scheme decides: demands of the process above it are checked against its configuration too. Those that are bound to
  // another configuration are not: there the same name may be another role.
  const schemeLevel = levels.findIndex((level) => level.scheme !== undefined);
  const deciding = schemeLevel === -1 ? levels : levels.slice(0, schemeLevel + 1);
  const bound = levels.filter((level) => level.identity !== undefined && level.demands.length > 0);
  const identity = commonIdentity([...deciding, ...bound], at);
  return Object.freeze({ at, route: at, identity, scheme, demands: Object.freeze(demands) });
}

/** Whether a token that was verified for one requirement cannot be checked against another one. */
export function isOfAnotherConfiguration(earlier: Requirement, later: Requirement): boolean {
  return namesConfiguration(later) && later.identity !== earlier.identity;
}

/** The later scheme narrows the earlier one of its kind. What it leaves open stays. */
function narrowerScheme(earlier: SchemeDemand | undefined, later: SchemeDemand | undefined): SchemeDemand | undefined {
  if (later === undefined) return earlier;
  if (later.kind !== earlier?.kind) return later;
  const policies = later.policies ?? earlier.policies;
  const callers = later.callers === undefined || later.callers === 'any' ? earlier.callers : later.callers;
  if (policies === earlier.policies && callers === earlier.callers) return earlier;
  return Object.freeze({ kind: earlier.kind, policies, callers });
}

/**
 * What a request has to satisfy at a middleware that is not its first.
 *
 * @param earlier - what the request satisfied
 * @param later - what the middleware requires
 * @returns `earlier` itself if the middleware requires nothing more
 */
export function combineAlongMiddlewares(earlier: Requirement, later: Requirement): Requirement {
  // The token is verified anew, against the other configuration.
  if (isOfAnotherConfiguration(earlier, later)) return later;
  const scheme = narrowerScheme(earlier.scheme, later.scheme);
  const added = later.demands.filter((demand) => !earlier.demands.includes(demand));
  if (scheme === earlier.scheme && added.length === 0) return earlier;
  return Object.freeze({
    ...earlier,
    at: later.at,
    route: later.route ?? earlier.route,
    scheme,
    demands: Object.freeze([...earlier.demands, ...added]),
  });
}
