/** A value that is loaded on first need, refreshed in the background, and kept while its source fails. */

const refreshAfterMs = 60 * 60 * 1000;
const refreshJitter = 0.1;
const shortestBackOffMs = 1_000;
const longestBackOffMs = 60_000;

/** How long a value stays usable after it was last seen, in milliseconds. */
export const keptForMs = 24 * 60 * 60 * 1000;

/** Whether a span has passed since a moment. It has if the clock was set back, so that a load is never put off for long. */
export function hasPassed(spanMs: number, sinceMs: number, nowMs: number): boolean {
  return nowMs < sinceMs || nowMs - sinceMs >= spanMs;
}

interface Failure {
  readonly error: unknown;
  readonly atMs: number;
  readonly backOffMs: number;
  readonly count: number;
}

export class LastKnownGood<T> {
  readonly #load: (previous: T | undefined) => Promise<T>;
  readonly #now: () => number;
  #good: { readonly value: T; readonly atMs: number; readonly refreshAfterMs: number } | undefined;
  #failure: Failure | undefined;
  #flight: Promise<T> | undefined;

  /**
   * @param load - loads the value, given the one loaded before, however old; a rejection may carry `retryAfterSeconds`
   * @param now - milliseconds since the epoch
   */
  constructor(load: (previous: T | undefined) => Promise<T>, now: () => number) {
    this.#load = load;
    this.#now = now;
  }

  /** The error of the last load; undefined if that load succeeded. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** The load that is under way, if there is one. */
  get flight(): Promise<T> | undefined {
    return this.#flight;
  }

  /** The whole seconds until the next load after a failure, at least 1. */
  get retryAfterSeconds(): number {
    if (this.#failure === undefined) return 1;
    const remainingMs = this.#failure.atMs + this.#failure.backOffMs - this.#now();
    return Math.ceil(Math.min(Math.max(remainingMs, 1000), this.#failure.backOffMs) / 1000);
  }

  /** The value, if it is loaded and not too old. Starts a refresh in the background if one is due. */
  peek(now = this.#now()): T | undefined {
    if (this.#good === undefined) return undefined;
    if (this.#isDue(now)) {
      // No caller waits for this refresh. Its error is kept in `failure`.
      this.refresh().catch(() => undefined);
    }
    return now - this.#good.atMs < keptForMs ? this.#good.value : undefined;
  }

  /** The value. Loads it if it is not loaded: once for all callers, and not while backing off after a failure. */
  async get(): Promise<T> {
    const value = this.peek();
    if (value !== undefined) return value;
    if (this.#flight === undefined && this.#isBackingOff(this.#now())) throw this.#failure?.error;
    return this.refresh();
  }

  /** Loads the value now, or waits for the load that is under way. */
  refresh(): Promise<T> {
    this.#flight ??= this.#load(this.#good?.value).then(
      (value) => {
        this.#flight = undefined;
        this.#failure = undefined;
        const jitter = 1 + Math.random() * refreshJitter;
        this.#good = { value, atMs: this.#now(), refreshAfterMs: refreshAfterMs * jitter };
        return value;
      },
      (error: unknown) => {
        this.#flight = undefined;
        this.#failure = this.#failureOf(error);
        throw error;
      },
    );
    return this.#flight;
  }

  #failureOf(error: unknown): Failure {
    const count = (this.#failure?.count ?? 0) + 1;
    const asked = (error as { retryAfterSeconds?: number } | undefined)?.retryAfterSeconds ?? 0;
    const backOffMs = Math.min(shortestBackOffMs * 2 ** (count - 1), longestBackOffMs);
    return { error, count, atMs: this.#now(), backOffMs: Math.max(backOffMs, asked * 1000) };
  }

  #isBackingOff(now: number): boolean {
    return this.#failure !== undefined && !hasPassed(this.#failure.backOffMs, this.#failure.atMs, now);
  }

  #isDue(now: number): boolean {
    if (this.#flight !== undefined || this.#good === undefined) return false;
    if (this.#failure !== undefined) return !this.#isBackingOff(now);
    return hasPassed(this.#good.refreshAfterMs, this.#good.atMs, now);
  }
}
