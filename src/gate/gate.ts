/** The check of a request at its gate. */
import { verifiedRequests, type VerifiedContext } from '../core/access/current-request.js';
import type { Authenticator, Requirement } from '../core/access/requirement.js';
import { andThen } from '../core/awaited.js';
import { ConfigurationError } from '../core/errors.js';
import type { RequestHeaders } from '../core/token/credential.js';
import type { VerifiedToken } from '../core/token/verified-token.js';
import { identityFor } from './identity-in-force.js';

/**
 * Checks a request.
 *
 * @throws AuthError or ConfigurationError, at once or as a rejection
 */
export function authenticate(
  request: RequestHeaders,
  requirement: Requirement,
): ReturnType<Authenticator['authenticate']> {
  const identity = identityFor(requirement);
  if (identity === undefined) {
    const { at = 'A protected route' } = requirement;
    throw new ConfigurationError(`${at} was called before initialize(). Call initialize() before the server listens.`);
  }
  return identity.authenticate(request, requirement);
}

/**
 * Checks a request, and remembers that it passed.
 *
 * @throws AuthError or ConfigurationError, at once or as a rejection
 */
export function enter(
  request: RequestHeaders & object,
  requirement: Requirement,
): VerifiedContext | Promise<VerifiedContext> {
  return andThen(authenticate(request, requirement), ({ token }) => remember(request, requirement, token));
}

function remember(request: object, requirement: Requirement, token: VerifiedToken): VerifiedContext {
  const { claims, authority } = token;
  const context = { claims, authority, requirement };
  verifiedRequests.set(request, context);
  return context;
}
