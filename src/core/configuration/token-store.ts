/** Where the tokens for other APIs are shared by several processes. */

/**
 * A store of short texts that several processes share. Tokens are encrypted before they reach it.
 *
 * Every fault of a store is tolerated: a method may reject or hang, and the process goes on without the store.
 */
export interface TokenStore {
  /** The value of a key; undefined or null where there is none. */
  get(key: string): Promise<string | undefined | null>;
  /**
   * Keeps a value.
   *
   * @param ttlMs - how long, in milliseconds
   */
  set(key: string, value: string, ttlMs: number): Promise<unknown>;
  /**
   * Claims a key, so that one process asks for a token while others wait. Optional: without it, each process asks once.
   *
   * A claim is kept apart from the value of its key, such as under another key: `get` never returns it, a value makes no key
   * claimed, and `release` leaves the value.
   *
   * @param ttlMs - how long the claim holds, in milliseconds
   * @returns whether the key was free and is now held
   */
  claim?(key: string, ttlMs: number): Promise<boolean>;
  /** Gives up a claim. */
  release?(key: string): Promise<unknown>;
}
