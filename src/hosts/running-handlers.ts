/** The running calls of handlers and actions: what one of them calls in turn is no new arrival of its request. */
import {
  currentRequest,
  originalContext,
  verifiedRequests,
  type AdmittedRequest,
  type VerifiedContext,
} from '../core/access/current-request.js';
import { privateField } from '../core/access/return-override.js';
import { processWide } from '../core/process-wide.js';
import type { Next } from './node-middleware.js';

/**
 * The context of the handler that was given a `next`. The context itself holds neither its request nor `next`: a connection
 * that a handler opens keeps its context, and with it the token would stay in memory.
 */
const handlersGiven = processWide('handlers-given-next', () => privateField<VerifiedContext>());

/** Notes that a handler or an action runs in a context, and the `next` that it was given. In a test nothing is judged. */
export function noteHandler(context: VerifiedContext, next: Next | undefined): void {
  if (context.requirement === undefined) return;
  context.isHandling = true;
  if (next !== undefined) handlersGiven.set(next, context);
}

/** Whether a context is that of a handler which runs, for a request. In a test nothing is judged. */
export function isHandling(context: VerifiedContext | undefined, request: object): context is AdmittedRequest {
  if (context?.requirement === undefined || !context.isHandling) return false;
  return verifiedRequests.get(request) === originalContext(context);
}

/**
 * Whether the handler that runs makes a call, for its own request. A router in a handler, or an app, calls with a `next` of its
 * own: then it is an arrival.
 */
export function isCalledInTurn({
  request,
  next,
}: {
  readonly request: object;
  readonly next: Next | undefined;
}): boolean {
  const current = currentRequest.getStore();
  return isHandling(current, request) && (next === undefined || handlersGiven.get(next) === current);
}
