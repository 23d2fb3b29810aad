/** Verifies a token once, however often it comes and however many requests carry it at the same time. */
import { isThenable } from '../awaited.js';
import type { Settings } from '../configuration/settings.js';
import { checkTime, validTimeOf } from './claims.js';
import { bytesOf, digestOf, TokenCache } from './token-cache.js';
import type { SignedToken, Verification } from './verified-token.js';

/** Verifies tokens. */
export interface Verifier {
  /**
   * Verifies a token. Answers without a promise if nothing has to be loaded and the event loop is not busy.
   *
   * @param digest - the token's digest, if the caller has it
   * @throws InvalidTokenError
   * @throws IssuerUnavailableError
   */
  verify(text: string, digest?: string): Verification | Promise<Verification>;
}

/** Remembers the tokens that verified. Each time a token comes back, its times and its key are checked again. */
export class CachingVerifier implements Verifier {
  readonly #verify: (text: string) => SignedToken | Promise<SignedToken>;
  readonly #settings: Settings;
  readonly #cache: TokenCache;
  readonly #flights = new Map<string, Promise<Verification>>();

  /** @param verify - verifies a token that is not remembered */
  constructor(verify: (text: string) => SignedToken | Promise<SignedToken>, settings: Settings) {
    this.#verify = verify;
    this.#settings = settings;
    this.#cache = new TokenCache(settings.tokenCacheEntries, settings.tokenCacheBytes);
  }

  verify(text: string, digest = digestOf(text)): Verification | Promise<Verification> {
    const now = this.#settings.now();
    const cached = this.#cache.get(digest, now);
    if (cached !== undefined) {
      checkTime(cached, now / 1000, this.#settings.clockToleranceSeconds);
      return cached;
    }
    return this.#flights.get(digest) ?? this.#verifyOnce(text, digest);
  }

  #verifyOnce(text: string, digest: string): Verification | Promise<Verification> {
    const verified = this.#verify(text);
    if (!isThenable(verified)) return this.#remember(verified, text, digest);
    const flight = this.#rememberLater(verified, text, digest);
    this.#flights.set(digest, flight);
    return flight;
  }

  async #rememberLater(verified: Promise<SignedToken>, text: string, digest: string): Promise<Verification> {
    try {
      return this.#remember(await verified, text, digest);
    } finally {
      this.#flights.delete(digest);
    }
  }

  #remember({ token, key, issuerKeys }: SignedToken, text: string, digest: string): Verification {
    const { notBefore, expires } = validTimeOf(token.claims);
    const known = { digest, token, key, issuerKeys, notBefore, expires };
    this.#cache.set({ ...known, outcome: 'cached', groups: undefined, bytes: bytesOf(text), movedBy: 0 });
    return { token, outcome: 'verified', digest, groups: undefined };
  }
}
