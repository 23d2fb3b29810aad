/** Users' tokens that several processes share: found in the store, or asked for by one process while the others wait. */
import { openToken, sealToken, type Seal } from './sealed-token.js';
import { pauseFor, type Timer } from './timer.js';
import { usableMs, type DownstreamToken } from './token-life.js';
import { storeLimitMs, type GuardedStore } from './token-store.js';

/** How long one process asks while the others wait, in milliseconds. */
export const claimMs = 5_000;
const longestWaitMs = 1_000;
const firstPauseMs = 20;
const longestPauseMs = 200;

/** A token that is looked for. */
export interface SharedRequest {
  readonly api: string;
  readonly seal: Seal;
  /** When the user's own token expires, in milliseconds since the epoch: no token is kept for longer. */
  readonly assertionExpiresAtMs: number;
  /** Whether a token of the store is good enough. */
  readonly accepts: (token: DownstreamToken) => boolean;
  /** Whether to wait while another process asks. */
  readonly waits: () => boolean;
}

/** What follows where the store has no token. */
export type Turn =
  | { readonly kind: 'found'; readonly token: DownstreamToken }
  /** `done` is to be called when the token is kept, or there is none. */
  | { readonly kind: 'mine'; readonly done: () => void }
  /** Another process asks, and this one does not wait. */
  | { readonly kind: 'theirs' };

const nothing = () => undefined;

export class SharedTokens {
  readonly #store: GuardedStore;
  readonly #now: () => number;
  readonly #timer: Timer;

  constructor(store: GuardedStore, now: () => number, timer: Timer) {
    this.#store = store;
    this.#now = now;
    this.#timer = timer;
  }

  /** The token in the store. Undefined where there is none that is good enough. */
  async find(request: SharedRequest, limitMs = storeLimitMs): Promise<DownstreamToken | undefined> {
    const text = await this.#store.get(request.seal.name, request.api, limitMs);
    const token = text === undefined ? undefined : openToken(text, request.seal);
    return token !== undefined && request.accepts(token) ? token : undefined;
  }

  /**
   * Whose turn it is to ask for a token that was not found.
   *
   * @param limitMs - how long the store may take to answer for the first time
   */
  async takeTurn(request: SharedRequest, limitMs: number): Promise<Turn> {
    const first = await this.#tryToTakeTurn(request, limitMs);
    let leftMs = longestWaitMs;
    let isLast = false;
    for (let turn = first, pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      if (turn.kind !== 'theirs' || !request.waits()) return turn;
      if (isLast) return { kind: 'mine', done: nothing };
      const startedAtMs = performance.now();
      if (leftMs > 0) await pauseFor(Math.min(pauseMs, leftMs), this.#timer);
      const lookedAtMs = performance.now();
      leftMs -= Math.max(lookedAtMs - startedAtMs, pauseMs);
      // By when it begins: where this process was busy meanwhile, the answer is from before that.
      isLast = leftMs <= 0;
      turn = await this.#tryToTakeTurn(request, storeLimitMs);
      leftMs -= performance.now() - lookedAtMs;
    }
  }

  async #tryToTakeTurn(request: SharedRequest, limitMs: number): Promise<Turn> {
    if (!this.#store.hasClaims) return { kind: 'mine', done: nothing };
    const { seal, api } = request;
    // Both at once take one round trip. Another process keeps its token before it gives its claim back.
    const [isClaimed, token] = await Promise.all([
      this.#store.claim(seal.name, claimMs, api, limitMs),
      this.find(request, limitMs),
    ]);
    const done = isClaimed === true ? this.#releaseOf(request) : nothing;
    if (token !== undefined) {
      done();
      return { kind: 'found', token };
    }
    return isClaimed === false ? { kind: 'theirs' } : { kind: 'mine', done };
  }

  /** Keeps a token, for as long as it is used and the user's own token is valid. */
  async keep(token: DownstreamToken, { api, seal, assertionExpiresAtMs }: SharedRequest): Promise<void> {
    const now = this.#now();
    const ttlMs = Math.floor(Math.min(usableMs(token, now), assertionExpiresAtMs - now));
    if (ttlMs > 0) await this.#store.set(seal.name, sealToken(token, seal), ttlMs, api);
  }

  /** Gives a claim back, if it is still this process's. */
  #releaseOf({ seal, api }: SharedRequest): () => void {
    const claimedAtMs = performance.now();
    return () => {
      if (performance.now() - claimedAtMs < claimMs) void this.#store.release(seal.name, api);
    };
  }
}
