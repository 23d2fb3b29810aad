/** The verified claims of a request, for code that is not handed them. */
import type { AccessTokenClaims } from '../core/claims.js';
import { MissingTokenError } from '../core/errors.js';
import { anyOf, checkDemand } from '../core/requirement.js';
import { state } from '../core/state.js';

/** Hosts wrap Node's request: Koa's context and request hold it as `req`, Fastify's request as `raw`. */
function nodeRequestOf(request: object): object {
  const { req, raw } = request as { readonly req?: unknown; readonly raw?: unknown };
  for (const inner of [raw, req]) if (typeof inner === 'object' && inner !== null) return inner;
  return request;
}

/** The verified claims of a request, or undefined where none were verified. */
export function verifiedClaimsOf(request: object): AccessTokenClaims | undefined {
  return (state.verified.get(request) ?? state.verified.get(nodeRequestOf(request)))?.claims;
}

/**
 * The verified claims of the current request.
 *
 * @param request - the host's request; found by itself where none is given
 * @returns the claims, frozen
 * @throws MissingTokenError where there is no request, or its token was not verified
 */
export function getTokenClaims(request?: object): AccessTokenClaims {
  const claims = request === undefined ? state.current.getStore()?.claims : verifiedClaimsOf(request);
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
  const demand = anyOf('scope', typeof scope === 'string' ? [scope] : scope);
  checkDemand(demand, getTokenClaims(request));
}
