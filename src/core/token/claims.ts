/** The claims of an Entra or B2C access token: what they mean, and whether they are acceptable. Pure functions. */
import type { AccessTokenClaims, UnverifiedClaims } from '../access-token-claims.js';
import type { Settings } from '../configuration/settings.js';
import { InvalidTokenError } from '../errors.js';
import { tenantOfIssuer } from '../issuers/issuer.js';
import { isTokenService } from '../microsoft-hosts.js';
import { parseUrl } from '../url.js';

const isTextOrAbsent = (value: unknown) => value === undefined || typeof value === 'string';
const isIntegerOrAbsent = (value: unknown) => value === undefined || Number.isSafeInteger(value);

function isAudience(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every((member) => typeof member === 'string');
  return typeof value === 'string';
}

/**
 * Checks that the registered claims have the types of RFC 7519 §4.1, and that `iss`, `aud` and `exp` are there.
 * A time is a whole number of seconds: a JSON parser reads `1e400` as Infinity, and such a token would never expire.
 */
export function hasRegisteredClaims(claims: UnverifiedClaims): claims is AccessTokenClaims {
  return (
    typeof claims['iss'] === 'string' &&
    isAudience(claims['aud']) &&
    Number.isSafeInteger(claims['exp']) &&
    isIntegerOrAbsent(claims['nbf']) &&
    isIntegerOrAbsent(claims['iat']) &&
    isTextOrAbsent(claims['sub']) &&
    isTextOrAbsent(claims['jti'])
  );
}

/**
 * Checks `exp`, `nbf` and `iat` against the clock.
 *
 * @param nowSeconds - seconds since the epoch, fractions allowed
 * @throws InvalidTokenError `expired` or `not_yet_valid`
 */
export function checkTimes(claims: AccessTokenClaims, nowSeconds: number, toleranceSeconds: number): void {
  // RFC 7519 §4.1.4: "on or after" the expiration time the token is not accepted.
  if (nowSeconds >= claims.exp + toleranceSeconds) throw new InvalidTokenError('expired');
  const start = Math.max(claims.nbf ?? -Infinity, claims.iat ?? -Infinity);
  if (nowSeconds < start - toleranceSeconds) throw new InvalidTokenError('not_yet_valid');
}

const withoutSlash = (audience: string) => (audience.endsWith('/') ? audience.slice(0, -1) : audience);

/** Whether one of the token's audiences is one of ours. One trailing slash makes no difference. */
export function hasAudience(claims: AccessTokenClaims, audiences: readonly string[]): boolean {
  const presented = typeof claims.aud === 'string' ? [claims.aud] : claims.aud;
  return presented.some((audience) =>
    audiences.some((ours) => audience === ours || (audience !== '' && withoutSlash(audience) === withoutSlash(ours))),
  );
}

/**
 * Checks the types of the registered claims, the times and the audience.
 *
 * @returns the same claims
 * @throws InvalidTokenError `malformed`, `expired`, `not_yet_valid` or `audience`
 */
export function checkClaims(
  claims: UnverifiedClaims,
  audiences: readonly string[],
  { now, clockToleranceSeconds }: Pick<Settings, 'now' | 'clockToleranceSeconds'>,
): AccessTokenClaims {
  if (!hasRegisteredClaims(claims)) throw new InvalidTokenError('malformed');
  checkTimes(claims, now() / 1000, clockToleranceSeconds);
  if (!hasAudience(claims, audiences)) throw new InvalidTokenError('audience');
  return claims;
}

/** App-only tokens have no `scp`; those of agent identities have an empty one, or `/`. */
const isNoScope = (scp: unknown) => scp === undefined || scp === '' || scp === '/';

/** The scopes of a delegated token; none for an app-only token. */
export function scopesOf(claims: { readonly scp?: unknown }): readonly string[] {
  const { scp } = claims;
  return typeof scp === 'string' && !isNoScope(scp) ? scp.split(' ').filter((scope) => scope !== '') : [];
}

/** The roles of a token. An item with a space in it is one role. */
export function rolesOf(claims: { readonly roles?: unknown }): readonly string[] {
  const { roles } = claims;
  return Array.isArray(roles) ? roles.filter((role): role is string => typeof role === 'string' && role !== '') : [];
}

/** The client application that asked for the token. */
export function clientOf(claims: UnverifiedClaims): string | undefined {
  const client = claims['azp'] ?? claims['appid'];
  return typeof client === 'string' && client !== '' ? client : undefined;
}

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

/** Whether there is a claim whose name differs in letter case alone. Other readers of the token might take that one. */
export function hasCaseTwin(claims: UnverifiedClaims, name: string): boolean {
  return Object.keys(claims).some((key) => key !== name && key.length === name.length && key.toLowerCase() === name);
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

/** The groups that a token names; `overage` if they did not fit into the token. */
export function groupsOf(claims: AccessTokenClaims): readonly string[] | 'overage' {
  const { groups, _claim_names, hasgroups } = claims as Readonly<Record<string, unknown>>;
  if (Array.isArray(groups)) return groups.filter((group): group is string => typeof group === 'string');
  const isNamed = typeof _claim_names === 'object' && _claim_names !== null && Object.hasOwn(_claim_names, 'groups');
  return isNamed || hasgroups === true || hasgroups === 'true' ? 'overage' : [];
}

/** The authentication contexts that were satisfied. */
export function authContextsOf(claims: AccessTokenClaims): readonly unknown[] {
  const acrs: unknown = claims.acrs;
  return Array.isArray(acrs) ? acrs : [acrs];
}

/** Whether the client application declared that it understands claims challenges. */
export function understandsClaimsChallenges(claims: AccessTokenClaims): boolean {
  const declared: unknown = claims.xms_cc;
  return (Array.isArray(declared) ? declared : [declared]).some(
    (capability) => typeof capability === 'string' && capability.toLowerCase() === 'cp1',
  );
}
