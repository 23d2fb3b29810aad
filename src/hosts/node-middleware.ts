/** The gate of one route as a middleware that is given Node's request and response and `next`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { currentRequest, type VerifiedContext } from '../core/access/current-request.js';
import type { Requirement } from '../core/access/requirement.js';
import { isThenable } from '../core/awaited.js';
import { enter } from '../gate/admission.js';
import { refusalOf } from '../gate/refusal.js';
import { answer } from './node-answer.js';

export type Next = (error?: unknown) => void;

/** A middleware, for an app, a router or a route. Any release of Express takes it. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: Next) => void;

/** Answers a refusal, or hands it to the application's error handler. Never throws. */
export function refuse(
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  next: Next | undefined,
  requirement: Requirement | undefined,
): void {
  const { refusal, forward } = refusalOf(error, requirement, request);
  // An answer that has begun cannot be replaced: the host ends it.
  const isForNext = forward || response.headersSent;
  if (isForNext && next !== undefined) next(refusal);
  else if (response.headersSent) response.destroy();
  else answer(request.method, response, refusal);
}

/** What happens to a request that passes. */
export interface Passage {
  /** Is called with what was verified. If it throws, the request is refused. */
  readonly prepare?: (context: VerifiedContext) => void;
  /** Is called then, in the context of the request. */
  readonly proceed: (context: VerifiedContext) => void;
  /** Is called once a refused request is answered, or handed to the application. */
  readonly refused?: (() => void) | undefined;
}

/** Lets a request pass, or refuses it. Never throws and never rejects: Express 4 would leave the request unanswered. */
export function passOrRefuse(
  requirement: Requirement,
  request: IncomingMessage,
  response: ServerResponse,
  next: Next | undefined,
  { prepare, proceed, refused }: Passage,
): void {
  const refuseWith = (error: unknown) => {
    refuse(error, request, response, next, requirement);
    refused?.();
  };
  let entry: VerifiedContext | Promise<VerifiedContext>;
  try {
    entry = enter(request, requirement);
    if (!isThenable(entry)) prepare?.(entry);
  } catch (error) {
    refuseWith(error);
    return;
  }
  if (!isThenable(entry)) {
    currentRequest.run(entry, proceed, entry);
    return;
  }
  const prepared = entry.then((context) => {
    prepare?.(context);
    return context;
  });
  // What comes after the gate may throw. Where the gate had to wait, Express does not see that.
  prepared.then((context) => {
    try {
      currentRequest.run(context, proceed, context);
    } catch (error) {
      if (next === undefined) refuseWith(error);
      else next(error);
    }
  }, refuseWith);
}
