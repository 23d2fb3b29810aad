// What an API's process tells about itself: its memory, and the delays of its event loop.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delays = [];
let monitor;
const milliseconds = (nanoseconds) => Math.round(nanoseconds / 1e4) / 100;

export const figures = {
  /** Between phases: memory after a collection that the event loop's figures do not count. */
  pause() {
    if (monitor !== undefined) {
      monitor.disable();
      delays.push({ p50: monitor.percentile(50), p99: monitor.percentile(99), max: monitor.max });
    }
    globalThis.gc();
    const { rss, heapUsed } = process.memoryUsage();
    return { rss, heapUsed };
  },
  resume() {
    // A new one each time: one that is enabled again counts the pause as a delay.
    monitor = monitorEventLoopDelay({ resolution: 1 });
    monitor.enable();
  },
  /** The median phase's median, and the worst phase's 99th percentile and maximum. */
  delays() {
    const sorted = (member) => delays.map((phase) => phase[member]).sort((a, b) => a - b);
    return {
      p50: milliseconds(sorted('p50')[Math.floor(delays.length / 2)]),
      p99: milliseconds(sorted('p99').at(-1)),
      max: milliseconds(sorted('max').at(-1)),
    };
  },
};
