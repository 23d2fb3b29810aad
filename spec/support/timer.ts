/** Timers that fire when a spec moves its clock. */
import type { Timer } from '../../src/downstream/timer.js';
import { fakeClock, type Clock } from './clock.js';

/** A clock whose timers fire when it is moved. */
export interface TimedClock extends Clock {
  readonly timer: Timer;
  /** How many timers wait. */
  readonly waiting: number;
}

export function timedClock(): TimedClock {
  const clock = fakeClock();
  const timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();
  const nextDue = (untilMs: number) =>
    [...timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
  const fireDue = (untilMs: number) => {
    for (let timer = nextDue(untilMs); timer !== undefined; timer = nextDue(untilMs)) {
      // A timer that starts another one does so at its own time.
      clock.set(Math.max(timer.atMs, clock.now()));
      timers.delete(timer);
      timer.fire();
    }
    clock.set(untilMs);
  };
  return {
    now: clock.now,
    timer: (ms, fire) => {
      const timer = { atMs: clock.now() + ms, fire };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    get waiting() {
      return timers.size;
    },
    advance: (ms) => {
      fireDue(clock.now() + ms);
    },
    set: (ms) => {
      clock.set(ms);
      fireDue(ms);
    },
  };
}
