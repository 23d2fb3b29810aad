/**
 * What the library decides of a token, asked of the library itself: so the doctor knows no rule of its own.
 *
 * A first mistake hides all others, since the pipeline ends there. A rehearsal signs claims with a key made for the
 * occasion, which it publishes as the issuer's to an identity of its own; claims can then be put right one by one, to
 * see what comes next. Nothing of it leaves this process.
 */
import { generateKeyPair, randomUUID, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { UnverifiedClaims } from '../core/access-token-claims.js';
import type { Requirement } from '../core/access/requirement.js';
import type { Settings } from '../core/configuration/settings.js';
import { AuthError, ConfigurationError, type Refusal } from '../core/errors.js';
import { identityOf } from '../core/identity.js';
import type { Authority } from '../core/issuers/authority.js';
import type { SigningKey } from '../core/keys/signing-keys.js';
import type { Publication } from './authorities.js';

/** A request that bears a token and nothing else. */
export const requestWith = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

/** The refusal of a token under a configuration; undefined where the token passes. */
export async function judge(settings: Settings, token: string, requirement: Requirement): Promise<Refusal | undefined> {
  // It is asked once: room for tokens that come again would be made for nothing.
  const identity = identityOf({ ...settings, tokenCacheEntries: 0 });
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

/** What the library says of a token before it asks the issuer anything: whom it would ask, or a refusal. */
export type Probe = { readonly metadataUrl: string } | { readonly refusal: Refusal };

/** Gives a token to the library where it can reach nobody. */
export async function probe(token: string, settings: Settings, requirement: Requirement): Promise<Probe> {
  let metadataUrl: string | undefined;
  const fetch: Fetch = (input) => {
    metadataUrl ??= urlOf(input);
    return Promise.reject(new Error('Nobody is asked.'));
  };
  const refusal = await judge({ ...settings, fetch }, token, requirement);
  if (metadataUrl !== undefined) return { metadataUrl };
  if (refusal === undefined) throw new Error('A token passed though nobody was asked for keys.');
  return { refusal };
}

const encodePart = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** What a key says of whom it speaks for. */
export type KeyBindings = Partial<Pick<SigningKey, 'issuer' | 'cloudInstanceName'>>;

/** Claims on their way to being right, and what they are held against. */
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
// One will do for all rehearsals of a process: they are made for no more than to be there.
let keys: Promise<KeyPair> | undefined;

/** Judges claims as if the issuer had signed them. */
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

  /** Why the library refuses claims in their own right; undefined where it does not. */
  async judge({ claims, settings, requirement, bindings }: Attempt): Promise<Refusal | undefined> {
    const fetch: Fetch = (input) => this.#answer(urlOf(input), bindings);
    return judge({ ...settings, fetch }, await this.sign(claims), requirement);
  }

  /** A token of these claims that nobody but a rehearsal takes. */
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

/** What a rehearsal plays the issuers by. */
export interface RehearsalOptions {
  /** By the URL of their OpenID configuration. */
  readonly authorities: ReadonlyMap<string, Authority>;
  /** What an authority publishes. */
  readonly issuerOf: (authority: Authority) => Promise<Publication>;
}
