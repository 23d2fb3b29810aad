/** From a token's text to a verified token, or the reason why not. The only place where a signature is checked. */
import { isUtf8 } from 'node:buffer';
import { verify } from 'node:crypto';
import { createLRU } from 'lru.min';
import type { AccessTokenClaims, UnverifiedClaims } from './access-token-claims.js';
import { checkTimes, hasAudience, hasCaseTwin, hasRegisteredClaims, isAccessToken } from './claims.js';
import type { B2cSettings, EntraSettings, Settings } from './configuration/settings.js';
import { InvalidTokenError } from './errors.js';
import { isGuid } from './guid.js';
import {
  b2cAuthority,
  b2cChallenge,
  entraAuthority,
  entraChallenge,
  type ChallengeAuthority,
} from './issuers/authority.js';
import {
  consumerTenant,
  fillTenant,
  isExternalId,
  matchIssuer,
  ofPolicy,
  tenantOfIssuer,
  tokenVersionOf,
  type TokenVersion,
} from './issuers/issuer.js';
import { deepFreeze, parseJsonObject } from './json.js';
import { KeySet, type KeySetOptions } from './keys/key-set.js';
import type { PublishedIssuer } from './keys/openid-configuration.js';
import type { SigningKey } from './keys/signing-keys.js';
import { createTokenLru, digestOf, TokenCache, type Lru } from './token-cache.js';
import type { Verification, VerifiedToken } from './verified-token.js';

/** A token taken apart, nothing of it believed. */
interface ParsedToken {
  /** The name it goes by in memory. */
  readonly digest: string;
  /** What the signature is over (RFC 7515 §5.2): header and payload as they stand in the token. */
  readonly signingInput: string;
  readonly signature: Buffer;
  /** The header as it stands in the token, where it was not known yet. */
  readonly newHeader: string | undefined;
  readonly kid: string;
  readonly payload: UnverifiedClaims;
}

/** The bytes of one part of a token. Base64url must be canonical: the text of a token is what a digest stands for. */
function decodePart(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return bytes.toString('base64url') === part ? bytes : undefined;
}

/** One part of a token, read as JSON. */
function readPart(part: string): UnverifiedClaims | undefined {
  const bytes = decodePart(part);
  return bytes !== undefined && isUtf8(bytes) ? parseJsonObject(bytes.toString('utf8')) : undefined;
}

/** The kid of a header that is fit in every other respect. */
function kidOf(header: UnverifiedClaims | undefined): string {
  if (header === undefined) throw new InvalidTokenError('malformed');
  // RFC 7515 §4.1.11, RFC 7797 §6: extensions that must be understood, of which none is.
  if (header['crit'] !== undefined || header['b64'] !== undefined) throw new InvalidTokenError('malformed');
  // RFC 8725 §3.1: the algorithm is ours to choose.
  if (header['alg'] !== 'RS256') throw new InvalidTokenError('algorithm');
  const { typ, kid } = header;
  if (typ !== undefined && typ !== 'JWT' && typ !== 'at+jwt') throw new InvalidTokenError('token_type');
  if (typeof kid !== 'string' || kid === '') throw new InvalidTokenError('key');
  return kid;
}

/**
 * Takes a token apart.
 *
 * @param knownHeaders - header texts that were found good before, with their kid
 */
function parseToken(text: string, digest: string, knownHeaders: Lru<string>): ParsedToken {
  const first = text.indexOf('.');
  const second = text.indexOf('.', first + 1);
  if (first === -1 || second === -1 || text.includes('.', second + 1)) throw new InvalidTokenError('malformed');
  const header = text.slice(0, first);
  const payload = readPart(text.slice(first + 1, second));
  const signature = decodePart(text.slice(second + 1));
  if (payload === undefined || signature === undefined) throw new InvalidTokenError('malformed');
  const knownKid = knownHeaders.get(header);
  return {
    digest,
    signingInput: text.slice(0, second),
    signature,
    newHeader: knownKid === undefined ? header : undefined,
    kid: knownKid ?? kidOf(readPart(header)),
    payload,
  };
}

/** What a token says, nothing of it believed: for advice to a developer. Whatever cannot be read is left out. */
export function readToken(text: string): SeenToken {
  const [header = ''] = text.split('.', 1);
  return { header: readPart(header), payload: readPayload(text) };
}

function readPayload(text: string): UnverifiedClaims | undefined {
  const [, payload = ''] = text.split('.', 2);
  return readPart(payload);
}

/** Who vouches for a token, found by the token's own word and trusted for no more than a place to look. */
interface Source {
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

abstract class CachingVerifier implements Verifier {
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
    if (verification instanceof Promise) {
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

/** Where key and metadata both name a cloud they must name the same one: US Government and Global share v1.0 issuers. */
function checkCloud(key: SigningKey, issuer: PublishedIssuer): void {
  const { cloudInstanceName } = issuer;
  if (!key.cloudInstanceName || !cloudInstanceName || key.cloudInstanceName === cloudInstanceName) return;
  throw new InvalidTokenError('key');
}

export class EntraVerifier extends CachingVerifier {
  protected readonly kind = 'entra';
  protected readonly audiences: readonly string[];
  readonly #settings: EntraSettings;
  readonly #keySets: Readonly<Record<TokenVersion, KeySet>>;
  readonly #sources: Readonly<Record<TokenVersion, Source>>;

  constructor(entra: EntraSettings, settings: Settings, options: KeySetOptions) {
    super(settings);
    this.#settings = entra;
    this.audiences = entra.audiences;
    this.#keySets = {
      v1: new KeySet(entraAuthority(entra, 'v1'), options),
      v2: new KeySet(entraAuthority(entra, 'v2'), options),
    };
    this.#sources = { v1: this.#source('v1', 'v2'), v2: this.#source('v2', 'v1') };
  }

  protected sourceOf(payload: UnverifiedClaims): Source {
    return this.#sources[tokenVersionOf(payload['iss'])];
  }

  async ready(): Promise<void> {
    // v1.0 documents are left to the first v1.0 token: External ID tenants have none.
    await this.#keySets.v2.ready();
  }

  #source(version: TokenVersion, other: TokenVersion): Source {
    const check: Source['check'] = (claims, key, issuer) => {
      const tenant = this.#checkTenant(claims, issuer);
      checkCloud(key, issuer);
      return this.#checkKeyIssuer(key, claims, tenant, issuer, other);
    };
    const authority = entraChallenge(this.#settings);
    return { keySet: this.#keySets[version], check, policy: undefined, authority };
  }

  /** @returns the tenant that the issuer names */
  #checkTenant(claims: AccessTokenClaims, published: PublishedIssuer): string {
    const match = matchIssuer(claims.iss, published.issuer);
    if (match === false) throw new InvalidTokenError('issuer');
    const tenant = match === true ? published.tenant : match.tenant;
    const { tid } = claims as { readonly tid?: unknown };
    const isNamed = tid === undefined ? match === true : typeof tid === 'string' && isGuid(tid) && tid === tenant;
    if (!isNamed || tenant === undefined || hasCaseTwin(claims, 'tid') || !this.#isAllowed(tenant)) {
      throw new InvalidTokenError('tenant');
    }
    return tenant;
  }

  #isAllowed(tenant: string): boolean {
    const { tenantId, allowedTenants } = this.#settings;
    if (tenantId === 'organizations' && tenant === consumerTenant) return false;
    // A function is asked later, for each request.
    return typeof allowedTenants === 'object' ? allowedTenants.has(tenant) : true;
  }

  /** Keeps a key that is published for one tenant, such as that of personal accounts, from speaking for another. */
  #checkKeyIssuer(
    key: SigningKey,
    claims: AccessTokenClaims,
    tenant: string,
    { issuer }: PublishedIssuer,
    other: TokenVersion,
  ): void | Promise<void> {
    if (key.issuer === undefined) return;
    const named = fillTenant(key.issuer, tenant);
    if (named === claims.iss || named === fillTenant(issuer, tenant)) return;
    // External ID signs with keys that name login.microsoftonline.com: there the tenant is what must match.
    if (isExternalId(claims.iss)) {
      if (tenantOfIssuer(named) === tenant) return;
      throw new InvalidTokenError('key');
    }
    // v1.0 tokens may be signed with keys that name the v2.0 issuer, and the other way round.
    return this.#keySets[other].loadIssuer().then((published) => {
      if (named !== fillTenant(published.issuer, tenant)) throw new InvalidTokenError('key');
    });
  }
}

export class B2cVerifier extends CachingVerifier {
  protected readonly kind = 'b2c';
  protected readonly audiences: readonly string[];
  /** By policy, in lower case; each policy has a source for each host. */
  readonly #sources: ReadonlyMap<string, readonly B2cSource[]>;

  constructor(b2c: B2cSettings, settings: Settings, options: KeySetOptions) {
    super(settings);
    this.audiences = b2c.audiences;
    const sourceOf = (policy: string, origin: string): B2cSource => ({
      origin,
      keySet: new KeySet(b2cAuthority(b2c, policy, origin), options),
      check: checkB2cIssuer,
      policy,
      authority: b2cChallenge(b2c, policy, origin),
    });
    this.#sources = new Map(
      b2c.policies.map((policy) => [policy.toLowerCase(), b2c.instances.map((origin) => sourceOf(policy, origin))]),
    );
  }

  /** Whether a token names a policy that is configured here. Its own word: good for a place to look, no more. */
  claims(text: string): boolean {
    const payload = readPayload(text);
    return payload !== undefined && ofPolicy(payload, this.#sources) !== undefined;
  }

  protected sourceOf(payload: UnverifiedClaims): Source {
    const [first, ...others] = ofPolicy(payload, this.#sources) ?? [];
    if (first === undefined) throw new InvalidTokenError('policy');
    return others.find(({ origin }) => isOnOrigin(payload['iss'], origin)) ?? first;
  }

  async ready(): Promise<void> {
    await Promise.all([...this.#sources.values()].flat().map(({ keySet }) => keySet.ready()));
  }
}

interface B2cSource extends Source {
  readonly origin: string;
}

const isOnOrigin = (issuer: unknown, origin: string) => typeof issuer === 'string' && issuer.startsWith(`${origin}/`);

/** Verifies tokens of either of two authorities: that of a B2C policy where the token names one, else of Entra ID. */
export class EitherVerifier implements Verifier {
  readonly #entra: Verifier;
  readonly #b2c: B2cVerifier;
  /** Which of the two a token's own text calls for, by digest: whether it was verified before has no say in that. */
  readonly #choices: Lru<Verifier> | undefined;

  constructor(entra: Verifier, b2c: B2cVerifier, { tokenCacheEntries }: Settings) {
    this.#entra = entra;
    this.#b2c = b2c;
    this.#choices = createTokenLru(tokenCacheEntries);
  }

  verify(text: string): Verification | Promise<Verification> {
    const digest = digestOf(text);
    let choice = this.#choices?.get(digest);
    if (choice === undefined) {
      choice = this.#b2c.claims(text) ? this.#b2c : this.#entra;
      this.#choices?.set(digest, choice);
    }
    return choice.verify(text, digest);
  }

  async ready(): Promise<void> {
    await Promise.all([this.#entra.ready(), this.#b2c.ready()]);
  }
}

function checkB2cIssuer(claims: AccessTokenClaims, _key: SigningKey, { issuer, tenant }: PublishedIssuer): void {
  if (claims.iss !== issuer) throw new InvalidTokenError('issuer');
  const { tid } = claims as { readonly tid?: unknown };
  if ((tid !== undefined && tid !== tenant) || hasCaseTwin(claims, 'tid')) throw new InvalidTokenError('tenant');
}

/** Looks at an unverified token: good for advice to a developer, never for a decision. */
export interface SeenToken {
  readonly header: UnverifiedClaims | undefined;
  readonly payload: UnverifiedClaims | undefined;
}
