/** A chain of middlewares on one request: what the request satisfied so far, and what the next one requires. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessTokenClaims } from '../../core/access-token-claims.js';
import { currentRequest, type VerifiedContext } from '../../core/access/current-request.js';
import type { Requirement } from '../../core/access/requirement.js';
import { admissionOf, sumOf } from '../../gate/gate.js';
import { shareHiddenClasses } from '../hidden-class.js';
import { passOrRefuse, type Next, type Passage } from '../node-middleware.js';

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

const isResponse = (value: unknown): value is ServerResponse =>
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

/** Sets `request.auth`. It is read-only: a middleware between the gate and the handler cannot replace verified claims. */
export function publishClaims(request: object, claims: AccessTokenClaims): void {
  Object.defineProperty(request, 'auth', { value: claims, enumerable: true, configurable: true });
}

/** What a request has to satisfy at a gate, and the context it passed with where it did so before. */
function demandsOn(request: object, own: Requirement): { passed?: VerifiedContext; requirement: Requirement } {
  const context = admissionOf(request);
  if (context === undefined) return { requirement: own };
  const requirement = sumOf(context.requirement, own);
  return requirement === context.requirement ? { passed: context, requirement } : { requirement };
}

/** Lets a request pass on to `proceed`, or refuses it. Never throws and never rejects. */
export function proceedOrRefuse(
  own: Requirement,
  { request, response, next }: Pick<HandlerCall, 'request' | 'response' | 'next'>,
  proceed: Passage['proceed'],
  refused?: Passage['refused'],
): void {
  const { passed, requirement } = demandsOn(request, own);
  if (passed !== undefined) {
    currentRequest.run(passed, proceed, passed);
    return;
  }
  shareHiddenClasses(request, response);
  const prepare = ({ claims }: VerifiedContext) => {
    publishClaims(request, claims);
  };
  passOrRefuse(requirement, request, response, next, { prepare, proceed, refused });
}
