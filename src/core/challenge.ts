/** The Bearer challenge of a refusal (RFC 6750 §3), and what it depends on. */
import type { AccessTokenClaims } from './access-token-claims.js';

/** The parameters of a challenge, in the order in which they are sent. Those that are undefined are left out. */
export type ChallengeParameters = Readonly<Record<string, string | undefined>>;

/** The characters that RFC 6750 §3 allows in a value. Any other could end the value, or the header. */
const withoutOthers = (value: string) => value.replace(/[^\x20\x21\x23-\x5B\x5D-\x7E]/g, '');

/** The text of a challenge. */
export function bearerChallenge(parameters: ChallengeParameters): string {
  const list = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}="${withoutOthers(String(value))}"`);
  return list.length === 0 ? 'Bearer' : `Bearer ${list.join(', ')}`;
}

/** Where a client gets another token, for a claims challenge. */
export interface ChallengeAuthority {
  readonly realm: string;
  readonly authorizationUri: string;
}

/** A caller whose token was verified. */
export interface ChallengedCaller {
  readonly claims: AccessTokenClaims;
  /** Undefined in a test, where no authority issued the claims. */
  readonly authority: ChallengeAuthority | undefined;
}

/** An API that publishes its resource metadata. */
export interface ChallengingResource {
  /**
   * The URL of the metadata, by which a client finds the issuer.
   *
   * @see {@link https://www.rfc-editor.org/rfc/rfc9728#section-5.1 RFC 9728 §5.1}
   */
  readonly metadataUrl: string;
  /**
   * The full names of the scopes to ask for: those that a token lacks, and all others that the request needs. A client
   * that asked for the missing ones alone would lose those that it has.
   *
   * @see {@link https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#scope-challenge-handling MCP, Scope Challenge Handling}
   */
  scopesFor(missing: readonly string[]): readonly string[];
}

/** Whom a refusal is answered to, and by which API. */
export interface Addressee {
  /** Undefined where no token was verified. */
  readonly caller?: ChallengedCaller | undefined;
  /** Undefined where the API publishes no resource metadata. */
  readonly resource?: ChallengingResource | undefined;
}
