/** What an Entra or B2C access token says, and the checks of it that jose does not make. Pure functions. */
import { InvalidTokenError } from './errors.js';

/**
 * The claims of a verified access token, frozen.
 *
 * A class so that `@TokenClaims() claims: AccessTokenClaims` survives every compiler: in a decorated signature a type
 * is imported at run time. Its instances are plain objects. Never authorize on `email`, `upn`, `preferred_username` or
 * `name`: their owners can change them. `tid` and `oid` together identify a person.
 *
 * @see {@link https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference Access token claims reference}
 */
export class AccessTokenClaims {
  /** The issuer, as its metadata states it. */
  declare readonly iss: string;
  /** The API, or APIs, the token is for. */
  declare readonly aud: string | readonly string[];
  /** When the token ends, in seconds since the epoch. */
  declare readonly exp: number;
  /** When the token starts, in seconds since the epoch. */
  declare readonly nbf?: number;
  /** When the token was issued, in seconds since the epoch. */
  declare readonly iat?: number;
  /** The subject: a person or application, by an id that differs from API to API. */
  declare readonly sub?: string;
  /** The tenant's GUID. B2C leaves it out by default. */
  declare readonly tid?: string;
  /** The GUID of the person or application in its tenant. */
  declare readonly oid?: string;
  /** The scopes a person consented to, separated by single spaces. App-only tokens have none. */
  declare readonly scp?: string;
  /** The roles given to the person or application. */
  declare readonly roles?: readonly string[];
  /** The client application (v2.0 and B2C tokens). */
  declare readonly azp?: string;
  /** The client application (v1.0 tokens). */
  declare readonly appid?: string;
  /** The version of the token's form: B2C says `1.0`. */
  declare readonly ver?: string;
  /** The B2C policy. */
  declare readonly tfp?: string;
  /** The B2C policy of older tokens; in Entra v1.0 tokens the authentication context class. */
  declare readonly acr?: string;
  /** `user` or `app`, where the API asked for this optional claim. */
  declare readonly idtyp?: string;
  /** For display alone. */
  declare readonly name?: string;
  /** For display alone. */
  declare readonly preferred_username?: string;
  readonly [claim: string]: unknown;
}

/** A token's payload before any of it is believed. */
export type UnverifiedClaims = Readonly<Record<string, unknown>>;

const isAbsentOr = (value: unknown, type: 'string' | 'integer') =>
  value === undefined || (type === 'string' ? typeof value === 'string' : Number.isSafeInteger(value));

function isAudience(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every((member) => typeof member === 'string');
  return typeof value === 'string';
}

/**
 * Checks that the registered claims have the types of RFC 7519 §4.1, and that `iss`, `aud` and `exp` are there.
 * A time is a whole number of seconds: `1e400` is Infinity to a JSON parser, and would never end.
 */
export function hasRegisteredClaims(claims: UnverifiedClaims): claims is AccessTokenClaims {
  return (
    typeof claims['iss'] === 'string' &&
    isAudience(claims['aud']) &&
    Number.isSafeInteger(claims['exp']) &&
    isAbsentOr(claims['nbf'], 'integer') &&
    isAbsentOr(claims['iat'], 'integer') &&
    isAbsentOr(claims['sub'], 'string') &&
    isAbsentOr(claims['jti'], 'string')
  );
}

/**
 * Checks `exp`, `nbf` and `iat` against the clock.
 *
 * @param nowSeconds - seconds since the epoch, fractions allowed
 * @throws InvalidTokenError `expired` or `not_yet_valid`
 */
export function checkTimes(claims: AccessTokenClaims, nowSeconds: number, toleranceSeconds: number): void {
  // RFC 7519 §4.1.4: "on or after" the expiration time the token is no longer good.
  if (nowSeconds >= claims.exp + toleranceSeconds) throw new InvalidTokenError('expired');
  const start = Math.max(claims.nbf ?? -Infinity, claims.iat ?? -Infinity);
  if (nowSeconds < start - toleranceSeconds) throw new InvalidTokenError('not_yet_valid');
}

const withoutSlash = (audience: string) => (audience.endsWith('/') ? audience.slice(0, -1) : audience);

/** Whether one of the token's audiences is one of ours: exactly, one trailing slash apart. */
export function hasAudience(claims: AccessTokenClaims, audiences: readonly string[]): boolean {
  const presented = typeof claims.aud === 'string' ? [claims.aud] : claims.aud;
  return presented.some((audience) =>
    audiences.some((ours) => audience === ours || (audience !== '' && withoutSlash(audience) === withoutSlash(ours))),
  );
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
export function clientOf(claims: AccessTokenClaims): string | undefined {
  const client: unknown = claims.azp ?? claims.appid;
  return typeof client === 'string' && client !== '' ? client : undefined;
}

/**
 * Whether the claims are an access token's. An ID token has the same issuer, audience and keys, so it is told by what
 * it holds: hashes of other tokens, a nonce without a scope, no client.
 */
export function isAccessToken(claims: AccessTokenClaims): boolean {
  const { scp } = claims as { readonly scp?: unknown };
  if (claims['at_hash'] !== undefined || claims['c_hash'] !== undefined) return false;
  if (clientOf(claims) === undefined) return false;
  if (!isNoScope(scp)) return typeof scp === 'string' && scp.trim() !== '';
  return claims['nonce'] === undefined && rolesOf(claims).length > 0;
}

/** Whether a claim stands beside one whose name differs from it in letter case alone, so that readers may disagree. */
export function hasCaseTwin(claims: UnverifiedClaims, name: string): boolean {
  return Object.keys(claims).some((key) => key !== name && key.length === name.length && key.toLowerCase() === name);
}
