/** A call of an asynchronous method that a check comes before. Its caller may forget to wait for it. */
import { andThen, isThenable } from '../core/awaited.js';
import type { Refusal } from '../core/errors.js';
import { isRefusal } from '../gate/refusal.js';

// The global Promise may be of another library, and may be a class that cannot be extended.
const NativePromise = (async () => Promise.resolve())().constructor as PromiseConstructor;

/**
 * The promise of a call, and those that are derived from it. Each knows whether its rejection is handled: `await` calls
 * `then` of a derived class with a handler for it.
 */
class CheckedCall extends NativePromise<unknown> {
  isAwaited = false;
  #refusal: Refusal | undefined;
  readonly #derived: CheckedCall[] = [];

  override then<Fulfilled, Rejected>(
    onFulfilled?: ((value: unknown) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    if (typeof onRejected === 'function') this.isAwaited = true;
    const promise = super.then(onFulfilled, onRejected);
    const derived = promise as unknown as CheckedCall;
    if (this.#refusal === undefined) this.#derived.push(derived);
    else derived.refuseWith(this.#refusal);
    return promise;
  }

  /** Node ends the process for a rejection that has no handler. Any other error than the refusal is reported as before. */
  refuseWith(refusal: Refusal): void {
    this.#refusal = refusal;
    void super.then(undefined, (thrown: unknown) => {
      if (thrown === refusal) return;
      const error = thrown as Error;
      setImmediate(() => {
        if (!this.isAwaited) void NativePromise.reject(error);
      });
    });
    for (const derived of this.#derived) derived.refuseWith(refusal);
  }
}

/** What a check returns. Where it throws, a rejection in its place. */
export function attempt(check: () => void | Promise<void>): void | Promise<void> {
  try {
    return check();
  } catch (thrown) {
    const error = thrown as Error;
    return NativePromise.reject(error);
  }
}

/**
 * Calls an asynchronous method after its check. Any caller can send a request that is refused, so a refusal that the
 * caller does not wait for must not end the process. An error of the method itself is an ordinary rejection.
 *
 * @param checked - what the check returned
 * @param whenUnawaited - is called with a refusal that the caller does not wait for
 */
export function callAfter(
  checked: void | Promise<void>,
  run: () => unknown,
  whenUnawaited: (refusal: Refusal) => void,
): unknown {
  if (!isThenable(checked)) return run();
  const call = new CheckedCall((resolve) => {
    resolve(andThen(checked, run));
  });
  checked.then(undefined, (error: unknown) => {
    if (!isRefusal(error)) return;
    call.refuseWith(error);
    // As late as Node itself looks for rejections without a handler, which is after the microtasks.
    setImmediate(() => {
      if (!call.isAwaited) whenUnawaited(error);
    });
  });
  return call;
}
