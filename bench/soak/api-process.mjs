// An API under load, in a process of its own that is told what to do over IPC.
import { fork } from 'node:child_process';

/**
 * @param file - of this folder; it calls `hear`
 * @returns `tell(command, parameters)`, and `stop()`
 */
export function startApi(file) {
  const child = fork(new URL(file, import.meta.url), { execArgv: ['--expose-gc'] });
  let asked = 0;
  const tell = (command, parameters = {}) => {
    const id = ++asked;
    return new Promise((resolve) => {
      const listen = (message) => {
        if (message.id !== id) return;
        child.off('message', listen);
        resolve(message.result);
      };
      child.on('message', listen);
      child.send({ id, command, ...parameters });
    });
  };
  // A crash is the worst of wrong answers.
  child.on('exit', (code) => {
    console.error(`The server process ended with code ${code}.`);
    process.exit(1);
  });
  const stop = () => {
    child.removeAllListeners('exit');
    child.kill();
  };
  return { tell, stop };
}

/** In the API's process: does what the parent tells it, and ends when the parent is gone. */
export function hear(commands) {
  process.on('message', async ({ id, command, ...parameters }) => {
    process.send({ id, result: await commands[command](parameters) });
  });
  process.on('disconnect', () => process.exit());
}
