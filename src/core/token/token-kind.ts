/** Is it an access token? Pure functions. */
import type { UnverifiedClaims } from '../access-token-claims.js';
import { hasPersonsSubject } from './caller-kind.js';
import { clientOf, isNoScope, rolesOf } from './claims.js';

/**
 * Whether the claims are those of an ID token. It has the same issuer, audience and keys as an access token. It is
 * recognized by hashes of other tokens, by a missing client, or by a nonce without a scope.
 */
export function looksLikeIdToken(claims: UnverifiedClaims): boolean {
  if (claims['at_hash'] !== undefined || claims['c_hash'] !== undefined) return true;
  return clientOf(claims) === undefined || (isNoScope(claims['scp']) && claims['nonce'] !== undefined);
}

/** Whether the claims are those of an access token: not of an ID token, and with a scope or an application's role. */
export function isAccessToken(claims: UnverifiedClaims): boolean {
  const { scp } = claims as { readonly scp?: unknown };
  if (looksLikeIdToken(claims)) return false;
  if (!isNoScope(scp)) return typeof scp === 'string' && scp.trim() !== '';
  return rolesOf(claims).length > 0 && (claims['idtyp'] !== undefined || !hasPersonsSubject(claims));
}
