/** The check of a request at its gate, and of a further requirement after it. */
import { areChecksDemanded } from '../core/access/application-check.js';
import { combineAlongMiddlewares, isOfAnotherConfiguration } from '../core/access/combining.js';
import {
  originalContext,
  verifiedRequests,
  type AdmittedRequest,
  type VerifiedContext,
} from '../core/access/current-request.js';
import { asksApplication } from '../core/access/requirement-checks.js';
import type { Authenticator, Requirement } from '../core/access/requirement.js';
import { andThen, isThenable, whenSettled } from '../core/awaited.js';
import { ConfigurationError } from '../core/errors.js';
import type { RequestHeaders } from '../core/token/credential.js';
import type { Verification } from '../core/token/verified-token.js';
import { identityFor } from './identity-in-force.js';
import { addressedTo } from './refusal.js';

function requiredIdentity(requirement: Requirement): Authenticator {
  const identity = identityFor(requirement);
  if (identity !== undefined) return identity;
  const { at = 'A protected route' } = requirement;
  throw new ConfigurationError(`${at} was called before initialize(). Call initialize() before the server listens.`);
}

/**
 * Checks a request.
 *
 * @param handed - the request as handlers of the host get it; default: `request`
 * @throws AuthError or ConfigurationError, at once or as a rejection
 */
export function authenticate(
  request: RequestHeaders & object,
  requirement: Requirement,
  handed: unknown = request,
): ReturnType<Authenticator['authenticate']> {
  const identity = requiredIdentity(requirement);
  return identity.authenticate(request, requirement, earlierAnswers(request, requirement, identity), handed);
}

/**
 * Checks a request, and remembers that it passed.
 *
 * @param handed - the request as handlers of the host get it; default: `request`
 * @throws AuthError or ConfigurationError, at once or as a rejection
 */
export function enter(
  request: RequestHeaders & object,
  requirement: Requirement,
  handed: unknown = request,
): AdmittedRequest | Promise<AdmittedRequest> {
  const identity = requiredIdentity(requirement);
  const earlier = earlierAnswers(request, requirement, identity);
  const verified = identity.authenticate(request, requirement, earlier, handed);
  // Without a closure for a request that need not wait.
  return isThenable(verified)
    ? andThen(verified, (later) => remember(request, requirement, later, identity, handed))
    : remember(request, requirement, verified, identity, handed);
}

/**
 * How a request was let in before, for what the application is asked once in a request. Elsewhere it is not looked for: that
 * costs a new request half a microsecond.
 */
function earlierAnswers(
  request: object,
  requirement: Requirement,
  { settings }: Authenticator,
): AdmittedRequest | undefined {
  return settings.claimCheck !== undefined || asksApplication(requirement) ? admissionOf(request) : undefined;
}

/** How a request was let in; undefined where it was not, or in a test. */
export function admissionOf(request: object): AdmittedRequest | undefined {
  const context = verifiedRequests.get(request);
  return context?.requirement === undefined ? undefined : context;
}

function remember(
  request: RequestHeaders & object,
  requirement: Requirement,
  { token, digest, groups }: Verification,
  identity: Authenticator,
  handed: unknown,
): AdmittedRequest {
  const { claims, authority } = token;
  const { downstream, tokenHeader } = identity.settings;
  const presented = downstream && { request: new WeakRef(request), tokenHeader, digest };
  const handedWeakly = areChecksDemanded() ? new WeakRef(handed as object) : undefined;
  const context = {
    claims,
    authority,
    requirement,
    token,
    identity,
    presented,
    handed: handedWeakly,
    groups,
    satisfied: undefined,
    isHandling: false,
  };
  verifiedRequests.set(request, context);
  return context;
}

// The same two requirements add up to the same object, so that a verifier is chosen once for each.
const sums = new WeakMap<Requirement, WeakMap<Requirement, Requirement>>();

/** What a request was let in for, and one more requirement. The first one itself where the second requires no more. */
export function sumOf(earlier: Requirement, later: Requirement): Requirement {
  const known = sums.get(earlier)?.get(later);
  if (known !== undefined) return known;
  const sum = combineAlongMiddlewares(earlier, later);
  const ofEarlier = sums.get(earlier) ?? new WeakMap<Requirement, Requirement>();
  sums.set(earlier, ofEarlier.set(later, sum));
  return sum;
}

/** What a request has to satisfy at a gate, and its context if it satisfied that at an earlier one. */
export function demandsOn(
  request: object,
  own: Requirement,
): { readonly passed?: AdmittedRequest; readonly requirement: Requirement } {
  const context = admissionOf(request);
  if (context === undefined) return { requirement: own };
  const requirement = sumOf(context.requirement, own);
  return requirement === context.requirement ? { passed: context, requirement } : { requirement };
}

/**
 * Checks that the verified token of a request satisfies one more requirement. What was satisfied once in a request is not
 * asked again. In a test nothing is judged.
 *
 * @returns a promise only where something has to be asked
 * @throws AuthError or ConfigurationError, at once or as a rejection
 */
export function satisfy(current: VerifiedContext, requirement: Requirement): void | Promise<void> {
  if (current.requirement === undefined || current.requirement === requirement) return undefined;
  const context = originalContext(current);
  if (context.satisfied?.has(requirement) === true) return undefined;
  if (isOfAnotherConfiguration(context.requirement, requirement)) {
    const { at = 'A protected method' } = requirement;
    throw new ConfigurationError(
      `${at} requires a token of another configuration than its caller. ` +
        'Call it from a route that has the decorators of that configuration.',
    );
  }
  const remember = (groups: readonly string[] | undefined) => {
    context.groups = groups;
    context.satisfied ??= new Set();
    context.satisfied.add(requirement);
  };
  const refuse = (error: unknown): never => {
    throw addressedTo(context, error);
  };
  const isIncluded = sumOf(context.requirement, requirement) === context.requirement;
  let groups: ReturnType<Authenticator['authorize']>;
  try {
    groups = isIncluded ? context.groups : context.identity.authorize(context, requirement);
  } catch (error) {
    return refuse(error);
  }
  if (isThenable(groups)) return whenSettled(groups, remember, refuse);
  remember(groups);
  return undefined;
}
