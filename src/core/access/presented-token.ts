/** The token that a request carries and its gate verified, for the on-behalf-of flow. */
import { bearerToken } from '../token/credential.js';
import { digestOf } from '../token/token-cache.js';
import type { PresentedToken } from './current-request.js';

/** The token that a request carries now, checked or not; undefined if it no longer carries one, or no longer exists. */
function carriedToken({ request, tokenHeader }: PresentedToken): string | undefined {
  const carrier = request.deref();
  if (carrier === undefined) return undefined;
  try {
    return bearerToken(carrier, tokenHeader);
  } catch {
    // The header was changed since.
    return undefined;
  }
}

const isPresented = (text: string, { digest }: PresentedToken) => digestOf(text) === digest;

/**
 * The very token that was verified. A header that was changed since is not used.
 *
 * @returns undefined if the request no longer carries it, or no longer exists
 */
export function presentedToken(presented: PresentedToken): string | undefined {
  const text = carriedToken(presented);
  return text !== undefined && isPresented(text, presented) ? text : undefined;
}

/**
 * The very token that was verified, for use after the request. It is taken now, and its digest is computed at the first use:
 * hosts fill a parameter more than once, and use one of the values.
 */
export function keptToken(presented: PresentedToken): () => string | undefined {
  let text = carriedToken(presented);
  let isChecked = false;
  return () => {
    if (!isChecked && text !== undefined && !isPresented(text, presented)) text = undefined;
    isChecked = true;
    return text;
  };
}
