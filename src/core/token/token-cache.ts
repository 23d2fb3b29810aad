/** Tokens that were verified, so that a token costs its signature once. Bounded; raw tokens are not kept. */
import { hash } from 'node:crypto';
import { createLRU } from 'lru.min';
import type { KeySet } from '../keys/key-set.js';
import type { SigningKey } from '../keys/signing-keys.js';
import type { VerifiedToken } from './verified-token.js';

/** A verified token, with what it must be held against again each time it comes back. */
export interface CachedToken {
  readonly token: VerifiedToken;
  readonly outcome: 'cached';
  readonly key: SigningKey;
  readonly keySet: KeySet;
}

/** The name a token goes by in memory: its SHA-256 digest. */
export function digestOf(token: string): string {
  return hash('sha256', token, 'base64');
}

/** A bounded map that drops the entry not asked for the longest. */
export type Lru<Value> = ReturnType<typeof createLRU<string, Value>>;

/** What is remembered of tokens, by digest: no more than so many entries, and nothing at all where that is 0. */
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
   * The entry of a token, unless the key that signed it is no longer trusted.
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
