/** The method and the path of a request, for events and messages. The client chose them: they are bounded and escaped. */

import { printable } from './printable.js';

/** What requests of Node, Express and Fetch have in common. */
interface RequestTarget {
  readonly method?: unknown;
  /** Of Fetch: with the origin. Express removes from it the path that a router is mounted at. */
  readonly url?: unknown;
  /** Of Express: as the client sent it. */
  readonly originalUrl?: unknown;
}

const longestPath = 200;
const longestMethod = 20;

/** RFC 9112 §3.2: a request target may be a path, or a URL with an origin before the path. */
function withoutOrigin(target: string): string {
  const origin = target.startsWith('/') ? -1 : target.indexOf('://');
  if (origin === -1) return target;
  const path = target.indexOf('/', origin + '://'.length);
  return path === -1 ? '/' : target.slice(path);
}

function withoutQuery(target: string): string {
  const end = target.search(/[?#]/);
  return end === -1 ? target : target.slice(0, end);
}

/** The path of a request, without origin and query; undefined if the request has none, such as headers alone. */
export function pathOf(request: object): string | undefined {
  const { url, originalUrl } = request as RequestTarget;
  const target = typeof originalUrl === 'string' ? originalUrl : url;
  if (typeof target !== 'string' || target === '') return undefined;
  return printable(withoutOrigin(withoutQuery(target)), longestPath);
}

/** The method and the path of a request: `GET /orders/7`; undefined if the request has no path. */
export function requestLineOf(request: object): string | undefined {
  const path = pathOf(request);
  const { method } = request as RequestTarget;
  return path === undefined || typeof method !== 'string' ? path : `${printable(method, longestMethod)} ${path}`;
}
