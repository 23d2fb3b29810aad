/** A decorated method as a handler of Express: its gate, and then the method. */
import {
  currentRequest,
  verifiedRequests,
  type AdmittedRequest,
  type VerifiedContext,
} from '../../core/access/current-request.js';
import type { Requirement } from '../../core/access/requirement.js';
import { requirementOf } from '../../decorators/decorated-elements.js';
import { asProtected, guard, originalOf, type Method } from '../../decorators/protected-method.js';
import { prototypeFor } from '../../decorators/prototype-chain.js';
import { methodsOfHandlers } from '../../gate/known-handlers.js';
import { isRefusal } from '../../gate/refusal.js';
import { answerUnawaited, handlerCallIn, isServed, protectedAsHandler, type HandlerCall } from '../handler-call.js';
import { refuse } from '../node-middleware.js';
import { isCalledInTurn, noteHandler } from '../running-handlers.js';
import { proceedOrRefuse, publishClaims } from './chain.js';

type Run = (...parameters: unknown[]) => unknown;

/** Runs a handler in its request's own context, which whatever it calls `next` for does not share. */
function runIn(context: VerifiedContext, { request, response, next }: HandlerCall, run: Run): unknown {
  const leave =
    next &&
    ((error?: unknown) => {
      currentRequest.run(context, next, error);
    });
  if (context.requirement === undefined) return currentRequest.run(context, run, request, response, leave);
  const own: AdmittedRequest = { original: context, ...context };
  noteHandler(own, leave);
  return currentRequest.run(own, run, request, response, leave);
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
      if (context !== undefined) return await runIn(context, call, run);
      // The running code may belong to another request, whose claims are not this one's.
      return await currentRequest.exit(run, call.request, call.response, call.next);
    } catch (error) {
      handleError(error, call, context?.requirement ?? own);
      return call.response;
    }
  };
  if (own === undefined) return proceed(verifiedRequests.get(call.request));
  return new Promise((resolve, reject) => {
    const passed = proceedOrRefuse(
      own,
      call,
      (context) => {
        resolve(proceed(context));
      },
      () => {
        resolve(call.response);
      },
    );
    passed?.catch(reject);
  });
}

/** A method that is its own gate where it is called as a handler, and else a protected method. */
export function gated(method: Method, name: PropertyKey, owner: object, definer: object): Method {
  const inner = guard(method, name, owner, definer, { answer: answerUnawaited });
  const gatedMethod: Method = function (...parameters) {
    const call = handlerCallIn(parameters);
    if (call === undefined) return Reflect.apply(inner, this, parameters);
    const run: Run = (request, response, next) =>
      Reflect.apply(inner, this, call.parametersWith(request, response, next));
    const current = currentRequest.getStore();
    // In a test nothing is judged. A server that listens in a test has the test's context in all of its requests.
    if (current !== undefined && current.requirement === undefined && !isServed(call.request)) {
      publishClaims(call.request, current.claims);
      return Reflect.apply(inner, this, parameters);
    }
    // What a handler calls in turn is judged as a method. Its refusal is thrown to the handler.
    if (isCalledInTurn(call)) return Reflect.apply(inner, this, parameters);
    return arrive(requirementOf(prototypeFor(this, owner), name), call, run);
  };
  methodsOfHandlers.set(gatedMethod, { prototype: owner, method: name });
  return asProtected(gatedMethod, originalOf(inner) ?? { method, name, definer, owner }, method);
}

/** A function in a property of an instance: gated where it is called as a handler, and else as it is. */
export function gatedProperty(held: Method, name: PropertyKey, prototype: object): Method {
  return protectedAsHandler(held, gated(held, name, prototype, prototype), name, prototype);
}
