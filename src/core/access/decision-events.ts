/** One event for each decision about a request, for those who subscribe to its channel. */
import { requestChannel, type RequestEvent } from '../channels.js';
import type { Settings } from '../configuration/settings.js';
import { processWide } from '../process-wide.js';
import { pathOf } from '../request-line.js';
import { clientOf } from '../token/claims.js';
import type { Verification, VerifiedToken } from '../token/verified-token.js';
import { verifiedRequests } from './current-request.js';
import type { Requirement } from './requirement.js';

/** What a decision is about. */
export interface Decision {
  readonly request: object;
  readonly requirement: Requirement | undefined;
  /** When the check began, by `performance.now()`; undefined: the refusal comes from code after the check. */
  readonly startedAtMs?: number;
}

function circumstances({
  request,
  requirement,
  startedAtMs,
}: Decision): Pick<RequestEvent, 'route' | 'repeated' | 'milliseconds'> {
  const route = requirement?.route ?? pathOf(request);
  return {
    ...(route !== undefined && { route }),
    ...(verifiedRequests.get(request) !== undefined && { repeated: true }),
    ...(startedAtMs !== undefined && { milliseconds: performance.now() - startedAtMs }),
  };
}

function identifiersIn({ claims }: VerifiedToken): Pick<RequestEvent, 'tid' | 'oid' | 'azp'> {
  const azp = clientOf(claims);
  const { tid, oid } = claims as { readonly tid?: unknown; readonly oid?: unknown };
  return {
    ...(typeof tid === 'string' && { tid }),
    ...(typeof oid === 'string' && { oid }),
    ...(azp !== undefined && { azp }),
  };
}

/** Publishes that a request was let in. */
export function publishPassed(
  { outcome, token }: Verification,
  decision: Decision,
  { identifiers }: Pick<Settings, 'identifiers'>,
): void {
  requestChannel.publish({
    outcome,
    ...circumstances(decision),
    ...(identifiers && identifiersIn(token)),
  } satisfies RequestEvent);
}

/** Errors whose refusal was published where it was decided, so not where a host answers it. */
const published = processWide('published-refusals', () => new WeakSet<object>());

/** Publishes that a request was refused. Nothing of its token, which may not be verified. */
export function publishRefused(error: unknown, decision: Decision): void {
  if (typeof error === 'object' && error !== null) published.add(error);
  const { code, reason, status } = (error ?? {}) as { code?: string; reason?: string; status?: number };
  requestChannel.publish({
    outcome: 'refused',
    ...(code !== undefined && { code }),
    ...(reason !== undefined && { reason }),
    ...(status !== undefined && { status }),
    ...circumstances(decision),
  } satisfies RequestEvent);
}

/**
 * Publishes a refusal that a host answers, unless it was published before.
 *
 * @param thrown - what the refusal was made of
 */
export function publishAnswered(refusal: object, thrown: unknown, decision: Decision): void {
  const wasPublished = published.has(refusal) || published.has(thrown as object);
  if (requestChannel.hasSubscribers && !wasPublished) publishRefused(refusal, decision);
}
