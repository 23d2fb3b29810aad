// One JSON route behind each middleware, over HTTP: throughput, latency, and processor time per request of the server.
import { startAuthority } from './support/authority.mjs';
import { placement, startChild } from './support/child.mjs';
import { chosen, readFlags } from './support/flags.mjs';
import { heatSummary, modes, timeHeated, tokensNeeded } from './support/heat.mjs';
import { measure, startHost } from './support/host.mjs';
import { printMachine } from './support/machine.mjs';
import { median, medianDifference, medianRatio } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
import { variants } from './support/variants.mjs';

const flags = readFlags({
  processes: 3, // of each variant, one after the other: two of the same program differ by some percent for all their life
  rounds: 6, // bursts per process and mode, each followed by everybody else's
  burst: 400, // requests
  repeated: 100, // distinct tokens that repeat
  connections: 10,
  modes: '', // words, separated by commas: modes whose name holds one
  only: '', // words, separated by commas: variants whose name holds one; bare, floor and jose by hand always run
  express: 'express', // or express4, or both, separated by a comma
});

const compared = chosen(variants, flags.only === '' ? '' : `bare,floor,jose by hand,${flags.only}`);
const { processes, rounds, burst, repeated, connections } = flags;

printMachine([
  ...new Set([
    'routing-controllers',
    ...flags.express.split(','),
    'autocannon',
    ...compared.flatMap((v) => v.packages),
  ]),
]);
console.log(`placement ${placement}`);
console.log(`heat      ${heatSummary}`);

const authority = await startAuthority();
const load = startChild('load.mjs');
const file = await authority.writeTokens(tokensNeeded(repeated, rounds * burst));
const [proof] = await authority.tokens(1);
console.log(
  `tokens    ${proof.length} characters; ${repeated} of them repeat, or ${rounds * burst} are first seen, by each process`,
);

const tables = [];
for (const express of flags.express.split(',')) {
  const timed = await timeHeated(
    compared,
    chosen(modes, flags.modes, (mode) => mode),
    {
      ...{ processes, rounds, burst, repeated },
      start: (variant) => startHost(variant, express, authority.facts, proof),
      serve: (host, tokens) => measure(host, load, { file, connections, ...tokens }),
    },
  );
  for (const [mode, results] of timed) tables.push({ express, mode, results });
}
await load.stop();
await authority.stop();
console.log('proof     all that verify answered 401 without a token, and to a tampered one');

for (const { express, mode, results } of tables) {
  const column = (name, figure) => results.get(name).map((result) => result[figure]);
  const rows = [...results.keys()].map((name) => {
    const figure = (title) => median(column(name, title));
    const against = (base, title) => medianRatio(column(name, title), column(base, title));
    const addedBy = (other, title) => medianDifference(column(other, title), column('bare', title));
    const added = (title) => addedBy(name, title);
    return [
      name,
      figure('throughput'),
      figure('p50'),
      figure('p99'),
      figure('cpu'),
      figure('mainCpu'),
      added('cpu'),
      added('mainCpu'),
      added('mainCpu') / addedBy('floor', 'mainCpu'),
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
      '÷ floor',
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
collector), main µs that of its main thread alone, with HTTP and the route in both; + is what comes on top of bare, and
÷ floor the ratio of that on the main thread.
Ratios are medians of the ratios within each round; jose is the middleware written by hand around it.`);
