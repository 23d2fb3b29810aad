/** Remembers verified tokens, so that the signature of a token is checked once. Bounded; raw tokens are not kept. */
import { hash } from 'node:crypto';
import { createLRU } from 'lru.min';
import type { SignedToken, Verification } from './verified-token.js';

/** A verified token, and the key to look for again each time the token comes back. */
export interface CachedToken extends SignedToken, Verification {
  readonly outcome: 'cached';
  /** The memory that the entry takes, as {@link bytesOf} estimates it. */
  readonly bytes: number;
}

/**
 * The memory that a remembered token takes, in bytes. Its claims and its entry take 1.22 times the length of its text on
 * Node 20, with 0, 20 and 200 groups alike, and no more on Node 24.
 */
export function bytesOf(token: string): number {
  return Math.ceil(token.length * 1.25);
}

/** The SHA-256 digest of a token, by which it is remembered. */
export function digestOf(token: string): string {
  return hash('sha256', token, 'base64');
}

/** A bounded map that drops the least recently used entry. */
export type Lru<Value> = ReturnType<typeof createLRU<string, Value>>;

/** What is remembered about tokens, by digest. Undefined if the bound is 0. */
export function createTokenLru<Value>(
  mostEntries: number,
  onDrop: (value: Value) => void = () => undefined,
): Lru<Value> | undefined {
  if (mostEntries === 0) return undefined;
  return createLRU<string, Value>({
    max: mostEntries,
    onEviction: (_, value) => {
      onDrop(value);
    },
  });
}

export class TokenCache {
  readonly #entries: Lru<CachedToken> | undefined;
  readonly #mostBytes: number;
  #bytes = 0;

  /**
   * @param mostEntries - the bound on entries; 0 turns the cache off
   * @param mostBytes - the bound on the memory of all entries
   */
  constructor(mostEntries: number, mostBytes: number) {
    this.#mostBytes = mostBytes;
    this.#entries = createTokenLru(mostEntries, ({ bytes }) => {
      this.#bytes -= bytes;
    });
  }

  /** The memory that the entries take, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The entry of a token. It is dropped if the key that signed the token is no longer trusted.
   *
   * @param now - milliseconds since the epoch
   */
  get(digest: string, now: number): CachedToken | undefined {
    const entry = this.#entries?.get(digest);
    if (entry === undefined || entry.issuerKeys.trusts(entry.key, now)) return entry;
    this.#entries?.delete(digest);
    return undefined;
  }

  /** Remembers a token. The least recently used entries are dropped until both bounds hold. */
  set(digest: string, entry: CachedToken): void {
    if (this.#entries === undefined || entry.bytes > this.#mostBytes) return;
    this.#entries.set(digest, entry);
    this.#bytes += entry.bytes;
    while (this.#bytes > this.#mostBytes) this.#entries.evict(1);
  }
}
