import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DownloadError, downloadJson } from '../../src/core/download.js';
import { until } from '../support/clock.js';
import { errorOf } from '../support/refusals.js';

const mebibyte = 1024 * 1024;
const servers: Server[] = [];

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

const answering = (body: string | Uint8Array, headers: Record<string, string> = {}, status = 200) =>
  serve((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  });

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(
    servers.splice(0).map(async (server) => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    }),
  );
});

const never = new AbortController().signal;
const download = (url: string, closing = never) => downloadJson(fetch, url, closing);

async function failureOf(url: string, closing = never): Promise<DownloadError> {
  const error = await errorOf(() => download(url, closing));
  expect(error).toBeInstanceOf(DownloadError);
  return error as DownloadError;
}

describe('downloadJson', () => {
  it('gives the document, asks for JSON, and for no connection to be kept', async () => {
    let asked: IncomingHttpHeaders = {};
    const url = await serve((request, response) => {
      asked = request.headers;
      response.end('{"keys":[]}');
    });
    expect(await download(url)).toEqual({ keys: [] });
    expect(asked).toMatchObject({ accept: 'application/json', connection: 'close' });
  });

  it('reads a document that is compressed, and one of exactly 1 MiB', async () => {
    expect(await download(await answering(gzipSync('{"a":1}'), { 'content-encoding': 'gzip' }))).toEqual({ a: 1 });
    const largest = `"${'a'.repeat(mebibyte - 2)}"`;
    expect(await download(await answering(largest))).toHaveLength(mebibyte - 2);
  });

  it.each([201, 204, 206, 304, 400, 401, 403, 404, 429, 500, 502, 503])('fails at status %i', async (status) => {
    const hasBody = status !== 204 && status !== 304;
    const url = await answering(hasBody ? '{"keys":[]}' : '', {}, status);
    expect(await failureOf(url)).toMatchObject({
      message: `GET ${url} answered ${String(status)}`,
      isNetworkFault: false,
    });
  });

  it.each([301, 302, 303, 307, 308])('does not follow a redirect with status %i', async (status) => {
    const visited: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      visited.push(request.url);
      if (request.url === '/elsewhere') response.end('{"keys":[]}');
      else response.writeHead(status, { location: '/elsewhere' }).end();
    });
    await failureOf(url);
    expect(visited).toEqual(['/']);
  });

  it('does not take what a fetch that follows redirects all the same brings from elsewhere', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/elsewhere') response.end('{"keys":[]}');
      else response.writeHead(302, { location: '/elsewhere' }).end();
    });
    const following: typeof fetch = (input, init) => fetch(input, { ...init, redirect: 'follow' });
    expect(await errorOf(() => downloadJson(following, url, never))).toEqual(
      new DownloadError(`GET ${url} was redirected`),
    );
  });

  it.each([
    ['HTML', '<!doctype html><html></html>'],
    ['truncated JSON', '{"keys":[{"kty":"RS'],
    ['two documents', '{}{}'],
    ['nothing', ''],
    ['white space', ' \n'],
  ])('fails at a body of %s', async (_, body) => {
    const url = await answering(body);
    const error = await failureOf(url);
    expect(error.message).toBe(`GET ${url} answered something other than JSON`);
    expect(error.cause).toBeInstanceOf(SyntaxError);
  });

  it('fails at an answer that has no body at all', async () => {
    const empty = () => Promise.resolve(new Response(null));
    const error = await errorOf(() => downloadJson(empty, 'https://login.example', never));
    expect(error).toBeInstanceOf(DownloadError);
    expect((error as Error).message).toBe('GET https://login.example answered something other than JSON');
  });

  it('fails at bytes that are not UTF-8', async () => {
    await failureOf(await answering(Buffer.from([0x22, 0xff, 0x22])));
  });

  it('fails at a body that is not compressed as it says', async () => {
    await failureOf(await answering('{}', { 'content-encoding': 'gzip' }));
  });

  it('fails at a body that is cut off', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"keys":');
      setImmediate(() => response.destroy());
    });
    await failureOf(url);
  });

  it('fails where nobody listens, and names the last cause', async () => {
    const url = await answering('{}');
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const error = await failureOf(url);
    expect(error.name).toBe('DownloadError');
    expect(error.message).toBe(`GET ${url} failed (connect ECONNREFUSED ${new URL(url).host})`);
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ isNetworkFault: true, isLocal: true });
  });

  const coded = (message: string, code: unknown) => Object.assign(new Error(message), { code });
  const refusals = new AggregateError([coded('connect ECONNREFUSED ::1:443', 'ECONNREFUSED'), new Error('second')]);

  it.each<[string, unknown, string]>([
    [
      'a host that is not known',
      coded('getaddrinfo ENOTFOUND login.example', 'ENOTFOUND'),
      ' (getaddrinfo ENOTFOUND login.example)',
    ],
    ['several addresses', Object.assign(refusals, { code: 'ECONNREFUSED' }), ' (connect ECONNREFUSED ::1:443)'],
    ['several addresses without a reason', coded('', 'ETIMEDOUT'), ' (ETIMEDOUT)'],
    [
      'a certificate',
      coded('self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'),
      ' (self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT))',
    ],
    ['a cause of a cause', new Error('outer', { cause: coded('read ECONNRESET', 'ECONNRESET') }), ' (read ECONNRESET)'],
    ['a message of several lines', coded('EPROTO\n01:error', 'EPROTO'), ' (EPROTO\\u{a}01:error)'],
    ['a long message', coded('E2BIG'.repeat(60), 'E2BIG'), ` (${'E2BIG'.repeat(40)}…)`],
    ['an error without a code', new Error('proxy-password'), ''],
    ['a code that is no word', coded('proxy-password', 7), ''],
    ['no error', 'proxy-password', ''],
  ])('names the last cause: %s', async (_, cause, said) => {
    const failing = () => Promise.reject(new TypeError('fetch failed', { cause }));
    const error = await errorOf(() => downloadJson(failing, 'https://login.example', never));
    expect((error as DownloadError).message).toBe(`GET https://login.example failed${said}`);
  });

  it('fails where the fetch throws', async () => {
    const cause = new Error('no network');
    const throwing = () => {
      throw cause;
    };
    const error = await errorOf(() => downloadJson(throwing, 'https://login.example', never));
    expect(error).toBeInstanceOf(DownloadError);
    expect((error as DownloadError).message).toBe('GET https://login.example failed');
    expect((error as DownloadError).cause).toBe(cause);
  });
});

describe('the bound on size', () => {
  it('refuses a body of one byte more', async () => {
    const url = await answering(`"${'a'.repeat(mebibyte - 1)}"`);
    expect((await failureOf(url)).message).toBe(`GET ${url} answered more than 1048576 bytes`);
  });

  it('hangs up on a body without end', async () => {
    let isClosed = false;
    let sent = 0;
    const chunk = Buffer.alloc(64 * 1024, ' ');
    const url = await serve((_, response) => {
      response.writeHead(200);
      const pump = () => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      };
      response.on('drain', pump).on('close', () => (isClosed = true));
      pump();
    });
    await failureOf(url);
    await until(() => isClosed);
    expect(sent).toBeLessThan(32 * mebibyte);
  });

  it('refuses a gzip bomb without unpacking it', async () => {
    // Members one after another make one stream: 1 GiB in 1 MiB.
    const member = gzipSync(Buffer.alloc(16 * mebibyte));
    const bomb = Buffer.concat(Array.from({ length: 64 }, () => member));
    const url = await answering(bomb, { 'content-encoding': 'gzip' });
    const before = process.memoryUsage().rss;
    expect((await failureOf(url)).message).toBe(`GET ${url} answered more than 1048576 bytes`);
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * mebibyte);
  });
});

describe('the bound on time', () => {
  async function expectGivenUpOn(started: Promise<unknown>, url: string): Promise<void> {
    let isSettled = false;
    void started.finally(() => (isSettled = true));
    await vi.advanceTimersByTimeAsync(4_999);
    expect(isSettled).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    const error = await started;
    expect(error).toBeInstanceOf(DownloadError);
    expect(error).toMatchObject({ message: `GET ${url} took longer than 5000 ms`, isNetworkFault: true });
  }

  it.each<[string, RequestListener]>([
    ['says nothing', () => undefined],
    [
      'sends its headers and nothing after them',
      (_, response) => {
        response.writeHead(200).flushHeaders();
      },
    ],
    [
      'stops in its body',
      (_, response) => {
        response.write('{"keys":[');
      },
    ],
  ])('gives up on a server that %s', async (_, listener) => {
    let isAsked = false;
    let isClosed = false;
    const url = await serve((request, response) => {
      isAsked = true;
      response.on('close', () => (isClosed = true));
      listener(request, response);
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const started = errorOf(() => download(url));
    await until(() => isAsked);
    await expectGivenUpOn(started, url);
    await until(() => isClosed);
  });

  it('gives up on a fetch that pays no heed to its signal', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const url = 'https://login.example';
    await expectGivenUpOn(
      errorOf(() => downloadJson(() => new Promise(() => undefined), url, never)),
      url,
    );
  });

  it('leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await downloadJson(() => Promise.resolve(Response.json({})), 'https://login.example', never);
    await errorOf(() => downloadJson(() => Promise.reject(new Error()), 'https://login.example', never));
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('closing', () => {
  it('asks for nothing where it happened already', async () => {
    const asked = vi.fn(() => Promise.resolve(Response.json({})));
    const reason = new Error('closed');
    const error = await errorOf(() => downloadJson(asked, 'https://login.example', AbortSignal.abort(reason)));
    expect(error).toBeInstanceOf(DownloadError);
    expect((error as Error).message).toBe('GET https://login.example was not sent');
    expect((error as Error).cause).toBe(reason);
    expect(asked).not.toHaveBeenCalled();
  });

  it('hangs up on a download under way', async () => {
    let isAsked = false;
    let isClosed = false;
    const url = await serve((_, response) => {
      isAsked = true;
      response.on('close', () => (isClosed = true)).write('{');
    });
    const closing = new AbortController();
    const failure = failureOf(url, closing.signal);
    await until(() => isAsked);
    const reason = new Error('closed');
    closing.abort(reason);
    expect(await failure).toMatchObject({ cause: reason, isNetworkFault: false });
    await until(() => isClosed);
  });

  it('ends a fetch that pays no heed to its signal', async () => {
    const closing = new AbortController();
    const failure = errorOf(() =>
      downloadJson(() => new Promise(() => undefined), 'https://login.example', closing.signal),
    );
    closing.abort(new Error('closed'));
    expect(await failure).toBeInstanceOf(DownloadError);
  });
});

describe('Retry-After', () => {
  it.each<[string | undefined, number]>([
    [undefined, 0],
    ['0', 0],
    ['1', 1],
    ['120', 120],
    ['300', 300],
    ['301', 300],
    ['86400', 300],
    ['-1', 0],
    ['', 0],
    ['soon', 0],
    ['NaN', 0],
    ['Infinity', 0],
  ])('is read from %j as %i seconds', async (value, seconds) => {
    const url = await answering('', value === undefined ? {} : { 'retry-after': value }, 503);
    expect((await failureOf(url)).retryAfterSeconds).toBe(seconds);
  });

  it('is 0 where the failure is another', async () => {
    expect((await failureOf(await answering('<html>', { 'retry-after': '60' }))).retryAfterSeconds).toBe(0);
  });
});
