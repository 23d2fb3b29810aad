/** How long a token for another API is used, and when it is renewed. */
import type { AcquiredToken } from './acquire-token.js';

/** A token for another API. Times are in milliseconds since the epoch. */
export interface DownstreamToken {
  readonly token: string;
  readonly expiresAtMs: number;
  /** From when on it is renewed in the background. */
  readonly refreshAtMs: number;
}

const minuteMs = 60_000;
/** A token is not used in its last minute: the API that gets it may be a while, and its clock may be ahead. */
const unusedMs = minuteMs;
const renewedAheadMs = 5 * minuteMs;

/**
 * A token as the authority answered it.
 *
 * @param requestedAtMs - when the authority was asked, by this process's clock: the life of the token began no earlier
 */
export function tokenSince(requestedAtMs: number, answer: AcquiredToken): DownstreamToken {
  const lifeMs = answer.expiresInSeconds * 1000;
  // The last five minutes of a short life are all of it.
  const renewAfterMs = lifeMs < renewedAheadMs + unusedMs ? lifeMs / 2 : lifeMs - renewedAheadMs;
  const advisedMs = (answer.refreshInSeconds ?? Infinity) * 1000;
  return {
    token: answer.token,
    expiresAtMs: requestedAtMs + lifeMs,
    refreshAtMs: requestedAtMs + Math.min(renewAfterMs, advisedMs),
  };
}

/** How much longer a token may be used, in milliseconds; 0 or less: no longer. */
export function usableMs({ expiresAtMs }: DownstreamToken, now: number): number {
  return expiresAtMs - unusedMs - now;
}

/** Whether a token is to be renewed, while it is still used. */
export function isDue({ refreshAtMs }: DownstreamToken, now: number): boolean {
  return now >= refreshAtMs;
}
