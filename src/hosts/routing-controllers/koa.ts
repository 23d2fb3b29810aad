/** What a gate answers on Koa. Imports no framework: the type of the context has only what is used of it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { bindBody, currentRequest, verifiedRequests, type VerifiedContext } from '../../core/access/current-request.js';
import type { Requirement } from '../../core/access/requirement.js';
import type { Refusal } from '../../core/errors.js';
import { isRefusal, refusalOf } from '../../gate/refusal.js';
import { answer } from '../node-answer.js';

/** What is used of Koa's context. */
export interface KoaContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** Koa's request, which actions get. */
  readonly request: object;
  readonly headerSent: boolean;
  status: number;
  body: unknown;
  set(headers: Readonly<Record<string, string>>): void;
}

/** A gate around an action, and the refusal that the action threw, which routing-controllers answers with 500. */
interface GateAround {
  thrown?: Refusal;
}

const gatesAround = new WeakMap<IncomingMessage, GateAround | undefined>();

/** Answers a refusal, or throws it where it is forwarded. */
export function refuseOnKoa(error: unknown, context: KoaContext, requirement: Requirement | undefined): void {
  const { refusal, forward } = refusalOf(error, requirement, context.req);
  if (forward || context.headerSent) throw refusal;
  context.status = refusal.status;
  context.set({ ...refusal.headers, 'Content-Type': 'application/json; charset=utf-8' });
  context.body = JSON.stringify(refusal);
}

/**
 * Answers a refusal on Node's own response. What is written to Koa's context after that is not sent.
 *
 * @throws the refusal, where it is forwarded
 */
export function refuseOnNode(
  error: unknown,
  { req, res, headerSent }: KoaContext,
  requirement: Requirement | undefined,
): void {
  const { refusal, forward } = refusalOf(error, requirement, req);
  if (forward || headerSent) throw refusal;
  answer(req.method, res, refusal);
}

/** Hands the refusal that an action threw to the gate around it. Without a gate, answers it. */
export function refuseActionOnKoa(refusal: Refusal, context: KoaContext): void {
  const gate = gatesAround.get(context.req);
  if (gate === undefined) refuseOnNode(refusal, context, verifiedRequests.get(context.req)?.requirement);
  else gate.thrown = refusal;
}

/** Runs what comes after a gate in the request's context, and answers the refusal that it throws. */
export async function passOnKoa(
  verified: VerifiedContext,
  context: KoaContext,
  requirement: Requirement | undefined,
  next: () => unknown,
): Promise<void> {
  const gate: GateAround = {};
  const outer = gatesAround.get(context.req);
  gatesAround.set(context.req, gate);
  try {
    await currentRequest.run(verified, next);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    gate.thrown = error;
  } finally {
    // A middleware around this gate may refuse the request once this gate is done.
    gatesAround.set(context.req, outer);
  }
  if (gate.thrown !== undefined) {
    refuseOnKoa(gate.thrown, context, requirement);
    return;
  }
  // Koa sends it once all middlewares are done.
  bindBody(context.body, verified);
  answerRefusalIn(context, requirement);
}

/** Answers the refusal that a stream throws before its first chunk: Koa would end the connection without an answer. */
function answerRefusalIn(context: KoaContext, requirement: Requirement | undefined): void {
  const { body, req, res } = context;
  if (!(body instanceof Readable)) return;
  body.once('error', (error) => {
    if (!isRefusal(error) || context.headerSent) return;
    const { refusal, forward } = refusalOf(error, requirement, req);
    if (!forward) answer(req.method, res, refusal);
  });
}
