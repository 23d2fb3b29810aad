/** A request at the gate of a handler that takes a Fetch request: it is let in and handled, or refused. */
import {
  bindBody,
  currentRequest,
  type AdmittedRequest,
  type VerifiedContext,
} from '../../core/access/current-request.js';
import type { Requirement } from '../../core/access/requirement.js';
import { isThenable } from '../../core/awaited.js';
import { admissionOf, demandsOn, enter } from '../../gate/admission.js';
import { isRefusal } from '../../gate/refusal.js';
import type { FetchRequest } from '../fetch-request.js';
import { isHandling, noteHandler } from '../running-handlers.js';
import { refuse } from './response.js';

/**
 * Whether code runs in the handler of a request: what that calls in turn is judged as a method, and is no new arrival. In
 * a test nothing is judged.
 */
export function isInside(current: VerifiedContext | undefined, request: FetchRequest): current is VerifiedContext {
  return current !== undefined && (current.requirement === undefined || isHandling(current, request));
}

/**
 * The parameters of a handler. Hono gives a middleware `next` after its context: the handlers that it calls are new
 * arrivals, which answer for themselves.
 *
 * @param index - where `next` is
 */
export function parametersFor(context: AdmittedRequest | undefined, parameters: unknown[], index: number): unknown[] {
  const next = parameters[index];
  if (context === undefined || typeof next !== 'function') return parameters;
  const callNext = next as (...given: unknown[]) => unknown;
  const leave = (...given: unknown[]) =>
    currentRequest.run({ ...context, original: context, isHandling: false }, callNext, ...given);
  return parameters.with(index, leave);
}

type Handle<Context> = (context: Context) => unknown;

function runIn(context: AdmittedRequest | undefined, handle: Handle<AdmittedRequest | undefined>): unknown {
  // Of a request within another one, the other's caller is not the caller.
  if (context === undefined) return currentRequest.exit(handle, undefined);
  noteHandler(context, undefined);
  return currentRequest.run(context, handle, context);
}

/**
 * The body of a response, or of what a host takes for one. The server of Hono keeps what a response is made of, in a list,
 * and is slow to send one whose body was asked for.
 */
function bodyIn(response: unknown): unknown {
  if (typeof response !== 'object' || response === null) return undefined;
  const members = response as Readonly<Record<PropertyKey, unknown>>;
  const ofHono = Object.getOwnPropertySymbols(response).map((symbol) => members[symbol]);
  const kept = ofHono.find((member) => Array.isArray(member)) as readonly unknown[] | undefined;
  return kept === undefined ? members['body'] : kept[1];
}

/**
 * Lets a request in, and handles it in its own context; or refuses it.
 *
 * @param own - what the handler requires; undefined if that is nothing
 * @returns what the handler returns, or the response of the refusal
 * @throws what the handler throws, unless it is a refusal; the refusal, where it is forwarded
 */
export function arrive(own: Requirement, request: FetchRequest, handle: Handle<AdmittedRequest>): Promise<unknown>;
export function arrive(
  own: Requirement | undefined,
  request: FetchRequest,
  handle: Handle<AdmittedRequest | undefined>,
): Promise<unknown>;
export async function arrive(
  own: Requirement | undefined,
  request: FetchRequest,
  handle: Handle<never>,
): Promise<unknown> {
  const { passed, requirement } =
    own === undefined ? { passed: admissionOf(request), requirement: own } : demandsOn(request, own);
  let context = passed;
  try {
    if (context === undefined && requirement !== undefined) {
      const entry = enter(request, requirement);
      // A request that passes at once does not wait.
      context = isThenable(entry) ? await entry : entry;
    }
  } catch (error) {
    return refuse(error, request, requirement);
  }
  try {
    const returned = runIn(context, handle as Handle<AdmittedRequest | undefined>);
    const result: unknown = isThenable(returned) ? await returned : returned;
    if (context !== undefined) bindBody(bodyIn(result), context);
    return result;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return refuse(error, request, context?.requirement);
  }
}
