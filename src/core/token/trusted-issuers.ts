/** The issuers that tokens may come from, and how to check that a token comes from one of them. */
import type { AccessTokenClaims, UnverifiedClaims } from '../access-token-claims.js';
import type { ChallengeAuthority } from '../challenge.js';
import type { Scheme } from '../configuration/settings.js';
import type { IssuerKeys } from '../keys/issuer-keys.js';
import type { SigningKey } from '../keys/key-set-document.js';
import type { PublishedIssuer } from '../keys/openid-configuration.js';

/** The trusted issuer a token claims to come from. Chosen by unverified claims, so used only to find keys. */
export interface TrustedIssuer {
  readonly issuerKeys: IssuerKeys;
  /**
   * Whether an issuer that a token names is this one. A token of another issuer has no key here to look for.
   *
   * @throws IssuerUnavailableError
   */
  readonly isNamedBy: (issuer: string) => boolean | Promise<boolean>;
  /**
   * Checks that the claims, and the key that signed them, belong to the issuer.
   *
   * @param published - what the issuer publishes about itself
   * @throws InvalidTokenError `issuer`, `tenant` or `key`
   */
  readonly check: (claims: AccessTokenClaims, key: SigningKey, published: PublishedIssuer) => void | Promise<void>;
  /** The B2C policy, by its configured name. */
  readonly policy: string | undefined;
  readonly authority: ChallengeAuthority;
}

/** The trusted issuers of one scheme, and the audiences by which their tokens name this API. */
export interface TrustedIssuers {
  readonly kind: Scheme;
  readonly audiences: readonly string[];
  /**
   * The issuer that a token claims to come from.
   *
   * @throws InvalidTokenError if the claims name no trusted issuer
   */
  issuerOf(claims: UnverifiedClaims): TrustedIssuer;
  /**
   * Loads the keys that the first request needs.
   *
   * @throws IssuerUnavailableError
   */
  ready(): Promise<void>;
}
