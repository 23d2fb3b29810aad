/** A decorated method as a handler of Express: its gate, and then the method. */
import { currentRequest, verifiedRequests, type VerifiedContext } from '../../core/access/current-request.js';
import type { Requirement } from '../../core/access/requirement.js';
import { requirementOf } from '../../decorators/decorated-elements.js';
import { asProtected, guard, originalOf, type Method } from '../../decorators/protected-method.js';
import { prototypeFor } from '../../decorators/prototype-chain.js';
import { methodsOfHandlers } from '../../gate/known-handlers.js';
import { isRefusal } from '../../gate/refusal.js';
import { handlerCallIn, protectedAsHandler, type HandlerCall } from '../handler-call.js';
import { refuse } from '../node-middleware.js';
import { proceedOrRefuse, publishClaims } from './chain.js';

type Run = (...parameters: unknown[]) => unknown;

/** The running calls of handlers, by the context they run in: what they call in turn is no new arrival. */
const running = new WeakMap<VerifiedContext, object>();

/** Runs a handler in its request's own context, which whatever it calls `next` for does not share. */
function runIn(context: VerifiedContext, { request, response, next }: HandlerCall, run: Run): unknown {
  const frame = context.requirement === undefined ? { ...context } : { original: context, ...context };
  running.set(frame, request);
  const leave =
    next &&
    ((error?: unknown) => {
      currentRequest.run(context, next, error);
    });
  return currentRequest.run(frame, run, request, response, leave);
}

const isFalsy = (value: unknown) => !value;

/** Answers a refusal that a handler threw, or hands its error to the application. */
function handleError(
  error: unknown,
  { request, response, next }: HandlerCall,
  requirement: Requirement | undefined,
): void {
  // Without `next` there is no other handler for the error. A rejection would end the process where the caller does not wait.
  if (isRefusal(error) || next === undefined) refuse(error, request, response, next, requirement);
  // Express takes a falsy error for none, and would go on to the next handler.
  else next(isFalsy(error) ? new Error('A handler threw, or rejected with, nothing.') : error);
}

/**
 * A call by Express, or by a function that Express calls: the gate, and then the handler.
 *
 * @returns settles in every case: where the request is refused, once it is answered or handed to the application, and with
 *   the response. That tells routing-controllers, too, that there is no result to send
 */
function arrive(own: Requirement | undefined, call: HandlerCall, run: Run): Promise<unknown> {
  const proceed = async (context: VerifiedContext | undefined) => {
    try {
      return await (context === undefined ? run(call.request, call.response, call.next) : runIn(context, call, run));
    } catch (error) {
      handleError(error, call, context?.requirement ?? own);
      return call.response;
    }
  };
  if (own === undefined) return proceed(verifiedRequests.get(call.request));
  return new Promise((resolve) => {
    proceedOrRefuse(
      own,
      call,
      (context) => {
        resolve(proceed(context));
      },
      () => {
        resolve(call.response);
      },
    );
  });
}

/** A method that is its own gate where it is called as a handler, and else a protected method. */
export function gated(method: Method, name: PropertyKey, owner: object, definer: object): Method {
  const inner = guard(method, name, owner, definer);
  const gatedMethod: Method = function (...parameters) {
    const call = handlerCallIn(parameters);
    if (call === undefined) return inner.apply(this, parameters);
    const run: Run = (request, response, next) => inner.apply(this, call.parametersWith(request, response, next));
    const current = currentRequest.getStore();
    // In a test nothing is judged.
    if (current !== undefined && current.requirement === undefined) {
      publishClaims(call.request, current.claims);
      return inner.apply(this, parameters);
    }
    // What a handler calls in turn is judged as a method. Its refusal is thrown to the handler.
    if (current !== undefined && running.get(current) === call.request) return inner.apply(this, parameters);
    return arrive(requirementOf(prototypeFor(this, owner), name), call, run);
  };
  methodsOfHandlers.set(gatedMethod, { prototype: owner, method: name });
  return asProtected(gatedMethod, originalOf(inner) ?? { method, definer, owner }, method);
}

/** A function in a property of an instance: gated where it is called as a handler, and else as it is. */
export function gatedProperty(held: Method, name: PropertyKey, prototype: object): Method {
  return protectedAsHandler(held, gated(held, name, prototype, prototype), prototype);
}
