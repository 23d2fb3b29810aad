/** The token that a request carries and its gate verified, for the on-behalf-of flow. */
import { credentialIn, tokenIn } from '../token/credential.js';
import { digestOf } from '../token/token-cache.js';
import type { PresentedToken } from './current-request.js';

/** What a request has now in the header of its token; an empty text where there is nothing, or the request no longer exists. */
function credentialOf({ request, tokenHeader }: PresentedToken): string {
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

/** The token in a credential, if it is the one that was verified. */
function verifiedIn(credential: string, { tokenHeader, digest }: PresentedToken): string | undefined {
  try {
    const text = tokenIn(credential, tokenHeader);
    return digestOf(text) === digest ? text : undefined;
  } catch {
    // There is no token, or the header was changed since.
    return undefined;
  }
}

/**
 * The very token that was verified. A header that was changed since is not used.
 *
 * @returns undefined if the request no longer carries it, or no longer exists
 */
export function presentedToken(presented: PresentedToken): string | undefined {
  return verifiedIn(credentialOf(presented), presented);
}

/**
 * The very token that was verified, for use after the request. The header is read now. The token in it is looked at where it
 * is needed: hosts fill a parameter more than once and use one of the values, and for a token that is kept none is needed.
 */
export function keptToken(presented: PresentedToken): () => string | undefined {
  const credential = credentialOf(presented);
  return () => verifiedIn(credential, presented);
}
