/**
 * The store that several processes share, guarded: none of its faults reaches a caller, and each costs a quarter of a
 * second at most, once a second.
 */
import type { TokenStore } from '../core/configuration/token-store.js';
import { hasPassed } from '../core/keys/last-known-good.js';
import { warnOnce } from '../gate/refusal.js';
import { within, type Timer } from './timer.js';

/** How long the store is waited for, in milliseconds. */
export const storeLimitMs = 250;
const leftAloneMs = 1_000;

/** One failure of the store. */
export interface StoreFailure {
  /** The API whose token was looked for. */
  readonly api: string;
  readonly milliseconds: number;
}

interface GuardedStoreOptions {
  readonly store: TokenStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly timer: Timer;
  readonly onFailure: (failure: StoreFailure) => void;
}

type Method = keyof TokenStore;

/** A fault of the store, named without a word that the store chose: that may hold a key, a value or an address. */
class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** The code of an error of the system or of a client, or the first word of an error reply of Redis. */
function codeOf(error: unknown): string {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  for (const text of [code, message]) {
    const word = typeof text === 'string' ? /^[A-Z][A-Z0-9_]{1,30}\b/.exec(text)?.[0] : undefined;
    if (word !== undefined) return ` (${word})`;
  }
  return '';
}

const isText = (answer: unknown) => typeof answer === 'string' || answer === undefined || answer === null;
const isTruth = (answer: unknown) => typeof answer === 'boolean';
const isAnything = () => true;

function faultOf(method: Method, error: unknown): string {
  try {
    return error instanceof StoreError ? error.message : `${method} failed${codeOf(error)}`;
  } catch {
    // What a store rejects with may throw where it is read.
    return `${method} failed`;
  }
}

function warn(method: Method, error: unknown): void {
  warnOnce(
    'downstream.store',
    `The store of downstream tokens does not work: ${faultOf(method, error)}. Tokens are asked for without it, and it is tried again each second.`,
    'store_failed',
  );
}

export class GuardedStore {
  readonly #store: TokenStore;
  readonly #now: () => number;
  readonly #timer: Timer;
  readonly #onFailure: (failure: StoreFailure) => void;
  #failedAtMs: number | undefined;
  #isTriedAgain = false;

  constructor({ store, now, timer, onFailure }: GuardedStoreOptions) {
    this.#store = store;
    this.#now = now;
    this.#timer = timer;
    this.#onFailure = onFailure;
  }

  /** Whether processes can agree on one that asks for a token. */
  get hasClaims(): boolean {
    return this.#has('claim');
  }

  /**
   * The value of a name; undefined where there is none, or the store does not work.
   *
   * @param limitMs - how long it may take
   */
  async get(name: string, api: string, limitMs = storeLimitMs): Promise<string | undefined> {
    const answer = await this.#ask('get', api, limitMs, () => this.#store.get(name), isText);
    return (answer as string | null | undefined) ?? undefined;
  }

  /** Keeps a value. Nobody waits for it. */
  async set(name: string, value: string, ttlMs: number, api: string): Promise<void> {
    await this.#ask('set', api, storeLimitMs, () => this.#store.set(name, value, ttlMs), isAnything);
  }

  /** Whether the name was free and is now held; undefined where the store has no claims, or does not work. */
  async claim(name: string, ttlMs: number, api: string, limitMs = storeLimitMs): Promise<boolean | undefined> {
    if (!this.hasClaims) return undefined;
    const answer = await this.#ask('claim', api, limitMs, () => this.#store.claim?.(name, ttlMs), isTruth);
    return answer as boolean | undefined;
  }

  /** Gives up a claim. */
  async release(name: string, api: string): Promise<void> {
    if (!this.#has('release')) return;
    await this.#ask('release', api, storeLimitMs, () => this.#store.release?.(name), isAnything);
  }

  #has(method: Method): boolean {
    try {
      return this.#store[method] !== undefined;
    } catch {
      // The call of it fails, and is guarded.
      return true;
    }
  }

  /** Whether the store is not asked now: it failed less than a second ago, or one call finds out whether it still fails. */
  #isLeftAlone(): boolean {
    if (this.#failedAtMs === undefined) return false;
    return this.#isTriedAgain || !hasPassed(leftAloneMs, this.#failedAtMs, this.#now());
  }

  async #ask(
    method: Method,
    api: string,
    limitMs: number,
    call: () => unknown,
    isAnswer: (answer: unknown) => boolean,
  ): Promise<unknown> {
    if (this.#isLeftAlone()) return undefined;
    const isTriedAgain = this.#failedAtMs !== undefined;
    if (isTriedAgain) this.#isTriedAgain = true;
    const startedAtMs = performance.now();
    try {
      const answer = await within(
        limitMs,
        this.#timer,
        call,
        () => new StoreError(`${method} took longer than ${String(storeLimitMs)} ms`),
      );
      if (!isAnswer(answer)) throw new StoreError(`${method} answered a value of another type`);
      // Only a call that began after the failure shows that it is over.
      if (isTriedAgain) this.#failedAtMs = undefined;
      return answer;
    } catch (error) {
      this.#failedAtMs = this.#now();
      this.#onFailure({ api, milliseconds: performance.now() - startedAtMs });
      warn(method, error);
      return undefined;
    } finally {
      if (isTriedAgain) this.#isTriedAgain = false;
    }
  }
}
