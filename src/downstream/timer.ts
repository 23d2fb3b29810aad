/** Waiting, with a timer that specs can replace. */

/** Calls back once after a time, and returns what stops it. */
export type Timer = (ms: number, callback: () => void) => () => void;

/**
 * The timer of the system. Where the process was busy, an answer can lie at a socket when the time is over. Node reads sockets
 * after its timers and before its immediates, so that such an answer is still in time.
 */
export const systemTimer: Timer = (ms, callback) => {
  let stop = () => {
    clearTimeout(timeout);
  };
  const timeout = setTimeout(() => {
    const immediate = setImmediate(callback);
    stop = () => {
      clearImmediate(immediate);
    };
  }, ms);
  return () => {
    stop();
  };
};

export async function pauseFor(ms: number, timer: Timer): Promise<void> {
  await new Promise<void>((resolve) => {
    timer(ms, resolve);
  });
}

const limitParts = 5;

/**
 * Calls back at the end of a time limit. It is waited for in parts: a time in which the process was busy, however long, takes
 * up one of them. A call that such a time keeps from being sent, or from being answered, still has the others.
 */
function limitedBy(limitMs: number, timer: Timer, onLimit: () => void): () => void {
  let stop: () => void = () => undefined;
  const waitFor = (parts: number) => {
    stop = timer(limitMs / limitParts, () => {
      if (parts > 1) waitFor(parts - 1);
      else onLimit();
    });
  };
  waitFor(limitParts);
  return () => {
    stop();
  };
}

/**
 * What a function answers, if it does within a time limit. What it answers later is dropped, an error too.
 *
 * @param call - may throw, and may return a value that never settles
 * @param onLimit - the error at the limit
 */
export function within(limitMs: number, timer: Timer, call: () => unknown, onLimit: () => Error): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const stop = limitedBy(limitMs, timer, () => {
      reject(onLimit());
    });
    // An async function turns what is thrown at once into a rejection.
    void (async () => await call())().then(resolve, reject).finally(stop);
  });
}
