/** Waiting that ends when a signal is aborted. */
import { setMaxListeners } from 'node:events';

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

/** Has a signal call back once it is aborted, and returns what ends that. */
function onceAborted(signal: AbortSignalLike, listener: () => void): () => void {
  // As in Node 22: in Node 20, the eleventh that waits at the same time is taken for a leak, and a warning is given.
  if (signal instanceof AbortSignal) setMaxListeners(0, signal);
  signal.addEventListener('abort', listener);
  return () => {
    signal.removeEventListener('abort', listener);
  };
}

/**
 * Runs work, and rejects when the signal is aborted, also if the work ignores the signal.
 *
 * @throws the reason of the signal
 */
export async function unlessAborted<T>(signal: AbortSignalLike | undefined, work: () => Promise<T>): Promise<T> {
  if (signal === undefined) return work();
  if (signal.aborted) throw reasonOf(signal);
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = onceAborted(signal, () => {
      reject(reasonOf(signal));
    });
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    stop();
  }
}

/**
 * Runs work within a time limit, and until a signal is aborted, also if the work ignores the signal that it is given. That is
 * aborted in both cases, and by nothing any more once the work has ended.
 *
 * @param onLimit - the error at the limit
 * @param outer - ends the work before the limit
 * @throws the error of the work, that at the limit, or the reason of `outer`
 */
export async function withinTime<T>(
  limitMs: number,
  onLimit: () => Error,
  outer: AbortSignalLike | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ends = new AbortController();
  const timer = setTimeout(() => {
    ends.abort(onLimit());
  }, limitMs);
  timer.unref();
  // Not AbortSignal.any: in Node 20 and 22, each of its signals leaves 50 to 170 bytes on a signal that stays.
  const stop =
    outer &&
    onceAborted(outer, () => {
      ends.abort(reasonOf(outer));
    });
  if (outer?.aborted === true) ends.abort(reasonOf(outer));
  try {
    return await unlessAborted(ends.signal, () => work(ends.signal));
  } finally {
    clearTimeout(timer);
    stop?.();
  }
}
