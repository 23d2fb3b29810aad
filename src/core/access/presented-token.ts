/** The token that a request carries and its gate verified, for the on-behalf-of flow. */
import { bearerToken } from '../token/credential.js';
import { digestOf } from '../token/token-cache.js';
import type { PresentedToken } from './current-request.js';

/**
 * The very token that was verified. A header that was changed since is not used.
 *
 * @returns undefined if the request no longer carries it, or no longer exists
 */
export function presentedToken({ request, digest }: PresentedToken): string | undefined {
  const carrier = request.deref();
  if (carrier === undefined) return undefined;
  let text: string;
  try {
    text = bearerToken(carrier);
  } catch {
    // The header was changed since.
    return undefined;
  }
  return digestOf(text) === digest ? text : undefined;
}
