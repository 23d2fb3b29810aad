/** A clock that stands still until it is told to move. */
export interface Clock {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  advance(ms: number): void;
  set(ms: number): void;
}

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;

/** The moment at which every fake clock starts. */
export const start = Date.UTC(2026, 0, 1);

export function fakeClock(): Clock {
  let ms = start;
  return {
    now: () => ms,
    advance: (by) => {
      ms += by;
    },
    set: (to) => {
      ms = to;
    },
  };
}

/** Waits, without a clock, until something that is under way has happened. */
export async function until(happened: () => boolean): Promise<void> {
  for (let turn = 0; !happened(); turn++) {
    if (turn > 100_000) throw new Error(`waited in vain for ${happened.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
