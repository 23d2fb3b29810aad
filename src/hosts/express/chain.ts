/** A chain of middlewares on one request: what the request satisfied so far, and what the next one requires. */
import type { AccessTokenClaims } from '../../core/access-token-claims.js';
import { currentRequest, type VerifiedContext } from '../../core/access/current-request.js';
import type { Requirement } from '../../core/access/requirement.js';
import { demandsOn } from '../../gate/admission.js';
import type { HandlerCall } from '../handler-call.js';
import { shareHiddenClasses } from '../hidden-class.js';
import { passOrRefuse, type Passage } from '../node-middleware.js';

/** Sets `request.auth`. It is read-only: a middleware between the gate and the handler cannot replace verified claims. */
export function publishClaims(request: object, claims: AccessTokenClaims): void {
  Object.defineProperty(request, 'auth', { value: claims, enumerable: true, configurable: true });
}

/** Lets a request pass on to `proceed`, or refuses it; see {@link passOrRefuse}. */
export function proceedOrRefuse(
  own: Requirement,
  { request, response, next }: Pick<HandlerCall, 'request' | 'response' | 'next'>,
  proceed: Passage['proceed'],
  refused?: Passage['refused'],
): void | Promise<void> {
  const { passed, requirement } = demandsOn(request, own);
  if (passed !== undefined) {
    currentRequest.run(passed, proceed, passed);
    return undefined;
  }
  shareHiddenClasses(request, response);
  const prepare = ({ claims }: VerifiedContext) => {
    publishClaims(request, claims);
  };
  return passOrRefuse(requirement, request, response, next, { prepare, proceed, refused });
}
