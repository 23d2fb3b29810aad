/** A chain of middlewares on one request: what the request satisfied so far, and what the next one requires. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessTokenClaims } from '../../core/access-token-claims.js';
import { combineAlongMiddlewares } from '../../core/access/combining.js';
import { currentRequest, verifiedRequests, type VerifiedContext } from '../../core/access/current-request.js';
import type { Requirement } from '../../core/access/requirement.js';
import { shareHiddenClasses } from '../hidden-class.js';
import { passOrRefuse, type Next, type Passage } from '../node-middleware.js';

export type HandlerCall = [request: IncomingMessage, response: ServerResponse, next: Next, ...rest: unknown[]];

/** Whether a call is one by Express. Mocks of a request count: they are checked as real ones are. */
export function isHandlerCall(parameters: readonly unknown[]): parameters is HandlerCall {
  const [request, response, next] = parameters as Partial<HandlerCall>;
  return (
    typeof request?.headers === 'object' && typeof response?.setHeader === 'function' && typeof next === 'function'
  );
}

/** Sets `request.auth`. It is read-only: a middleware between the gate and the handler cannot replace verified claims. */
export function publishClaims(request: object, claims: AccessTokenClaims): void {
  Object.defineProperty(request, 'auth', { value: claims, enumerable: true, configurable: true });
}

// The identity chooses a verifier once for each requirement: the sum of two has to be the same object each time.
const sums = new WeakMap<Requirement, WeakMap<Requirement, Requirement>>();

function sumOf(earlier: Requirement, later: Requirement): Requirement {
  const ofEarlier = sums.get(earlier) ?? new WeakMap<Requirement, Requirement>();
  sums.set(earlier, ofEarlier);
  const sum = ofEarlier.get(later) ?? combineAlongMiddlewares(earlier, later);
  ofEarlier.set(later, sum);
  return sum;
}

/** What a request has to satisfy at a gate, and the context it passed with where it did so before. */
export function demandsOn(request: object, own: Requirement): { passed?: VerifiedContext; requirement: Requirement } {
  const context = verifiedRequests.get(request);
  if (context?.requirement === undefined) return { requirement: own };
  const requirement = sumOf(context.requirement, own);
  return requirement === context.requirement ? { passed: context, requirement } : { requirement };
}

/** Lets a request pass on to `proceed`, or refuses it. Never throws and never rejects. */
export function proceedOrRefuse(
  own: Requirement,
  [request, response, next]: HandlerCall,
  proceed: Passage['proceed'],
): void {
  const { passed, requirement } = demandsOn(request, own);
  if (passed !== undefined) {
    currentRequest.run(passed, proceed, passed);
    return;
  }
  shareHiddenClasses(request, response);
  const prepare = ({ claims }: VerifiedContext) => {
    publishClaims(request, claims);
  };
  passOrRefuse(requirement, request, response, next, { prepare, proceed });
}
