/**
 * A value that is there, or a promise of it.
 *
 * A promise is recognized by its `then`, as `await` recognizes it, and not by its class. Another library or realm has a
 * class of its own; and where a library such as zone.js replaces `globalThis.Promise`, async functions still return native
 * promises.
 */

/** Whether a value has to be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && typeof (value as { readonly then?: unknown }).then === 'function';
}

/**
 * Hands a value to the next step: at once where it is there, else when its promise is fulfilled.
 *
 * @returns a promise only where the value, or the answer of the next step, has to be awaited
 */
export function andThen<T, R>(value: T | PromiseLike<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return isThenable(value) ? whenFulfilled(value, next) : next(value);
}

async function whenFulfilled<T, R>(promise: PromiseLike<T>, next: (value: T) => R | Promise<R>): Promise<R> {
  return next(await promise);
}
