/** Where `authenticate` finds the headers of a request. */
import { listed } from '../../core/access/demand-names.js';
import { ConfigurationError } from '../../core/errors.js';
import {
  isFetchHeaders,
  type FetchHeaders,
  type NodeHeaders,
  type RequestHeaders,
} from '../../core/token/credential.js';
import { requestsIn } from '../../gate/held-requests.js';

/** Pairs of a header's name and its value. */
type HeaderPairs = readonly (readonly [name: string, value: string])[];

/**
 * What `authenticate` takes: a request of Fetch or of Node, any other object with `headers`, or the headers of Fetch
 * alone. Of an object with `headers` of its own form, names may be in any letter case.
 */
export type RequestSource = FetchHeaders | { readonly headers: FetchHeaders | NodeHeaders | HeaderPairs };

interface WithHeaders {
  readonly headers: FetchHeaders | NodeHeaders | HeaderPairs;
  readonly rawHeaders?: unknown;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const hasHeaders = (value: object): value is WithHeaders => isObject((value as Partial<WithHeaders>).headers);

const showsHeaderLines = (value: object): value is WithHeaders & RequestHeaders =>
  hasHeaders(value) && Array.isArray(value.rawHeaders);

const isOfFetch = (value: object): value is RequestHeaders =>
  hasHeaders(value) && isFetchHeaders(value.headers as RequestHeaders['headers']);

function unusable(what: string): ConfigurationError {
  return new ConfigurationError(
    `authenticate() got ${what}. It takes a request of Fetch or of Node, an object with headers, or the headers of Fetch.`,
  );
}

function byLowerCaseName(headers: object): NodeHeaders {
  const values = Object.create(null) as Record<string, string[]>;
  for (const pair of Array.isArray(headers) ? (headers as unknown[]) : Object.entries(headers)) {
    const [name, value] = Array.isArray(pair) ? (pair as unknown[]) : [];
    if (typeof name !== 'string') throw unusable('headers that are a list, and not of pairs');
    for (const one of listed(value)) {
      if (one === undefined || one === null) continue;
      (values[name.toLowerCase()] ??= []).push(typeof one === 'string' ? one : '');
    }
  }
  return values;
}

/**
 * The request to authenticate. Where an object holds the request of Node, which shows each header line, that one counts.
 *
 * @throws ConfigurationError if there are no headers
 */
export function requestIn(source: unknown): RequestHeaders & object {
  if (!isObject(source)) throw unusable('no request');
  if (showsHeaderLines(source) || isOfFetch(source)) return source;
  const held = requestsIn(source);
  const whole = held.find(showsHeaderLines) ?? held.find(isOfFetch);
  if (whole !== undefined) return whole;
  if (hasHeaders(source)) return { headers: byLowerCaseName(source.headers) };
  if (isFetchHeaders(source as FetchHeaders)) return { headers: source as FetchHeaders };
  throw unusable('an object without headers');
}
