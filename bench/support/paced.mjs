// Callers that keep to a rate whatever the server does, on connections of their own: how long each waits for an answer.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { answer } from './child.mjs';
import { percentile } from './statistics.mjs';

const statusLine = 'HTTP/1.1 ';

async function open(port, receive) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const connection = { socket, sentAt: [] };
  let rest = '';
  socket.on('data', (chunk) => {
    const text = rest + chunk.toString('latin1');
    let end = 0;
    for (let at = text.indexOf(statusLine); at !== -1; at = text.indexOf(statusLine, end)) {
      end = at + statusLine.length + 3;
      if (end > text.length) break;
      receive(connection, Number(text.slice(end - 3, end)));
    }
    // A status line may come in two pieces. Of what was read nothing is read again.
    rest = text.slice(Math.min(text.length, Math.max(end, text.length - statusLine.length - 2)));
  });
  return connection;
}

answer({
  /**
   * Sends requests for some seconds. A connection with the fewest open requests sends the next one.
   *
   * @param mostOpen - no more requests are sent while so many are not answered
   * @returns answered requests per second, and milliseconds from each request to its answer
   */
  async run({ port, credentials, expected, rate, seconds, connections, mostOpen = Infinity }) {
    const requests = credentials.map(
      (credential) => `GET /weather HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${credential}\r\n\r\n`,
    );
    const waits = [];
    let unexpected;
    const receive = ({ sentAt }, status) => {
      waits.push(performance.now() - sentAt.shift());
      if (status !== expected) unexpected = status;
    };
    const opened = await Promise.all(Array.from({ length: connections }, () => open(port, receive)));
    const startedAt = performance.now();
    let sent = 0;
    for (let elapsed = 0; elapsed < seconds * 1000; elapsed = performance.now() - startedAt) {
      const due = Math.floor((elapsed / 1000) * rate);
      const batches = new Map();
      for (; sent < due && sent - waits.length < mostOpen; sent++) {
        const connection = opened.reduce((least, other) => (other.sentAt.length < least.sentAt.length ? other : least));
        connection.sentAt.push(performance.now());
        batches.set(connection, (batches.get(connection) ?? '') + requests[sent % requests.length]);
      }
      for (const [{ socket }, text] of batches) socket.write(text, 'latin1');
      await pause(1);
    }
    const answered = waits.length;
    for (let turn = 0; waits.length < sent && turn < 100; turn++) await pause(20);
    for (const { socket } of opened) socket.destroy();
    if (unexpected !== undefined) throw new Error(`a request was answered ${unexpected} and not ${expected}`);
    if (waits.length < sent) throw new Error(`${sent - waits.length} requests had no answer after two seconds`);
    return { rate: answered / seconds, p50: percentile(waits, 0.5), p99: percentile(waits, 0.99) };
  },
});
