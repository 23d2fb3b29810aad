/** Tokens for other APIs: kept in this process, found in the shared store, or asked for, once for all who wait. */
import type { TokenStore } from '../core/configuration/token-store.js';
import { InvalidTokenError, MissingTokenError } from '../core/errors.js';
import { copyOfExplained } from '../gate/debug-output.js';
import type { AcquireToken } from './acquire-token.js';
import { publishToken } from './downstream-events.js';
import { KeptTokens, type KeptToken } from './kept-tokens.js';
import { sealFor } from './sealed-token.js';
import { claimMs, SharedTokens, type SharedRequest } from './shared-tokens.js';
import { closedError, ThrottledAuthority } from './throttled-authority.js';
import { systemTimer, type Timer } from './timer.js';
import { isDue, usableMs, type DownstreamToken } from './token-life.js';
import { GuardedStore, storeLimitMs } from './token-store.js';
import {
  asOf,
  flightKeyOf,
  keyOf,
  ownerOf,
  wantedOf,
  type AppTokenRequest,
  type UserTokenRequest,
  type WantedToken,
} from './wanted-token.js';

export type { DownstreamToken } from './token-life.js';
export type { AppTokenRequest, UserTokenRequest } from './wanted-token.js';

interface DownstreamTokensOptions {
  readonly acquire: AcquireToken;
  readonly store: TokenStore | undefined;
  /** The bound on tokens kept in this process. */
  readonly maxEntries: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Ends what is under way. */
  readonly closing: AbortSignal;
  readonly clientId: string;
  readonly instance: string;
  /** For specs. */
  readonly timer?: Timer;
}

/** One token that is under way, for all who wait for it. */
interface Flight {
  /** Flights are numbered in the order of their start: the token of an older one does not replace that of a newer one. */
  readonly number: number;
  readonly promise: Promise<DownstreamToken>;
  readonly end: (error: Error) => void;
  /** Whether a call waits for it. No call waits for a renewal in the background at first. */
  isAwaited: boolean;
}

const renewalRetryMs = 10_000;
/** How long the store may take at least to answer whose turn it is. */
const leastStoreLimitMs = 50;

/** A renewal that no call waits for ends where another process renews the same token. */
class RenewedElsewhere extends Error {
  override readonly name = 'RenewedElsewhere';
}

export class DownstreamTokens {
  readonly #authority: ThrottledAuthority;
  readonly #now: () => number;
  readonly #closing: AbortSignal;
  readonly #owner: { readonly clientId: string; readonly instance: string };
  readonly #shared: SharedTokens | undefined;
  readonly #kept: KeptTokens;
  readonly #flights = new Map<string, Flight>();
  #flightCount = 0;

  constructor(options: DownstreamTokensOptions) {
    const { acquire, store, maxEntries, now, closing, clientId, instance, timer = systemTimer } = options;
    this.#authority = new ThrottledAuthority(acquire, now, closing);
    this.#now = now;
    this.#closing = closing;
    this.#owner = { clientId, instance };
    this.#kept = new KeptTokens(maxEntries);
    const onFailure = ({ api, milliseconds }: { readonly api: string; readonly milliseconds: number }) => {
      publishToken({ api, as: 'user' }, { source: 'store', outcome: 'failed', milliseconds });
    };
    this.#shared = store && new SharedTokens(new GuardedStore({ store, now, timer, onFailure }), now, timer);
    closing.addEventListener('abort', () => {
      this.#close();
    });
  }

  /**
   * A token in a user's name: on-behalf-of. Answers without a promise if the token is kept in this process.
   *
   * @throws InvalidTokenError where the user's own token expired meanwhile
   * @throws ClaimsChallengeError, ConsentRequiredError, InteractionRequiredError: the authority refuses, or did so in the
   * last ten seconds
   * @throws TokenUnavailableError
   * @throws ConfigurationError
   */
  ofUser(user: UserTokenRequest): DownstreamToken | Promise<DownstreamToken> {
    const now = this.#now();
    if (now >= user.assertionExpiresAtMs) throw new InvalidTokenError('expired');
    return this.#fromMemory(now, user, user) ?? this.#awaitToken(user, user);
  }

  /** A token of the application itself. It is kept in this process only. Throws as {@link ofUser}. */
  ofApplication(request: AppTokenRequest): DownstreamToken | Promise<DownstreamToken> {
    return this.#fromMemory(this.#now(), request, undefined) ?? this.#awaitToken(request, undefined);
  }

  /** The token that is kept, if it may be used. Renews it in the background where it is due. */
  #fromMemory(now: number, request: AppTokenRequest, user: UserTokenRequest | undefined): DownstreamToken | undefined {
    if (request.claims !== undefined) return undefined;
    const kept = this.#kept.get(ownerOf(request, user), request);
    if (kept === undefined || usableMs(kept.token, now) <= 0) return undefined;
    if (now >= kept.renewAtMs) this.#renew(kept, request, user);
    publishToken({ api: request.api, as: asOf(user) }, { source: 'memory', outcome: 'obtained', milliseconds: 0 });
    return kept.token;
  }

  /** A token that is not kept. Throws the refusal that is kept. */
  #awaitToken(request: AppTokenRequest, user: UserTokenRequest | undefined): Promise<DownstreamToken> {
    if (this.#closing.aborted) throw closedError(this.#closing);
    if (request.claims === undefined) {
      this.#authority.checkRefusal({ api: request.api, as: asOf(user), key: keyOf(request, user) });
    }
    return this.#awaitFlight(wantedOf(this.#owner.instance, request, user));
  }

  /** Renews a token while it is still used. A failure is no failure of a call: the next renewal tries again. */
  #renew(kept: KeptToken, request: AppTokenRequest, user: UserTokenRequest | undefined): void {
    const wanted = this.#renewalOf(request, user);
    if (wanted === undefined || this.#flights.has(wanted.key)) return;
    const startedAtMs = this.#now();
    kept.renewAtMs = startedAtMs + renewalRetryMs;
    this.#start(wanted, (token) => !isDue(token, this.#now())).promise.catch((error: unknown) => {
      if (error instanceof RenewedElsewhere) kept.renewAtMs = startedAtMs + claimMs;
    });
  }

  /** What a renewal asks for. Undefined: the token of the user is gone from its request, and what is kept is used to its end. */
  #renewalOf(request: AppTokenRequest, user: UserTokenRequest | undefined): WantedToken | undefined {
    try {
      return wantedOf(this.#owner.instance, request, user);
    } catch (error) {
      if (error instanceof MissingTokenError) return undefined;
      throw error;
    }
  }

  /** Waits for a flight. Each call gets an error of its own. */
  async #awaitFlight(wanted: WantedToken): Promise<DownstreamToken> {
    const flight =
      this.#flights.get(flightKeyOf(wanted)) ?? this.#start(wanted, (token) => usableMs(token, this.#now()) > 0);
    flight.isAwaited = true;
    try {
      return await flight.promise;
    } catch (error) {
      // The renewal ended before it took notice of this call.
      if (error instanceof RenewedElsewhere) return await this.#awaitFlight(wanted);
      throw copyOfExplained(error);
    }
  }

  /** @param accepts - whether a token of the store is good enough */
  #start(wanted: WantedToken, accepts: SharedRequest['accepts']): Flight {
    const key = flightKeyOf(wanted);
    let resolve: (token: DownstreamToken) => void = () => undefined;
    let end: (error: Error) => void = () => undefined;
    const promise = new Promise<DownstreamToken>((fulfil, reject) => {
      resolve = fulfil;
      end = reject;
    });
    const flight: Flight = { number: ++this.#flightCount, promise, end, isAwaited: false };
    this.#flights.set(key, flight);
    const forget = () => this.#flights.delete(key);
    promise.then(forget, forget);
    this.#obtain(wanted, flight, accepts).then(resolve, end);
    return flight;
  }

  /** The token of a flight: from the store, or from the authority. */
  async #obtain(wanted: WantedToken, flight: Flight, accepts: SharedRequest['accepts']): Promise<DownstreamToken> {
    const { user } = wanted;
    if (user === undefined || this.#shared === undefined) {
      const token = await this.#authority.ask(wanted);
      this.#keep(wanted, flight, token);
      return token;
    }
    const request: SharedRequest = {
      api: wanted.api,
      seal: sealFor({ ...user, ...this.#owner }),
      assertionExpiresAtMs: user.assertionExpiresAtMs,
      accepts,
      waits: () => flight.isAwaited,
    };
    return this.#obtainShared(this.#shared, request, wanted, flight);
  }

  async #obtainShared(
    shared: SharedTokens,
    request: SharedRequest,
    wanted: WantedToken,
    flight: Flight,
  ): Promise<DownstreamToken> {
    let done: () => void = () => undefined;
    if (wanted.claims === undefined) {
      const startedAtMs = performance.now();
      const token = await shared.find(request);
      if (token !== undefined) return this.#found(token, wanted, flight, startedAtMs);
      this.#authority.checkThrottle(wanted);
      // The store answered. Where this process was busy meanwhile, the time that it took was not the store's.
      const leftMs = Math.max(storeLimitMs - (performance.now() - startedAtMs), leastStoreLimitMs);
      const turn = await shared.takeTurn(request, leftMs);
      if (turn.kind === 'theirs') throw new RenewedElsewhere('Another process renews this token.');
      if (turn.kind === 'found') return this.#found(turn.token, wanted, flight, startedAtMs);
      ({ done } = turn);
    }
    let kept = Promise.resolve();
    try {
      const token = await this.#authority.ask(wanted);
      if (this.#keep(wanted, flight, token)) kept = shared.keep(token, request);
      return token;
    } finally {
      // No call waits for it.
      void kept.then(done);
    }
  }

  #found(token: DownstreamToken, wanted: WantedToken, flight: Flight, startedAtMs: number): DownstreamToken {
    publishToken(wanted, { source: 'store', outcome: 'obtained', milliseconds: performance.now() - startedAtMs });
    this.#keep(wanted, flight, token);
    return token;
  }

  /** Keeps a token in this process. Returns false where it came too late: a newer one is kept, or the identity was closed. */
  #keep(wanted: WantedToken, { number }: Flight, token: DownstreamToken): boolean {
    if (this.#closing.aborted) throw closedError(this.#closing);
    const { key, tenant, scopes, user } = wanted;
    const owner = ownerOf(wanted, user);
    if ((this.#kept.get(owner, wanted)?.flight ?? 0) > number) return false;
    const renewAtMs = token.refreshAtMs;
    this.#kept.set(owner, { tenant, scopes, token: Object.freeze(token), flight: number, renewAtMs });
    this.#authority.forgetRefusal(key);
    return true;
  }

  #close(): void {
    for (const { end } of this.#flights.values()) end(closedError(this.#closing));
    this.#flights.clear();
    this.#kept.clear();
  }
}
