/** The authority, which is not asked again where it refused a moment ago, or where it asked to be left alone. */
import { createLRU } from 'lru.min';
import { ClaimsChallengeError } from '../core/access/claims-challenge.js';
import type { DownstreamEvent } from '../core/channels.js';
import { hasPassed } from '../core/keys/last-known-good.js';
import { copyOfExplained, markExplained } from '../gate/debug-output.js';
import type { AcquireToken } from './acquire-token.js';
import { failureOf, isRefused, publishToken } from './downstream-events.js';
import { ConsentRequiredError, InteractionRequiredError, TokenUnavailableError } from './errors.js';
import { tokenSince, type DownstreamToken } from './token-life.js';
import type { WantedToken } from './wanted-token.js';

const mostRefusals = 1_000;
const mostThrottledTenants = 1_000;
const refusalKeptMs = 10_000;

function isKeptRefusal(error: unknown): boolean {
  return (
    error instanceof ClaimsChallengeError ||
    error instanceof ConsentRequiredError ||
    error instanceof InteractionRequiredError
  );
}

/** The error of a call of an identity that was closed. */
export function closedError(closing: AbortSignal): TokenUnavailableError {
  return new TokenUnavailableError({ cause: closing.reason });
}

export class ThrottledAuthority {
  readonly #acquire: AcquireToken;
  readonly #now: () => number;
  readonly #closing: AbortSignal;
  readonly #refusals = createLRU<string, { readonly error: unknown; readonly atMs: number }>({ max: mostRefusals });
  readonly #throttled = createLRU<string, { readonly atMs: number; readonly forMs: number }>({
    max: mostThrottledTenants,
  });

  constructor(acquire: AcquireToken, now: () => number, closing: AbortSignal) {
    this.#acquire = acquire;
    this.#now = now;
    this.#closing = closing;
  }

  /** Throws the refusal of the last ten seconds, if there is one. */
  checkRefusal({ api, as, key }: Pick<WantedToken, 'api' | 'as' | 'key'>): void {
    const refusal = this.#refusals.get(key);
    if (refusal === undefined || hasPassed(refusalKeptMs, refusal.atMs, this.#now())) return;
    const failure = failureOf(refusal.error);
    publishToken({ api, as }, { source: 'memory', outcome: 'refused', milliseconds: 0, ...failure });
    throw copyOfExplained(refusal.error);
  }

  /** Forgets the refusal of a token that was obtained meanwhile. */
  forgetRefusal(key: string): void {
    this.#refusals.delete(key);
  }

  /** Asks the authority. Throws the errors of the acquisition, and TokenUnavailableError where it is not to be asked. */
  async ask(wanted: WantedToken): Promise<DownstreamToken> {
    this.checkThrottle(wanted);
    if (this.#closing.aborted) throw closedError(this.#closing);
    const { api, authority, scopes, claims, user } = wanted;
    const requestedAtMs = this.#now();
    const startedAtMs = performance.now();
    const publishAnswer = (outcome: DownstreamEvent['outcome'], error?: unknown) => {
      const milliseconds = performance.now() - startedAtMs;
      publishToken(wanted, { source: 'authority', outcome, milliseconds, ...failureOf(error) });
    };
    try {
      const request = { api, authority, scopes, claims, assertion: user?.assertion };
      const token = tokenSince(requestedAtMs, await this.#acquire(request, this.#closing));
      publishAnswer('obtained');
      return token;
    } catch (error) {
      publishAnswer(isRefused(error) ? 'refused' : 'failed', error);
      this.#remember(wanted, error);
      throw error;
    }
  }

  /** Keeps what later calls are answered with. */
  #remember({ tenant, key, claims }: WantedToken, error: unknown): void {
    const atMs = this.#now();
    if (error instanceof TokenUnavailableError && error.throttled)
      this.#throttle(tenant, error.retryAfterSeconds * 1000);
    if (claims === undefined && isKeptRefusal(error)) this.#refusals.set(key, { error, atMs });
  }

  /** Of answers to requests that were sent at the same time, the longest time holds. */
  #throttle(tenant: string, forMs: number): void {
    const now = this.#now();
    if (this.#throttledMs(tenant, now) < forMs) this.#throttled.set(tenant, { atMs: now, forMs });
  }

  /** For how long the authority is not to be asked for tokens of a tenant; 0: it may be asked. */
  #throttledMs(tenant: string, now: number): number {
    const throttle = this.#throttled.get(tenant);
    if (throttle === undefined || hasPassed(throttle.forMs, throttle.atMs, now)) return 0;
    return throttle.atMs + throttle.forMs - now;
  }

  /** Throws while the authority is not to be asked, for a token of this tenant. */
  checkThrottle(wanted: WantedToken): void {
    const throttledMs = this.#throttledMs(wanted.tenant, this.#now());
    if (throttledMs === 0) return;
    const retryAfterSeconds = Math.ceil(throttledMs / 1000);
    const error = new TokenUnavailableError({
      retryAfterSeconds,
      message: `The authority asked not to be called for another ${String(retryAfterSeconds)} s.`,
    });
    // The answer that asked for it was explained.
    markExplained(error);
    publishToken(wanted, { source: 'memory', outcome: 'failed', milliseconds: 0, ...failureOf(error) });
    throw error;
  }
}
