// One JSON route behind each middleware, without a network: what the kernel costs is left out, so that a check stands out.
import { startAuthority } from './support/authority.mjs';
import { placement, startChild } from './support/child.mjs';
import { chosen, readFlags } from './support/flags.mjs';
import { heatSummary, modes, timeHeated, tokensNeeded } from './support/heat.mjs';
import { printMachine } from './support/machine.mjs';
import { prove } from './support/proof.mjs';
import { median, medianDifference, medianRatio } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
import { variants } from './support/variants.mjs';

const flags = readFlags({
  processes: 3, // of each variant, one after the other: two of the same program differ by some percent for all their life
  rounds: 8, // bursts per process and mode, each followed by everybody else's
  burst: 800, // requests
  repeated: 100, // distinct tokens that repeat
  modes: '', // words, separated by commas: modes whose name holds one
  only: 'storage,floor,ours,fast-jwt,jose by hand', // words, separated by commas: variants whose name holds one; bare always runs
  express: 'express', // or express4
});

const compared = chosen(variants, flags.only === '' ? '' : `bare,${flags.only}`);
const { processes, rounds, burst, repeated } = flags;

printMachine([...new Set(['routing-controllers', flags.express, ...compared.flatMap((v) => v.packages)])]);
console.log(`placement ${placement}`);
console.log(`heat      ${heatSummary}`);

const authority = await startAuthority();
const file = await authority.writeTokens(tokensNeeded(repeated, rounds * burst));
const [proof] = await authority.tokens(1);

async function start(variant) {
  const child = startChild('in-memory.mjs', { core: 0 });
  await child.ask('start', { variant: variant.name, express: flags.express, facts: authority.facts, file });
  await prove(variant, proof, (token) => child.ask('status', token));
  return child;
}

const timed = await timeHeated(
  compared,
  chosen(modes, flags.modes, (mode) => mode),
  { ...{ processes, rounds, burst, repeated, start }, serve: (child, tokens) => child.ask('run', tokens) },
);
await authority.stop();

for (const [mode, results] of timed) {
  const column = (name, figure) => results.get(name).map((result) => result[figure]);
  printTable(
    `${flags.express}, tokens ${mode}: medians of ${processes * rounds} bursts, in ${processes} processes`,
    ['variant', 'main µs', '+main µs', '÷ floor', 'CPU µs', '+CPU µs', 'bare ÷ main', 'bare ÷ CPU'],
    [...results.keys()].map((name) => {
      const addedBy = (other, figure) => medianDifference(column(other, figure), column('bare', figure));
      const added = (figure) => addedBy(name, figure);
      const share = (figure) => medianRatio(column('bare', figure), column(name, figure));
      return [
        name,
        median(column(name, 'main')),
        added('main'),
        results.has('floor') ? added('main') / addedBy('floor', 'main') : NaN,
        median(column(name, 'all')),
        added('all'),
        share('main'),
        share('all'),
      ];
    }),
  );
}
