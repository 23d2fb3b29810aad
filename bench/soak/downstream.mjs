// Soaks two processes of an API that calls another while Redis and the authority fail, tokens expire and keys rotate.
// Usage: node bench/soak/downstream.mjs [--seconds 120]; needs dist/ and Redis. Exit code 1 on any wrong answer or count.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import express from 'express';
import { createMicrosoftIdentity, getTokenClaims, isAppOnly } from '../../dist/esm/express.js';
import { startTestIssuer } from '../../dist/esm/testing.js';
import { startNetwork, startRedis } from '../support/redis.mjs';
import { startApi } from './api-process.mjs';
import { Client } from './client.mjs';
import { authenticationContext, phases } from './downstream-phases.mjs';
import { DownstreamTraffic } from './downstream-traffic.mjs';
import { wholeNumbers } from './flags.mjs';
import { Report } from './report.mjs';

const flags = wholeNumbers({ seconds: 120 });
const processes = 2;
const senders = 16;

let ahead = 0;
const now = () => Date.now() + ahead;
const issuer = await startTestIssuer({ now });
const recordsId = randomUUID();

/** The other API. It verifies the tokens that it gets, and answers whose they are. */
async function startRecords() {
  const identity = createMicrosoftIdentity({ ...issuer.options, clientId: recordsId, now });
  const challenge = Buffer.from(JSON.stringify(authenticationContext)).toString('base64');
  const answerOwner = (request, response) => response.json({ oid: getTokenClaims(request).oid });
  const app = express();
  app.use(identity.requiresAuth());
  app.get('/me', answerOwner);
  app.get('/strict', (request, response) => {
    if (getTokenClaims(request).acrs?.includes('c1')) return answerOwner(request, response);
    response.status(401).set('WWW-Authenticate', `Bearer realm="", error="insufficient_claims", claims="${challenge}"`);
    response.end();
  });
  app.get('/stock', (request, response) => response.json({ app: isAppOnly(getTokenClaims(request)) }));
  const server = createServer({ keepAliveTimeout: 300_000 }, app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, server };
}

const records = await startRecords();
const redis = await startRedis();
const network = await startNetwork(redis.port);
const options = {
  ...issuer.options,
  downstream: {
    ...issuer.downstreamOptions,
    apis: { records: { baseUrl: records.url, scopes: [`api://${recordsId}/access_as_user`] } },
  },
};
const apis = Array.from({ length: processes }, () => startApi('downstream-server.mjs'));
const tellAll = (command, parameters) => Promise.all(apis.map(({ tell }) => tell(command, parameters)));
const ports = await tellAll('start', { options, redisPort: network.port });
const clients = ports.map(({ port }) => new Client(port, senders * processes));
const traffic = new DownstreamTraffic(issuer, processes);
const report = new Report();
const latencies = [];
const faults = [];

async function exchange(request, phase) {
  const allowed = traffic.statusesOf(request);
  const sentAt = performance.now();
  const answer = await clients[request.process].send(request);
  latencies.push(performance.now() - sentAt);
  const fault = answer.status === undefined ? undefined : traffic.faultIn(request, answer);
  report.add(request, answer, allowed, phase.name, false, fault);
}

const redisActions = { stop: () => redis.kill(), start: () => redis.restart(), restart: () => redis.restart() };

async function changeRedis({ redis: change }) {
  if (change?.slowMs !== undefined) network.slow(change.slowMs);
  else await redisActions[change]?.();
}

/** Of all processes together. */
async function measureMemory() {
  const all = await tellAll('pause');
  const sum = (member) => all.reduce((total, memory) => total + memory[member], 0);
  report.addMemory({ rss: sum('rss'), heapUsed: sum('heapUsed') });
}

async function moveClock(aheadMs) {
  ahead += aheadMs;
  await tellAll('setClock', { ahead });
}

/** @returns how many seconds it took */
async function soak(phase, seconds) {
  const begun = performance.now();
  const spent = () => (performance.now() - begun) / 1000;
  for (const request of traffic.opening()) await exchange(request, phase);
  const before = { sent: report.sent, at: performance.now() };
  const send = async () => {
    while (spent() < seconds) await Promise.all(traffic.next().map((request) => exchange(request, phase)));
  };
  const change = async () => {
    await sleep(seconds * 200);
    await changeRedis(phase);
  };
  await Promise.all([change(), ...Array.from({ length: senders }, send)]);
  report.steadyRequests += report.sent - before.sent;
  report.steadyMs += performance.now() - before.at;
  // Renewals that no call waits for come to their end.
  await sleep(300);
  return spent();
}

const startedAt = performance.now();
for (const phase of phases) {
  await moveClock(phase.advanceMs ?? 0);
  if (phase.rotate) await issuer.rotateKeys();
  await traffic.enter(phase, now());
  issuer.setFault(phase.fault);
  await measureMemory();
  await tellAll('resume');
  const seconds = await soak(phase, flags.seconds / phases.length);
  const disturbances = await tellAll('disturbances');
  faults.push(...traffic.faultsInCounts(disturbances.flat(), { senders: senders * processes, seconds }));
  const { users, heldToOne, requests, failed } = traffic.counts();
  const failures = disturbances.map((all) => all.filter(({ isFailure }) => isFailure).length).join(' and ');
  console.log(
    `${phase.name.padEnd(60)}${requests} token requests for ${users} sessions (${heldToOne} held to one), ${failed} failed; failures of the store: ${failures}`,
  );
}
await measureMemory();

const delays = await tellAll('delays');
console.log();
report.print({
  seconds: (performance.now() - startedAt) / 1000,
  delays: delays.reduce((worst, one) => (one.max > worst.max ? one : worst)),
  latencies,
  connections: clients.reduce((sum, { connections }) => sum + connections, 0),
  phases: phases.length,
  virtualHours: ahead / 3_600_000,
  ready: issuer.requests,
});
console.log(`token requests                      ${issuer.requests.tokens}`);
for (const fault of faults) console.log(`WRONG COUNT ${fault}`);

for (const client of clients) client.close();
for (const { stop } of apis) stop();
await network.stop();
await redis.stop();
records.server.closeAllConnections();
records.server.close();
await issuer.close();
process.exitCode = report.failed || faults.length > 0 ? 1 : 0;
