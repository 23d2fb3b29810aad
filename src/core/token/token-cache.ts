/** Remembers verified tokens, so that the signature of a token is checked once. Bounded; raw tokens are not kept. */
import { hash } from 'node:crypto';
import { createLRU } from 'lru.min';
import type { SignedToken, Verification } from './verified-token.js';

/** A verified token, and the key to look for again each time the token comes back. */
export interface CachedToken extends SignedToken, Verification {
  readonly outcome: 'cached';
}

/** The SHA-256 digest of a token, by which it is remembered. */
export function digestOf(token: string): string {
  return hash('sha256', token, 'base64');
}

/** A bounded map that drops the least recently used entry. */
export type Lru<Value> = ReturnType<typeof createLRU<string, Value>>;

/** What is remembered about tokens, by digest. Undefined if the bound is 0. */
export function createTokenLru<Value>(mostEntries: number): Lru<Value> | undefined {
  return mostEntries === 0 ? undefined : createLRU({ max: mostEntries });
}

export class TokenCache {
  readonly #entries: Lru<CachedToken> | undefined;

  /** @param mostEntries - the bound; 0 turns the cache off */
  constructor(mostEntries: number) {
    this.#entries = createTokenLru(mostEntries);
  }

  /**
   * The entry of a token. It is dropped if the key that signed the token is no longer trusted.
   *
   * @param now - milliseconds since the epoch
   */
  get(digest: string, now: number): CachedToken | undefined {
    const entry = this.#entries?.get(digest);
    if (entry === undefined || entry.keySet.trusts(entry.key, now)) return entry;
    this.#entries?.delete(digest);
    return undefined;
  }

  set(digest: string, entry: CachedToken): void {
    this.#entries?.set(digest, entry);
  }
}
