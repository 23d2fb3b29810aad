/** A chain of middlewares on one request: what the request satisfied so far, and what the next one requires. */
import type { IncomingMessage } from 'node:http';
import type { AccessTokenClaims } from '../../core/access-token-claims.js';
import { isOfAnotherConfiguration } from '../../core/access/combining.js';
import { currentRequest, type VerifiedContext } from '../../core/access/current-request.js';
import type { Demand, Requirement } from '../../core/access/requirement.js';
import { demandsOn } from '../../gate/admission.js';
import { requirementsOfMiddlewares } from '../../gate/known-handlers.js';
import { shareHiddenClasses } from '../hidden-class.js';
import { passOrRefuse, type Arrival, type Passage } from '../node-middleware.js';

/** Sets `request.auth`. It is read-only: a middleware between the gate and the handler cannot replace verified claims. */
export function publishClaims(request: object, claims: AccessTokenClaims): void {
  Object.defineProperty(request, 'auth', { value: claims, enumerable: true, configurable: true });
}

const publishVerified = ({ claims }: VerifiedContext, request: object) => {
  publishClaims(request, claims);
};

/** What is used of a request that a route of Express handles. */
interface RoutedRequest {
  readonly route?: { readonly stack: readonly { readonly handle: object; readonly method?: string }[] };
}

/**
 * What a request has to satisfy, with what the other middlewares of its route demand: a client that is told of one scope
 * after the other has to ask for each of them.
 */
function withRoute(requirement: Requirement, request: IncomingMessage & RoutedRequest): Requirement {
  const method = request.method === 'HEAD' ? 'get' : request.method?.toLowerCase();
  const added: Demand[] = [];
  for (const layer of request.route?.stack ?? []) {
    const other = requirementsOfMiddlewares.get(layer.handle);
    if (other === undefined || other === requirement || other.demands.length === 0) continue;
    const isOfMethod = layer.method === undefined || layer.method === method;
    if (isOfMethod && !isOfAnotherConfiguration(requirement, other)) added.push(...other.demands);
  }
  return added.length === 0 ? requirement : { ...requirement, demands: [...requirement.demands, ...added] };
}

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
  return passOrRefuse(requirement, arrival, { prepare: publishVerified, proceed, demanded: withRoute, refused });
}
