/** The Fetch request of a call. */
import type { FetchHeaders } from '../core/token/credential.js';
import { requestsIn } from '../gate/held-requests.js';

/** What is used of a Fetch request. Some hosts have a class of their own for it, such as the HttpRequest of Azure Functions. */
export interface FetchRequest {
  readonly method: string;
  readonly headers: FetchHeaders;
}

/** A response has headers too, and no method. */
function isFetchRequest(value: object): value is FetchRequest {
  const { method, headers } = value as Partial<Record<keyof FetchRequest, unknown>>;
  return typeof method === 'string' && typeof (headers as Partial<FetchHeaders> | null | undefined)?.get === 'function';
}

/** The Fetch request that a parameter is, or holds; undefined for any other parameter. */
export function fetchRequestIn(parameter: unknown): FetchRequest | undefined {
  if (typeof parameter !== 'object' || parameter === null) return undefined;
  return isFetchRequest(parameter) ? parameter : requestsIn(parameter).find(isFetchRequest);
}
