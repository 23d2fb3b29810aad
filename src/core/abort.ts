/** Waiting that ends when a signal is aborted. */

/** What is asked of a signal: the one of Node and those of other libraries have it. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

function reasonOf(signal: AbortSignalLike): Error {
  const { reason = new DOMException('This operation was aborted', 'AbortError') } = signal as { reason?: unknown };
  return reason as Error;
}

/**
 * Runs work, and rejects when the signal is aborted, also if the work ignores the signal.
 *
 * @throws the reason of the signal
 */
export async function unlessAborted<T>(signal: AbortSignalLike | undefined, work: () => Promise<T>): Promise<T> {
  if (signal === undefined) return work();
  if (signal.aborted) throw reasonOf(signal);
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(reasonOf(signal));
    };
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Runs work within a time limit, and until a signal is aborted, also if the work ignores the signal that it is given.
 *
 * @param onLimit - the error at the limit
 * @param outer - ends the work before the limit
 * @throws the error of the work, that at the limit, or the reason of `outer`
 */
export async function withinTime<T>(
  limitMs: number,
  onLimit: () => Error,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => {
    limit.abort(onLimit());
  }, limitMs);
  timer.unref();
  const signal = outer === undefined ? limit.signal : AbortSignal.any([outer, limit.signal]);
  try {
    return await unlessAborted(signal, () => work(signal));
  } finally {
    clearTimeout(timer);
  }
}
