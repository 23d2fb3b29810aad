/** The verified claims of a request, for code that is not handed them. */
import type { AccessTokenClaims } from '../core/access-token-claims.js';
import { checkScopes } from '../core/access/authorization.js';
import { currentRequest, verifiedRequests } from '../core/access/current-request.js';
import { anyOf } from '../core/access/requirement.js';
import { MissingTokenError } from '../core/errors.js';
import { tenantOfIssuer } from '../core/issuers/issuer.js';
import { callsAsApp } from '../core/token/claims.js';

/** Hosts wrap Node's request: Koa's context and request hold it as `req`, Fastify's request as `raw`. */
function nodeRequestOf(request: object): object {
  const { req, raw } = request as { readonly req?: unknown; readonly raw?: unknown };
  for (const inner of [raw, req]) if (typeof inner === 'object' && inner !== null) return inner;
  return request;
}

/** The verified claims of a request, or undefined where none were verified. */
export function verifiedClaimsOf(request: object): AccessTokenClaims | undefined {
  return (verifiedRequests.get(request) ?? verifiedRequests.get(nodeRequestOf(request)))?.claims;
}

/**
 * The verified claims of the current request.
 *
 * @param request - the host's request; found by itself where none is given
 * @returns the claims, frozen
 * @throws MissingTokenError where there is no request, or its token was not verified
 */
export function getTokenClaims(request?: object): AccessTokenClaims {
  const claims = request === undefined ? currentRequest.getStore()?.claims : verifiedClaimsOf(request);
  if (claims === undefined) throw new MissingTokenError();
  return claims;
}

/**
 * Checks that the current request's token carries a scope; an app-only token is asked for a role of that name.
 *
 * @param scope - a scope's short name, or several of which any will do
 * @param request - the host's request; found by itself where none is given
 * @throws MissingTokenError where there is no request, or its token was not verified
 * @throws InsufficientScopeError where the token does not carry the scope
 * @throws ConfigurationError where the name is blank or a full URI
 */
export function validateScope(scope: string | readonly string[], request?: object): void {
  // A mistake of the developer's is told first, whoever calls.
  const demand = anyOf('scope', typeof scope === 'string' ? [scope] : scope);
  checkScopes(demand.anyOf, getTokenClaims(request));
}

/**
 * Whether an application calls on its own behalf, without a person: `idtyp` says so where the API asked for that claim,
 * and else that the token has no scope.
 *
 * @param claims - verified claims; default: those of the current request
 * @throws MissingTokenError where none are given, and there is no request, or its token was not verified
 */
export function isAppOnly(claims: AccessTokenClaims = getTokenClaims()): boolean {
  return callsAsApp(claims);
}

/**
 * A key to store a person's data under: `<tid>.<oid>`, which no two people share and nobody can change.
 *
 * @param claims - verified claims; default: those of the current request
 * @returns undefined where no person calls, or the token does not say who
 * @throws MissingTokenError where none are given, and there is no request, or its token was not verified
 */
export function userKey(claims: AccessTokenClaims = getTokenClaims()): string | undefined {
  const tenant: unknown = claims.tid ?? tenantOfIssuer(claims.iss);
  const person: unknown = claims.oid;
  if (callsAsApp(claims) || typeof tenant !== 'string' || typeof person !== 'string' || person === '') return undefined;
  return `${tenant}.${person}`;
}
