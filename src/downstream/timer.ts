/** Waiting, with a timer that specs can replace. */

/** Calls back once after a time, and returns what stops it. */
export type Timer = (ms: number, callback: () => void) => () => void;

export const systemTimer: Timer = (ms, callback) => {
  const timeout = setTimeout(callback, ms);
  return () => {
    clearTimeout(timeout);
  };
};

export async function pauseFor(ms: number, timer: Timer): Promise<void> {
  await new Promise<void>((resolve) => {
    timer(ms, resolve);
  });
}

/**
 * What a function answers, if it does within a time limit. What it answers later is dropped, an error too.
 *
 * @param call - may throw, and may return a value that never settles
 * @param onLimit - the error at the limit
 */
export function within(limitMs: number, timer: Timer, call: () => unknown, onLimit: () => Error): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const stop = timer(limitMs, () => {
      reject(onLimit());
    });
    // An async function turns what is thrown at once into a rejection.
    void (async () => await call())().then(resolve, reject).finally(stop);
  });
}
