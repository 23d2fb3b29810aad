/** The requests that an object is, or holds. Many hosts wrap a request in an object of their own. */

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** The members by which hosts hold a request. */
interface Holder {
  readonly raw?: unknown;
  readonly req?: unknown;
  readonly request?: unknown;
}

/**
 * An object, and those in it that may be its request. Fastify's request holds Node's as `raw`, Koa's context and request
 * hold it as `req`. Hono's context holds the request of Fetch as `req.raw`, contexts of other hosts hold it as `request`.
 */
export function requestsIn(value: object): readonly object[] {
  const { raw, req, request } = value as Holder;
  return [value, raw, req, isObject(req) ? (req as Holder).raw : undefined, request].filter(isObject);
}
