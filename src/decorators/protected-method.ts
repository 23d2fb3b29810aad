/** A protected method: it runs only for a request whose token satisfies what it requires. */
import { currentRequest, type VerifiedContext } from '../core/access/current-request.js';
import type { Requirement } from '../core/access/requirement.js';
import { isThenable } from '../core/awaited.js';
import { nameOfElement } from '../core/element-name.js';
import { ConfigurationError, type Refusal } from '../core/errors.js';
import { satisfy } from '../gate/admission.js';
import { warnDeveloper } from '../gate/refusal.js';
import { attempt, callAfter } from './checked-call.js';
import { requirementOf } from './decorated-elements.js';
import { fillParameters } from './filled-parameters.js';
import { isSameOrDerived, prototypeFor } from './prototype-chain.js';
import { records, type ClassRecord } from './records.js';

export type Method = (this: unknown, ...parameters: unknown[]) => unknown;

/** The method behind a protected one, or the getter behind one whose functions are protected. */
export interface Original {
  /** As it was written. */
  readonly method: Method;
  readonly name: PropertyKey;
  /** The prototype that defines it, and recorded its parameters. */
  readonly definer: object;
  /** The prototype, or class, whose requirements apply to a call that has no instance. */
  readonly owner: object;
}

const originals = new WeakMap<Method, Original>();

/** The method behind a protected one; undefined for a method that is not protected. */
export const originalOf = (method: Method): Original | undefined => originals.get(method);

/** Whether a method is protected by what a class requires of it under this name. */
export function isProtectedAs(method: Method, name: PropertyKey, owner: object): boolean {
  const original = originals.get(method);
  return original?.owner === owner && original.name === name;
}

/**
 * The method behind a protected one that a class inherits, whose requirement there may be another, or be lifted. A method
 * of another class or of another name keeps its own requirement: it is undefined for those.
 */
export function inheritedOriginal(method: Method, name: PropertyKey, owner: object): Original | undefined {
  const original = originals.get(method);
  return original?.name === name && isSameOrDerived(owner, original.owner) ? original : undefined;
}

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
  // Express calls a mounted application by this method, which it would inherit below.
  if (typeof (replaced as { readonly handle?: unknown }).handle === 'function') {
    Object.defineProperty(protectedMethod, 'handle', { value: protectedMethod, configurable: true, writable: true });
  }
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

/** How a host treats asynchronous methods that are called in the form of its handlers. */
export interface HandlerForm {
  /** Whether a refusal is thrown to the caller, which would not see a rejection. Default: no. */
  throwsAtOnce?(parameters: readonly unknown[]): boolean;
  /** Answers a refusal that the caller does not wait for. */
  answer(refusal: Refusal, parameters: readonly unknown[], requirement: Requirement): void;
}

/** Tells the developer of a refusal that the caller of a method does not wait for. */
function warnOfUnawaited(method: string): void {
  const message =
    `${method} refused a call, and its caller does not wait for it: what the caller does next is not stopped. ` +
    'Await the call, or return its promise. As a handler of Express, give it the decorators of …/express.';
  warnDeveloper(new ConfigurationError(message));
}

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
 * @param handlers - how the host treats calls in the form of its handlers; default: as any other
 */
export function guard(
  method: Method,
  name: PropertyKey,
  owner: object,
  definer: object = owner,
  handlers?: HandlerForm,
): Method {
  const original = { method, name, definer, ...inheritedOriginal(method, name, owner), owner };
  const isAsyncMethod = isAsync(original.method);
  // A record is never replaced, so it is looked for until it is there.
  let record: ClassRecord | undefined;
  const run = (instance: unknown, parameters: unknown[], context: VerifiedContext | undefined) => {
    record ??= records.get(original.definer);
    fillParameters(parameters, record, name, context);
    return Reflect.apply(original.method, instance, parameters);
  };
  const guardedMethod: Method = function (...parameters) {
    const context = currentRequest.getStore();
    const requirement = requirementOf(prototypeFor(this, owner), name);
    if (requirement === undefined || context?.requirement === requirement) return run(this, parameters, context);
    const check = () => checkCaller(context, requirement, owner, name);
    const proceed = () => run(this, parameters, context);
    if (isAsyncMethod) {
      // The caller of an asynchronous method expects its failures in the promise.
      const checked = handlers?.throwsAtOnce?.(parameters) === true ? check() : attempt(check);
      return callAfter(checked, proceed, (refusal) => {
        warnOfUnawaited(nameOfElement(owner, name));
        handlers?.answer(refusal, parameters, context?.requirement ?? requirement);
      });
    }
    const checked = check();
    if (!isThenable(checked)) return proceed();
    checked.catch(() => undefined);
    throw new ConfigurationError(
      `${nameOfElement(owner, name)} requires something that has to be asked, such as resolveGroups or a check, and is not async. ` +
        'Make it an async method.',
    );
  };
  return asProtected(guardedMethod, original, method);
}
