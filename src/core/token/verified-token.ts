/** A token that passed every check. */
import type { AccessTokenClaims } from '../access-token-claims.js';
import type { Scheme } from '../configuration/settings.js';
import type { ChallengeAuthority } from '../issuers/authority.js';

/** A token that passed every check, and what its authority vouches for. */
export interface VerifiedToken {
  readonly kind: Scheme;
  readonly claims: AccessTokenClaims;
  /** The configured name of the B2C policy that issued it. */
  readonly policy: string | undefined;
  /** Where a client goes for a token that says more. */
  readonly authority: ChallengeAuthority;
}

/** The outcome of a verification that a token passed. */
export interface Verification {
  readonly token: VerifiedToken;
  /** Whether it was verified now, or remembered from before. */
  readonly outcome: 'verified' | 'cached';
}
