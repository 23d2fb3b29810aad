// Soaks the gate in mixed traffic while keys rotate, the issuer fails and days pass on the API's clock.
// Usage: node bench/soak/run.mjs [--requests 100000] [--seconds 300]; needs dist/. Exit code 1 on any wrong answer.
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestIssuer } from '../../dist/esm/testing.js';
import { startApi } from './api-process.mjs';
import { Client, faultIn } from './client.mjs';
import { phases, settleMs, statusesBetween, statusOf } from './phases.mjs';
import { wholeNumbers } from './flags.mjs';
import { Report } from './report.mjs';
import { Traffic } from './traffic.mjs';

const flags = wholeNumbers({ requests: 100_000, seconds: 300 });
const mostRequests = flags.requests;
const mostMs = flags.seconds * 1000;
const senders = 48;
const sendersBetween = 4;

const { tell, stop } = startApi('server.mjs');

const start = Date.UTC(2026, 0, 1);
let clock = start;
const issuer = await startTestIssuer({ now: () => clock });
const { port } = await tell('start', { options: { ...issuer.options, b2c: issuer.b2cOptions }, now: clock });
const client = new Client(port, senders);
const traffic = new Traffic(issuer);
const report = new Report();
const latencies = [];
const startedAt = performance.now();
const isTimeUp = () => performance.now() - startedAt >= mostMs;

/** Sends one request. It is judged by the phase it falls into, or by the two it falls between. */
async function exchange(request, judge, phase, isBetween) {
  const sentAt = performance.now();
  const answer = await client.send(request);
  if (!isBetween) latencies.push(performance.now() - sentAt);
  const fault = answer.status === undefined ? undefined : faultIn(request, answer);
  report.add(request, answer, judge(request), phase.name, isBetween, fault);
}

async function soak(phase, requests) {
  const nowMs = clock;
  const judge = (request) => new Set([statusOf(request, phase, nowMs)]);
  const opening = traffic.opening();
  for (const request of opening) await exchange(request, judge, phase, false);
  const before = { sent: report.sent, at: performance.now() };
  let left = requests - opening.length;
  const send = async () => {
    while (left-- > 0 && !isTimeUp()) await exchange(traffic.next(), judge, phase, false);
  };
  await Promise.all(Array.from({ length: senders }, send));
  report.steadyRequests += report.sent - before.sent;
  report.steadyMs += performance.now() - before.at;
}

/** Changes the issuer and the clock under the feet of those who call. */
async function turn(before, after, nextMs) {
  const beforeMs = clock;
  const judge = (request) => statusesBetween(request, before, after, beforeMs, nextMs);
  let isOver = false;
  const send = async () => {
    while (!isOver) {
      await exchange(traffic.next(), judge, after, true);
      await sleep(10);
    }
  };
  const sending = Array.from({ length: sendersBetween }, send);
  issuer.setFault(after.fault);
  if (after.rotate) await issuer.rotateKeys();
  // A download that set out before the change ends before the clock moves, so that it is known which came first.
  await sleep(settleMs(before));
  await tell('setClock', { now: nextMs });
  clock = nextMs;
  await sleep(200);
  isOver = true;
  await Promise.all(sending);
}

let generation = 1;
let done = 0;
let previous;
for (const phase of phases) {
  if (isTimeUp()) break;
  const nextMs = clock + (phase.advanceMs ?? 0);
  if (previous === undefined) issuer.setFault(phase.fault);
  else await turn(previous, phase, nextMs);
  report.addMemory(await tell('pause'));
  if (phase.rotate) generation++;
  await traffic.sign(generation, start, nextMs);
  await tell('resume');
  await soak(phase, Math.ceil((mostRequests - report.sent) / (phases.length - done)));
  previous = phase;
  done++;
}
report.addMemory(await tell('pause'));

if (done < phases.length || isTimeUp()) console.log(`Stopped by --seconds ${flags.seconds}.\n`);
report.print({
  seconds: (performance.now() - startedAt) / 1000,
  delays: await tell('delays'),
  latencies,
  connections: client.connections,
  phases: done,
  virtualHours: (clock - start) / 3_600_000,
  ready: issuer.requests,
});
client.close();
stop();
await issuer.close();
process.exitCode = report.failed ? 1 : 0;
