/** Calls of the forms that hosts call handlers in: `(request, response, next)` of Express, `(request, …)` of Fetch. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { currentRequest, originalContext, verifiedRequests } from '../core/access/current-request.js';
import { isMethod, type MemberProtection } from '../decorators/protected-class.js';
import {
  asProtected,
  guard,
  originalOf,
  remember,
  type HandlerForm,
  type Method,
} from '../decorators/protected-method.js';
import { fetchRequestIn } from './fetch-request.js';
import { refuse, type Arrival, type Next } from './node-middleware.js';

/** A call of a handler or an error handler, by Express or by a function that Express calls. */
export interface HandlerCall extends Arrival {
  /** The parameters of the call, with these in their places. */
  parametersWith(request: unknown, response: unknown, next: unknown): unknown[];
}

const isRequest = (value: unknown): value is IncomingMessage =>
  typeof (value as { readonly headers?: unknown } | null | undefined)?.headers === 'object';

export const isResponse = (value: unknown): value is ServerResponse =>
  typeof (value as { readonly setHeader?: unknown } | null | undefined)?.setHeader === 'function';

function handlerCallAt(index: number, parameters: readonly unknown[]): HandlerCall | undefined {
  const [request, response, next] = [parameters[index], parameters[index + 1], parameters[index + 2]];
  if (!isRequest(request) || !isResponse(response)) return undefined;
  if (next !== undefined && typeof next !== 'function') return undefined;
  const ahead = parameters.slice(0, index);
  const rest = parameters.slice(index + 3);
  const parametersWith = (...ofExpress: unknown[]) => [...ahead, ...ofExpress, ...rest];
  return { request, response, next: next as Next | undefined, parametersWith };
}

/** The call of a handler that parameters are; undefined for any other call. A mock of a request is checked like others. */
export function handlerCallIn(parameters: readonly unknown[]): HandlerCall | undefined {
  // Most protected methods are called with less than a request and a response.
  if (parameters.length < 2) return undefined;
  // An error handler is given the error ahead of the request.
  return handlerCallAt(0, parameters) ?? handlerCallAt(1, parameters);
}

/** Whether a request came over a connection, with HTTP/1.1 or HTTP/2. A mock of a test did not. */
export const isServed = (request: IncomingMessage): boolean =>
  request instanceof Readable &&
  typeof (request.socket as unknown) === 'object' &&
  (request.socket as unknown) !== null;

/**
 * Runs the handler of a request in the context of that request. The running code may belong to something else: to another
 * request, which opened the connection whose callback calls the handler, or to a test in which the server listens.
 */
function runInOwnContext(request: IncomingMessage, run: () => unknown): unknown {
  const own = verifiedRequests.get(request);
  if (own === undefined) return currentRequest.exit(run);
  const current = currentRequest.getStore();
  const isOwn = current?.requirement !== undefined && originalContext(current) === own;
  return isOwn ? run() : currentRequest.run(own, run);
}

/** Answers a refusal that the caller of a handler does not wait for, unless the request is answered. */
export const answerUnawaited: HandlerForm['answer'] = (refusal, parameters, requirement) => {
  const call = handlerCallIn(parameters);
  if (call === undefined || call.response.headersSent) return;
  refuse(refusal, call.request, call.response, call.next, requirement);
};

/**
 * A protected method with the decorator of another host than Express. Where Express calls it, no gate of it ran. It throws
 * then, and does not reject: Express 4 does not see a rejection.
 */
export const guardOfOtherHost: MemberProtection['protect'] = (method, name, owner, definer) => {
  const inner = guard(method, name, owner, definer, {
    throwsAtOnce: (parameters) => handlerCallIn(parameters) !== undefined,
    answer: answerUnawaited,
  });
  const guardedMethod: Method = function (...parameters) {
    const request = handlerCallIn(parameters)?.request;
    if (request === undefined || !isServed(request)) return Reflect.apply(inner, this, parameters);
    return runInOwnContext(request, () => Reflect.apply(inner, this, parameters));
  };
  return asProtected(guardedMethod, originalOf(inner) ?? { method, name, definer, owner }, method);
};

const isHandlerCall = (parameters: readonly unknown[]) =>
  handlerCallIn(parameters) !== undefined || fetchRequestIn(parameters[0]) !== undefined;

/**
 * A function in a property of an instance: protected where it is called as a handler, and else as it is. Express and hosts
 * of Fetch take any function for a handler, whichever host the decorators of its class are for.
 */
export function protectedAsHandler(held: Method, protectedHeld: Method, name: PropertyKey, prototype: object): Method {
  const proxy = handlerCallsBy(protectedHeld, held);
  return remember(proxy, { method: held, name, definer: prototype, owner: prototype });
}

function handlerCallsBy(protectedHeld: Method, called: Method): Method {
  return new Proxy(called, {
    apply: (target, instance, parameters: unknown[]) =>
      Reflect.apply(isHandlerCall(parameters) ? protectedHeld : target, instance, parameters),
    get(target, key, receiver) {
      const member: unknown = Reflect.get(target, key, receiver);
      // Express calls a mounted application by this method.
      return key === 'handle' && isMethod(member) ? handlerCallsBy(protectedHeld, member) : member;
    },
  });
}
