/** From a token's text to a verified token, or the reason why not. The only place where a signature is checked. */
import { verify } from 'node:crypto';
import { createLRU } from 'lru.min';
import type { AccessTokenClaims, UnverifiedClaims } from '../access-token-claims.js';
import { isThenable } from '../awaited.js';
import type { Settings } from '../configuration/settings.js';
import { InvalidTokenError } from '../errors.js';
import type { ChallengeAuthority } from '../issuers/authority.js';
import { deepFreeze } from '../json.js';
import type { KeySet } from '../keys/key-set.js';
import type { PublishedIssuer } from '../keys/openid-configuration.js';
import type { SigningKey } from '../keys/signing-keys.js';
import { checkTimes, hasAudience, hasRegisteredClaims, isAccessToken } from './claims.js';
import { parseToken, type ParsedToken } from './parsed-token.js';
import { digestOf, TokenCache } from './token-cache.js';
import type { Verification, VerifiedToken } from './verified-token.js';

/** Who vouches for a token, found by the token's own word and trusted for no more than a place to look. */
export interface Source {
  readonly keySet: KeySet;
  readonly check: (claims: AccessTokenClaims, key: SigningKey, issuer: PublishedIssuer) => void | Promise<void>;
  readonly policy: string | undefined;
  readonly authority: ChallengeAuthority;
}

/** Verifies the tokens of one authority kind: all of one Entra tenant (or many), or of one B2C tenant's policies. */
export interface Verifier {
  /**
   * Verifies a token. Answers without a promise where nothing has to be loaded for it.
   *
   * @param digest - the token's digest, where it is known already
   * @throws InvalidTokenError
   * @throws IssuerUnavailableError
   */
  verify(token: string, digest?: string): Verification | Promise<Verification>;
  /** Loads what the first request would. @throws IssuerUnavailableError */
  ready(): Promise<void>;
}

const mostKnownHeaders = 100;

/** A slice of a string keeps the whole of it in memory, which here is the token; a copy does not. */
function copyOf(slice: string): string {
  return Buffer.from(slice, 'latin1').toString('latin1');
}

export abstract class CachingVerifier implements Verifier {
  readonly #settings: Settings;
  readonly #cache: TokenCache;
  // All tokens that a key signs have one and the same header, as a rule.
  readonly #knownHeaders = createLRU<string, string>({ max: mostKnownHeaders });
  readonly #flights = new Map<string, Promise<Verification>>();

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#cache = new TokenCache(settings.tokenCacheEntries);
  }

  protected abstract readonly kind: VerifiedToken['kind'];
  protected abstract readonly audiences: readonly string[];
  protected abstract sourceOf(payload: UnverifiedClaims): Source;
  abstract ready(): Promise<void>;

  verify(text: string, digest = digestOf(text)): Verification | Promise<Verification> {
    const now = this.#settings.now();
    const cached = this.#cache.get(digest, now);
    if (cached !== undefined) {
      this.#checkTimes(cached.token.claims, now);
      return cached;
    }
    const flight = this.#flights.get(digest);
    if (flight !== undefined) return flight;
    const parsed = parseToken(text, digest, this.#knownHeaders);
    const verification = this.#verifyOnce(parsed, this.sourceOf(parsed.payload), now);
    if (isThenable(verification)) {
      this.#flights.set(digest, verification);
      const forget = () => this.#flights.delete(digest);
      verification.then(forget, forget);
    }
    return verification;
  }

  #verifyOnce(parsed: ParsedToken, source: Source, now: number): Verification | Promise<Verification> {
    const keys = source.keySet.peek(parsed.kid, now);
    const { issuer } = source.keySet;
    if (keys === undefined || issuer === undefined) return this.#loadAndVerify(parsed, source);
    return this.#verifyWith(keys, issuer, parsed, source);
  }

  async #loadAndVerify(parsed: ParsedToken, source: Source): Promise<Verification> {
    const keys = await source.keySet.find(parsed.kid);
    if (keys === undefined) throw new InvalidTokenError('key');
    return this.#verifyWith(keys, await source.keySet.loadIssuer(), parsed, source);
  }

  #verifyWith(
    keys: readonly SigningKey[],
    issuer: PublishedIssuer,
    parsed: ParsedToken,
    source: Source,
  ): Verification | Promise<Verification> {
    const { payload: claims } = parsed;
    const key = signerOf(parsed, keys);
    if (!hasRegisteredClaims(claims)) throw new InvalidTokenError('malformed');
    this.#checkTimes(claims, this.#settings.now());
    if (!hasAudience(claims, this.audiences)) throw new InvalidTokenError('audience');
    const checking = source.check(claims, key, issuer);
    const admit = () => this.#admit(claims, key, parsed, source);
    return checking === undefined ? admit() : checking.then(admit);
  }

  #admit(claims: AccessTokenClaims, key: SigningKey, parsed: ParsedToken, source: Source): Verification {
    if (!isAccessToken(claims)) throw new InvalidTokenError('token_type');
    const { keySet, policy, authority } = source;
    const token = Object.freeze({ kind: this.kind, claims: deepFreeze(claims), policy, authority });
    this.#cache.set(parsed.digest, { token, outcome: 'cached', key, keySet });
    if (parsed.newHeader !== undefined) this.#knownHeaders.set(copyOf(parsed.newHeader), parsed.kid);
    return { token, outcome: 'verified' };
  }

  #checkTimes(claims: AccessTokenClaims, now: number): void {
    checkTimes(claims, now / 1000, this.#settings.clockToleranceSeconds);
  }
}

/**
 * The key that signed the token: of those published under its kid, the one the signature verifies with.
 *
 * Checked here and now: handing a check to another thread and waiting for it takes this one longer than the check.
 */
function signerOf({ signingInput, signature }: ParsedToken, keys: readonly SigningKey[]): SigningKey {
  const signed = Buffer.from(signingInput, 'latin1');
  // RFC 7518 §3.3: RS256 is RSASSA-PKCS1-v1_5 with SHA-256. With that padding Node checks unless told otherwise.
  const signer = keys.find(({ key }) => verify('sha256', signed, key, signature));
  if (signer === undefined) throw new InvalidTokenError('signature');
  return signer;
}
