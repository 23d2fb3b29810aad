/** The programs of docs/other-hosts.md, run as they stand against one issuer. Works on `dist/`, as they do. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestIssuer, type TestIssuer } from '../src/testing.js';
import { compiled, endPrograms, freePort, startProgram } from './support/program.js';

const root = join(import.meta.dirname, '..');
const page = readFileSync(join(root, 'docs', 'other-hosts.md'), 'utf8');

const programs = new Map(
  page
    .split('\n## ')
    .slice(1)
    .flatMap((section): [string, string][] => {
      const code = /```ts\n([^]*?)```/.exec(section)?.[1];
      return code === undefined ? [] : [[section.split('\n', 1)[0] ?? '', code]];
    }),
);

const serving = (fetch: string) => `
import { serve } from '@hono/node-server';
serve({ fetch: ${fetch}, port: Number(process.env.PORT) });
`;

/** What calls the handlers of a program that another program loads. */
const loaders: Readonly<Record<string, string>> = {
  'Next.js': `
import { initialize } from 'microsoft-identity-decorators/fetch';
initialize();
${serving("(request) => GET(request, { params: Promise.resolve({ city: new URL(request.url).pathname.split('/').at(-1) }) })")}`,
  'Azure Functions': `
import azure from '@azure/functions';
const { HttpRequest, HttpResponse } = azure;
async function invoke({ url, method, headers }) {
  const params = { city: new URL(url).pathname.split('/').at(-1) };
  const request = new HttpRequest({ url, method, headers: Object.fromEntries(headers), params });
  const { status, headers: sent, body } = new HttpResponse(await weather(request, {}));
  return new Response(body, { status, headers: sent });
}
${serving('invoke')}`,
  Bun: serving('server.fetch'),
  'AWS Lambda': `
async function invoke({ url, method, headers }) {
  const pathParameters = { city: new URL(url).pathname.split('/').at(-1) };
  const event = { headers: Object.fromEntries(headers), pathParameters, requestContext: { http: { method } } };
  const { statusCode, headers: sent, body } = await handler(event);
  return new Response(body, { status: statusCode, headers: sent });
}
${serving('invoke')}`,
  'Socket.IO': `
/** Connects a socket with the token of a request. */
async function connect({ headers }) {
  const socket = { handshake: { auth: { token: headers.get('x-token') ?? undefined } }, data: {}, disconnect() {} };
  const error = await new Promise((resolve) => checkToken(socket, resolve));
  return Response.json({ askedBy: socket.data.claims?.oid, message: error?.message, data: error?.data });
}
${serving('connect')}`,
};

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterEach(endPrograms);
afterAll(() => issuer.close());

/** Starts a program, and resolves to its port. */
async function start(host: string): Promise<number> {
  const port = await freePort();
  await startProgram(compiled(`${programs.get(host) ?? ''}${loaders[host] ?? ''}`), port, issuer.options);
  return port;
}

const bearer = (token: string | undefined) => (token === undefined ? {} : { authorization: `Bearer ${token}` });

const missingScope =
  'Bearer error="insufficient_scope", error_description="The access token does not carry the scope this request needs.", scope="access_as_user"';

const withoutHandlers = ['WebSockets', 'Socket.IO', 'GraphQL'];

describe('docs/other-hosts.md', () => {
  it('has a program for each host', () => {
    expect([...programs.keys()].sort()).toEqual([
      'AWS Lambda',
      'Azure Functions',
      'Bun',
      'By hand',
      'Classes',
      'Fastify',
      'GraphQL',
      'Hono',
      'Next.js',
      'Socket.IO',
      'WebSockets',
    ]);
  });

  it.each([...programs.keys()].filter((host) => !withoutHandlers.includes(host)))(
    'lets in who has the scope, and nobody else: %s',
    async (host) => {
      const url = `http://localhost:${String(await start(host))}/weather/Oslo`;
      const call = async (token?: string, method = 'GET') => {
        const response = await fetch(url, { method, headers: bearer(token) });
        return [response.status, response.headers.get('www-authenticate'), await response.text()];
      };
      const passed = await call(await issuer.token({ oid: 'ada' }));
      expect([passed[0], JSON.parse(String(passed[2]))]).toEqual([200, { city: 'Oslo', askedBy: 'ada' }]);
      const anonymous = { error: 'missing_token', error_description: 'This request needs an access token.' };
      expect(await call()).toEqual([401, 'Bearer', JSON.stringify(anonymous)]);
      expect(await call(undefined, 'HEAD')).toEqual([401, 'Bearer', '']);
      expect((await call(await issuer.token({ scp: 'other' }))).slice(0, 2)).toEqual([403, missingScope]);
    },
  );
});

describe('the program for Socket.IO', () => {
  it('gives the claims to the socket that it accepts, and tells the client why it refuses another', async () => {
    const url = `http://localhost:${String(await start('Socket.IO'))}/`;
    const connect = async (token?: string) => {
      const response = await fetch(url, { headers: token === undefined ? {} : { 'x-token': token } });
      return response.json();
    };
    expect(await connect(await issuer.token({ oid: 'ada' }))).toEqual({ askedBy: 'ada' });
    expect(await connect(await issuer.token({ scp: 'other' }))).toMatchObject({
      data: { error: 'insufficient_scope' },
    });
    expect(await connect()).toEqual({
      message: 'The token was refused.',
      data: { error: 'invalid_token', error_description: expect.any(String) as string },
    });
  });
});

describe('the program for WebSockets', () => {
  /** Asks for an upgrade, and reads what the server writes until it closes the connection. */
  async function refusedUpgrade(port: number, headers: Readonly<Record<string, string | readonly string[]>>) {
    const outgoing = httpRequest({
      port,
      host: 'localhost',
      agent: false,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...(headers as Record<string, string>),
      },
    }).end();
    const [response] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage];
    const body = await text(response);
    // The server closes it: nothing is left open.
    if (!response.socket.closed) await once(response.socket, 'close');
    return { line: [response.statusCode, response.statusMessage], headers: response.headers, body };
  }

  it('refuses an upgrade with status, challenge and body, and closes the connection', async () => {
    const port = await start('WebSockets');
    const anonymous = await refusedUpgrade(port, {});
    expect(anonymous).toMatchObject({
      line: [401, 'Unauthorized'],
      headers: { 'www-authenticate': 'Bearer', 'cache-control': 'no-store', connection: 'close' },
    });
    expect(JSON.parse(anonymous.body)).toEqual({
      error: 'missing_token',
      error_description: 'This request needs an access token.',
    });
    const withoutScope = await refusedUpgrade(port, bearer(await issuer.token({ scp: 'other' })));
    expect(withoutScope).toMatchObject({ line: [403, 'Forbidden'], headers: { 'www-authenticate': missingScope } });
    const twice = await refusedUpgrade(port, { authorization: [`Bearer ${await issuer.token()}`, 'Basic eA=='] });
    expect(twice.line).toEqual([400, 'Bad Request']);
  });

  it('gives the claims to the connection that it accepts', async () => {
    const port = await start('WebSockets');
    const token = await issuer.token({ oid: 'ada' });
    const client = new WebSocket(`ws://localhost:${String(port)}/`, { headers: bearer(token) });
    const [message] = (await once(client, 'message')) as [Buffer];
    expect(JSON.parse(message.toString())).toEqual({ askedBy: 'ada' });
    client.close();
    await once(client, 'close');
  });
});

describe('the program for GraphQL', () => {
  it('holds the endpoint and each resolver against the token', async () => {
    const url = `http://localhost:${String(await start('GraphQL'))}/graphql`;
    const ask = async (query: string, token?: string) => {
      const headers = { 'content-type': 'application/json', ...bearer(token) };
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
      return [response.status, await response.json()] as const;
    };
    const remove = 'mutation { remove(city: "Oslo") }';
    expect((await ask('{ askedBy }'))[0]).toBe(401);
    expect((await ask('{ askedBy }', await issuer.token({ scp: 'other' })))[0]).toBe(403);
    const ada = await issuer.token({ oid: 'ada' });
    expect(await ask('{ askedBy }', ada)).toEqual([200, { data: { askedBy: 'ada' } }]);
    expect(await ask(remove, await issuer.token({ roles: ['Admin'] }))).toEqual([
      200,
      { data: { remove: 'removed Oslo' } },
    ]);
    const [, refused] = await ask(remove, ada);
    expect(refused).toMatchObject({
      errors: [
        {
          message: 'The access token does not carry the role this request needs.',
          extensions: { code: 'insufficient_scope' },
        },
      ],
    });
  });
});
