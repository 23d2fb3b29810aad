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

/** The roles of a token. Items are taken whole: a role that holds a space is one role. */
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
 * Whether the claims are those of an ID token. It has the same issuer, audience and keys as an access token, so it is told
 * by what it holds: hashes of other tokens, no client, or a nonce without a scope.
 */
export function looksLikeIdToken(claims: UnverifiedClaims): boolean {
  if (claims['at_hash'] !== undefined || claims['c_hash'] !== undefined) return true;
  return clientOf(claims) === undefined || (isNoScope(claims['scp']) && claims['nonce'] !== undefined);
}

/** Whether the claims are an access token's: not those of an ID token, with a scope or, for an application, a role. */
export function isAccessToken(claims: UnverifiedClaims): boolean {
  const { scp } = claims as { readonly scp?: unknown };
  if (looksLikeIdToken(claims)) return false;
  return isNoScope(scp) ? rolesOf(claims).length > 0 : typeof scp === 'string' && scp.trim() !== '';
}

/** Whether a claim stands beside one whose name differs from it in letter case alone, so that readers may disagree. */
export function hasCaseTwin(claims: UnverifiedClaims, name: string): boolean {
  return Object.keys(claims).some((key) => key !== name && key.length === name.length && key.toLowerCase() === name);
}

/** What the claims that tell an application from a person say. */
type CallerClaims = Readonly<Pick<AccessTokenClaims, 'idtyp' | 'scp'>>;

/**
 * Whether an application calls on its own behalf, without a person: `idtyp` says so where it is there, and else that
 * there is no scope.
 *
 * @see {@link https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference Access token claims reference}
 */
export function callsAsApp(claims: CallerClaims): boolean {
  return claims.idtyp === undefined ? isNoScope(claims.scp) : claims.idtyp === 'app';
}

/** Whether a person calls, by the same rule. An `idtyp` of neither kind is neither. */
export function callsAsUser(claims: CallerClaims): boolean {
  return claims.idtyp === undefined ? !isNoScope(claims.scp) : claims.idtyp === 'user';
}

/** Whether the person is a guest of the tenant. Applications never are. */
export function isGuest(claims: AccessTokenClaims): boolean {
  if (callsAsApp(claims)) return false;
  const { acct, idp } = claims as { readonly acct?: unknown; readonly idp?: unknown };
  if (acct !== undefined) return acct !== 0 && acct !== '0';
  if (idp === undefined || idp === claims.iss) return false;
  // The home tenant may be named by its v1.0 issuer in a v2.0 token.
  return (
    typeof idp !== 'string' ||
    claims.tid === undefined ||
    !isTokenService(parseUrl(idp)?.host) ||
    tenantOfIssuer(idp) !== claims.tid
  );
}

/** The groups that a token names; `overage` where they were too many for it. */
export function groupsOf(claims: AccessTokenClaims): readonly string[] | 'overage' {
  const { groups, _claim_names, hasgroups } = claims as Readonly<Record<string, unknown>>;
  if (Array.isArray(groups)) return groups.filter((group): group is string => typeof group === 'string');
  const isNamed = typeof _claim_names === 'object' && _claim_names !== null && 'groups' in _claim_names;
  return isNamed || hasgroups === true || hasgroups === 'true' ? 'overage' : [];
}

/** The authentication contexts that were satisfied. */
export function authContextsOf(claims: AccessTokenClaims): readonly unknown[] {
  const acrs: unknown = claims.acrs;
  return Array.isArray(acrs) ? acrs : [acrs];
}

/** Whether the client application said that it understands claims challenges. */
export function understandsClaimsChallenges(claims: AccessTokenClaims): boolean {
  const declared: unknown = claims.xms_cc;
  return (Array.isArray(declared) ? declared : [declared]).some(
    (capability) => typeof capability === 'string' && capability.toLowerCase() === 'cp1',
  );
}
