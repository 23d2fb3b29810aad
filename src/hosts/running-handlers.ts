/** The running calls of handlers and actions: what one of them calls in turn is no new arrival of its request. */
import { currentRequest, type VerifiedContext } from '../core/access/current-request.js';
import { processWide } from '../core/process-wide.js';
import type { HandlerCall } from './handler-call.js';
import type { Next } from './node-middleware.js';

/** A call of a handler: its request, and the `next` that it was given. */
interface RunningHandler {
  readonly request: object;
  readonly next: Next | undefined;
}

/** By the context that a call runs in. */
const running = processWide('running-handlers', () => new WeakMap<VerifiedContext, RunningHandler>());

/** Runs a handler in a context that no other call of a handler shares. */
export function runHandler<Parameters extends unknown[], Result>(
  context: VerifiedContext,
  handler: RunningHandler,
  run: (...parameters: Parameters) => Result,
  ...parameters: Parameters
): Result {
  const own = context.requirement === undefined ? { ...context } : { original: context, ...context };
  running.set(own, handler);
  return currentRequest.run(own, run, ...parameters);
}

/**
 * Whether the handler that runs makes a call, for its own request. A router in a handler, or an app, calls with a `next` of its
 * own: then it is an arrival.
 */
export function isCalledInTurn({ request, next }: HandlerCall): boolean {
  const current = currentRequest.getStore();
  const calling = current && running.get(current);
  return calling?.request === request && (next === undefined || next === calling.next);
}
