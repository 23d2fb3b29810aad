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
