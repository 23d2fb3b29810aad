/** A protected method: it runs only for a request whose token satisfies what it requires. */
import { currentRequest, type VerifiedContext } from '../core/access/current-request.js';
import type { Requirement } from '../core/access/requirement.js';
import { isThenable } from '../core/awaited.js';
import { nameOfElement } from '../core/element-name.js';
import { ConfigurationError } from '../core/errors.js';
import { satisfy } from '../gate/admission.js';
import { requirementOf } from './decorated-elements.js';
import { fillParameters } from './filled-parameters.js';
import { isSameOrDerived, prototypeFor } from './prototype-chain.js';

export type Method = (this: unknown, ...parameters: unknown[]) => unknown;

/** The method behind a protected one. */
export interface Original {
  /** As it was written. */
  readonly method: Method;
  /** The prototype that defines it, and recorded its parameters. */
  readonly definer: object;
  /** The prototype, or class, whose requirements apply to a call that has no instance. */
  readonly owner: object;
}

const originals = new WeakMap<Method, Original>();

/** The method behind a protected one; undefined for a method that is not protected. */
export const originalOf = (method: Method): Original | undefined => originals.get(method);

/** Remembers the method behind a protected one. */
export function remember(protectedMethod: Method, original: Original): Method {
  originals.set(protectedMethod, original);
  return protectedMethod;
}

/**
 * Gives a protected method the name and the length of the one it stands for, and remembers that one.
 *
 * @param replaced - the function in whose place it is
 */
export function asProtected(protectedMethod: Method, original: Original, replaced: Method): Method {
  const { name, length } = original.method;
  Object.defineProperties(protectedMethod, {
    name: { value: name, configurable: true },
    // Express takes a function of four parameters for an error handler.
    length: { value: length, configurable: true },
  });
  // Frameworks keep metadata on a method, some of it later on, and reflect-metadata looks for it up the chain. A copy would
  // lack what is written later: without its role for another guard, a route is open.
  Object.setPrototypeOf(protectedMethod, replaced);
  return remember(protectedMethod, original);
}

/** The error of a method that is called without a verified request. */
export function gateDidNotRun(method: string): ConfigurationError {
  return new ConfigurationError(
    `${method} is protected, and was called without its gate having run. ` +
      'Call it from a route that has the decorators of its framework: those of microsoft-identity-decorators for ' +
      'routing-controllers, of …/express, of …/nestjs or of …/fetch. ' +
      "In a test, call it inside runAs(claims, fn) of 'microsoft-identity-decorators/testing'.",
  );
}

// A tag and not a class, which another realm has too.
const isAsync = (method: Method) => Object.prototype.toString.call(method) === '[object AsyncFunction]';

/** Checks the running request for a method, where it was let in for something else. */
function checkCaller(
  context: VerifiedContext | undefined,
  requirement: Requirement,
  owner: object,
  name: PropertyKey,
): void | Promise<void> {
  if (context === undefined) {
    throw gateDidNotRun(nameOfElement(owner, name));
  }
  return satisfy(context, requirement);
}

/**
 * A method that runs only for a request whose token satisfies what the method requires of the class of its instance. It
 * fills the parameters that have a decorator of this library.
 *
 * @param owner - the prototype whose requirements apply to a call that has no instance
 * @param definer - the prototype that defines the method, and recorded its parameters
 * @param throwsAtOnce - whether an asynchronous method throws to a caller that would not see a rejection
 */
export function guard(
  method: Method,
  name: PropertyKey,
  owner: object,
  definer: object = owner,
  throwsAtOnce: (parameters: readonly unknown[]) => boolean = () => false,
): Method {
  const earlier = originals.get(method);
  // A method that was borrowed from another class keeps what it requires there.
  const isInherited = earlier !== undefined && isSameOrDerived(owner, earlier.owner);
  const original = { method, definer, ...(isInherited && earlier), owner };
  const run = (instance: unknown, parameters: unknown[], context: VerifiedContext | undefined) => {
    fillParameters(parameters, original.definer, name, context);
    return original.method.apply(instance, parameters);
  };
  const guardedMethod: Method = function (...parameters) {
    const context = currentRequest.getStore();
    const requirement = requirementOf(prototypeFor(this, owner), name);
    if (requirement === undefined || context?.requirement === requirement) return run(this, parameters, context);
    // The caller of an asynchronous method expects its failures in the promise.
    if (isAsync(original.method) && !(context === undefined && throwsAtOnce(parameters))) {
      return (async () => {
        await checkCaller(context, requirement, owner, name);
        return run(this, parameters, context);
      })();
    }
    const checked = checkCaller(context, requirement, owner, name);
    if (!isThenable(checked)) return run(this, parameters, context);
    checked.catch(() => undefined);
    throw new ConfigurationError(
      `${nameOfElement(owner, name)} requires something that has to be asked, such as resolveGroups or a check, and is not async. ` +
        'Make it an async method.',
    );
  };
  return asProtected(guardedMethod, original, method);
}
