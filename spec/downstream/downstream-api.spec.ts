/** Calls of another API: what is sent, and what comes of the answer. */
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ClaimsChallengeError } from '../../src/core/access/claims-challenge.js';
import { ConfigurationError, MissingTokenError } from '../../src/core/errors.js';
import { DownstreamApi, downstreamApi } from '../../src/downstream/downstream-api.js';
import { DownstreamError } from '../../src/downstream/errors.js';
import { challengeFor, marker, sourceFor, startStubApi, type StubApi } from '../support/downstream-api.js';
import { errorOf } from '../support/refusals.js';

let stub: StubApi;
beforeAll(async () => {
  stub = await startStubApi();
});
afterAll(() => stub.close());
beforeEach(() => {
  stub.received.length = 0;
  stub.respond = (response) => response.end('{"ok":true}');
});

const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
const lastCall = () => stub.received.at(-1);

/** An API below `/v1.0` of the stub. */
function apiOf(...[settings, members]: [Parameters<typeof sourceFor>[1]?, Parameters<typeof sourceFor>[2]?]) {
  const source = sourceFor(`${stub.url}/v1.0`, settings, members);
  return { source, api: downstreamApi(source) };
}

describe('fetch', () => {
  it('calls below the base URL with the token', async () => {
    const { api } = apiOf();
    const response = await api.fetch('/me?$select=id', { method: 'PUT', body: 'text', headers: { 'If-Match': '1' } });
    expect(await response.json()).toEqual({ ok: true });
    expect(lastCall()).toMatchObject({ method: 'PUT', url: '/v1.0/me?$select=id', body: 'text' });
    expect(lastCall()?.headers).toMatchObject({ authorization: `Bearer ${marker}-1`, 'if-match': '1' });
  });

  it('adds the fixed headers of the API, and lets those of the call win', async () => {
    const { api } = apiOf({ headers: { ConsistencyLevel: 'eventual', Prefer: 'respond-async' } });
    await api.fetch('/me', { headers: [['prefer', 'return=minimal']] });
    expect(lastCall()?.headers).toMatchObject({ consistencylevel: 'eventual', prefer: 'return=minimal' });
  });

  it.each([301, 400, 401, 404, 429, 500, 503])('returns an answer of status %i', async (status) => {
    stub.respond = (response) => response.writeHead(status).end('x');
    const response = await apiOf().api.fetch('/me', { redirect: 'manual' });
    expect([response.status, await response.text()]).toEqual([status, 'x']);
    expect(stub.received).toHaveLength(1);
  });

  it('follows a redirect with the token within the origin, and without it elsewhere', async () => {
    const other = stub.url.replace('127.0.0.1', 'localhost');
    for (const [origin, sent] of [
      [stub.url, `Bearer ${marker}-1`],
      [other, undefined],
    ] as const) {
      stub.respond = (response, { url }) =>
        url === '/v1.0/moved' ? response.writeHead(302, { Location: `${origin}/v2.0/me` }).end() : response.end('{}');
      await apiOf().api.get('/moved');
      expect([lastCall()?.url, lastCall()?.headers.authorization]).toEqual(['/v2.0/me', sent]);
    }
  });

  it.each<[string, RequestInit['headers']]>([
    ['Authorization', { Authorization: 'Bearer mine' }],
    ['authorization', [['AUTHORIZATION', 'Basic x']]],
    ['authorization', new Headers({ authorization: '' })],
    ['Cookie', { cookie: 'session=1' }],
    ['Host', { HOST: 'evil.example' }],
  ])('refuses a header %s, and sends nothing', async (name, headers) => {
    const { api, source } = apiOf();
    const given = headers ?? {};
    for (const call of [() => api.fetch('/me', { headers: given }), () => api.post('/me', {}, { headers: given })]) {
      const error = await errorOf(call);
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as Error).message).toContain(`must not have a header '${name.toLowerCase()}'`);
      expect((error as Error).message).not.toMatch(/mine|session|evil/);
    }
    expect([stub.received, source.asked]).toEqual([[], []]);
  });

  it.each(['//evil.example', '/../beta', '/%2e%2e/beta', 'https://evil.example/', '/\\evil.example'])(
    'sends nothing and asks for no token for the path %s',
    async (path) => {
      const { api, source } = apiOf();
      for (const call of [
        () => api.fetch(path),
        () => api.get(path),
        () => api.delete(path),
        () => api.patch(path, {}),
      ]) {
        expect(await errorOf(call)).toBeInstanceOf(ConfigurationError);
      }
      expect([stub.received, source.asked]).toEqual([[], []]);
    },
  );

  it('refuses a Request object or URL as path', async () => {
    const { api } = apiOf();
    for (const path of [new Request(`${stub.url}/v1.0/me`), new URL(`${stub.url}/v1.0/me`)]) {
      const error = await errorOf(() => Reflect.apply(api.fetch.bind(api), undefined, [path]));
      expect((error as Error).message).toMatch(/takes a path below its baseUrl, such as '\/me', as a string/);
    }
    expect(stub.received).toEqual([]);
  });

  it('sends streams of the web and of Node', async () => {
    const { api } = apiOf();
    await api.fetch('/a', { method: 'POST', body: new Blob(['web']).stream() });
    expect(lastCall()?.body).toBe('web');
    await api.post('/a', Readable.from(['no', 'de']));
    expect(lastCall()?.body).toBe('node');
    await api.post('/a', new Blob(['web']).stream());
    expect(lastCall()?.body).toBe('web');
  });

  it('reads a body for longer than the time limit, which is for the headers', async () => {
    let finish: () => void = () => undefined;
    stub.respond = (response) => {
      response.write('first ');
      finish = () => response.end('last');
    };
    const response = await apiOf({ timeoutMs: 60 }).api.fetch('/me');
    setTimeout(() => {
      finish();
    }, 150);
    expect(await response.text()).toBe('first last');
  });
});

describe('an answer that does not come', () => {
  it('is a DownstreamError after the time limit', async () => {
    stub.respond = () => undefined;
    const { api } = apiOf({ timeoutMs: 50 });
    for (const call of [() => api.fetch('/me'), () => api.get('/me')]) {
      const error = (await errorOf(call)) as DownstreamError;
      expect(error).toBeInstanceOf(DownstreamError);
      expect(error).toMatchObject({ status: 502, code: 'downstream_failed', api: 'graph', response: undefined });
      expect(error.cause).toMatchObject({ name: 'TimeoutError', message: 'There was no answer within 50 ms.' });
    }
  });

  it('is one after the time limit within the body of JSON', async () => {
    stub.respond = (response) => response.write('{"ok":');
    const error = (await errorOf(() => apiOf({ timeoutMs: 50 }).api.get('/me'))) as DownstreamError;
    expect([error.status, (error.cause as Error).name]).toEqual([502, 'TimeoutError']);
  });

  it('is one where the fetch of the application ignores its signal', async () => {
    const { api } = apiOf({ timeoutMs: 50 }, { fetch: () => new Promise(() => undefined) });
    expect(((await errorOf(() => api.get('/me'))) as Error).cause).toMatchObject({ name: 'TimeoutError' });
  });

  it('is one after a reset', async () => {
    stub.respond = (response) => response.socket?.destroy();
    const error = (await errorOf(() => apiOf().api.get('/me'))) as DownstreamError;
    expect(error).toBeInstanceOf(DownstreamError);
    expect([error.status, error.headers, (error.cause as Error).message]).toEqual([
      502,
      { 'Cache-Control': 'no-store' },
      'fetch failed',
    ]);
    expect(stub.received).toHaveLength(1);
  });

  it('is the reason of the caller who gave up', async () => {
    stub.respond = () => undefined;
    const { api, source } = apiOf();
    const reason: unknown = new Error('gave up');
    const controller = new AbortController();
    const running = errorOf(() => api.get('/me', { signal: controller.signal }));
    await expect.poll(() => stub.received.length).toBe(1);
    controller.abort(reason);
    expect(await running).toBe(reason);
    expect(await errorOf(() => api.fetch('/me', { signal: controller.signal }))).toBe(reason);
    expect([stub.received.length, source.asked.length]).toEqual([1, 1]);
  });

  it('ends a body that the caller reads', async () => {
    stub.respond = (response) => response.write('the start');
    const controller = new AbortController();
    const response = await apiOf().api.fetch('/me', { signal: controller.signal });
    const text = errorOf(() => response.text());
    const reason = new Error('gave up');
    controller.abort(reason);
    expect(await text).toBe(reason);
  });

  it('ends the wait for a token, too', async () => {
    const { api } = apiOf({}, { token: () => new Promise(() => undefined) });
    const signal = AbortSignal.timeout(20);
    const errors = await Promise.all([
      errorOf(() => api.get('/me', { signal })),
      errorOf(() => api.getToken(undefined, { abortSignal: signal })),
    ]);
    for (const error of errors) expect(error).toBe(signal.reason);
  });
});

describe('the verbs', () => {
  it.each([
    ['GET', (api: DownstreamApi) => api.get('/a'), ''],
    ['DELETE', (api: DownstreamApi) => api.delete('/a'), ''],
    ['POST', (api: DownstreamApi) => api.post('/a', { b: 1 }), '{"b":1}'],
    ['PUT', (api: DownstreamApi) => api.put('/a', [1]), '[1]'],
    ['PATCH', (api: DownstreamApi) => api.patch('/a', null), 'null'],
  ])('%s sends and returns JSON', async (method, call, body) => {
    expect(await call(apiOf().api)).toEqual({ ok: true });
    expect(lastCall()).toMatchObject({ method, url: '/v1.0/a', body });
    expect(lastCall()?.headers).toMatchObject({ accept: 'application/json', authorization: `Bearer ${marker}-1` });
    expect(lastCall()?.headers['content-type']).toBe(body === '' ? undefined : 'application/json');
  });

  it.each<[string, unknown, string, string | undefined]>([
    ['a string', 'a=1', 'a=1', 'text/plain;charset=UTF-8'],
    ['bytes', Buffer.from('bytes'), 'bytes', undefined],
    ['a buffer', new TextEncoder().encode('buffer').buffer, 'buffer', undefined],
    ['a Blob', new Blob(['blob'], { type: 'image/png' }), 'blob', 'image/png'],
    ['parameters', new URLSearchParams({ a: '1' }), 'a=1', 'application/x-www-form-urlencoded;charset=UTF-8'],
    ['a Date', new Date(0), '"1970-01-01T00:00:00.000Z"', 'application/json'],
    ['a number', 0, '0', 'application/json'],
    ['nothing', undefined, '', undefined],
  ])('send %s as it is, or as JSON', async (_, body, text, type) => {
    await apiOf().api.post('/a', body);
    expect(lastCall()?.body).toBe(text);
    expect(lastCall()?.headers['content-type']).toBe(type);
  });

  it('send a form as multipart', async () => {
    const form = new FormData();
    form.set('name', 'value');
    await apiOf().api.post('/a', form);
    expect(lastCall()?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(lastCall()?.body).toContain('value');
  });

  it('keep the headers of the call in place of their own', async () => {
    const headers = { Accept: 'application/vnd.x+json', 'Content-Type': 'application/merge-patch+json' };
    await apiOf().api.patch('/a', {}, { headers });
    expect(lastCall()?.headers).toMatchObject({
      accept: headers.Accept,
      'content-type': headers['Content-Type'],
    });
  });

  it('refuse a body that JSON has no form for', async () => {
    const error = await errorOf(() => apiOf().api.post('/a', () => 1));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toBe('A body for the API graph is a function, which is no JSON.');
  });

  it.each([200, 202, 204])('return undefined for an empty body with status %i', async (status) => {
    stub.respond = (response) => response.writeHead(status).end();
    expect(await apiOf().api.delete('/a')).toBeUndefined();
  });

  it.each([
    [304, 502, undefined],
    [400, 502, undefined],
    [404, 502, undefined],
    [500, 502, undefined],
    [429, 503, '5'],
    [503, 503, '5'],
  ])('throw a DownstreamError for status %i', async (given, status, retryAfter) => {
    stub.respond = (response) => {
      response.writeHead(given, { 'x-id': 'abc' }).end(given === 304 ? undefined : '{"error":"details"}');
    };
    const error = (await errorOf(() => apiOf().api.get('/a'))) as DownstreamError;
    expect(error).toBeInstanceOf(DownstreamError);
    expect({ status: error.status, code: error.code, retryAfter: error.headers['Retry-After'] }).toEqual({
      status,
      code: 'downstream_failed',
      retryAfter,
    });
    expect(error.headers['WWW-Authenticate']).toBeUndefined();
    expect(error.message).toBe(`The API graph answered with status ${String(given)}.`);
    expect(error.response?.status).toBe(given);
    expect(error.response?.headers.get('x-id')).toBe('abc');
    expect(error.response?.text).toBe(given === 304 ? '' : '{"error":"details"}');
    expect(Object.keys(error)).not.toContain('response');
    expect(JSON.stringify(error)).not.toContain('details');
  });

  it('keep the Retry-After of the API', async () => {
    stub.respond = (response) => response.writeHead(429, { 'Retry-After': '17' }).end();
    const error = (await errorOf(() => apiOf().api.get('/a'))) as DownstreamError;
    expect(error.headers['Retry-After']).toBe('17');
  });

  it('read at most 64 KiB of a failure, and close its connection', async () => {
    let closed: Promise<unknown> | undefined;
    stub.respond = (response) => {
      response.writeHead(500);
      closed = once(response, 'close');
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
      };
      response.on('drain', more);
      more();
    };
    const error = (await errorOf(() => apiOf().api.get('/a'))) as DownstreamError;
    expect(error.response?.text).toBe('x'.repeat(64 * 1024));
    await expect(closed).resolves.toEqual([]);
  });

  it('know the status of a failure whose body breaks off', async () => {
    stub.respond = (response) => {
      response.writeHead(409, { 'Content-Length': '100' });
      response.write('begin', () => response.socket?.destroy());
    };
    const error = (await errorOf(() => apiOf().api.get('/a'))) as DownstreamError;
    expect([error.response?.status, error.response?.text, error.cause]).toEqual([409, '', expect.any(Error)]);
  });

  it.each(['<html>', ' ', '{"a":1} {'])('throw a DownstreamError for 200 with the body %j', async (body) => {
    stub.respond = (response) => response.end(body);
    const error = (await errorOf(() => apiOf().api.get('/a'))) as DownstreamError;
    expect(error).toBeInstanceOf(DownstreamError);
    expect([error.status, error.response?.status, error.response?.text, error.cause]).toEqual([
      502,
      200,
      body,
      undefined,
    ]);
    expect(error.message).toMatch(/status 200 and a body that is not JSON. Call fetch/);
  });
});

describe('a challenge for claims', () => {
  beforeEach(() => {
    stub.respond = (response) => {
      if (stub.received.length === 1) challengeFor(response, claims);
      else response.end('{"second":true}');
    };
  });

  it('is heeded after a redirect within the origin, and not from another origin', async () => {
    const other = stub.url.replace('127.0.0.1', 'localhost');
    for (const [origin, statuses, asked] of [
      [stub.url, [200, 4], [{ claims: undefined }, { claims }]],
      [other, [401, 2], [{ claims: undefined }]],
    ] as const) {
      stub.received.length = 0;
      stub.respond = (response, { url }) => {
        if (url === '/v1.0/moved') response.writeHead(302, { Location: `${origin}/v2.0/me` }).end();
        else if (stub.received.length === 2) challengeFor(response, claims);
        else response.end('{}');
      };
      const { api, source } = apiOf();
      const { status } = await api.fetch('/moved');
      expect([status, stub.received.length]).toEqual(statuses);
      expect(source.asked).toEqual(asked);
    }
  });

  it.each<[string, (api: DownstreamApi) => Promise<unknown>]>([
    ['get', (api) => api.get('/a')],
    ['fetch', async (api) => (await api.fetch('/a')).json()],
    ['post of JSON', (api) => api.post('/a', { b: 1 })],
    ['post of a string', (api) => api.post('/a', 'text')],
    ['post of bytes', (api) => api.post('/a', Buffer.from('bytes'))],
    ['post of a Blob', (api) => api.post('/a', new Blob(['blob']))],
    ['post of parameters', (api) => api.post('/a', new URLSearchParams({ a: '1' }))],
  ])('is met by %s with one more token and one more call', async (_, call) => {
    const { api, source } = apiOf();
    expect(await call(api)).toEqual({ second: true });
    expect(source.asked).toEqual([{ claims: undefined }, { claims }]);
    const [first, second, ...others] = stub.received;
    expect([first?.headers.authorization, second?.headers.authorization]).toEqual([
      `Bearer ${marker}-1`,
      `Bearer ${marker}-2`,
    ]);
    expect([second?.method, second?.url, second?.body]).toEqual([first?.method, first?.url, first?.body]);
    expect(others).toEqual([]);
  });

  it('is met once: the second 401 is the answer', async () => {
    stub.respond = (response) => {
      challengeFor(response, claims);
    };
    const { api, source } = apiOf();
    expect((await api.fetch('/a')).status).toBe(401);
    expect([stub.received.length, source.asked.length]).toEqual([2, 2]);
    expect(((await errorOf(() => api.get('/a'))) as DownstreamError).response?.status).toBe(401);
  });

  it('is the answer where the body is a stream', async () => {
    for (const body of [new Blob(['web']).stream(), Readable.from(['node'])]) {
      stub.received.length = 0;
      const { api, source } = apiOf();
      const error = (await errorOf(() => api.post('/a', body))) as DownstreamError;
      expect(error.response?.status).toBe(401);
      expect([stub.received.length, source.asked.length]).toEqual([1, 1]);
    }
  });

  it.each([
    ['of another status', 403, `Bearer claims="${Buffer.from(claims).toString('base64')}"`],
    ['without claims', 401, 'Bearer error="invalid_token"'],
    ['of another scheme', 401, `PoP claims="${Buffer.from(claims).toString('base64')}"`],
    ['that is no JSON', 401, 'Bearer claims="abc"'],
  ])('is none %s', async (_, status, challenge) => {
    stub.respond = (response) => response.writeHead(status, { 'WWW-Authenticate': challenge }).end();
    expect((await apiOf().api.fetch('/a')).status).toBe(status);
    expect(stub.received).toHaveLength(1);
  });

  it('closes the connection of an answer that goes on', async () => {
    let closed: Promise<unknown> | undefined;
    stub.respond = (response) => {
      if (stub.received.length > 1) {
        response.end('{"second":true}');
        return;
      }
      response.writeHead(401, { 'WWW-Authenticate': `Bearer claims=${Buffer.from(claims).toString('base64')}` });
      response.write('never ends');
      closed = once(response, 'close');
    };
    expect(await apiOf().api.get('/a')).toEqual({ second: true });
    await expect(closed).resolves.toEqual([]);
  });

  it('that the authority passes on is thrown, addressed to the caller', async () => {
    const asked = JSON.parse(claims) as ConstructorParameters<typeof ClaimsChallengeError>[0];
    const { api } = apiOf(
      {},
      {
        token: (options) => {
          if (options.claims !== undefined) throw new ClaimsChallengeError(asked);
          return { token: marker, expiresAtMs: Infinity, refreshAtMs: Infinity };
        },
      },
    );
    const error = (await errorOf(() => api.get('/a'))) as ClaimsChallengeError;
    expect(error).toBeInstanceOf(ClaimsChallengeError);
    expect(error.headers['WWW-Authenticate']).toBe(
      'Bearer realm="tenant", authorization_uri="https://login.example/authorize", error="insufficient_claims", ' +
        `claims="${Buffer.from(claims).toString('base64')}"`,
    );
    expect(stub.received).toHaveLength(1);
  });
});

describe('the tokens', () => {
  it('are given to Azure SDKs with their end', async () => {
    const { api, source } = apiOf();
    const before = Date.now() + 3_600_000;
    const { token, expiresOnTimestamp, ...others } = await api.getToken();
    expect([token, others]).toEqual([`${marker}-1`, {}]);
    expect(expiresOnTimestamp).toBeGreaterThanOrEqual(before);
    await api.getToken('https://vault.azure.net/.default', { claims });
    await api.getToken(['a', 'b']);
    expect(source.asked).toEqual([
      { scopes: undefined, claims: undefined },
      { scopes: ['https://vault.azure.net/.default'], claims },
      { scopes: ['a', 'b'], claims: undefined },
    ]);
  });

  it('are not given to a client of an Azure SDK by an object that serves every request', async () => {
    const { api, source } = apiOf({}, { isBound: false });
    const error = await errorOf(() => api.getToken(['https://vault.azure.net/.default']));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toContain("onBehalfOf('graph', request)");
    expect(source.asked).toEqual([]);
    expect((await api.getToken()).token).toBe(`${marker}-1`);
    expect(await api.getAccessToken()).toBe(`${marker}-2`);
  });

  it('are given to Kiota for the origin of the API only', async () => {
    const { api, source } = apiOf();
    expect(await api.getAuthorizationToken(`${stub.url}/v2.0/other?a=1`)).toBe(`${marker}-1`);
    const context = { claims: Buffer.from(claims).toString('base64') };
    expect(await api.getAuthorizationToken(`${stub.url}/v1.0/me`, context)).toBe(`${marker}-2`);
    expect(source.asked.map((options) => options.claims)).toEqual([undefined, claims]);
    expect(await api.getAuthorizationToken(`${stub.url}/v1.0/me?$filter=${'a'.repeat(1000)}`)).toBe(`${marker}-3`);
    const others = ['https://evil.example/v1.0', '/v1.0/me', '', undefined, stub.url.replace('http', 'https')];
    for (const url of [...others, `${stub.url}\\@evil.example/`, `blob:${stub.url}/a`]) {
      expect(await api.getAuthorizationToken(url)).toBe('');
    }
    expect(source.asked).toHaveLength(3);
  });

  it('that are refused are refusals addressed to the caller, an object for each', async () => {
    const { api } = apiOf(
      {},
      {
        token: () => {
          throw new MissingTokenError();
        },
      },
    );
    const calls = [() => api.fetch('/a'), () => api.get('/a'), () => api.getToken(), () => api.getAccessToken()];
    const errors = await Promise.all(calls.map(errorOf));
    for (const error of errors) expect(error).toBeInstanceOf(MissingTokenError);
    expect(new Set(errors).size).toBe(calls.length);
    expect(stub.received).toEqual([]);
  });
});

describe('the class', () => {
  it('is not created by applications', () => {
    for (const given of [[], [{}], [Symbol('creation'), {}]]) {
      expect((): unknown => Reflect.construct(DownstreamApi, given)).toThrow(ConfigurationError);
      expect((): unknown => Reflect.construct(DownstreamApi, given)).toThrow(/onBehalfOf\(name\)/);
    }
    class Mine extends (DownstreamApi as unknown as new () => object) {}
    expect(() => new Mine()).toThrow(ConfigurationError);
  });

  it('is that of its objects', () => {
    expect(apiOf().api).toBeInstanceOf(DownstreamApi);
    for (const other of [{}, null, undefined, 'text', DownstreamApi])
      expect(other instanceof DownstreamApi).toBe(false);
  });
});
