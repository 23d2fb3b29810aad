// One JSON route behind each middleware, without a network: what the kernel costs is left out, so that a check stands out.
import { startAuthority } from './support/authority.mjs';
import { placement, startChild } from './support/child.mjs';
import { chosen, readFlags } from './support/flags.mjs';
import { printMachine } from './support/machine.mjs';
import { prove } from './support/proof.mjs';
import { median, medianDifference, medianRatio } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
import { takeTurns } from './support/turns.mjs';
import { variants } from './support/variants.mjs';

const flags = readFlags({
  processes: 8, // of each variant, one after the other: two of the same program differ by some percent for all their life
  rounds: 12, // bursts per process, each followed by everybody else's
  burst: 1000, // requests
  warmup: 6000, // requests ahead of them
  repeated: 100, // distinct tokens, which repeat
  only: 'storage,floor,ours', // words, separated by commas: variants whose name holds one; bare always runs
  express: 'express', // or express4
});

printMachine(['routing-controllers', flags.express]);
console.log(`placement ${placement}`);

const authority = await startAuthority();
const file = await authority.writeTokens(flags.repeated);
const [proof] = await authority.tokens(1);

async function start(variant) {
  const child = startChild('in-memory.mjs', { core: 0 });
  await child.ask('start', { variant: variant.name, express: flags.express, facts: authority.facts, file });
  await prove(variant, proof, (token) => child.ask('status', token));
  await child.ask('run', flags.warmup);
  return child;
}

const results = await takeTurns(chosen(variants, flags.only === '' ? '' : `bare,${flags.only}`), {
  processes: flags.processes,
  rounds: flags.rounds,
  start,
  measure: (child) => child.ask('run', flags.burst),
});
await authority.stop();

const column = (name, figure) => results.get(name).map((result) => result[figure]);
printTable(
  `${flags.express}, tokens repeated: medians of ${flags.processes * flags.rounds} bursts, in ${flags.processes} processes`,
  ['variant', 'main µs', '+main µs', 'CPU µs', '+CPU µs', 'bare ÷ main', 'bare ÷ CPU'],
  [...results.keys()].map((name) => {
    const added = (figure) => medianDifference(column(name, figure), column('bare', figure));
    const share = (figure) => medianRatio(column('bare', figure), column(name, figure));
    return [
      name,
      median(column(name, 'main')),
      added('main'),
      median(column(name, 'all')),
      added('all'),
      share('main'),
      share('all'),
    ];
  }),
);
