/** A call of another API that fails: what is published of it, and what the developer reads. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Get, JsonController } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  asApplication,
  DownstreamApi,
  initialize,
  OnBehalfOf,
  RequiresAuth,
  type DownstreamCallEvent,
} from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { serve, type Api } from '../support/api.js';
import { collectExplanations } from '../support/explanations.js';
import { forgetWarnings } from '../support/isolation.js';
import { errorOf } from '../support/refusals.js';

const mark = 'm4rk3r';

let path = '/me';
let use = (graph: DownstreamApi): Promise<unknown> => graph.get(path);

@JsonController()
@RequiresAuth()
class ProfileController {
  @Get('/me')
  me(@OnBehalfOf('graph') graph: DownstreamApi) {
    return use(graph);
  }
}

let issuer: TestIssuer;
let api: Api;
beforeAll(async () => {
  issuer = await startTestIssuer();
  api = await serve([ProfileController]);
});
afterAll(async () => {
  await api.close();
  await issuer.close();
});

let answer: () => Promise<Response>;
const graph = { baseUrl: 'https://graph.example/v1.0', scopes: ['https://graph.example/User.Read'] };

function configure(timeoutMs: number): void {
  initialize({
    ...issuer.options,
    diagnostics: true,
    fetch: (input, init) =>
      typeof input === 'string' && input.startsWith('https://graph.example/') ? answer() : fetch(input, init),
    downstream: { ...issuer.downstreamOptions, apis: { graph: { ...graph, timeoutMs } } },
  });
}

let events: DownstreamCallEvent[];
const listener = (message: unknown) => events.push(message as DownstreamCallEvent);
const channel = 'microsoft-identity-decorators:downstream-call';
const explanations = collectExplanations();

beforeEach(() => {
  events = [];
  path = `/stock/${mark}?name=${mark}`;
  use = (graph) => graph.get(path);
  answer = () => Promise.resolve(new Response(mark, { status: 404 }));
  forgetWarnings();
  vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  subscribe(channel, listener);
  configure(20);
});
afterEach(() => {
  unsubscribe(channel, listener);
  vi.restoreAllMocks();
});

const call = async (claims: Record<string, unknown> = {}) => api.call('/me', { token: await issuer.token(claims) });
const took = expect.any(Number) as number;

describe('the event of a failed call', () => {
  it('has the API, the method and the status, and nothing of the path and of the answer', async () => {
    expect((await call()).status).toBe(502);
    expect(events).toEqual([{ api: 'graph', as: 'user', method: 'GET', status: 404, milliseconds: took }]);
  });

  it('has no status where the API did not answer', async () => {
    answer = () => Promise.reject(new TypeError(mark));
    use = (graph) => graph.fetch(path, { method: 'put', body: mark });
    await call();
    expect(events).toEqual([{ api: 'graph', as: 'user', method: 'PUT', milliseconds: took }]);
  });

  it('has the status of an answer that is no JSON', async () => {
    answer = () => Promise.resolve(new Response(mark));
    use = (graph) => graph.post(path, { mark });
    await call();
    expect(events).toEqual([
      { api: 'graph', as: 'user', method: 'POST', status: 200, reason: 'not_json', milliseconds: took },
    ]);
  });

  it('tells of calls of the application, also without a request', async () => {
    await errorOf(() => asApplication('graph').delete(path));
    expect(events).toEqual([{ api: 'graph', as: 'application', method: 'DELETE', status: 404, milliseconds: took }]);
  });

  it('is published once where the application handles the error', async () => {
    use = (graph) => graph.get(path).catch(() => ({}));
    expect((await call()).status).toBe(200);
    expect(events).toHaveLength(1);
  });

  it('is not published for a call that succeeds, for one that the application gave up, and for a status that fetch returns', async () => {
    answer = () => Promise.resolve(Response.json({}));
    await call();
    answer = () => Promise.resolve(new Response('', { status: 404 }));
    use = async (graph) => ({ status: (await graph.fetch(path)).status });
    expect((await call()).body).toEqual({ status: 404 });
    answer = () => new Promise(() => undefined);
    use = (graph) => graph.get(path, { signal: AbortSignal.abort() });
    await call();
    // A token that is not had is the matter of the other channel.
    use = (graph) => graph.get(path);
    await api.call('/me', { token: await issuer.appToken() });
    expect(events).toEqual([]);
  });
});

describe('the reason of a call without an answer', () => {
  const withCode = (code: string) => new TypeError('fetch failed', { cause: Object.assign(new Error(mark), { code }) });

  it.each<[DownstreamCallEvent['reason'], Error]>([
    ['timeout', withCode('UND_ERR_CONNECT_TIMEOUT')],
    ['timeout', withCode('ETIMEDOUT')],
    ['timeout', new DOMException(mark, 'TimeoutError')],
    ['aborted', new DOMException(mark, 'AbortError')],
    ['dns', withCode('ENOTFOUND')],
    ['dns', withCode('EAI_AGAIN')],
    ['refused', withCode('ECONNREFUSED')],
    ['unreachable', withCode('EHOSTUNREACH')],
    ['reset', withCode('ECONNRESET')],
    ['reset', withCode('UND_ERR_SOCKET')],
    ['tls', withCode('CERT_HAS_EXPIRED')],
    ['tls', withCode('ERR_TLS_CERT_ALTNAME_INVALID')],
    ['tls', withCode('UNABLE_TO_VERIFY_LEAF_SIGNATURE')],
    ['malformed', withCode('HPE_INVALID_CONSTANT')],
    ['malformed', withCode('UND_ERR_HEADERS_OVERFLOW')],
  ])('is %s, in the event, the message and the explanation: %o', async (reason, error) => {
    answer = () => Promise.reject(error);
    expect((await call()).status).toBe(502);
    expect(events).toEqual([{ api: 'graph', as: 'user', method: 'GET', reason, milliseconds: took }]);
    const hint = `The API graph did not answer (${String(reason)}). The call was GET /v1.0/stock/`;
    expect(explanations).toMatchObject([{ hint: expect.stringContaining(hint) as string }]);
    expect(JSON.stringify([events, explanations])).not.toContain(mark);
    const { message } = (await errorOf(() => asApplication('graph').get('/'))) as Error;
    expect(message).toBe(`The API graph did not answer (${String(reason)}).`);
  });

  it('is timeout after timeoutMs', async () => {
    answer = () => new Promise(() => undefined);
    await call();
    expect(events).toMatchObject([{ reason: 'timeout' }]);
  });

  it.each([
    ['no code', new TypeError('fetch failed', { cause: new Error(mark) })],
    ['an unknown code', withCode(mark.toUpperCase())],
    ['a code that is no text', Object.assign(new Error(mark), { code: 7 })],
    [
      'a cause that is itself',
      Object.assign(new Error(mark), {
        get cause(): unknown {
          return this;
        },
      }),
    ],
  ])('is not there for an error with %s', async (_, error) => {
    answer = () => Promise.reject(error);
    await call();
    expect(events).toEqual([{ api: 'graph', as: 'user', method: 'GET', milliseconds: took }]);
    expect(explanations[0]?.hint).toContain('The API graph did not answer. The call was GET');
  });

  it.each<[DownstreamCallEvent['reason'], string, (socket: Socket) => void]>([
    ['reset', 'http', (socket) => socket.resetAndDestroy()],
    ['reset', 'http', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{')],
    ['malformed', 'http', (socket) => socket.end(`${mark}\r\n\r\n`)],
    ['tls', 'https', (socket) => socket.end(`${mark}\r\n\r\n`)],
  ])('is %s over %s, as the HTTP client of Node fails: %o', async (reason, scheme, onRequest) => {
    const server = createServer((socket) =>
      socket
        .on('error', () => undefined)
        .once('data', () => {
          onRequest(socket);
        }),
    );
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    answer = () => fetch(`${scheme}://127.0.0.1:${String(port)}`);
    configure(5_000);
    await call();
    await once(server.close(), 'close');
    expect(events).toMatchObject([{ reason }]);
    answer = () => fetch(`http://127.0.0.1:${String(port)}`);
    await call();
    expect(events).toMatchObject([{ reason }, { reason: 'refused' }]);
  });
});

describe('the explanation of a failed call', () => {
  it.each([
    ['/stok', 'GET /v1.0/stok.'],
    ['/users/7b2a/manager', 'GET /v1.0/users/…/manager'],
    ['/users/joe%40contoso.com', 'GET /v1.0/users/…'],
    ['/stock?filter=red', 'GET /v1.0/stock.'],
    ['/people/Ada', 'GET /v1.0/people/…'],
    ['/people/lovelace/orders', 'GET /v1.0/people/…/orders'],
    [`/${'a'.repeat(41)}`, 'GET /v1.0/…'],
    ['/', 'GET /v1.0/'],
  ])('has the method and the path, without what may be a value: %s', async (of, shown) => {
    path = of;
    await call({ name: 'Ada Lovelace', oid: 'ada' });
    expect(explanations).toMatchObject([
      { code: 'downstream_failed', hint: expect.stringContaining(`status 404. The call was ${shown}`) as string },
    ]);
  });

  it('has no part of a token that stands in the path', async () => {
    const token = await issuer.token();
    path = `/tokens/${token}`;
    await api.call('/me', { token });
    expect(explanations[0]?.hint).toContain('The call was GET /v1.0/tokens/…');
    for (const part of token.split('.')) expect(JSON.stringify(explanations)).not.toContain(part);
  });

  it('is not in the error, which production logs', async () => {
    const error = await errorOf(() => asApplication('graph').get('/stok'));
    expect(error).toMatchObject({ message: 'The API graph answered with status 404.' });
    expect(JSON.stringify(error)).not.toContain('stok');
  });
});
