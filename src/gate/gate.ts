/** What every host's gate does: check a request, remember that it passed, and keep methods shut where no gate stood. */
import { verifiedRequests, type VerifiedContext } from '../core/access/current-request.js';
import type { Requirement } from '../core/access/requirement.js';
import { andThen } from '../core/awaited.js';
import { AuthError, ConfigurationError, nameResourceMetadata, type Refusal } from '../core/errors.js';
import type { RequestHeaders } from '../core/token/credential.js';
import type { VerifiedToken } from '../core/token/verified-token.js';
import { publishExplanation } from './debug-output.js';
import { identityInForce } from './identity-in-force.js';

/** Whether an error is one that the gate answers. */
export function isRefusal(error: unknown): error is Refusal {
  return error instanceof AuthError || error instanceof ConfigurationError;
}

/** The configuration that a requirement is held against. */
const identityFor = (requirement: Requirement | undefined) => requirement?.identity ?? identityInForce();

/** Whether refusals go to the application's own error handler. */
export function forwardsErrors(requirement: Requirement | undefined): boolean {
  return identityFor(requirement)?.settings.errors === 'forward';
}

/** Any other failure means that nothing was decided: the request is refused, and the fault is ours. */
function toRefusal(error: unknown): Refusal {
  if (isRefusal(error)) return error;
  const name = error instanceof Error ? error.name : typeof error;
  return new ConfigurationError(`A request could not be checked: an unexpected ${name} was thrown.`, { cause: error });
}

/** The refusal of a request, for whoever answers it: its challenge names the resource metadata, where there is some. */
export function addressedRefusal(error: unknown, requirement: Requirement | undefined): Refusal {
  const refusal = toRefusal(error);
  const published = identityFor(requirement)?.publishedResource;
  if (published !== undefined && refusal instanceof AuthError) nameResourceMetadata(refusal, published.url);
  return refusal;
}

/** The refusal of a request, ready to be answered, and explained to whoever listens. */
export function refusalOf(error: unknown, requirement: Requirement | undefined, request: RequestHeaders): Refusal {
  const refusal = addressedRefusal(error, requirement);
  const identity = identityFor(requirement);
  if (identity !== undefined) publishExplanation(request, refusal, identity);
  return refusal;
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
  const identity = identityFor(requirement);
  if (identity === undefined) {
    throw new ConfigurationError('A protected route was called before initialize().');
  }
  return andThen(identity.authenticate(request, requirement), ({ token }) => remember(request, requirement, token));
}

function remember(request: object, requirement: Requirement, token: VerifiedToken): VerifiedContext {
  const { claims, authority } = token;
  const context = { claims, authority, requirement };
  verifiedRequests.set(request, context);
  return context;
}
