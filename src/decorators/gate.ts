/** What every host's gate does: check a request, remember that it passed, and keep methods shut where no gate stood. */
import { state, type VerifiedContext } from '../core/access/current-request.js';
import type { Requirement } from '../core/access/requirement.js';
import { AuthError, ConfigurationError, nameResourceMetadata, type Refusal } from '../core/errors.js';
import type { RequestHeaders } from '../core/token/credential.js';
import type { VerifiedToken } from '../core/token/verified-token.js';
import { publishExplanation } from './diagnostics.js';
import { claimParametersOf, lineageOf, requirementOf } from './records.js';

/** Whether an error is one that the gate answers. */
export function isRefusal(error: unknown): error is Refusal {
  return error instanceof AuthError || error instanceof ConfigurationError;
}

/** The configuration that a requirement is held against. */
const identityFor = (requirement: Requirement | undefined) => requirement?.identity ?? state.identity;

/** Whether refusals go to the application's own error handler. */
export function forwardsErrors(requirement: Requirement | undefined): boolean {
  return identityFor(requirement)?.settings.errors === 'forward';
}

/** Any other failure means that nothing was decided: the request is refused, and the fault is ours. */
function toRefusal(error: unknown): Refusal {
  if (isRefusal(error)) return error;
  const name = error instanceof Error ? error.name : typeof error;
  return new ConfigurationError(`A request could not be checked: an unexpected ${name} was thrown.`, { cause: error });
}

/** The refusal of a request, for whoever answers it: its challenge names the resource metadata, where there is some. */
export function addressedRefusal(error: unknown, requirement: Requirement | undefined): Refusal {
  const refusal = toRefusal(error);
  const published = identityFor(requirement)?.publishedResource;
  if (published !== undefined && refusal instanceof AuthError) nameResourceMetadata(refusal, published.url);
  return refusal;
}

/** The refusal of a request, ready to be answered, and explained to whoever listens. */
export function refusalOf(error: unknown, requirement: Requirement | undefined, request: RequestHeaders): Refusal {
  const refusal = addressedRefusal(error, requirement);
  const identity = identityFor(requirement);
  if (identity !== undefined) publishExplanation(request, refusal, identity);
  return refusal;
}

/**
 * Checks a request, and remembers that it passed.
 *
 * @throws AuthError or ConfigurationError, at once or as a rejection
 */
export function enter(
  request: RequestHeaders & object,
  requirement: Requirement,
): VerifiedContext | Promise<VerifiedContext> {
  const identity = identityFor(requirement);
  if (identity === undefined) {
    throw new ConfigurationError('A protected route was called before initialize().');
  }
  const verification = identity.authenticate(request, requirement);
  return verification instanceof Promise
    ? verification.then(({ token }) => remember(request, requirement, token))
    : remember(request, requirement, verification.token);
}

function remember(request: object, requirement: Requirement, token: VerifiedToken): VerifiedContext {
  const { claims, authority } = token;
  const context = { claims, authority, requirement };
  state.verified.set(request, context);
  return context;
}

type Method = (this: unknown, ...parameters: unknown[]) => unknown;

const guarded = new WeakSet<Method>();

const AsyncFunction = (async () => Promise.resolve()).constructor;

/** The error of a method whose gate did not run. */
export function gateDidNotRun(className: string, method: PropertyKey): ConfigurationError {
  return new ConfigurationError(
    `${className}.${String(method)} is protected, and was called without its gate having run. ` +
      "In a test, call it inside runAs(claims, fn) of 'microsoft-identity-decorators/testing'.",
  );
}

/** Whether a class's prototype is another's, or inherits from it. */
export function isSameOrDerived(prototype: object, base: object): boolean {
  return prototype === base || Object.prototype.isPrototypeOf.call(base, prototype);
}

/** The class whose rules bear on a call: the instance's own, which may be derived from where the method stands. */
export function prototypeFor(instance: unknown, owner: object): object {
  if (typeof instance !== 'object' || instance === null) return owner;
  const prototype = Object.getPrototypeOf(instance) as object | null;
  return prototype !== null && isSameOrDerived(prototype, owner) ? prototype : owner;
}

function fill(parameters: unknown[], places: ReadonlyMap<number, string | undefined>, context: VerifiedContext): void {
  for (const [index, claim] of places) {
    parameters[index] = claim === undefined ? context.claims : context.claims[claim];
  }
}

/**
 * A method that refuses to run where its gate did not, and that fills its `@TokenClaims()` parameters.
 *
 * @param owner - the prototype whose rules bear on a call that has no instance
 * @param definer - the prototype that defines the method, and recorded its parameters
 */
export function guard(method: Method, name: PropertyKey, owner: object, definer: object = owner): Method {
  if (guarded.has(method)) return method;
  const guardedMethod: Method = function (...parameters) {
    const context = state.current.getStore();
    if (context !== undefined) {
      fill(parameters, claimParametersOf(definer, name), context);
    } else if (requirementOf(prototypeFor(this, owner), name) !== undefined) {
      const error = gateDidNotRun(owner.constructor.name, name);
      // The caller of an asynchronous method looks for its failures in the promise.
      if (method instanceof AsyncFunction) return Promise.reject(error);
      throw error;
    }
    return method.apply(this, parameters);
  };
  Object.defineProperties(guardedMethod, {
    name: { value: method.name, configurable: true },
    length: { value: method.length, configurable: true },
  });
  guarded.add(guardedMethod);
  return guardedMethod;
}

/** Puts a guarded method in the place of an action, whether the class defines it or inherits it. */
export function guardAction(prototype: object, name: PropertyKey): void {
  for (const definer of lineageOf(prototype)) {
    const descriptor = Object.getOwnPropertyDescriptor(definer, name);
    if (descriptor === undefined) continue;
    const method: unknown = descriptor.value;
    if (typeof method === 'function' && !guarded.has(method as Method)) {
      const value = guard(method as Method, name, prototype, definer);
      Object.defineProperty(prototype, name, { ...descriptor, value });
    }
    return;
  }
}
