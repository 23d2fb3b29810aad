/** A token that passed every check. */
import type { AccessTokenClaims } from '../access-token-claims.js';
import type { ChallengeAuthority } from '../challenge.js';
import type { Scheme } from '../configuration/settings.js';
import type { IssuerKeys } from '../keys/issuer-keys.js';
import type { SigningKey } from '../keys/key-set-document.js';
import type { CallerKind } from './caller-kind.js';

/** A token that passed every check, and the authority it comes from. */
export interface VerifiedToken {
  readonly kind: Scheme;
  readonly claims: AccessTokenClaims;
  readonly callerKind: CallerKind;
  /** The configured name of the B2C policy that issued it. */
  readonly policy: string | undefined;
  /** Where a client goes for another token. */
  readonly authority: ChallengeAuthority;
}

/** A verified token and the key that signed it. */
export interface SignedToken {
  readonly token: VerifiedToken;
  readonly key: SigningKey;
  /** Where the key was found. */
  readonly issuerKeys: IssuerKeys;
}

/** The outcome of a verification that a token passed. */
export interface Verification extends TokenWithGroups {
  /** Whether it was verified now, or remembered from before. */
  readonly outcome: 'verified' | 'cached';
  /** The digest of the token's text. */
  readonly digest: string;
}

/** A token, and the groups of its caller where they had to be looked up: the token could not name them. */
export interface TokenWithGroups {
  readonly token: VerifiedToken;
  readonly groups?: readonly string[] | undefined;
  /** The look-up that is under way, or ended. It is not asked for again. */
  lookup?: Promise<readonly string[]> | undefined;
}
