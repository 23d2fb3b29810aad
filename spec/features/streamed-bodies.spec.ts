/** Bodies that are streams: their chunks are made after the handler, and belong to its request. */
import { Controller as NestController, Get as NestGet, StreamableFile } from '@nestjs/common';
import { getRequestListener } from '@hono/node-server';
import express, { type Response as ExpressResponse } from 'express';
import { Hono } from 'hono';
import Koa from 'koa';
import { Agent, request as httpRequest } from 'node:http';
import { PassThrough, Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import 'reflect-metadata';
import { Ctx, Get, JsonController, Res, useExpressServer, useKoaServer } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requiresAuth } from '../../src/express.js';
import { protect, RequiresAuth as FetchRequiresAuth } from '../../src/fetch.js';
import { getTokenClaims, initialize, MissingTokenError, RequiresAuth } from '../../src/index.js';
import { RequiresAuth as NestRequiresAuth } from '../../src/nestjs.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { platforms, serve as serveNest, started } from '../hosts/nestjs/application.js';
import { expressReleases, listen } from '../support/api.js';

const chunks = 40;
// Larger than what sockets hold back, so that the stream waits for its reader.
const filler = '.'.repeat(64 * 1024);

/** Whose chunk this is. */
function owner(): string {
  try {
    return `<${String(getTokenClaims().oid)}>${filler}`;
  } catch (error) {
    if (!(error instanceof MissingTokenError)) throw error;
    return `<nobody>${filler}`;
  }
}

async function* rows() {
  for (let row = 0; row < chunks; row++) {
    await setImmediate();
    yield Buffer.from(owner());
  }
}

/** A stream whose `read` makes each chunk later. */
function readable(): Readable {
  let row = 0;
  return new Readable({
    read() {
      void setImmediate().then(() => this.push(row++ < chunks ? owner() : null));
    },
  });
}

/** A stream that another one is piped to. */
const piped = () =>
  readable()
    .pipe(new PassThrough())
    .pipe(
      new Transform({
        transform(chunk, _encoding, done) {
          done(null, `${owner().slice(0, -filler.length)}${String(chunk)}`);
        },
      }),
    );

function webStream(): ReadableStream<Uint8Array> {
  let row = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await setImmediate();
        if (row++ < chunks) controller.enqueue(new TextEncoder().encode(owner()));
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

const streams = { rows: () => Readable.from(rows()), readable, piped };
type StreamName = keyof typeof streams;
const names = Object.keys(streams) as StreamName[];

@RequiresAuth()
@JsonController()
class ReturningController {
  @Get('/rows')
  rows() {
    return streams.rows();
  }

  @Get('/readable')
  async readable() {
    await setImmediate();
    return readable();
  }

  @Get('/piped')
  piped() {
    return piped();
  }
}

@RequiresAuth()
@JsonController('/assigned')
class AssigningController {
  @Get('/rows')
  async rows(@Ctx() context: Koa.Context) {
    await setImmediate();
    context.body = streams.rows();
    return context;
  }
}

@RequiresAuth()
@JsonController('/piping')
class PipingController {
  @Get('/rows')
  async rows(@Res() response: ExpressResponse) {
    await pipeline(streams.rows(), response);
    return response;
  }
}

@NestRequiresAuth()
@NestController()
class NestStreams {
  @NestGet('rows')
  rows() {
    return new StreamableFile(streams.rows());
  }

  @NestGet('readable')
  async readable() {
    await setImmediate();
    return new StreamableFile(readable());
  }

  @NestGet('piped')
  piped() {
    return new StreamableFile(piped());
  }
}

const streamsOfWeb = {
  pull: webStream,
  'from a generator': () => ReadableStream.from(rows()),
  transformed: () =>
    webStream().pipeThrough(
      new TransformStream({
        transform: (chunk, out) => {
          out.enqueue(chunk);
        },
      }),
    ),
  'a branch of two': () => webStream().tee()[0],
};

class FetchStreams {
  @FetchRequiresAuth()
  async rows(_request: Request, make: () => ReadableStream) {
    await setImmediate();
    return new Response(make());
  }
}

/** Ways to read a body. */
const readers = {
  text: (response: Response) => response.text(),
  async reader({ body }: Response) {
    const reader = (body ?? expect.fail()).getReader() as ReadableStreamDefaultReader<Uint8Array>;
    const decoder = new TextDecoder();
    let text = '';
    for (let read = await reader.read(); !read.done; read = await reader.read()) text += decoder.decode(read.value);
    return text;
  },
  async iterator({ body }: Response) {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of (body ?? expect.fail()) as AsyncIterable<Uint8Array>) text += decoder.decode(chunk);
    return text;
  },
  clone: (response: Response) => response.clone().text(),
  piped: async ({ body }: Response) => new Response((body ?? expect.fail()).pipeThrough(new TransformStream())).text(),
  node: async ({ body }: Response) => {
    let text = '';
    for await (const chunk of Readable.fromWeb(body as never)) text += String(chunk);
    return text;
  },
};

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  initialize(issuer.options);
});

let agent: Agent;
beforeEach(() => {
  // All callers share two connections: a context of a connection would be that of another caller.
  agent = new Agent({ keepAlive: true, maxSockets: 2 });
});
afterEach(async () => {
  agent.destroy();
  for (const app of started.splice(0)) await app.close();
});

async function readSlowly(response: AsyncIterable<unknown>): Promise<string> {
  let body = '';
  for await (const chunk of response) {
    body += String(chunk);
    await setImmediate();
  }
  return body;
}

/** Whose chunks a caller got. A slow one has the server wait for it. */
async function ownersFor(url: string, oid: string): Promise<string[]> {
  const token = await issuer.token({ oid });
  const text = await new Promise<string>((resolve, reject) => {
    const outgoing = httpRequest(url, { agent, headers: { authorization: `Bearer ${token}` } });
    outgoing.on('error', reject).on('response', (response) => {
      readSlowly(response.setEncoding('utf8')).then(resolve, reject);
    });
    outgoing.end();
  });
  return ownersIn(text);
}

const ownersIn = (text: string) => [...text.matchAll(/<(\w+)>/g)].map(([, name = '']) => name);

async function expectOwn(url: string): Promise<void> {
  const callers = ['ada', 'eve', 'joan', 'grace'];
  const owners = await Promise.all(callers.map((oid) => ownersFor(url, oid)));
  callers.forEach((oid, index) => {
    expect([oid, owners[index]?.length, new Set(owners[index])]).toEqual([
      oid,
      url.endsWith('/piped') ? 2 * chunks : chunks,
      new Set([oid]),
    ]);
  });
}

describe('a body that is a stream is made in the context of its request', () => {
  it.each(names)('by routing-controllers on Koa: %s', async (name) => {
    const app = new Koa();
    useKoaServer(app, { controllers: [ReturningController, AssigningController] });
    const handle = app.callback();
    const api = await listen((request, response) => void handle(request, response));
    await expectOwn(`${api.url}/${name}`);
    await expectOwn(`${api.url}/assigned/rows`);
    await api.close();
  });

  // On Express, routing-controllers sends no stream that an action returns.
  it.each(expressReleases)(
    'by an action of routing-controllers that pipes it, on $release',
    async ({ express: framework }) => {
      const app = framework();
      useExpressServer(app, { controllers: [PipingController] });
      const api = await listen(app);
      await expectOwn(`${api.url}/piping/rows`);
      await api.close();
    },
  );

  it.each(names)('by a handler of Express that pipes it: %s', async (name) => {
    const app = express();
    app.get(`/${name}`, requiresAuth(), async (_request, response) => {
      await setImmediate();
      streams[name]().pipe(response);
    });
    const api = await listen(app);
    await expectOwn(`${api.url}/${name}`);
    await api.close();
  });

  it.each(platforms.flatMap((platform) => names.map((name) => ({ platform, name, on: platform.platform }))))(
    'by StreamableFile of Nest on $on: $name',
    async ({ platform, name }) => {
      const { url } = await serveNest(platform, { controllers: [NestStreams] });
      await expectOwn(`${url}/${name}`);
    },
  );

  it('by a handler of Hono', async () => {
    const app = new Hono();
    app.get('/rows', protect({}, () => new Response(webStream())) as never);
    const handle = getRequestListener(app.fetch);
    const api = await listen((request, response) => void handle(request, response));
    await expectOwn(`${api.url}/rows`);
    await api.close();
  });

  const reports = new FetchStreams();
  const handlers = {
    'a decorated handler': (request: Request, make: () => ReadableStream) => reports.rows(request, make),
    protect: (request: Request, make: () => ReadableStream) => protect({}, () => new Response(make()))(request),
  };

  it.each(
    Object.entries(handlers).flatMap(([by, handle]) => [
      ...Object.entries(streamsOfWeb).map(([kind, make]) => ({
        by,
        handle,
        kind,
        make,
        how: 'text',
        read: readers.text,
      })),
      ...Object.entries(readers).map(([how, read]) => ({ by, handle, kind: 'pull', make: webStream, how, read })),
    ]),
  )('by a Response of Fetch, of $by: $kind, read by $how', async ({ handle, make, read }) => {
    const callers = ['ada', 'eve', 'joan'];
    const requestOf = async (oid: string) =>
      new Request('https://api.example/', { headers: { authorization: `Bearer ${await issuer.token({ oid })}` } });
    const responses = await Promise.all(callers.map(async (oid) => handle(await requestOf(oid), make)));
    // Read by whoever comes: here by a request of somebody else.
    const readAll = protect({}, async () => Response.json(await Promise.all(responses.map((each) => read(each)))));
    const texts = (await (await readAll(await requestOf('mallory'))).json()) as string[];
    expect(texts.map((text) => new Set(ownersIn(text)))).toEqual(callers.map((oid) => new Set([oid])));
  });
});
