/** The recipes of docs/diagnostics.md, run as they stand with the packages that they name. Works on `dist/`, as they do. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestIssuer, type TestIssuer } from '../src/testing.js';
import { compiled, runProgram } from './support/program.js';

const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'diagnostics.md'), 'utf8');

function recipe(heading: string): string {
  const section = page.split('\n## ').find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const [, code = ''] = /```ts\n([^]*?)```/.exec(section) ?? [];
  return code;
}

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

/** Makes four requests: with a token, with the same, with an expired one, and one for which there are no keys. */
const requests = `
import * as identityLibrary from 'microsoft-identity-decorators/fetch';
async function makeRequests() {
  const { TOKEN: token, EXPIRED: expired, TENANT: tenantId, CLIENT: clientId, INSTANCE: instance } = process.env;
  const options = { tenantId, clientId, instance, diagnostics: { identifiers: true } };
  identityLibrary.initialize(options);
  class Orders {
    list() {
      return new Response();
    }
  }
  const { value } = Object.getOwnPropertyDescriptor(Orders.prototype, 'list');
  identityLibrary.RequiresAuth()(Orders.prototype, 'list', { value, writable: true });
  const call = (text) =>
    new Orders().list(new Request('http://api.example/orders?x', { headers: { authorization: 'Bearer ' + text } }));
  for (const text of [token, token, expired]) await call(text);
  identityLibrary.initialize({ ...options, instance: 'http://127.0.0.1:1' });
  await call(token);
  const handler = identityLibrary.protect({}, () => new Response());
  await handler(new Request('http://api.example/orders/7?x'));
}
`;

async function run(code: string): Promise<readonly unknown[]> {
  const { tenantId, clientId, instance } = issuer.options;
  const { output, status } = await runProgram(compiled(code), {
    TOKEN: await issuer.token({ oid: 'ada', azp: 'client' }),
    EXPIRED: await issuer.token({ oid: 'ada', exp: 1 }),
    TENANT: tenantId,
    CLIENT: clientId,
    INSTANCE: instance,
  });
  expect({ output, status }).toEqual({ output: expect.any(String) as string, status: 0 });
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as unknown);
}

const milliseconds = expect.any(Number) as number;
const caller = () => ({ tid: issuer.options.tenantId, oid: 'ada', azp: 'client' });
const expired = { outcome: 'refused', code: 'invalid_token', reason: 'expired', status: 401 };
const withoutKeys = { outcome: 'refused', code: 'issuer_unavailable', status: 503 };
const withoutToken = { outcome: 'refused', code: 'missing_token', status: 401 };

/** Sends a request through two middlewares of Express, of which the second lets it in or refuses it. */
const chain = `
import express from 'express';
import { once } from 'node:events';
import * as expressLibrary from 'microsoft-identity-decorators/express';
async function chain() {
  const { TOKEN: token, TENANT: tenantId, CLIENT: clientId, INSTANCE: instance } = process.env;
  expressLibrary.initialize({ tenantId, clientId, instance });
  const app = express();
  for (const scope of ['access_as_user', 'other']) {
    app.get('/' + scope, expressLibrary.requiresAuth(), expressLibrary.requiresScope(scope), (request, response) => {
      response.end();
    });
  }
  const server = app.listen(0);
  await once(server, 'listening');
  for (const path of ['/access_as_user', '/other']) {
    await fetch('http://localhost:' + server.address().port + path, { headers: { authorization: 'Bearer ' + token } });
  }
  server.closeAllConnections();
  server.close();
}
`;
it('pino logs each decision', async () => {
  const lines = await run(`${recipe('An audit log with pino')}${requests}await makeRequests();`);
  const common = { time: milliseconds, pid: milliseconds, hostname: expect.any(String) as string, name: 'access' };
  const letIn = { level: 30, msg: 'let in', route: 'Orders.list', milliseconds };
  const refused = { level: 40, msg: 'refused', route: 'Orders.list', milliseconds };
  expect(lines).toEqual([
    { ...common, ...letIn, outcome: 'verified', ...caller() },
    { ...common, ...letIn, outcome: 'cached', ...caller() },
    { ...common, ...refused, ...expired },
    { ...common, ...refused, ...withoutKeys },
    { ...common, ...refused, ...withoutToken, route: '/orders/7' },
  ]);
});

/** The SDK of an application, which keeps in memory what it would send. */
const sdk = `
import * as sdkApi from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter: metricExporter });
sdkApi.metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
const spanExporter = new InMemorySpanExporter();
sdkApi.trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] }));
sdkApi.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
`;

/** Makes the requests inside a span, as the instrumentation of HTTP does, and prints what would be sent. */
const report = `
await sdkApi.trace.getTracer('http').startActiveSpan('GET', async (span) => {
  await makeRequests();
  span.end();
});
await reader.forceFlush();
const [{ scopeMetrics: [{ metrics: sent }] }] = metricExporter.getMetrics();
for (const { descriptor, dataPoints } of sent) {
  for (const { attributes, value } of dataPoints) {
    console.log(JSON.stringify({ metric: descriptor.name, attributes, count: value.count ?? value }));
  }
}
const spans = spanExporter.getFinishedSpans();
const [request] = spans.slice(-1);
for (const { name, attributes, status, duration, parentSpanContext } of spans.slice(0, -1)) {
  const isChild = parentSpanContext?.spanId === request.spanContext().spanId;
  console.log(JSON.stringify({ span: name, attributes, status: status.code, isChild, isTimed: duration[0] * 1e9 + duration[1] > 0 }));
}
await reader.shutdown();
`;

it('OpenTelemetry gets metrics and spans', async () => {
  const lines = await run(`${sdk}${recipe('Metrics and spans with OpenTelemetry')}${requests}${report}`);
  const counted = (metric: string, attributes: object, count = 1) => ({ metric, attributes, count });
  const route = 'Orders.list';
  const labels = ({ outcome, code, reason }: Readonly<Record<string, unknown>>) => ({
    outcome,
    code,
    ...(reason !== undefined && { reason }),
  });
  const spanOf = (attributes: object, status = 0) => ({
    span: 'authorize',
    attributes,
    status,
    isChild: true,
    isTimed: true,
  });
  expect(lines).toEqual([
    counted('api.auth.requests', { outcome: 'verified', route }),
    counted('api.auth.requests', { outcome: 'cached', route }),
    counted('api.auth.requests', { ...labels(expired), route }),
    counted('api.auth.requests', { ...labels(withoutKeys), route }),
    counted('api.auth.requests', labels(withoutToken)),
    counted('api.auth.duration', { outcome: 'verified' }),
    counted('api.auth.duration', { outcome: 'cached' }),
    counted('api.auth.duration', { outcome: 'refused' }, 3),
    counted('api.auth.documents', { outcome: 'loaded', document: 'configuration' }),
    counted('api.auth.documents', { outcome: 'loaded', document: 'keys' }),
    counted('api.auth.documents', { outcome: 'failed', document: 'configuration' }),
    spanOf({ outcome: 'verified', route, ...caller() }),
    spanOf({ outcome: 'cached', route, ...caller() }),
    spanOf({ ...expired, route }),
    spanOf({ ...withoutKeys, route }, 2),
    spanOf({ ...withoutToken, route: '/orders/7' }),
  ]);
});

it('OpenTelemetry counts a request once that two middlewares let in', async () => {
  const lines = await run(`${sdk}${recipe('Metrics and spans with OpenTelemetry')}
async function makeRequests() {
  await chain();
}
${chain}${report}`);
  const metric = 'api.auth.requests';
  const missingScope = { outcome: 'refused', code: 'insufficient_scope', reason: 'scope' };
  expect(lines.filter((line) => (line as { readonly metric?: string }).metric === metric)).toEqual([
    { metric, attributes: { outcome: 'verified' }, count: 1 },
    { metric, attributes: { outcome: 'cached' }, count: 1 },
    { metric, attributes: missingScope, count: 1 },
  ]);
  expect(lines.filter((line) => Object.hasOwn(line as object, 'span'))).toHaveLength(3);
});
