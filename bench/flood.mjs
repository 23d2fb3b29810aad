// What a refused request costs beside an accepted one, and what a flood of garbage does to callers with a good token.
import { startAuthority } from './support/authority.mjs';
import { placement, startChild } from './support/child.mjs';
import { credentialKinds } from './support/credentials.mjs';
import { chosen, readFlags } from './support/flags.mjs';
import { startHost } from './support/host.mjs';
import { hostNames } from './support/hosts.mjs';
import { printMachine } from './support/machine.mjs';
import { median, medianRatio, shuffle } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
import { variants } from './support/variants.mjs';

const flags = readFlags({
  distinct: 100, // credentials of each kind
  heat: 4000, // requests of each kind that each host serves before the clock starts
  unseenHeat: 1000, // of the kind that has another token each time
  rounds: 12, // bursts of each kind
  burst: 250, // requests
  hosts: '', // words, separated by commas: hosts whose name holds one
  floods: 3, // floods, with as long a quiet time before each; 0: none
  seconds: 4, // of each
  garbage: 10_000, // requests per second
  valid: 500, // requests per second
  only: 'bare,ours', // names of variants that are flooded, separated by commas
});

printMachine(['routing-controllers', 'express', 'koa']);
console.log(`placement ${placement}`);
const authority = await startAuthority();
const { rounds: bursts, burst } = flags;
const kinds = await credentialKinds(authority, flags.distinct, flags.unseenHeat + bursts * burst);
const [accepted, firstSeen] = kinds;

/** One process, in which all kinds take turns in shuffled order. */
async function costsOn(host) {
  const child = startChild('in-memory.mjs', { core: 0 });
  await child.ask('start', { route: 'hosts.mjs', host, facts: authority.facts });
  let sent = 0;
  const spend = ({ credentials, status, aheadMs, areSentOnce }, amount) => {
    const share = areSentOnce === true ? credentials.slice(sent, (sent += amount)) : credentials;
    return child.ask('spend', { credentials: share, amount, expected: status, aheadMs });
  };
  for (const { credentials, aheadMs } of kinds) {
    if (aheadMs !== undefined) await spend({ credentials, status: accepted.status }, credentials.length);
  }
  for (const kind of kinds) await spend(kind, kind === firstSeen ? flags.unseenHeat : flags.heat);
  const costs = new Map(kinds.map((kind) => [kind, []]));
  for (let round = 0; round < bursts; round++) {
    for (const kind of shuffle(kinds)) costs.get(kind).push((await spend(kind, burst)).all);
  }
  await child.stop();
  return costs;
}

const hosts = chosen(hostNames, flags.hosts, (name) => name);
const costs = [];
for (const host of hosts) costs.push(await costsOn(host));
printTable(
  `CPU µs per request without a network, ÷ the accepted repeated one, and ÷ the accepted first-seen one: medians of ${bursts} bursts`,
  ['', ...hosts.flatMap((host) => [host, '÷', '÷ first'])],
  kinds.map((kind) => [
    kind.name,
    ...costs.flatMap((ofHost) => [
      median(ofHost.get(kind)),
      ...[accepted, firstSeen].map((base) => medianRatio(ofHost.get(kind), ofHost.get(base))),
    ]),
  ]),
);

const garbage = kinds.find(({ name }) => name === 'garbage');
const [proof] = await authority.tokens(1);

/** Callers with a good token, in turn with and without a flood beside them, on one server. */
async function floodsOf(variant) {
  const callers = startChild('paced.mjs');
  const host = await startHost(variant, 'express', authority.facts, proof);
  const port = Number(new URL(host.url).port);
  const { credentials, status } = accepted;
  const valid = { credentials, expected: status, rate: flags.valid, connections: 20 };
  const bounds = { rate: flags.garbage, connections: 50, mostOpen: 1_000 };
  const others = { credentials: garbage.credentials, expected: variant.isOpen ? 200 : garbage.status, ...bounds };
  const timed = async (kinds) => {
    await host.ask('begin');
    const results = await callers.ask('run', { port, seconds: flags.seconds, kinds });
    const { main } = await host.ask('end');
    return { ...results, busy: main / (flags.seconds * 1e6) };
  };
  await timed({ valid, others });
  const rounds = [];
  for (let round = 0; round < flags.floods; round++) {
    rounds.push({ quiet: await timed({ valid }), flooded: await timed({ valid, others }) });
  }
  for (const child of [host, callers]) await child.stop();
  return rounds;
}

const flooded = flags.floods === 0 ? [] : variants.filter(({ name }) => flags.only.split(',').includes(name));
const rows = [];
for (const variant of flooded) {
  const rounds = await floodsOf(variant);
  const column = (when, figure) => rounds.map((round) => figure(round[when]));
  const middle = (when, figure) => median(column(when, figure));
  const p99 = ({ valid }) => valid.p99;
  rows.push([
    variant.name,
    ...['quiet', 'flooded'].flatMap((when) => [
      middle(when, ({ valid }) => valid.p50),
      middle(when, p99),
      `${Math.round(100 * middle(when, ({ busy }) => busy))}%`,
    ]),
    medianRatio(column('flooded', p99), column('quiet', p99)),
    Math.round(middle('flooded', ({ others }) => others.rate)),
    Math.round(middle('flooded', ({ valid }) => valid.rate)),
    middle('flooded', ({ valid }) => valid.late),
  ]);
}
await authority.stop();
if (rows.length > 0) {
  printTable(
    `${flags.valid} requests with a good token per second on Express, and ${flags.garbage} with garbage beside them: medians of ${flags.floods} times ${flags.seconds} s`,
    [
      '',
      'quiet: p50 ms',
      'p99 ms',
      'main thread',
      'flood: p50 ms',
      'p99 ms',
      'main thread',
      'p99 ÷ quiet',
      'garbage/s',
      'good/s',
      'sent late: p99 ms',
    ],
    rows,
  );
}
