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

/** The tokens of one owner. */
interface Owned {
  readonly tokens: readonly KeptToken[];
  /** The number of the move that put them behind all others, in the order in which they are dropped. */
  movedBy: number;
}

/**
 * Tokens by their owners: a digest of a user's token, or a text for the application.
 *
 * The digest is the very text that the verifier keeps, so V8 knows its hash. A text of digest, tenant and scopes that is made
 * for each look-up is hashed and compared in full: that took 1.5 µs of a warm request on Node 24.
 */
export class KeptTokens {
  readonly #most: number;
  readonly #byOwner: ReturnType<typeof createLRU<string, Owned>>;
  #count = 0;
  #moves = 0;

  /** @param most - how many tokens are kept */
  constructor(most: number) {
    this.#most = most;
    this.#byOwner = createLRU<string, Owned>({
      max: most,
      onEviction: (_, dropped) => {
        this.#count -= dropped.tokens.length;
      },
    });
  }

  get(owner: string, { tenant, scopes }: TokenNeed): KeptToken | undefined {
    const owned = this.#byOwner.peek(owner);
    if (owned === undefined) return undefined;
    // A move reads the entries beside it from memory: at each look-up it took a server of 5,000 users 2 µs. What fewer than
    // an eighth of all were moved behind is far from the end where entries are dropped.
    if (this.#moves - owned.movedBy > this.#byOwner.size >> 3) {
      this.#byOwner.get(owner);
      owned.movedBy = ++this.#moves;
    }
    // The scopes of an API are one array, as long as its configuration is in use.
    for (const one of owned.tokens) if (one.scopes === scopes && one.tenant === tenant) return one;
    return owned.tokens.find((one) => one.tenant === tenant && textOf(one.scopes) === textOf(scopes));
  }

  /** Keeps a token in place of an earlier one. All tokens of the owner who asked longest ago are dropped first. */
  set(owner: string, token: KeptToken): void {
    const earlier = this.get(owner, token);
    const all = [...(this.#byOwner.peek(owner)?.tokens ?? []).filter((one) => one !== earlier), token].slice(
      -this.#most,
    );
    this.#byOwner.set(owner, { tokens: all, movedBy: ++this.#moves });
    this.#count += all.length;
    while (this.#count > this.#most) this.#byOwner.evict(1);
  }

  clear(): void {
    this.#byOwner.clear();
  }
}
