/** The response of a refusal. */
import { publishAnswered } from '../../core/access/decision-events.js';
import type { Requirement } from '../../core/access/requirement.js';
import type { Refusal } from '../../core/errors.js';
import { isRefusal, refusalOf, warnDeveloper } from '../../gate/refusal.js';
import type { FetchRequest } from '../fetch-request.js';

/** By the headers of refusals: most refusals with the same reason share theirs. A response copies what it is given. */
const headersOfResponses = new WeakMap<object, Headers>();

function headersFor(headers: Refusal['headers']): Headers {
  const known = headersOfResponses.get(headers);
  if (known !== undefined) return known;
  const made = new Headers({ ...headers, 'Content-Type': 'application/json; charset=utf-8' });
  // The application may have put others in their place, which it can change.
  if (Object.isFrozen(headers)) headersOfResponses.set(headers, made);
  return made;
}

function responseOf(refusal: Refusal, method: string | undefined): Response {
  const { status, headers } = refusal;
  return new Response(method === 'HEAD' ? null : JSON.stringify(refusal), { status, headers: headersFor(headers) });
}

/**
 * The response with which a request is refused.
 *
 * @throws the refusal, where the application's own error handler answers it
 */
export function refuse(error: unknown, request: FetchRequest, requirement: Requirement | undefined): Response {
  const { refusal, forward } = refusalOf(error, requirement, request);
  if (forward) throw refusal;
  return responseOf(refusal, request.method);
}

/**
 * The response of a refusal: status, headers with the challenge, JSON body.
 *
 * @param error - what `authenticate`, a protected method or a helper threw
 * @param request - the request that is refused. An answer to `HEAD` has no body
 * @throws the error itself, if it is none of this library
 * @example
 * ```ts
 * import { authenticate, toResponse } from 'microsoft-identity-decorators/fetch';
 *
 * export async function GET(request: Request): Promise<Response> {
 *   try {
 *     const { oid } = await authenticate(request, { scope: 'access_as_user' });
 *     return Response.json({ oid });
 *   } catch (error) {
 *     return toResponse(error, request);
 *   }
 * }
 * ```
 */
export function toResponse(error: unknown, request?: { readonly method: string }): Response {
  if (!isRefusal(error)) throw error;
  publishAnswered(error, error, { request: request ?? {}, requirement: undefined });
  warnDeveloper(error);
  return responseOf(error, request?.method);
}
