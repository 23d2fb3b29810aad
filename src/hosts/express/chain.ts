/** A chain of middlewares on one request: what the request satisfied so far, and what the next one requires. */
import type { AccessTokenClaims } from '../../core/access-token-claims.js';
import { currentRequest, type VerifiedContext } from '../../core/access/current-request.js';
import type { Requirement } from '../../core/access/requirement.js';
import { demandsOn } from '../../gate/admission.js';
import { shareHiddenClasses } from '../hidden-class.js';
import { passOrRefuse, type Arrival, type Passage } from '../node-middleware.js';

/** Sets `request.auth`. It is read-only: a middleware between the gate and the handler cannot replace verified claims. */
export function publishClaims(request: object, claims: AccessTokenClaims): void {
  Object.defineProperty(request, 'auth', { value: claims, enumerable: true, configurable: true });
}

const publishVerified = ({ claims }: VerifiedContext, request: object) => {
  publishClaims(request, claims);
};

/** Lets a request pass on to `proceed`, or refuses it; see {@link passOrRefuse}. */
export function proceedOrRefuse(
  own: Requirement,
  arrival: Arrival,
  proceed: Passage['proceed'],
  refused?: Passage['refused'],
): void | Promise<void> {
  const { request, response, next } = arrival;
  const { passed, requirement } = demandsOn(request, own);
  if (passed !== undefined) {
    currentRequest.run(passed, proceed, passed, next);
    return undefined;
  }
  shareHiddenClasses(request, response);
  return passOrRefuse(requirement, arrival, { prepare: publishVerified, proceed, refused });
}
