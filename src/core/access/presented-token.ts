/** The token that a request carries and its gate verified, for the on-behalf-of flow. */
import { credentialIn, tokenIn } from '../token/credential.js';
import { digestOf } from '../token/token-cache.js';
import type { PresentedToken } from './current-request.js';

/** What a request has now in the header of its token; an empty text where there is nothing, or the request no longer exists. */
export function presentedCredential({ request, tokenHeader }: PresentedToken): string {
  const headers = request.deref()?.headers;
  if (headers === undefined) return '';
  try {
    // Without its raw lines, which tell whether there were two: the digest tells whether it is the one that was verified.
    return credentialIn({ headers }, tokenHeader);
  } catch {
    // The header was changed since.
    return '';
  }
}

/**
 * The very token that was verified. A header that was changed since is not used.
 *
 * @param credential - what the request had in the header earlier, for use after the request; default: what it has now
 * @returns undefined if that is no longer the token, or the request no longer exists
 */
export function presentedToken(
  presented: PresentedToken,
  credential = presentedCredential(presented),
): string | undefined {
  try {
    const text = tokenIn(credential, presented.tokenHeader);
    return digestOf(text) === presented.digest ? text : undefined;
  } catch {
    // There is no token, or the header was changed since.
    return undefined;
  }
}
