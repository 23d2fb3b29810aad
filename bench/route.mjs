// One JSON route behind each middleware, without a network: what the kernel costs is left out, so that a check stands out.
import { startAuthority, tampered } from './support/authority.mjs';
import { placement, startChild } from './support/child.mjs';
import { chosen, readFlags } from './support/flags.mjs';
import { printMachine } from './support/machine.mjs';
import { median, medianRatio, shuffle } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
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
const proofs = [null, tampered(proof), proof, proof, tampered(proof)];
const compared = chosen(variants, flags.only === '' ? '' : `bare,${flags.only}`);
const results = new Map(compared.map(({ name }) => [name, []]));

async function start({ name, isOpen }) {
  const child = startChild('in-memory.mjs', { core: 0 });
  const statuses = await child.ask('start', {
    variant: name,
    express: flags.express,
    facts: authority.facts,
    file,
    proofs,
  });
  const expected = isOpen ? [200, 200, 200, 200, 200] : [401, 401, 200, 200, 401];
  if (`${statuses}` !== `${expected}`) throw new Error(`${name} answers ${statuses}, not ${expected}.`);
  await child.ask('run', flags.warmup);
  return child;
}

for (let process = 0; process < flags.processes; process++) {
  const running = [];
  for (const variant of shuffle(compared)) running.push({ name: variant.name, child: await start(variant) });
  for (let round = 0; round < flags.rounds; round++) {
    for (const { name, child } of shuffle(running)) results.get(name).push(await child.ask('run', flags.burst));
  }
  for (const { child } of running) await child.stop();
}
await authority.stop();

const bare = results.get('bare');
const column = (rounds, figure) => rounds.map((result) => result[figure]);
printTable(
  `${flags.express}, tokens repeated: medians of ${flags.processes * flags.rounds} bursts, in ${flags.processes} processes`,
  ['variant', 'main µs', '+main µs', 'CPU µs', '+CPU µs', 'bare ÷ main', 'bare ÷ CPU'],
  [...results].map(([name, rounds]) => {
    const added = (figure) => median(rounds.map((result, round) => result[figure] - bare[round][figure]));
    const share = (figure) => medianRatio(column(bare, figure), column(rounds, figure));
    return [
      name,
      median(column(rounds, 'main')),
      added('main'),
      median(column(rounds, 'all')),
      added('all'),
      share('main'),
      share('all'),
    ];
  }),
);
