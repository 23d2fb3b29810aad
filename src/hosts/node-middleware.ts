/** The gate of one route as a middleware that is given Node's request and response and `next`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { currentRequest, type VerifiedContext } from '../core/access/current-request.js';
import type { Requirement } from '../core/access/requirement.js';
import { isThenable, whenSettled } from '../core/awaited.js';
import { enter } from '../gate/admission.js';
import { refusalOf } from '../gate/refusal.js';
import { answer } from './node-answer.js';

export type Next = (error?: unknown) => void;

/**
 * A middleware, for an app, a router or a route. Any release of Express takes it. Whoever calls it as a function awaits its
 * result: by then the request passed, or is answered.
 */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: Next) => void | Promise<void>;

/**
 * Answers a refusal, or hands it to the application's error handler where that is configured. An application's `next` may go
 * on to its handlers, so it is called for nothing else.
 *
 * Never throws, but for what `next` throws.
 */
export function refuse(
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  next: Next | undefined,
  requirement: Requirement | undefined,
): void {
  const { refusal, forward } = refusalOf(error, requirement, request);
  if (forward && next !== undefined) next(refusal);
  else if (!response.headersSent) answer(request.method, response, refusal);
  // An answer that has begun cannot be replaced. One that has ended is another's, such as that of a time limit.
  else if (!response.writableEnded) response.destroy();
}

/** What happens to a request that passes, and to one that is refused. */
export interface Passage {
  /** Is called with what was verified. If it throws, the request is refused. */
  readonly prepare?: (context: VerifiedContext, request: IncomingMessage) => void;
  /** Is called then, in the context of the request. */
  readonly proceed: (context: VerifiedContext, next: Next | undefined) => void;
  /** What a refused request has to satisfy in all: the challenge names its scopes. Default: what it was held against. */
  readonly demanded?: (requirement: Requirement, request: IncomingMessage) => Requirement;
  /** Is called once a refused request is answered, or handed to the application. */
  readonly refused?: (() => void) | undefined;
}

/** What a server gives a middleware; a function of the application may call one without `next`. */
export interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly next: Next | undefined;
}

function refuseArrival(
  error: unknown,
  requirement: Requirement,
  { request, response, next }: Arrival,
  { demanded, refused }: Passage,
): void {
  try {
    refuse(error, request, response, next, demanded?.(requirement, request) ?? requirement);
  } finally {
    refused?.();
  }
}

/**
 * Lets a request pass, or refuses it.
 *
 * @returns a promise where the check had to wait. It rejects with what `next` throws, and with nothing else: Express 4 does
 *   not look at it
 */
export function passOrRefuse(requirement: Requirement, arrival: Arrival, passage: Passage): void | Promise<void> {
  const { request, next } = arrival;
  let entry: VerifiedContext | Promise<VerifiedContext>;
  try {
    entry = enter(request, requirement);
    if (isThenable(entry)) return passLater(entry, requirement, arrival, passage);
    passage.prepare?.(entry, request);
  } catch (error) {
    refuseArrival(error, requirement, arrival, passage);
    return undefined;
  }
  currentRequest.run(entry, passage.proceed, entry, next);
  return undefined;
}

function passLater(
  entry: Promise<VerifiedContext>,
  requirement: Requirement,
  arrival: Arrival,
  passage: Passage,
): Promise<void> {
  const { prepare } = passage;
  const prepared = async (prepareFor: NonNullable<Passage['prepare']>) => {
    const context = await entry;
    prepareFor(context, arrival.request);
    return context;
  };
  return whenSettled(
    prepare === undefined ? entry : prepared(prepare),
    (context) => {
      currentRequest.run(context, passage.proceed, context, arrival.next);
    },
    (error) => {
      refuseArrival(error, requirement, arrival, passage);
    },
  );
}
