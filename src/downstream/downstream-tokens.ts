/** Tokens for other APIs: kept in this process, found in the shared store, or asked for, once for all who wait. */
import { createLRU } from 'lru.min';
import { ClaimsChallengeError } from '../core/access/claims-challenge.js';
import { downstreamChannel, type DownstreamEvent } from '../core/channels.js';
import type { TokenStore } from '../core/configuration/token-store.js';
import { AuthError, ConfigurationError, copyOf, InvalidTokenError } from '../core/errors.js';
import { hasPassed } from '../core/keys/last-known-good.js';
import type { AcquireToken } from './acquire-token.js';
import { ConsentRequiredError, InteractionRequiredError, TokenUnavailableError } from './errors.js';
import { sealFor } from './sealed-token.js';
import { claimMs, SharedTokens, type SharedRequest } from './shared-tokens.js';
import { systemTimer, type Timer } from './timer.js';
import { isDue, tokenSince, usableMs, type DownstreamToken } from './token-life.js';
import { GuardedStore, storeLimitMs } from './token-store.js';

export type { DownstreamToken } from './token-life.js';

/** A token of the application itself. */
export interface AppTokenRequest {
  /** The name of the API, as configured. */
  readonly api: string;
  readonly authority: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
  /** The claims that the token must have. What is kept is then not used, and is replaced. */
  readonly claims?: string | undefined;
}

/** A token in a user's name. */
export interface UserTokenRequest extends AppTokenRequest {
  /** The verified token of the user. */
  readonly assertion: string;
  /** Its SHA-256 digest, as the verifier computed it. */
  readonly digest: string;
  /** When it expires, in milliseconds since the epoch. */
  readonly assertionExpiresAtMs: number;
}

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

/** A token that was asked for, by everything that it depends on. */
interface Wanted extends AppTokenRequest {
  readonly as: DownstreamEvent['as'];
  readonly key: string;
  readonly user: UserTokenRequest | undefined;
}

interface Kept {
  readonly token: DownstreamToken;
  /** The flight that brought it, by its number. */
  readonly flight: number;
  /** A renewal in the background is started no earlier. */
  renewAtMs: number;
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

const mostRefusals = 1_000;
const mostThrottledTenants = 1_000;
const refusalKeptMs = 10_000;
const renewalRetryMs = 10_000;

/** A renewal that no call waits for ends where another process renews the same token. */
class RenewedElsewhere extends Error {
  override readonly name = 'RenewedElsewhere';
}

function isKeptRefusal(error: unknown): boolean {
  return (
    error instanceof ClaimsChallengeError ||
    error instanceof ConsentRequiredError ||
    error instanceof InteractionRequiredError
  );
}

function isRefused(error: unknown): boolean {
  return (
    error instanceof ConfigurationError || (error instanceof AuthError && !(error instanceof TokenUnavailableError))
  );
}

/** One text for scopes in whatever order. */
function textOf(scopes: readonly string[]): string {
  return scopes.length === 1 ? (scopes[0] ?? '') : [...scopes].sort().join(' ');
}

/** The members of an event that tell of an error. */
function failureOf(error: unknown): Pick<DownstreamEvent, 'code' | 'aadsts'> {
  const { code, aadsts } = (error ?? {}) as { readonly code?: unknown; readonly aadsts?: unknown };
  return {
    ...(isRefused(error) || error instanceof TokenUnavailableError ? { code: String(code) } : {}),
    ...(typeof aadsts === 'number' && { aadsts }),
  };
}

function publish({ api, as }: Pick<DownstreamEvent, 'api' | 'as'>, event: Omit<DownstreamEvent, 'api' | 'as'>): void {
  if (downstreamChannel.hasSubscribers) downstreamChannel.publish({ api, as, ...event } satisfies DownstreamEvent);
}

export class DownstreamTokens {
  readonly #acquire: AcquireToken;
  readonly #now: () => number;
  readonly #closing: AbortSignal;
  readonly #owner: { readonly clientId: string; readonly instance: string };
  readonly #shared: SharedTokens | undefined;
  readonly #kept: ReturnType<typeof createLRU<string, Kept>>;
  readonly #refusals = createLRU<string, { readonly error: unknown; readonly atMs: number }>({ max: mostRefusals });
  readonly #throttled = createLRU<string, { readonly atMs: number; readonly forMs: number }>({
    max: mostThrottledTenants,
  });
  readonly #flights = new Map<string, Flight>();
  #flightCount = 0;

  constructor(options: DownstreamTokensOptions) {
    const { acquire, store, maxEntries, now, closing, clientId, instance, timer = systemTimer } = options;
    this.#acquire = acquire;
    this.#now = now;
    this.#closing = closing;
    this.#owner = { clientId, instance };
    this.#kept = createLRU<string, Kept>({ max: maxEntries });
    const onFailure = ({ api, milliseconds }: { readonly api: string; readonly milliseconds: number }) => {
      publish({ api, as: 'user' }, { source: 'store', outcome: 'failed', milliseconds });
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
    if (this.#now() >= user.assertionExpiresAtMs) throw new InvalidTokenError('expired');
    const key = `${user.digest} ${user.tenant} ${textOf(user.scopes)}`;
    return this.#tokenOf(key, user, user);
  }

  /** A token of the application itself. It is kept in this process only. Throws as {@link ofUser}. */
  ofApplication(request: AppTokenRequest): DownstreamToken | Promise<DownstreamToken> {
    return this.#tokenOf(`application ${request.tenant} ${textOf(request.scopes)}`, request, undefined);
  }

  #tokenOf(
    key: string,
    request: AppTokenRequest,
    user: UserTokenRequest | undefined,
  ): DownstreamToken | Promise<DownstreamToken> {
    if (this.#closing.aborted) throw this.#closedError();
    if (request.claims === undefined) {
      const token = this.#fromMemory(key, request, user);
      if (token !== undefined) return token;
    }
    return this.#await(this.#flightFor(wantedOf(key, request, user)));
  }

  /** The token that is kept. Renews it in the background where it is due. Throws the refusal that is kept. */
  #fromMemory(key: string, request: AppTokenRequest, user: UserTokenRequest | undefined): DownstreamToken | undefined {
    const now = this.#now();
    const as = user === undefined ? 'application' : 'user';
    const kept = this.#kept.get(key);
    if (kept !== undefined && usableMs(kept.token, now) > 0) {
      if (now >= kept.renewAtMs) this.#renew(kept, wantedOf(key, request, user));
      publish({ api: request.api, as }, { source: 'memory', outcome: 'obtained', milliseconds: 0 });
      return kept.token;
    }
    const refusal = this.#refusals.get(key);
    if (refusal === undefined || hasPassed(refusalKeptMs, refusal.atMs, now)) return undefined;
    const outcome = { source: 'memory', outcome: 'refused', milliseconds: 0, ...failureOf(refusal.error) } as const;
    publish({ api: request.api, as }, outcome);
    throw copyOf(refusal.error);
  }

  /** Renews a token while it is still used. A failure is no failure of a call: the next renewal tries again. */
  #renew(kept: Kept, wanted: Wanted): void {
    if (this.#flights.has(wanted.key)) return;
    const startedAtMs = this.#now();
    kept.renewAtMs = startedAtMs + renewalRetryMs;
    this.#start(wanted, (token) => !isDue(token, this.#now())).promise.catch((error: unknown) => {
      if (error instanceof RenewedElsewhere) kept.renewAtMs = startedAtMs + claimMs;
    });
  }

  #flightFor(wanted: Wanted): Flight {
    const flight =
      this.#flights.get(flightKeyOf(wanted)) ?? this.#start(wanted, (token) => usableMs(token, this.#now()) > 0);
    flight.isAwaited = true;
    return flight;
  }

  /** Waits for a flight. Each call gets an error of its own. */
  async #await({ promise }: Flight): Promise<DownstreamToken> {
    try {
      return await promise;
    } catch (error) {
      throw copyOf(error);
    }
  }

  /** @param accepts - whether a token of the store is good enough */
  #start(wanted: Wanted, accepts: SharedRequest['accepts']): Flight {
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
  async #obtain(wanted: Wanted, flight: Flight, accepts: SharedRequest['accepts']): Promise<DownstreamToken> {
    const { user } = wanted;
    if (user === undefined || this.#shared === undefined) {
      const token = await this.#ask(wanted);
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
    wanted: Wanted,
    flight: Flight,
  ): Promise<DownstreamToken> {
    let done: () => void = () => undefined;
    if (wanted.claims === undefined) {
      const startedAtMs = performance.now();
      const token = await shared.find(request);
      if (token !== undefined) return this.#found(token, wanted, flight, startedAtMs);
      this.#checkThrottle(wanted);
      const turn = await shared.takeTurn(request, storeLimitMs - (performance.now() - startedAtMs));
      if (turn.kind === 'theirs') throw new RenewedElsewhere('Another process renews this token.');
      if (turn.kind === 'found') return this.#found(turn.token, wanted, flight, startedAtMs);
      ({ done } = turn);
    }
    let kept = Promise.resolve();
    try {
      const token = await this.#ask(wanted);
      if (this.#keep(wanted, flight, token)) kept = shared.keep(token, request);
      return token;
    } finally {
      // No call waits for it.
      void kept.then(done);
    }
  }

  #found(token: DownstreamToken, wanted: Wanted, flight: Flight, startedAtMs: number): DownstreamToken {
    publish(wanted, { source: 'store', outcome: 'obtained', milliseconds: performance.now() - startedAtMs });
    this.#keep(wanted, flight, token);
    return token;
  }

  /** Asks the authority. */
  async #ask(wanted: Wanted): Promise<DownstreamToken> {
    this.#checkThrottle(wanted);
    if (this.#closing.aborted) throw this.#closedError();
    const { api, authority, scopes, claims, user } = wanted;
    const requestedAtMs = this.#now();
    const startedAtMs = performance.now();
    const publishAnswer = (outcome: DownstreamEvent['outcome'], error?: unknown) => {
      const milliseconds = performance.now() - startedAtMs;
      publish(wanted, { source: 'authority', outcome, milliseconds, ...failureOf(error) });
    };
    try {
      const request = { api, authority, scopes, claims, assertion: user?.assertion };
      const token = tokenSince(requestedAtMs, await this.#acquire(request, this.#closing));
      publishAnswer('obtained');
      return token;
    } catch (error) {
      publishAnswer(isRefused(error) ? 'refused' : 'failed', error);
      this.#heed(wanted, error);
      throw error;
    }
  }

  /** Keeps what an error of the authority asks of later calls. */
  #heed({ tenant, key, claims }: Wanted, error: unknown): void {
    const atMs = this.#now();
    if (error instanceof TokenUnavailableError && error.throttled) {
      this.#throttled.set(tenant, { atMs, forMs: error.retryAfterSeconds * 1000 });
    }
    if (claims === undefined && isKeptRefusal(error)) this.#refusals.set(key, { error, atMs });
  }

  /** The authority asked to be left alone, for one tenant. */
  #checkThrottle(wanted: Wanted): void {
    const throttle = this.#throttled.get(wanted.tenant);
    const now = this.#now();
    if (throttle === undefined || hasPassed(throttle.forMs, throttle.atMs, now)) return;
    const retryAfterSeconds = Math.ceil((throttle.atMs + throttle.forMs - now) / 1000);
    const error = new TokenUnavailableError({
      retryAfterSeconds,
      message: `The authority asked not to be called for another ${String(retryAfterSeconds)} s.`,
    });
    publish(wanted, { source: 'memory', outcome: 'failed', milliseconds: 0, ...failureOf(error) });
    throw error;
  }

  /** Keeps a token in this process. Returns false where it came too late: a newer one is kept, or the identity was closed. */
  #keep({ key }: Wanted, { number }: Flight, token: DownstreamToken): boolean {
    if (this.#closing.aborted) throw this.#closedError();
    if ((this.#kept.get(key)?.flight ?? 0) > number) return false;
    this.#kept.set(key, { token: Object.freeze(token), flight: number, renewAtMs: token.refreshAtMs });
    this.#refusals.delete(key);
    return true;
  }

  #closedError(): TokenUnavailableError {
    return new TokenUnavailableError({ cause: this.#closing.reason });
  }

  #close(): void {
    for (const { end } of this.#flights.values()) end(this.#closedError());
    this.#flights.clear();
    this.#kept.clear();
    this.#refusals.clear();
  }
}

function wantedOf(key: string, request: AppTokenRequest, user: UserTokenRequest | undefined): Wanted {
  const { api, authority, tenant, scopes, claims } = request;
  return { api, authority, tenant, scopes, claims, key, user, as: user === undefined ? 'application' : 'user' };
}

/** Calls that ask for claims share a flight with those that ask for the same claims alone. */
function flightKeyOf({ key, claims }: Wanted): string {
  return claims === undefined ? key : `${key}\n${claims}`;
}
