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

  it.each<[string, (headers: Headers) => Error]>([
    ['its message', (headers) => new Error(`no answer to ${String(headers.get('authorization'))}`)],
    ['a member', (headers) => Object.assign(new Error('no answer'), { config: { headers: { all: [...headers] } } })],
    ['its cause', (headers) => new Error('no answer', { cause: { request: { deep: { headers } } } })],
    ['a hidden member', (headers) => Object.defineProperty(new Error('no'), 'request', { value: { headers } })],
    ['its name', (headers) => Object.assign(new Error('no'), { name: String(headers.get('authorization')) })],
  ])('is left out where the fetch of the application throws it in %s', async (_, thrown) => {
    const fetch: TokenSource['fetch'] = (__, init) => Promise.reject(thrown(new Headers(init?.headers)));
    const error = (await errorOf(() => apiWith({ fetch }).fetch('/me'))) as DownstreamError;
    expect(error).toBeInstanceOf(DownstreamError);
    expect((error.cause as Error).message).toMatch(/which is left out here/);
    expect(shown(error)).not.toContain(marker);
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
