// Processor time of this process, and of its main thread alone where Linux tells.
import { readFileSync } from 'node:fs';

/** The first number of a thread's schedstat is the time it ran, in nanoseconds; the process's own is its main thread's. */
function mainThreadMicros() {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[0]) / 1000;
  } catch {
    return NaN;
  }
}

/** Microseconds so far: `all` of every thread (libuv's pool and the garbage collector's too), `main` of the main one. */
export function processorTime() {
  const { user, system } = process.cpuUsage();
  return { all: user + system, main: mainThreadMicros() };
}

export function since(start) {
  const now = processorTime();
  return { all: now.all - start.all, main: now.main - start.main };
}
