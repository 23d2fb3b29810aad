// One JSON route behind each middleware, over HTTP: throughput, latency, and processor time per request of the server.
import { startAuthority } from './support/authority.mjs';
import { placement, startChild } from './support/child.mjs';
import { chosen, readFlags } from './support/flags.mjs';
import { measure, startHost } from './support/host.mjs';
import { printMachine } from './support/machine.mjs';
import { median, medianDifference, medianRatio } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
import { takeTurns } from './support/turns.mjs';
import { variants } from './support/variants.mjs';

const flags = readFlags({
  processes: 5, // of each variant, one after the other: two of the same program differ by some percent for all their life
  rounds: 8, // bursts per process, each followed by everybody else's
  burst: 400, // requests
  warmup: 3000, // requests of repeated tokens ahead of them; a third as many of tokens seen first
  repeated: 100, // distinct tokens that repeat
  connections: 10,
  only: '', // words, separated by commas: variants whose name holds one; bare, floor and jose by hand always run
  express: 'express,express4',
});

const compared = chosen(variants, flags.only === '' ? '' : `bare,floor,jose by hand,${flags.only}`);

printMachine([
  ...new Set(['routing-controllers', 'express', 'express4', 'autocannon', ...variants.flatMap((v) => v.packages)]),
]);
console.log(`placement ${placement}`);

const authority = await startAuthority();
const load = startChild('load.mjs');
const { processes, rounds, burst, connections } = flags;
const warmupTokens = Math.ceil(flags.warmup / 3);
const file = await authority.writeTokens(warmupTokens + rounds * burst);
const [proof] = await authority.tokens(1);
console.log(
  `tokens    ${proof.length} characters; ${flags.repeated} of them repeat, or ${rounds * burst} are seen first, by each process`,
);

/** What goes ahead to warm up, and what is measured in one round. */
const loads = {
  repeated: {
    ahead: { file, to: flags.repeated, amount: flags.warmup, connections },
    inRound: () => ({ file, to: flags.repeated, amount: burst, connections }),
  },
  'first seen': {
    ahead: { file, to: warmupTokens, connections },
    inRound: (round) => {
      const from = warmupTokens + round * burst;
      return { file, from, to: from + burst, connections };
    },
  },
};

async function start(variant, express, mode) {
  const host = await startHost(variant, express, authority.facts, proof);
  await measure(host, load, loads[mode].ahead);
  return host;
}

const tables = [];
for (const express of flags.express.split(',')) {
  for (const mode of Object.keys(loads)) {
    const results = await takeTurns(compared, {
      processes,
      rounds,
      start: (variant) => start(variant, express, mode),
      measure: (host, round) => measure(host, load, loads[mode].inRound(round)),
    });
    tables.push({ express, mode, results });
    console.log(
      `done      ${express}, tokens ${mode}; all that verify answered 401 without a token, and to a tampered one`,
    );
  }
}
await load.stop();
await authority.stop();

for (const { express, mode, results } of tables) {
  const column = (name, figure) => results.get(name).map((result) => result[figure]);
  const rows = [...results.keys()].map((name) => {
    const figure = (title) => median(column(name, title));
    const against = (base, title) => medianRatio(column(name, title), column(base, title));
    const added = (title) => medianDifference(column(name, title), column('bare', title));
    return [
      name,
      figure('throughput'),
      figure('p50'),
      figure('p99'),
      figure('cpu'),
      figure('mainCpu'),
      added('cpu'),
      added('mainCpu'),
      against('bare', 'throughput'),
      medianRatio(column('bare', 'cpu'), column(name, 'cpu')),
      against('jose by hand', 'throughput'),
      against('jose by hand', 'cpu'),
      against('jose by hand', 'mainCpu'),
    ];
  });
  printTable(
    `${express}, tokens ${mode}: medians of ${processes * rounds} bursts, ${rounds} in each of ${processes} processes`,
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
      'bare ÷ CPU',
      'req/s ÷ jose',
      'CPU ÷ jose',
      'main ÷ jose',
    ],
    rows,
  );
}
console.log(`
CPU µs is the processor time of the whole server process per request (all threads: event loop, libuv's pool, garbage
collector), main µs that of its main thread alone, with HTTP and the route in both; + is what comes on top of bare.
Ratios are medians of the ratios within each round; jose is the middleware written by hand around it.`);
