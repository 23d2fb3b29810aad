/** No token of a call is shown, whatever goes wrong. */
import { format, inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { downstreamApi, type DownstreamApi } from '../../src/downstream/downstream-api.js';
import { DownstreamError, TokenUnavailableError } from '../../src/downstream/errors.js';
import type { TokenSource } from '../../src/downstream/token-source.js';
import { marker, sourceFor, startStubApi, type StubApi } from '../support/downstream-api.js';
import { errorOf } from '../support/refusals.js';

let stub: StubApi;
beforeAll(async () => {
  stub = await startStubApi();
});
afterAll(() => stub.close());
beforeEach(() => {
  stub.respond = (response) => response.end('{}');
});

const apiWith = (members: Partial<TokenSource> = {}): DownstreamApi =>
  downstreamApi(sourceFor(stub.url, { timeoutMs: 200 }, members));

/** All that a log may show of a value. */
function shown(value: unknown): string {
  return [
    inspect(value, { depth: 30, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity }),
    format('%o %O %j %s', value, value, value, value),
    JSON.stringify(value),
    String((value as Error | undefined)?.stack),
  ].join('\n');
}

describe('a token', () => {
  it('is not shown by the object that used it', async () => {
    const api = apiWith();
    await api.get('/me');
    await api.getToken();
    expect(shown(api)).not.toContain(marker);
    expect(JSON.stringify({ api })).toBe('{"api":{}}');
    expect(inspect(api)).toBe('DownstreamApi {}');
  });

  it.each<[string, (stub: StubApi) => void]>([
    ['a status', () => (stub.respond = (response) => response.writeHead(500).end())],
    ['a reset', () => (stub.respond = (response) => response.socket?.destroy())],
    ['a time-out', () => (stub.respond = () => undefined)],
    ['a body that is echoed', () => (stub.respond = (response, { headers }) => response.end(headers.authorization))],
    [
      'a failure that is echoed',
      () => (stub.respond = (response, { headers }) => response.writeHead(400).end(headers.authorization)),
    ],
    [
      'a header that is echoed',
      () =>
        (stub.respond = (response, { headers }) =>
          response.writeHead(400, { 'X-Sent': String(headers.authorization) }).end()),
    ],
    ['an answer that is no HTTP', () => (stub.respond = (response) => response.socket?.end('what?\r\n\r\n'))],
  ])('is not shown by the error after %s', async (_, arrange) => {
    arrange(stub);
    const error = await errorOf(() => apiWith().get('/me'));
    expect(error).toBeInstanceOf(DownstreamError);
    expect(shown(error)).not.toContain(marker);
  });

  it.each([400, 200])('is not shown in part where a failure with status %i is cut within it', async (status) => {
    for (const shownPart of [0, 1, 10, marker.length, marker.length + 1, marker.length + 2]) {
      const start = 'x'.repeat(64 * 1024 - shownPart);
      stub.respond = (response, { headers }) => {
        const token = String(headers.authorization).replace('Bearer ', '');
        response.writeHead(status).end(`${start}${token}${token}`);
      };
      const { response } = (await errorOf(() => apiWith().get('/me'))) as DownstreamError;
      expect(response?.text.slice(0, start.length)).toBe(start);
      expect(response?.text.slice(start.length)).not.toMatch(/marker-/);
    }
  });

  it('is not shown in part where the body itself ends within it', async () => {
    stub.respond = (response) => response.writeHead(400).end(`the token ${marker.slice(0, 25)}`);
    const { response } = (await errorOf(() => apiWith().get('/me'))) as DownstreamError;
    expect(response?.text).toBe('the token ');
  });

  it.each<[string, string | RegExp, (headers: Headers) => unknown]>([
    ['its message', /left out here/, (headers) => new Error(`no answer to ${String(headers.get('authorization'))}`)],
    ['its name', /left out here/, (headers) => Object.assign(new Error('no'), { name: headers.get('authorization') })],
    ['its code', /left out here/, (headers) => Object.assign(new Error('no'), { code: headers.get('authorization') })],
    ['a member', 'no', (headers) => Object.assign(new Error('no'), { config: { headers: { all: [...headers] } } })],
    ['its cause', 'no', (headers) => new Error('no', { cause: { request: { deep: { headers } } } })],
    ['its cause, as a text', 'no', (headers) => new Error('no', { cause: headers.get('authorization') })],
    ['a hidden member', 'no', (headers) => Object.defineProperty(new Error('no'), 'a', { value: { headers } })],
    ['bytes', 'no', (headers) => Object.assign(new Error('no'), { body: Buffer.from(String([...headers])) })],
    ['a getter', 'no', (headers) => Object.defineProperty(new Error('no'), 'a', { get: () => [...headers] })],
    ['toJSON', 'no', (headers) => Object.assign(new Error('no'), { toJSON: () => [...headers] })],
    [
      'inspect',
      'no',
      (headers) => Object.assign(new Error('no'), { [inspect.custom]: () => 'x', at: () => [...headers] }),
    ],
    [
      'a Proxy',
      /left out here/,
      (headers) => new Proxy(new Error('no'), { get: () => [...headers].map(String).join() }),
    ],
    [
      'what cannot be read',
      /left out here/,
      () =>
        Object.defineProperty(new Error('no'), 'message', {
          get() {
            throw new Error('unreadable');
          },
        }),
    ],
    ['a text', /left out here/, (headers) => headers.get('authorization')],
    ['an object', '', (headers) => ({ headers: Object.fromEntries(headers) })],
  ])('is left out where the fetch of the application throws it in %s', async (_, message, thrown) => {
    let foreign: unknown;
    const fetch: TokenSource['fetch'] = (__, init) => {
      foreign = thrown(new Headers(init?.headers));
      throw foreign;
    };
    const error = (await errorOf(() => apiWith({ fetch }).fetch('/me'))) as DownstreamError;
    expect(error).toBeInstanceOf(DownstreamError);
    const cause = error.cause as Error;
    expect(cause).toBeInstanceOf(Error);
    expect(cause === foreign).toBe(false);
    expect(cause.message).toMatch(typeof message === 'string' ? new RegExp(`^${message}$`) : message);
    for (const at of [error, cause, cause.cause]) expect(shown(at)).not.toContain(marker);
    expect(
      Reflect.ownKeys(cause).filter((key) => !['name', 'message', 'code', 'stack', 'cause'].includes(String(key))),
    ).toEqual([]);
  });

  it('takes no text from an error that does not show it', async () => {
    const reset = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    const fetch: TokenSource['fetch'] = () => Promise.reject(new TypeError('fetch failed', { cause: reset }));
    const { cause } = (await errorOf(() => apiWith({ fetch }).fetch('/me'))) as DownstreamError;
    expect(cause).toMatchObject({ name: 'TypeError', message: 'fetch failed' });
    expect((cause as Error).cause).toMatchObject({ message: 'socket hang up', code: 'ECONNRESET', stack: reset.stack });
  });

  it('is not shown where it is no header value', async () => {
    for (const token of [`${marker}\r\nX: y`, `${marker}\u{1F600}`]) {
      const error = await errorOf(() =>
        apiWith({ token: () => ({ token, expiresAtMs: Infinity, refreshAtMs: Infinity }) }).get('/me'),
      );
      expect(error).toBeInstanceOf(TokenUnavailableError);
      expect(shown(error)).not.toContain(marker);
    }
  });
});
