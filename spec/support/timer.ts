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
  const fireDue = () => {
    for (const timer of [...timers].sort((a, b) => a.atMs - b.atMs)) {
      if (timer.atMs > clock.now()) return;
      timers.delete(timer);
      timer.fire();
    }
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
      clock.advance(ms);
      fireDue();
    },
    set: (ms) => {
      clock.set(ms);
      fireDue();
    },
  };
}
