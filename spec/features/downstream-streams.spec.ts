/** A body that is a stream is made in the context of the request that sends it. */
import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { currentRequest } from '../../src/core/access/current-request.js';
import { requires } from '../../src/core/access/requirement.js';
import { createIdentity } from '../../src/core/identity.js';
import { onBehalfOf } from '../../src/downstream/on-behalf-of.js';
import { enter } from '../../src/gate/admission.js';
import { putInForce } from '../../src/gate/identity-in-force.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { startStubApi, type StubApi } from '../support/downstream-api.js';
import { forgetIdentity } from '../support/isolation.js';
import { errorOf } from '../support/refusals.js';

const dispatcher = Symbol.for('undici.globalDispatcher.1');
interface Dispatcher {
  readonly constructor: new (options: object) => Dispatcher;
  close(): Promise<void>;
}
const globals = globalThis as unknown as Record<symbol, Dispatcher | undefined>;
const files = onBehalfOf('files');
const graph = onBehalfOf('graph');

let issuer: TestIssuer;
let stubs: readonly [StubApi, StubApi];

beforeAll(async () => {
  issuer = await startTestIssuer();
  stubs = [await startStubApi(), await startStubApi()];
});
afterAll(() => Promise.all([issuer, ...stubs].map((each) => each.close())));

const oidOf = (authorization = '') =>
  (JSON.parse(Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString()) as { oid: string }).oid;

beforeEach(() => {
  const [file, photo] = stubs;
  const apis = {
    files: { baseUrl: file.url, scopes: 'api://files/write' },
    graph: { baseUrl: photo.url, scopes: 'api://graph/read' },
  };
  putInForce(createIdentity({ ...issuer.options, downstream: { ...issuer.downstreamOptions, apis } }));
  // Late, so that the other uploads wait for the connection.
  file.respond = (response, { body, headers }) =>
    void setTimeout(20).then(() => response.end(JSON.stringify([oidOf(headers.authorization), body])));
  photo.respond = (response, { headers }) => response.end(JSON.stringify(oidOf(headers.authorization)));
});
afterEach(() => {
  forgetIdentity();
});

const photoOfCaller = async () => Buffer.from((await graph.get<string>('/photo')).padStart(5));

async function* photos() {
  yield await photoOfCaller();
}

const readable = () =>
  new Readable({
    read() {
      void photoOfCaller().then((photo) => {
        this.push(photo);
        this.push(null);
      });
    },
  });

const webStream = () =>
  new ReadableStream(
    {
      async pull(controller) {
        controller.enqueue(await photoOfCaller());
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );

async function asCaller<T>(oid: string, run: () => Promise<T>): Promise<T> {
  const request = { headers: { authorization: `Bearer ${await issuer.token({ oid })}` } };
  const context = await enter(request, requires.entra());
  try {
    return await currentRequest.run(context, run);
  } finally {
    // A host holds its request until the answer is there. Only weak references to it are in the library.
    expect(request.headers.authorization).toMatch(/^Bearer /);
  }
}

describe('a body that waits for a connection', () => {
  it.each<[string, () => unknown]>([
    ['an asynchronous generator', photos],
    ['a Readable of Node', readable],
    ['a ReadableStream of the web', webStream],
  ])('is made for the caller who sends it, where it is %s', async (_, body) => {
    // `fetch` makes its dispatcher at its first call.
    await fetch(`${stubs[1].url}/`, { headers: { authorization: `Bearer ${await issuer.token()}` } });
    const usual = globals[dispatcher];
    if (usual === undefined) throw new Error('There is no dispatcher to replace.');
    const single = new usual.constructor({ connections: 1 });
    globals[dispatcher] = single;
    try {
      const callers = ['alice', 'bobby', 'carol'];
      const sent = await Promise.all(callers.map((oid) => asCaller(oid, () => files.post('/photo', body()))));
      expect(sent).toEqual(callers.map((oid) => [oid, oid]));
    } finally {
      globals[dispatcher] = usual;
      await single.close();
    }
  });
});

describe('a body that is a stream', () => {
  it('is refused where it was read before, and nothing is sent', async () => {
    const before = stubs[0].received.length;
    for (const body of [Readable.from(['a']), ReadableStream.from(['a'])]) {
      for await (const chunk of body) expect(chunk).toBe('a');
      expect(await errorOf(() => asCaller('alice', () => files.post('/photo', body)))).toMatchObject({
        name: 'DownstreamError',
      });
    }
    expect(stubs[0].received).toHaveLength(before);
  });

  it('keeps its kind for the fetch of the application', async () => {
    const kinds: boolean[] = [];
    const isOfKind = (body: unknown) => [body instanceof Readable, body instanceof globalThis.ReadableStream];
    const apis = { files: { baseUrl: stubs[0].url, scopes: 'api://files/write' } };
    putInForce(
      createIdentity({
        ...issuer.options,
        downstream: { ...issuer.downstreamOptions, apis },
        fetch: (url: string | URL | Request, init?: RequestInit) => {
          if (init?.body instanceof Object) kinds.push(...isOfKind(init.body));
          return fetch(url, init);
        },
      }),
    );
    for (const body of [Readable.from([Buffer.from('a')]), ReadableStream.from([Buffer.from('a')])])
      await asCaller('alice', () => files.post('/photo', body));
    expect(kinds).toEqual([true, false, false, true]);
  });
});
