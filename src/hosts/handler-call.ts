/** Calls of the forms that hosts call handlers in: `(request, response, next)` of Express, `(request, …)` of Fetch. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MemberProtection } from '../decorators/protected-class.js';
import { guard, remember, type Method } from '../decorators/protected-method.js';
import { fetchRequestIn } from './fetch-request.js';
import type { Next } from './node-middleware.js';

/** A call of a handler or an error handler, by Express or by a function that Express calls. */
export interface HandlerCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Undefined where a function of the application calls the handler without it. */
  readonly next: Next | undefined;
  /** The parameters of the call, with these in their places. */
  parametersWith(request: unknown, response: unknown, next: unknown): unknown[];
}

const isRequest = (value: unknown): value is IncomingMessage =>
  typeof (value as { readonly headers?: unknown } | null | undefined)?.headers === 'object';

export const isResponse = (value: unknown): value is ServerResponse =>
  typeof (value as { readonly setHeader?: unknown } | null | undefined)?.setHeader === 'function';

function handlerCallAt(index: number, parameters: readonly unknown[]): HandlerCall | undefined {
  const [request, response, next, ...rest] = parameters.slice(index);
  if (!isRequest(request) || !isResponse(response)) return undefined;
  if (next !== undefined && typeof next !== 'function') return undefined;
  const ahead = parameters.slice(0, index);
  const parametersWith = (...ofExpress: unknown[]) => [...ahead, ...ofExpress, ...rest];
  return { request, response, next: next as Next | undefined, parametersWith };
}

/** The call of a handler that parameters are; undefined for any other call. A mock of a request is checked like others. */
export function handlerCallIn(parameters: readonly unknown[]): HandlerCall | undefined {
  // An error handler is given the error ahead of the request.
  return handlerCallAt(0, parameters) ?? handlerCallAt(1, parameters);
}

/**
 * A protected method with the decorator of another host than Express. Where Express calls it, no gate of it ran. It throws
 * then, and does not reject: Express 4 does not see a rejection.
 */
export const guardOfOtherHost: MemberProtection['protect'] = (method, name, owner, definer) =>
  guard(method, name, owner, definer, (parameters) => handlerCallIn(parameters) !== undefined);

const isHandlerCall = (parameters: readonly unknown[]) =>
  handlerCallIn(parameters) !== undefined || fetchRequestIn(parameters[0]) !== undefined;

/**
 * A function in a property of an instance: protected where it is called as a handler, and else as it is. Express and hosts
 * of Fetch take any function for a handler, whichever host the decorators of its class are for.
 */
export function protectedAsHandler(held: Method, protectedHeld: Method, prototype: object): Method {
  const proxy = new Proxy(held, {
    apply: (target, instance, parameters: unknown[]) =>
      Reflect.apply(isHandlerCall(parameters) ? protectedHeld : target, instance, parameters),
  });
  return remember(proxy, { method: held, definer: prototype, owner: prototype });
}
