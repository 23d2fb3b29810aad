/** A chain of middlewares on one request: what it was let in for, and what is demanded next. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessTokenClaims } from '../../core/access-token-claims.js';
import { currentRequest, verifiedRequests, type VerifiedContext } from '../../core/access/current-request.js';
import type { Requirement, SchemeDemand } from '../../core/access/requirement.js';
import { ConfigurationError } from '../../core/errors.js';
import { passOrRefuse, refuse, type Next } from '../node-middleware.js';

export type HandlerCall = [request: IncomingMessage, response: ServerResponse, next: Next, ...rest: unknown[]];

/** Tells a call by Express from any other. Mocks of a request will do: they are checked like all others. */
export function isHandlerCall(parameters: readonly unknown[]): parameters is HandlerCall {
  const [request, response, next] = parameters as Partial<HandlerCall>;
  return (
    typeof request?.headers === 'object' && typeof response?.setHeader === 'function' && typeof next === 'function'
  );
}

// Nobody may replace what was verified, whichever middleware comes between the gate and the handler.
export function publishClaims(request: object, claims: AccessTokenClaims): void {
  Object.defineProperty(request, 'auth', { value: claims, enumerable: true, configurable: true });
}

/** What is named later narrows what was named before, and what it leaves open stays as it was. */
function joinSchemes(earlier: SchemeDemand | undefined, later: SchemeDemand | undefined): SchemeDemand | undefined {
  if (later === undefined) return earlier;
  if (later.kind !== earlier?.kind) return later;
  const policies = later.policies ?? earlier.policies;
  const callers = later.callers === undefined || later.callers === 'any' ? earlier.callers : later.callers;
  if (policies === earlier.policies && callers === earlier.callers) return earlier;
  return Object.freeze({ kind: earlier.kind, policies, callers });
}

/** A scheme says whose configuration it means; a demand of the process goes with any. */
function isOfAnotherIdentity(earlier: Requirement, later: Requirement): boolean {
  const says = later.scheme !== undefined || later.identity !== undefined;
  return says && later.identity !== earlier.identity;
}

// Verifiers are chosen once for each requirement, so the same two gates must always add up to the same object.
const joined = new WeakMap<Requirement, WeakMap<Requirement, Requirement>>();

/**
 * What a request has to satisfy at a gate that is not its first.
 *
 * @returns `earlier` itself where the gate demands nothing that the request was not let in for
 */
function join(earlier: Requirement, later: Requirement): Requirement {
  if (isOfAnotherIdentity(earlier, later)) return later;
  const known = joined.get(earlier)?.get(later);
  if (known !== undefined) return known;
  const scheme = joinSchemes(earlier.scheme, later.scheme);
  const added = later.demands.filter((demand) => !earlier.demands.includes(demand));
  const sum =
    scheme === earlier.scheme && added.length === 0
      ? earlier
      : Object.freeze({ ...earlier, scheme, demands: Object.freeze([...earlier.demands, ...added]) });
  const sums = joined.get(earlier) ?? new WeakMap<Requirement, Requirement>();
  joined.set(earlier, sums.set(later, sum));
  return sum;
}

/** What a request was let in for before, and what it has to satisfy now. */
export function demandsOn(request: object, own: Requirement): { passed?: VerifiedContext; requirement: Requirement } {
  const context = verifiedRequests.get(request);
  if (context?.requirement === undefined) return { requirement: own };
  const requirement = join(context.requirement, own);
  return requirement === context.requirement ? { passed: context, requirement } : { requirement };
}

/** Lets a request pass on to `proceed`, or refuses it. Never throws and never rejects. */
export function admit(own: Requirement, [request, response, next]: HandlerCall, proceed: () => void): void {
  const { passed, requirement } = demandsOn(request, own);
  if (passed !== undefined) {
    currentRequest.run(passed, proceed);
    return;
  }
  passOrRefuse(requirement, request, response, (refusal) => {
    if (refusal !== undefined) {
      next(refusal);
      return;
    }
    const context = verifiedRequests.get(request);
    try {
      if (context === undefined) throw new ConfigurationError('A request passed its gate, and nothing was verified.');
      publishClaims(request, context.claims);
    } catch (error) {
      refuse(error, request, response, next, requirement);
      return;
    }
    proceed();
  });
}
