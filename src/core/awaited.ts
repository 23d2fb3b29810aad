/**
 * Values that may have to be awaited.
 *
 * A promise is recognized by its `then`, as `await` recognizes it, and not by its class. Other libraries and realms have
 * classes of their own. If zone.js or Bluebird replaces `globalThis.Promise`, async functions still return native
 * promises, which are not instances of it.
 *
 * What runs later is a function that awaits, and no callback of `then`. Both libraries may call that in the asynchronous
 * context of another request, and zone.js replaces `then` of native promises too.
 */

/** Whether a value has to be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && typeof (value as { readonly then?: unknown }).then === 'function';
}

/**
 * Passes a value to the next step: at once, or when its promise is fulfilled.
 *
 * @returns a promise only if the value or the result of the next step is one
 */
export function andThen<T, R>(value: T | PromiseLike<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return isThenable(value) ? whenFulfilled(value, next) : next(value);
}

async function whenFulfilled<T, R>(promise: PromiseLike<T>, next: (value: T) => R | Promise<R>): Promise<R> {
  return next(await promise);
}

/** Passes what a promise settles with to one of two steps. What the first one throws is not passed to the second. */
export async function whenSettled<T, Fulfilled, Rejected>(
  promise: PromiseLike<T>,
  onFulfilled: (value: T) => Fulfilled,
  onRejected: (error: unknown) => Rejected,
): Promise<Awaited<Fulfilled | Rejected>> {
  let value: T;
  try {
    value = await promise;
  } catch (error) {
    return await onRejected(error);
  }
  return await onFulfilled(value);
}
