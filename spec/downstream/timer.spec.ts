import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemTimer, within } from '../../src/downstream/timer.js';
import { errorOf } from '../support/refusals.js';

const late = () => new Error('late');

/** Keeps the process busy. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('within', () => {
  it('takes an answer that came in while the process was busy', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [served] = (await once(server, 'connection')) as [Socket];
    const answer = within(20, systemTimer, () => once(client, 'data'), late);
    served.write('answer');
    block(60);
    expect(String(await answer)).toBe('answer');
    client.destroy();
    server.close();
  });

  it('takes an answer to what the process was too busy to send', async () => {
    const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(client, 'connect');
    const ask = () => {
      // As the package redis does: the commands of one turn are sent together.
      setImmediate(() => client.write('answer'));
      return once(client, 'data');
    };
    const answer = within(100, systemTimer, ask, late);
    block(150);
    expect(String(await answer)).toBe('answer');
    client.destroy();
    server.close();
  });

  it('ends where there is no answer', async () => {
    const never = () => new Promise(() => undefined);
    expect(await errorOf(() => within(5, systemTimer, never, late))).toEqual(late());
  });
});

describe('systemTimer', () => {
  it('can be stopped until it calls back', async () => {
    let calls = 0;
    const stop = systemTimer(1, () => calls++);
    setTimeout(stop, 1);
    // Both times are over when the timers run: the second stops what the first put off.
    block(5);
    const stopped = systemTimer(1, () => calls++);
    stopped();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(calls).toBe(0);
  });
});
