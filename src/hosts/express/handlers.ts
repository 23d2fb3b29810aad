/** A decorated method as a handler of Express: its gate, and then the method. */
import { currentRequest, verifiedRequests, type VerifiedContext } from '../../core/access/current-request.js';
import type { Requirement } from '../../core/access/requirement.js';
import { andThen } from '../../core/awaited.js';
import { guard } from '../../decorators/protected-method.js';
import { prototypeChainOf, prototypeFor } from '../../decorators/prototype-chain.js';
import { requirementOf } from '../../decorators/requirements.js';
import { enter } from '../../gate/gate.js';
import { isRefusal } from '../../gate/refusal.js';
import { refuse, type Next } from '../node-middleware.js';
import { proceedOrRefuse, demandsOn, isHandlerCall, publishClaims, type HandlerCall } from './chain.js';

export type Method = Parameters<typeof guard>[0];

type Run = (...parameters: unknown[]) => unknown;

/** A method as it was written, and the class that defines it: what a derived class's own wrapper goes around. */
interface Original {
  readonly method: Method;
  readonly definer: object;
}

const originals = new WeakMap<Method, Original>();

/** The running calls of handlers, by the context they run in: what they call in turn is no new arrival. */
const running = new WeakMap<VerifiedContext, object>();

/** Runs a handler in its request's own context, which whatever it calls `next` for does not share. */
function runIn(context: VerifiedContext, [request, response, next, ...rest]: HandlerCall, run: Run): unknown {
  const frame = { ...context };
  running.set(frame, request);
  const leave: Next = (error) => {
    currentRequest.run(context, next, error);
  };
  return currentRequest.run(frame, run, request, response, leave, ...rest);
}

/** Hands an error of a handler to the application, or answers it where it is a refusal. */
function handleError(
  error: unknown,
  [request, response, next]: HandlerCall,
  requirement: Requirement | undefined,
): void {
  if (isRefusal(error)) refuse(error, request, response, next, requirement);
  else if (error) next(error);
  // Express takes a falsy error for none, and would go on to the next handler.
  else next(new Error('A handler threw, or rejected with, nothing.'));
}

/** What a handler calls in turn is checked too where it demands more; its refusal is the caller's to handle. */
function callWithin(own: Requirement, call: HandlerCall, run: Run): unknown {
  const [request] = call;
  const { passed, requirement } = demandsOn(request, own);
  if (passed !== undefined) return run(...call);
  const proceed = (context: VerifiedContext) => {
    publishClaims(request, context.claims);
    return runIn(context, call, run);
  };
  return andThen(enter(request, requirement), proceed);
}

/** A call by Express: the gate, and then the handler. Nothing it throws or rejects with goes unanswered. */
function arrive(own: Requirement | undefined, call: HandlerCall, run: Run): unknown {
  const [request] = call;
  // Stays pending where the request was answered or handed over: nobody who awaits a handler may then go on.
  return new Promise((resolve) => {
    const proceed = (context: VerifiedContext | undefined) => {
      const attempt = async () => await (context === undefined ? run(...call) : runIn(context, call, run));
      attempt().then(resolve, (error: unknown) => {
        handleError(error, call, context?.requirement ?? own);
      });
    };
    if (own === undefined) proceed(verifiedRequests.get(request));
    else proceedOrRefuse(own, call, proceed);
  });
}

export function gated(method: Method, name: PropertyKey, owner: object, definer: object): Method {
  const original = originals.get(method) ?? { method, definer };
  const inner = guard(original.method, name, owner, original.definer);
  const gatedMethod: Method = function (...parameters) {
    // An error handler is given the error ahead of the request.
    const call = isHandlerCall(parameters) ? parameters : parameters.slice(1);
    if (!isHandlerCall(call)) return inner.apply(this, parameters);
    const ahead = parameters.slice(0, parameters.length - call.length);
    const run: Run = (...ofExpress) => inner.call(this, ...ahead, ...ofExpress);
    const [request] = call;
    const own = requirementOf(prototypeFor(this, owner), name);
    const current = currentRequest.getStore();
    // Only runAs vouches for a caller without a gate.
    if (current !== undefined && current.requirement === undefined) {
      publishClaims(request, current.claims);
      return run(...call);
    }
    const isWithin = current !== undefined && running.get(current) === request;
    if (!isWithin) return arrive(own, call, run);
    return own === undefined ? run(...call) : callWithin(own, call, run);
  };
  Object.defineProperties(gatedMethod, {
    name: { value: original.method.name, configurable: true },
    // Express takes a function of four parameters for an error handler.
    length: { value: original.method.length, configurable: true },
  });
  originals.set(gatedMethod, original);
  return gatedMethod;
}

/** The methods of a class, its own and those it inherits, each with the class that defines it. */
function methodsOf(prototype: object): Map<PropertyKey, Original & { readonly descriptor: PropertyDescriptor }> {
  const methods = new Map<PropertyKey, Original & { descriptor: PropertyDescriptor }>();
  const seen = new Set<PropertyKey>(['constructor']);
  for (const definer of prototypeChainOf(prototype)) {
    if (definer === Object.prototype) break;
    for (const name of Reflect.ownKeys(definer).filter((key) => !seen.has(key))) {
      seen.add(name);
      const descriptor = Object.getOwnPropertyDescriptor(definer, name);
      const method: unknown = descriptor?.value;
      if (descriptor !== undefined && typeof method === 'function') {
        methods.set(name, { method: method as Method, definer, descriptor });
      }
    }
  }
  return methods;
}

/** Every method of a class on which a requirement bears becomes its own gate, also for calls without an instance. */
export function gateMethods(prototype: object): void {
  for (const [name, { method, definer, descriptor }] of methodsOf(prototype)) {
    if (requirementOf(prototype, name) === undefined && !originals.has(method)) continue;
    Object.defineProperty(prototype, name, { ...descriptor, value: gated(method, name, prototype, definer) });
  }
}
