// One JSON route behind each middleware, over HTTP: throughput, latency, and processor time per request of the server.
import { startAuthority } from './support/authority.mjs';
import { placement, startChild } from './support/child.mjs';
import { chosen, readFlags } from './support/flags.mjs';
import { measure, prove, startHost } from './support/host.mjs';
import { printMachine } from './support/machine.mjs';
import { median, medianRatio, shuffle } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
import { variants } from './support/variants.mjs';

const flags = readFlags({
  rounds: 5,
  seconds: 4, // of repeated tokens, per variant and round
  warmup: 2, // seconds of repeated tokens ahead of them
  tokens: 15_000, // seen first, per variant and round; a third as many again go ahead to warm up
  repeated: 100, // distinct tokens that repeat
  connections: 10,
  only: '', // words, separated by commas: variants whose name holds one; bare and jose by hand always run
  express: 'express,express4',
});

const compared = flags.only === '' ? '' : `bare,jose by hand,${flags.only}`;
const hosts = flags.express
  .split(',')
  .flatMap((express) => chosen(variants, compared).map((variant) => ({ ...variant, express })));

printMachine([
  ...new Set(['routing-controllers', 'express', 'express4', 'autocannon', ...variants.flatMap((v) => v.packages)]),
]);
console.log(`placement ${placement}`);

const authority = await startAuthority();
const load = startChild('load.mjs');
const warmupTokens = Math.max(flags.connections, Math.ceil(flags.tokens / 3));
const file = await authority.writeTokens(warmupTokens + flags.tokens);
const [proof] = await authority.tokens(1);
console.log(
  `tokens    ${proof.length} characters; ${flags.repeated} of them repeat, or ${flags.tokens} are seen first`,
);

for (const { name, express } of hosts) {
  const host = await startHost(name, express, authority.facts);
  await prove(host, { name, isOpen: name === 'bare' }, proof);
  await host.stop();
}
console.log('verified  every variant answers 200 to a good token; all but bare 401 without, and to a tampered one');

const { connections, seconds, warmup } = flags;
const repeated = { file, to: flags.repeated, connections };
/** What goes ahead to warm up, and what is measured. */
const loads = {
  repeated: [
    { ...repeated, seconds: warmup },
    { ...repeated, seconds },
  ],
  'first seen': [
    { file, to: warmupTokens, connections },
    { file, from: warmupTokens, connections },
  ],
};
const modes = Object.keys(loads);
const results = new Map(hosts.map((host) => [host, { repeated: [], 'first seen': [] }]));
for (let round = 0; round < flags.rounds; round++) {
  // A process for each, so that nobody comes to first-seen tokens warmed up by what he does with repeated ones.
  const runs = hosts.flatMap((variant) => modes.map((mode) => ({ variant, mode })));
  for (const { variant, mode } of shuffle(runs)) {
    const host = await startHost(variant.name, variant.express, authority.facts);
    const [ahead, measured] = loads[mode];
    await measure(host, load, ahead);
    results.get(variant)[mode].push(await measure(host, load, measured));
    await host.stop();
  }
  console.log(`round     ${round + 1} of ${flags.rounds} done`);
}
await load.stop();
await authority.stop();

for (const express of flags.express.split(',')) {
  const of = (name, mode) => results.get(hosts.find((host) => host.name === name && host.express === express))[mode];
  const column = (rounds, figure) => rounds.map((result) => result[figure]);
  for (const mode of modes) {
    const bare = of('bare', mode);
    const jose = of('jose by hand', mode);
    const rows = hosts
      .filter((host) => host.express === express)
      .map(({ name }) => {
        const rounds = of(name, mode);
        const figure = (title) => median(column(rounds, title));
        const against = (base, title) => medianRatio(column(rounds, title), column(base, title));
        const added = (title) => median(rounds.map((result, round) => result[title] - bare[round][title]));
        return [
          name,
          figure('throughput'),
          figure('p50'),
          figure('p99'),
          figure('cpu'),
          figure('mainCpu'),
          added('cpu'),
          added('mainCpu'),
          against(bare, 'throughput'),
          against(jose, 'throughput'),
          against(jose, 'cpu'),
          against(jose, 'mainCpu'),
        ];
      });
    printTable(
      `${express}, tokens ${mode}: medians of ${flags.rounds} rounds`,
      [
        'variant',
        'req/s',
        'p50 ms',
        'p99 ms',
        'CPU µs',
        'main µs',
        '+CPU µs',
        '+main µs',
        'req/s ÷ bare',
        'req/s ÷ jose',
        'CPU ÷ jose',
        'main ÷ jose',
      ],
      rows,
    );
  }
}
console.log(`
CPU µs is the processor time of the whole server process per request (all threads: event loop, libuv's pool, garbage
collector), main µs that of its main thread alone, with HTTP and the route in both; + is what comes on top of bare.
Ratios are medians of the ratios within each round; jose is the middleware written by hand around it.`);
