/** The gate's answers on Koa's context. Knows no framework: the context is described by what is used of it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { currentRequest, type VerifiedContext } from '../../core/access/current-request.js';
import type { Requirement } from '../../core/access/requirement.js';
import { isRefusal, refusalOf } from '../../gate/refusal.js';

/** What is used of Koa's context. */
export interface KoaContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly headerSent: boolean;
  status: number;
  body: unknown;
  set(headers: Readonly<Record<string, string>>): void;
}

/** What an action threw, by request: routing-controllers answers it as a 500 before the gate gets to see it. */
export const thrownOnKoa = new WeakMap<object, unknown>();

/** Answers a refusal, or throws it where it is forwarded. */
export function refuseOnKoa(error: unknown, context: KoaContext, requirement: Requirement | undefined): void {
  const { refusal, forward } = refusalOf(error, requirement, context.req);
  if (forward || context.headerSent) throw refusal;
  context.status = refusal.status;
  context.set({ ...refusal.headers, 'Content-Type': 'application/json; charset=utf-8' });
  context.body = JSON.stringify(refusal);
}

/** Runs what comes after a gate in the request's own context, and answers what that refuses. */
export async function passOnKoa(
  verified: VerifiedContext,
  context: KoaContext,
  requirement: Requirement | undefined,
  next: () => unknown,
): Promise<void> {
  try {
    await currentRequest.run(verified, next);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    thrownOnKoa.set(context.req, error);
  }
  if (!thrownOnKoa.has(context.req)) return;
  const thrown = thrownOnKoa.get(context.req);
  thrownOnKoa.delete(context.req);
  refuseOnKoa(thrown, context, requirement);
}
