// Child processes that are asked by name and answer over IPC, each on a core of its own where `taskset` exists.
import { fork, spawn, spawnSync } from 'node:child_process';
import os from 'node:os';
import { join } from 'node:path';

const canPin = os.cpus().length > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0;

/** How processes are placed: the one that is measured alone on the first core, all others on the second. */
export const placement = canPin
  ? 'server pinned to core 0; load generator and issuer to core 1'
  : 'processes not pinned: no taskset here, or one core alone';

/**
 * @param script - a file of this folder that calls `answer`
 * @param core - where to pin it
 * @returns `ask(name, parameter)`, and `stop()`
 */
export function startChild(script, { core = 1, nodeFlags = [], env = {} } = {}) {
  const file = join(import.meta.dirname, script);
  const options = { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: { ...process.env, ...env } };
  const child = canPin
    ? spawn('taskset', ['-c', `${core}`, process.execPath, ...nodeFlags, file], options)
    : fork(file, { ...options, execArgv: nodeFlags });
  const pending = new Map();
  let asked = 0;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.on('message', ({ id, result, error }) => {
    const { resolve, reject } = pending.get(id);
    pending.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(`${script}: ${error}`));
  });
  child.once('exit', (code) => {
    for (const { reject } of pending.values()) reject(new Error(`${script} ended with ${code}.`));
  });
  return {
    ask: (name, parameter) =>
      new Promise((resolve, reject) => {
        const id = ++asked;
        pending.set(id, { resolve, reject });
        child.send({ id, name, parameter });
      }),
    stop: async () => {
      child.disconnect();
      await exited;
    },
  };
}

/** In the child: answers what the parent asks, and ends when the parent is gone. */
export function answer(questions) {
  process.on('message', async ({ id, name, parameter }) => {
    try {
      process.send({ id, result: await questions[name](parameter) });
    } catch (error) {
      process.send({ id, error: error?.stack ?? String(error) });
    }
  });
  process.once('disconnect', () => process.exit());
}
