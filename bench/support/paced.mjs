// Callers that keep to a rate whatever the server does, on connections of their own: how long each waits for an answer.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
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

/** Callers of one kind. They send at their rate, and not once they have an answer. */
class Callers {
  waits = [];
  late = [];
  sent = 0;
  #unexpected;
  #nextAt = 0;
  #requests;
  #connections;

  constructor({ credentials, expected, rate, mostOpen = Infinity }) {
    Object.assign(this, { expected, rate, mostOpen, intervalMs: 1000 / rate });
    this.#requests = credentials.map((credential) =>
      Buffer.from(`GET /weather HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${credential}\r\n\r\n`, 'latin1'),
    );
  }

  async connect(port, connections) {
    const receive = ({ sentAt }, status) => {
      this.waits.push(performance.now() - sentAt.shift());
      if (status !== this.expected) this.#unexpected = status;
    };
    this.#connections = await Promise.all(Array.from({ length: connections }, () => open(port, receive)));
  }

  begin(now) {
    this.#nextAt = now + this.intervalMs * Math.random();
  }

  /**
   * Sends the request that is due, if there is one, on a connection with the fewest open requests. The spaces between requests
   * differ by chance, so that two kinds do not keep step. What a pause of this process left undone is not made up for: that
   * would be a burst, and the requests of a burst wait for each other.
   */
  sendDue(now) {
    const dueAt = this.#nextAt;
    if (now < dueAt) return;
    const next = dueAt + this.intervalMs * (0.5 + Math.random());
    this.#nextAt = Math.max(next, now);
    if (this.sent - this.waits.length >= this.mostOpen) return;
    this.late.push(now - dueAt);
    const connection = this.#connections.reduce((least, other) =>
      other.sentAt.length < least.sentAt.length ? other : least,
    );
    connection.sentAt.push(now);
    connection.socket.write(this.#requests[this.sent++ % this.#requests.length]);
  }

  close() {
    for (const { socket } of this.#connections) socket.destroy();
  }

  results(seconds) {
    const missing = this.sent - this.waits.length;
    if (this.#unexpected !== undefined) {
      throw new Error(`a request was answered ${this.#unexpected} and not ${this.expected}`);
    }
    if (missing > 0) throw new Error(`${missing} requests had no answer after two seconds`);
    const [p50, p99] = [0.5, 0.99].map((share) => percentile(this.waits, share));
    return { rate: this.sent / seconds, p50, p99, late: percentile(this.late, 0.99) };
  }
}

answer({
  /**
   * Sends requests of some kinds for some seconds. All are sent by one process, which does not sleep meanwhile: two would wait
   * for each other's core, and a timer wakes a process once in a millisecond, with all that is due since then.
   *
   * @param kinds - by name: `credentials`, `expected` status, `rate` per second, `connections`, and `mostOpen`: no more are
   *   sent while so many are not answered
   * @returns by name: requests sent per second, milliseconds from each request to its answer, and the p99 of how late requests
   *   were sent: as long this process had no core, or was busy, and so long it may have read an answer late
   */
  async run({ port, seconds, kinds }) {
    const callers = new Map(Object.entries(kinds).map(([name, kind]) => [name, new Callers(kind)]));
    for (const [name, one] of callers) await one.connect(port, kinds[name].connections);
    const startedAt = performance.now();
    for (const one of callers.values()) one.begin(startedAt);
    while (performance.now() - startedAt < seconds * 1000) {
      for (const one of callers.values()) one.sendDue(performance.now());
      await turn();
    }
    const isWaiting = () => [...callers.values()].some(({ waits, sent }) => waits.length < sent);
    for (let times = 0; isWaiting() && times < 100; times++) await pause(20);
    for (const one of callers.values()) one.close();
    return Object.fromEntries([...callers].map(([name, one]) => [name, one.results(seconds)]));
  },
});
