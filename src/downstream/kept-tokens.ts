/** The tokens that are kept in this process: looked up by whom they are for, and then by their scopes. Bounded. */
import { createLRU } from 'lru.min';
import type { DownstreamToken } from './token-life.js';
import { textOf, type AppTokenRequest } from './wanted-token.js';

/** What tells the tokens of one owner apart. */
type TokenNeed = Pick<AppTokenRequest, 'tenant' | 'scopes'>;

export interface KeptToken extends TokenNeed {
  readonly token: DownstreamToken;
  /** The flight that brought it, by its number. */
  readonly flight: number;
  /** A renewal in the background is started no earlier. */
  renewAtMs: number;
}

/**
 * Tokens by their owners: a digest of a user's token, or a text for the application.
 *
 * The digest is the very text that the verifier keeps, so V8 knows its hash. A text of digest, tenant and scopes that is made
 * for each look-up is hashed and compared in full: that took 1.5 µs of a warm request on Node 24.
 */
export class KeptTokens {
  readonly #most: number;
  readonly #byOwner: ReturnType<typeof createLRU<string, readonly KeptToken[]>>;
  #count = 0;

  /** @param most - how many tokens are kept */
  constructor(most: number) {
    this.#most = most;
    this.#byOwner = createLRU<string, readonly KeptToken[]>({
      max: most,
      onEviction: (_, dropped) => {
        this.#count -= dropped.length;
      },
    });
  }

  get(owner: string, { tenant, scopes }: TokenNeed): KeptToken | undefined {
    const kept = this.#byOwner.get(owner);
    if (kept === undefined) return undefined;
    // The scopes of an API are one array, as long as its configuration is in use.
    for (const one of kept) if (one.scopes === scopes && one.tenant === tenant) return one;
    return kept.find((one) => one.tenant === tenant && textOf(one.scopes) === textOf(scopes));
  }

  /** Keeps a token in place of an earlier one. All tokens of the owner who asked longest ago are dropped first. */
  set(owner: string, token: KeptToken): void {
    const earlier = this.get(owner, token);
    const all = [...(this.#byOwner.peek(owner) ?? []).filter((one) => one !== earlier), token].slice(-this.#most);
    this.#byOwner.set(owner, all);
    this.#count += all.length;
    while (this.#count > this.#most) this.#byOwner.evict(1);
  }

  clear(): void {
    this.#byOwner.clear();
  }
}
