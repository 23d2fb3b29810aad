/** A protected method: runs only for a request that its gate let in, and fills its claim parameters. */
import { currentRequest, type VerifiedContext } from '../core/access/current-request.js';
import { ConfigurationError } from '../core/errors.js';
import { prototypeChainOf, prototypeFor } from './prototype-chain.js';
import { claimParametersOf } from './records.js';
import { requirementOf } from './requirements.js';

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
    const context = currentRequest.getStore();
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
  for (const definer of prototypeChainOf(prototype)) {
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
