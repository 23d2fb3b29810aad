// A server's own process without a network: requests and answers pass through Node's HTTP parser, and through memory.
import { createServer } from 'node:http';
import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers';
import { readTokens } from './authority.mjs';
import { answer } from './child.mjs';
import { setAhead } from './clock.mjs';
import { processorTime, since } from './processor-time.mjs';

/** What Node's server asks of a socket, and does nothing about in memory. */
class MemorySocket extends Duplex {
  remoteAddress = '127.0.0.1';
  answered = () => {};
  _read() {}
  _write(chunk, _encoding, done) {
    this.answered(chunk.toString('latin1'));
    done();
  }
  setTimeout() {
    return this;
  }
}

let send;

function open(app) {
  const socket = new MemorySocket();
  createServer(app).emit('connection', socket);
  let text = '';
  /** @returns the status, once the answer is whole */
  return (request) =>
    new Promise((resolve) => {
      socket.answered = (chunk) => {
        text += chunk;
        const [head, body] = text.split('\r\n\r\n');
        if (body === undefined || body.length < Number(/content-length: (\d+)/i.exec(head)?.[1])) return;
        text = '';
        // The next request comes with a turn of the event loop, as from a network.
        setImmediate(resolve, Number(head.split(' ', 2)[1]));
      };
      socket.push(request);
    });
}

/** @param credential - the value of the header; none leaves it out */
function requestOf(credential) {
  const header = credential == null ? '' : `Authorization: ${credential}\r\n`;
  return Buffer.from(`GET /weather HTTP/1.1\r\nHost: localhost\r\n${header}\r\n`);
}

const bearer = (token) => `Bearer ${token}`;

/**
 * Sends `amount` requests with credentials in turn, all of which must be answered alike.
 *
 * @param aheadMs - by how much the clock of the API is ahead meanwhile
 */
async function spend({ credentials, amount, expected, aheadMs = 0 }) {
  const requests = credentials.map(requestOf);
  setAhead(aheadMs);
  const begun = processorTime();
  for (let index = 0; index < amount; index++) {
    const status = await send(requests[index % requests.length]);
    if (status !== expected) throw new Error(`a request was answered ${status} and not ${expected}`);
  }
  const { main, all } = since(begun);
  setAhead(0);
  return { main: main / amount, all: all / amount };
}

let tokens;

answer({
  /** @param route - the file of this folder that creates the application */
  async start({ file, route = 'route.mjs', ...options }) {
    const { createApp } = await import(`./${route}`);
    send = open(await createApp(options));
    tokens = file === undefined ? [] : readTokens(file);
  },
  /** @returns the status that a token is answered with */
  status: (token) => send(requestOf(token && bearer(token))),
  /**
   * Sends `amount` requests with the tokens at the places `from` to `to`, in turn.
   *
   * @returns microseconds of the main thread, and of all threads, for each request
   */
  run: ({ amount, from = 0, to = tokens.length }) =>
    spend({ credentials: tokens.slice(from, to).map(bearer), amount, expected: 200 }),
  /** The same for any values of the header. @returns microseconds as above */
  spend,
});
