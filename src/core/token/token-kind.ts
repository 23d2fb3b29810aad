/** Is it an access token, and does a person, a guest or an application call with it? Pure functions. */
import type { AccessTokenClaims, UnverifiedClaims } from '../access-token-claims.js';
import { tenantOfIssuer } from '../issuers/issuer.js';
import { isTokenService } from '../microsoft-hosts.js';
import { parseUrl } from '../url.js';
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

/** The claims that distinguish an application from a person. */
type CallerClaims = Readonly<Partial<Record<'idtyp' | 'scp' | 'oid' | 'sub', unknown>>>;

/** How `sub` starts if an application signed in with a federated credential. A person's `sub` is base64url or a GUID. */
const federatedSubject = '/eid1/';

/**
 * Whether `oid` and `sub` are those of a person. For an application the two are equal. A person's `sub` differs from
 * API to API, or, in B2C, may be a sentence.
 */
function hasPersonsSubject({ oid, sub }: CallerClaims): boolean {
  if (oid === undefined || sub === undefined || oid === sub) return false;
  return typeof sub !== 'string' || !sub.startsWith(federatedSubject);
}

/**
 * Whether an application calls on its own behalf, without a person. If the token has `idtyp`, that decides. Otherwise
 * a token without a scope is an application's, unless `oid` and `sub` are there and differ: then it is a person's.
 *
 * @see {@link https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference Access token claims reference}
 */
export function callsAsApp(claims: CallerClaims): boolean {
  return claims.idtyp === undefined ? isNoScope(claims.scp) && !hasPersonsSubject(claims) : claims.idtyp === 'app';
}

/** Whether a person calls, by the same rule. With an unknown `idtyp` neither an application nor a person calls. */
export function callsAsUser(claims: CallerClaims): boolean {
  return claims.idtyp === undefined ? !callsAsApp(claims) : claims.idtyp === 'user';
}

/** Whether a person who is a guest in the tenant calls. An application is never a guest. */
export function isGuest(claims: AccessTokenClaims): boolean {
  if (callsAsApp(claims)) return false;
  const { acct, idp } = claims as { readonly acct?: unknown; readonly idp?: unknown };
  if (acct !== undefined) return acct !== 0 && acct !== '0';
  if (idp === undefined || idp === claims.iss) return false;
  // In a v2.0 token, idp may name the home tenant by its v1.0 issuer.
  return (
    typeof idp !== 'string' ||
    claims.tid === undefined ||
    !isTokenService(parseUrl(idp)?.host) ||
    tenantOfIssuer(idp) !== claims.tid
  );
}
