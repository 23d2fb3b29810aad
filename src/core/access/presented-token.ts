/** The token that a request carries and its gate verified, for the on-behalf-of flow. */
import { MissingTokenError } from '../errors.js';
import { bearerToken } from '../token/credential.js';
import { digestOf } from '../token/token-cache.js';
import type { PresentedToken } from './current-request.js';

function tokenIn({ request, digest }: PresentedToken): string | undefined {
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

/**
 * The very token that was verified. A header that was changed since is not used.
 *
 * @throws MissingTokenError if the request no longer carries it, or no longer exists
 */
export function presentedToken(presented: PresentedToken): string {
  const token = tokenIn(presented);
  if (token === undefined) throw new MissingTokenError();
  return token;
}
