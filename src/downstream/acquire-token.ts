/** How a token for another API is asked for: what the cache calls, and what an acquisition is. */

/** One token request. */
export interface TokenRequest {
  /** The name of the API, as configured. */
  readonly api: string;
  readonly authority: string;
  readonly scopes: readonly string[];
  /** The verified token of the caller. Undefined: the token is for the application itself. */
  readonly assertion: string | undefined;
  /** The claims that the token must have, as the authority or an API asked for them. */
  readonly claims: string | undefined;
}

/** The authority's answer. */
export interface AcquiredToken {
  readonly token: string;
  readonly expiresInSeconds: number;
  /** When the authority advises to renew it. */
  readonly refreshInSeconds: number | undefined;
}

/** Asks the authority. Throws the errors of this library, addressed to no caller yet. */
export type AcquireToken = (request: TokenRequest, signal: AbortSignal) => Promise<AcquiredToken>;
