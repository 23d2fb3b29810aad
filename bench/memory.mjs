// What a cached token costs in memory, and that memory stops growing: 100,000 distinct tokens.
import { startAuthority } from './support/authority.mjs';
import { startChild } from './support/child.mjs';
import { readFlags } from './support/flags.mjs';
import { printMachine } from './support/machine.mjs';
import { printTable } from './support/table.mjs';

const flags = readFlags({ tokens: 100_000, samples: 20 });

printMachine([]);
const authority = await startAuthority();
const file = await authority.writeTokens(flags.tokens);
const entries = [1_000, 10_000, 50_000].filter((count) => count <= flags.tokens);

const costs = [];
for (const count of entries) {
  const child = startChild('cache.mjs', { core: 0, nodeFlags: ['--expose-gc'] });
  const off = await child.ask('fill', { options: { ...authority.facts.options, tokenCache: false }, file, count });
  const on = await child.ask('fill', {
    options: { ...authority.facts.options, tokenCache: { maxEntries: count } },
    file,
    count,
  });
  costs.push([count.toLocaleString('en-US'), on.grownBytes / 2 ** 20, (on.grownBytes - off.grownBytes) / count]);
  await child.stop();
}
printTable('heap and buffers after garbage collection', ['cached tokens', 'grown by MiB', 'bytes per token'], costs);

const child = startChild('cache.mjs', { core: 0, nodeFlags: ['--expose-gc'] });
const every = Math.ceil(flags.tokens / flags.samples);
const { samples } = await child.ask('fill', { options: authority.facts.options, file, count: flags.tokens, every });
await child.stop();
await authority.stop();
printTable(
  'default cache (10,000 tokens) under distinct tokens',
  ['tokens seen', 'heap MiB, collected', 'RSS MiB'],
  samples.map(({ seen, heapBytes, rssBytes }) => [
    seen.toLocaleString('en-US'),
    heapBytes / 2 ** 20,
    rssBytes / 2 ** 20,
  ]),
);
const half = samples[Math.floor(samples.length / 2)];
const last = samples.at(-1);
console.log(
  `\nsecond half: heap × ${(last.heapBytes / half.heapBytes).toFixed(3)}, RSS × ${(last.rssBytes / half.rssBytes).toFixed(3)}`,
);
