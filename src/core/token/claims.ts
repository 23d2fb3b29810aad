/** The claims of an Entra or B2C access token: what they mean, and whether they are acceptable. Pure functions. */
import type { AccessTokenClaims, UnverifiedClaims } from '../access-token-claims.js';
import { hasAudience } from '../audience.js';
import type { Settings } from '../configuration/settings.js';
import { invalidToken } from '../gate-refusals.js';

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

/** When a token is valid, in seconds since the epoch. */
export interface ValidTime {
  /** The later of `nbf` and `iat`; 0 if the token has neither. */
  readonly notBefore: number;
  /** `exp`: the first moment at which it is not valid any more. */
  readonly expires: number;
}

/** When a token is valid, by its `exp`, `nbf` and `iat`. */
export function validTimeOf({ exp, nbf = 0, iat = 0 }: AccessTokenClaims): ValidTime {
  return { notBefore: Math.max(nbf, iat), expires: exp };
}

/**
 * Checks the time of a token against the clock.
 *
 * @param nowSeconds - seconds since the epoch, fractions allowed
 * @throws InvalidTokenError `expired` or `not_yet_valid`
 */
export function checkTime({ notBefore, expires }: ValidTime, nowSeconds: number, toleranceSeconds: number): void {
  // RFC 7519 §4.1.4: "on or after" the expiration time the token is not accepted. Nor is it if the clock gives no number.
  if (!(nowSeconds < expires + toleranceSeconds)) throw invalidToken('expired');
  if (nowSeconds < notBefore - toleranceSeconds) throw invalidToken('not_yet_valid');
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
  if (!hasRegisteredClaims(claims)) throw invalidToken('malformed');
  checkTime(validTimeOf(claims), now() / 1000, clockToleranceSeconds);
  if (!hasAudience(claims, audiences)) throw invalidToken('audience');
  return claims;
}

/** App-only tokens have no `scp`; those of agent identities have an empty one, or `/`. */
export const isNoScope = (scp: unknown) => scp === undefined || scp === '' || scp === '/';

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

/** Whether there is a claim whose name differs in letter case alone. Other readers of the token might take that one. */
export function hasCaseTwin(claims: UnverifiedClaims, name: string): boolean {
  return Object.keys(claims).some((key) => key.length === name.length && key !== name && key.toLowerCase() === name);
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
