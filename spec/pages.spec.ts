/** The programs of the pages about hosts and production, run as they stand against one issuer. Works on `dist/`. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer, type Server, type ServerResponse } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import ts from 'typescript';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTestIssuer, type TestIssuer } from '../src/testing.js';
import { environmentOf } from './support/environment-variables.js';
import { readPage } from './support/pages.js';
import { compiled, endPrograms, freePort, runProgram, startProgram } from './support/program.js';

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startTestIssuer();
});

afterEach(endPrograms);

afterAll(() => issuer.close());

const programsOf = (page: string) =>
  readPage(page)
    .blocks.filter(({ language }) => language === 'ts')
    .map(({ code }) => code);

/** What the file that imports an app does: it configures, and listens. */
const mainOf = (code: string) =>
  [
    code.includes('initialize(')
      ? ''
      : "import { initialize as configure } from 'microsoft-identity-decorators/express';\nconfigure();",
    code.includes('.listen(') ? '' : 'app.listen(process.env.PORT);',
  ].join('\n');

interface Call {
  /** `GET /path`. */
  readonly request: string;
  /** The claims of the token; without them no token is sent. */
  readonly claims?: { readonly scp?: string; readonly roles?: readonly string[] };
  readonly status: number;
}

const reader = { scp: 'access_as_user' };
const stranger = { scp: 'profile' };

/** The statuses of a route that demands the scope `access_as_user`. */
const guarded = (request: string): readonly Call[] => [
  { request, status: 401 },
  { request, claims: stranger, status: 403 },
  { request, claims: reader, status: 200 },
];

async function expectAnswers(port: number, calls: readonly Call[]): Promise<void> {
  const answers: Call[] = [];
  for (const call of calls) {
    const [method = '', path = ''] = call.request.split(' ');
    const headers = call.claims && { authorization: `Bearer ${await issuer.token(call.claims)}` };
    const { status } = await fetch(`http://localhost:${String(port)}${path}`, { method, ...(headers && { headers }) });
    answers.push({ ...call, status });
  }
  expect(answers).toEqual(calls);
}

const callsOfExpress: readonly (readonly Call[])[] = [
  guarded('GET /api/weather/Oslo'),
  [
    { request: 'GET /health', status: 200 },
    { request: 'GET /else', status: 401 },
    { request: 'GET /else', claims: reader, status: 404 },
  ],
  [
    { request: 'GET /reports', status: 401 },
    { request: 'GET /reports', claims: { scp: 'reports.read' }, status: 200 },
    { request: 'DELETE /reports/1', claims: { scp: 'reports.write' }, status: 403 },
    { request: 'DELETE /reports/1', claims: { scp: 'reports.write', roles: ['Editor'] }, status: 204 },
  ],
  [
    { request: 'GET /admin/list.json', status: 401 },
    { request: 'GET /%61dmin/list.json', status: 404 },
  ],
  [
    { request: 'GET /health', status: 200 },
    { request: 'GET /reports', status: 401 },
    { request: 'GET /reports', claims: { scp: 'reports.read' }, status: 200 },
    { request: 'POST /reports', claims: { scp: 'reports.read' }, status: 403 },
    { request: 'POST /reports', claims: { scp: 'reports.write' }, status: 201 },
  ],
  [
    { request: 'PUT /reports/1', claims: reader, status: 204 },
    { request: 'PUT /reports/annual', claims: reader, status: 403 },
    { request: 'PUT /reports/annual', claims: { scp: 'reports.annual' }, status: 204 },
  ],
  [
    { request: 'GET /.well-known/oauth-protected-resource', status: 200 },
    { request: 'GET /partners', status: 401 },
  ],
];

describe('docs/express.md', () => {
  const programs = programsOf('docs/express.md');

  it('has a row of calls for each program', () => {
    expect(callsOfExpress).toHaveLength(programs.length);
  });

  it.each(programs.map((code, index) => ({ code, calls: callsOfExpress[index] ?? [] })))(
    'answers $calls.0.request and what follows',
    async ({ code, calls }) => {
      const port = await freePort();
      await startProgram(compiled(`${code}\n${mainOf(code)}`), port, issuer.options);
      await expectAnswers(port, calls);
    },
  );
});

describe('docs/koa.md', () => {
  it.each(programsOf('docs/koa.md').map((code) => ({ code })))('runs: $code', async ({ code }) => {
    const port = await freePort();
    await startProgram(compiled(code), port, issuer.options);
    await expectAnswers(port, guarded('GET /api/weather/Oslo'));
  });
});

describe('the complete app of docs/nestjs.md', () => {
  it.each([
    { type: 'commonjs', module: ts.ModuleKind.CommonJS },
    { type: 'module', module: ts.ModuleKind.ES2022 },
  ] as const)('runs as $type', async ({ type, module }) => {
    const [code = ''] = programsOf('docs/nestjs.md');
    const port = await freePort();
    await startProgram(compiled(code, module), port, issuer.options, {}, type);
    await expectAnswers(port, [
      { request: 'GET /api/weather/health', status: 200 },
      ...guarded('GET /api/weather/Oslo'),
    ]);
  });
});

describe('the two programs of docs/downstream.md', () => {
  it('call one another with the variables of the page', async () => {
    const programs = programsOf('docs/downstream.md');
    const inventory = programs.find((code) => code.includes("app.get('/stock'")) ?? '';
    const app = programs.find((code) => code.includes('class StockController')) ?? '';
    const clientId = '0f6d1a52-7b4e-4f65-8f0c-9c6c1e7f4f02';
    const inventoryPort = await freePort();
    await startProgram(compiled(inventory), inventoryPort, { ...issuer.options, clientId });
    const port = await freePort();
    await startProgram(compiled(app), port, issuer.options, {
      AzureAd__ClientSecret: issuer.downstreamOptions.credential.clientSecret,
      DownstreamApis__inventory__BaseUrl: `http://localhost:${String(inventoryPort)}`,
      DownstreamApis__inventory__Scopes: `api://${clientId}/stock.read`,
    });
    const authorization = `Bearer ${await issuer.token({ oid: 'ada' })}`;
    const answerOf = async (path: string) => {
      const response = await fetch(`http://localhost:${String(port)}${path}`, { headers: { authorization } });
      return response.json();
    };
    const client = issuer.options.clientId;
    expect(await answerOf('/api/mine')).toEqual({ client, oid: 'ada', scp: 'stock.read' });
    expect(await answerOf('/api/all')).toMatchObject({ client, roles: ['access_as_app'] });
  });
});

describe('the download of docs/downstream.md', () => {
  /** What the other API does with a path, once it sent a part of the file. */
  type Then = (response: ServerResponse) => void;
  let api: Server;
  let then: Then;
  let callsEnded = 0;
  let url: string;
  let shown = '';
  let child: ChildProcess;
  let headers: { readonly authorization: string };

  beforeAll(async () => {
    api = createHttpServer((request, response) => {
      response.once('close', () => callsEnded++);
      const [, status] = /^\/files\/(\d+)$/.exec(request.url ?? '') ?? [];
      if (status !== undefined) return response.writeHead(Number(status), { 'Retry-After': '7' }).end('m4rk3r');
      response.writeHead(200, { 'Content-Type': 'text/csv' });
      return response.write('a,b\n', () => {
        then(response);
      });
    }).listen(0, '127.0.0.1');
    await once(api, 'listening');
    headers = { authorization: `Bearer ${await issuer.token()}` };
  });

  beforeEach(async () => {
    const code = programsOf('docs/downstream.md').find((program) => program.includes('pipeline(')) ?? '';
    const port = await freePort();
    child = await startProgram(compiled(code), port, issuer.options, {
      AzureAd__ClientSecret: issuer.downstreamOptions.credential.clientSecret,
      DownstreamApis__files__BaseUrl: `http://127.0.0.1:${String((api.address() as AddressInfo).port)}`,
      DownstreamApis__files__Scopes: 'api://0f6d1a52-7b4e-4f65-8f0c-9c6c1e7f4f02/files.read',
    });
    url = `http://localhost:${String(port)}/files`;
    shown = '';
    child.stderr?.on('data', (chunk: Buffer) => (shown += chunk.toString()));
  });

  afterAll(() => {
    api.closeAllConnections();
    api.close();
  });

  const printed = (reason: string) =>
    vi.waitFor(() => {
      expect(shown).toContain(`reason: '${reason}'`);
    }, 5_000);

  /** The program answers another request, and printed one line. */
  async function expectGoesOn(): Promise<void> {
    expect((await fetch(`${url}/404`, { headers })).status).toBe(404);
    expect(child.exitCode).toBe(null);
    expect(shown.trim().split('\n')).toHaveLength(1);
  }

  it('sends the file', async () => {
    then = (response) => response.end('1,2\n');
    const answer = await fetch(`${url}/report`, { headers });
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      200,
      'text/csv; charset=utf-8',
      'a,b\n1,2\n',
    ]);
    expect(shown).toBe('');
  });

  it.each([
    { status: 404, answered: 404, retryAfter: null },
    { status: 429, answered: 503, retryAfter: '7' },
    { status: 503, answered: 503, retryAfter: '7' },
    { status: 500, answered: 502, retryAfter: null },
  ])('answers $status of the other API with $answered', async ({ status, answered, retryAfter }) => {
    const answer = await fetch(`${url}/${String(status)}`, { headers });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([answered, retryAfter]);
    expect(await answer.text()).not.toContain('m4rk3r');
    expect(shown).toBe('');
  });

  it('goes on where the other API breaks off, and the caller notices', async () => {
    then = (response) => response.destroy();
    const answer = await fetch(`${url}/report`, { headers });
    await expect(answer.text()).rejects.toThrow('terminated');
    await printed('terminated');
    await expectGoesOn();
  });

  it('ends the call of the other API where the caller hangs up', async () => {
    then = () => undefined;
    const before = callsEnded;
    const caller = new AbortController();
    const answer = await fetch(`${url}/report`, { headers, signal: caller.signal });
    expect(answer.status).toBe(200);
    caller.abort();
    await printed('Premature close');
    await vi.waitFor(() => {
      expect(callsEnded).toBe(before + 1);
    }, 5_000);
    await expectGoesOn();
  });
});

describe('docs/production.md', () => {
  const [code = ''] = programsOf('docs/production.md');

  it('answers, is alive and ready, and ends at SIGTERM', async () => {
    const port = await freePort();
    const child = await startProgram(compiled(code), port, issuer.options);
    await expectAnswers(port, [
      { request: 'GET /health/live', status: 200 },
      { request: 'GET /health/ready', status: 200 },
      ...guarded('GET /weather/Oslo'),
    ]);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it('logs why another API did not answer', async () => {
    const program = programsOf('docs/production.md').find((text) => text.includes('DownstreamError')) ?? '';
    const port = await freePort();
    const child = await startProgram(compiled(program), port, issuer.options, {
      AzureAd__ClientSecret: issuer.downstreamOptions.credential.clientSecret,
      DownstreamApis__inventory__BaseUrl: `http://127.0.0.1:${String(await freePort())}`,
      DownstreamApis__inventory__Scopes: 'api://0f6d1a52-7b4e-4f65-8f0c-9c6c1e7f4f02/stock.read',
    });
    let shown = '';
    child.stderr?.on('data', (chunk: Buffer) => (shown += chunk.toString()));
    const headers = { authorization: `Bearer ${await issuer.token()}` };
    const { status } = await fetch(`http://localhost:${String(port)}/stock`, { headers });
    expect(status).toBe(502);
    await vi.waitFor(() => {
      expect(shown).toContain('ECONNREFUSED');
    }, 5_000);
    expect(shown).toMatch(/^The API inventory did not answer/);
  });

  it('does not start with a tenant that is not there', async () => {
    const elsewhere = { ...issuer.options, tenantId: '00000000-0000-4000-8000-000000000000' };
    await expect(startProgram(compiled(code), await freePort(), elsewhere)).rejects.toThrow('The program ended');
  });
});

describe.each(['express', 'koa', 'nestjs', 'mcp'])('the first program of docs/%s.md', (page) => {
  it('ends without a stack where its port is in use', async () => {
    const other = createServer().listen();
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const [code = ''] = programsOf(`docs/${page}.md`);
    const environment = {
      ...environmentOf(port, issuer.options),
      MCP_RESOURCE: `http://localhost:${String(port)}/mcp`,
    };
    const { output, status } = await runProgram(compiled(code), environment);
    expect(output).toContain(`listen EADDRINUSE: address already in use :::${String(port)}`);
    expect(output).not.toMatch(/^ +at /m);
    expect(status).toBe(1);
    other.close();
  });
});
