/**
 * What the library decides about a token. The doctor asks the library, and has no rules itself.
 *
 * The pipeline ends at the first mistake, which hides all others. A rehearsal signs claims with its own key, and gives
 * an identity this key as a key of the issuer. Claims can then be repaired one by one, to find the next mistake. A
 * rehearsal sends no request.
 */
import { generateKeyPair, randomUUID, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { UnverifiedClaims } from '../core/access-token-claims.js';
import type { Requirement } from '../core/access/requirement.js';
import type { Settings } from '../core/configuration/settings.js';
import { AuthError, ConfigurationError, type Refusal } from '../core/errors.js';
import { identityOf } from '../core/identity.js';
import type { Authority } from '../core/issuers/authority.js';
import { tokenVersionOf } from '../core/issuers/issuer.js';
import { requestWith } from '../core/token/credential.js';
import type { SigningKey } from '../core/keys/key-set-document.js';
import type { Publication } from './authorities.js';

/** The refusal of a token with these settings; undefined if the token passes. */
export async function judge(settings: Settings, token: string, requirement: Requirement): Promise<Refusal | undefined> {
  // The identity checks one token once, so it needs no cache, and gets it in the header of a request that is made here.
  const identity = identityOf({ ...settings, tokenHeader: undefined, tokenCacheEntries: 0 });
  try {
    await identity.authenticate(requestWith(token), requirement);
    return undefined;
  } catch (error) {
    if (error instanceof AuthError || error instanceof ConfigurationError) return error;
    throw error;
  }
}

type Fetch = typeof globalThis.fetch;

const urlOf = (input: Parameters<Fetch>[0]) => (input instanceof Request ? input.url : String(input));

/** What the library does with a token first: it requests metadata, or it refuses the token. */
export type Probe = { readonly metadataUrl: string } | { readonly refusal: Refusal };

/** Gives a token to the library, and fails its first request. */
export async function probe(token: string, settings: Settings, requirement: Requirement): Promise<Probe> {
  let metadataUrl: string | undefined;
  const fetch: Fetch = (input) => {
    metadataUrl ??= urlOf(input);
    return Promise.reject(new Error('No request is sent.'));
  };
  const refusal = await judge({ ...settings, fetch }, token, requirement);
  if (metadataUrl !== undefined) return { metadataUrl };
  if (refusal === undefined) throw new Error('A token passed without a request for keys.');
  return { refusal };
}

/** The reason of a refusal. */
export const reasonOf = (refusal: Refusal) => (refusal as { readonly reason?: string }).reason;

/** Whether the token names an issuer that is not the configured one, so that no key is looked for. */
export const isForeign = (refusal: Refusal | undefined): refusal is Refusal =>
  refusal !== undefined && reasonOf(refusal) === 'issuer';

const encodePart = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The issuer and the cloud that a key is published for. */
export type KeyBindings = Partial<Pick<SigningKey, 'issuer' | 'cloudInstanceName'>>;

/** Claims, partly repaired, and what they are checked against. */
export interface Attempt {
  readonly claims: UnverifiedClaims;
  readonly settings: Settings;
  readonly requirement: Requirement;
  readonly bindings: KeyBindings;
}

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const kid = randomUUID();
// All rehearsals of a process share one key pair: it protects nothing.
let keys: Promise<KeyPair> | undefined;

/** Checks claims as if the issuer had signed them. */
export class Rehearsal {
  readonly #keys: KeyPair;
  readonly #authorities: ReadonlyMap<string, Authority>;
  readonly #issuerOf: (authority: Authority) => Promise<Publication>;

  private constructor(pair: KeyPair, { authorities, issuerOf }: RehearsalOptions) {
    this.#keys = pair;
    this.#authorities = authorities;
    this.#issuerOf = issuerOf;
  }

  static async create(options: RehearsalOptions): Promise<Rehearsal> {
    keys ??= promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
    return new Rehearsal(await keys, options);
  }

  /** Why the library refuses claims under a valid signature; undefined if it accepts them. */
  async judge({ claims, settings, requirement, bindings }: Attempt): Promise<Refusal | undefined> {
    const fetch: Fetch = (input) => this.#answer(urlOf(input), bindings);
    return judge({ ...settings, fetch }, await this.sign(claims), requirement);
  }

  /** The issuer that the library asks about claims. If theirs is foreign: the one for the other members of the claims. */
  async probe({ claims, settings, requirement }: Omit<Attempt, 'bindings'>): Promise<Probe> {
    const named = await probe(await this.sign(claims), settings, requirement);
    if ('metadataUrl' in named || !isForeign(named.refusal)) return named;
    const unnamed = await probe(await this.sign({ ...claims, iss: undefined }), settings, requirement);
    if ('refusal' in unnamed || tokenVersionOf(claims['iss']) === 'v2') return unnamed;
    const ofVersion1 = unnamed.metadataUrl.replace('/v2.0/', '/');
    return this.#authorities.has(ofVersion1) ? { metadataUrl: ofVersion1 } : unnamed;
  }

  /** A token with these claims. Only a rehearsal accepts it. */
  async sign(claims: UnverifiedClaims): Promise<string> {
    const signed = `${encodePart({ alg: 'RS256', kid })}.${encodePart(claims)}`;
    const signature = await promisify(sign)('sha256', Buffer.from(signed), this.#keys.privateKey);
    return `${signed}.${signature.toString('base64url')}`;
  }

  async #answer(url: string, bindings: KeyBindings): Promise<Response> {
    const authority = this.#authorities.get(url);
    if (authority === undefined) {
      const { n, e } = this.#keys.publicKey.export({ format: 'jwk' });
      const { issuer, cloudInstanceName } = bindings;
      return Response.json({ keys: [{ kty: 'RSA', kid, n, e, issuer, cloud_instance_name: cloudInstanceName }] });
    }
    const { issuer, cloudInstanceName } = await this.#issuerOf(authority);
    const keysUrl = new URL('/keys', url).href;
    return Response.json({ issuer, jwks_uri: keysUrl, cloud_instance_name: cloudInstanceName });
  }
}

/** What a rehearsal answers in place of the issuers. */
export interface RehearsalOptions {
  /** The authorities, by the URL of their OpenID configuration. */
  readonly authorities: ReadonlyMap<string, Authority>;
  /** What an authority publishes. */
  readonly issuerOf: (authority: Authority) => Promise<Publication>;
}
