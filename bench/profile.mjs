// Where the server's main thread spends its time: self time by function and by package, per request.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startAuthority } from './support/authority.mjs';
import { placement, startChild } from './support/child.mjs';
import { readFlags } from './support/flags.mjs';
import { firstTimed, heatUp, tokensNeeded } from './support/heat.mjs';
import { measure, startHost } from './support/host.mjs';
import { printMachine } from './support/machine.mjs';
import { selfTimes } from './support/self-times.mjs';
import { printTable } from './support/table.mjs';
import { variants } from './support/variants.mjs';

const flags = readFlags({
  variant: 'ours',
  express: 'express',
  seconds: 5, // of repeated tokens
  tokens: 10_000, // seen first, with the cache full
  repeated: 100,
  connections: 10,
  top: 20,
  save: '', // a folder for the profiles, which Chrome's DevTools open
});

const variant = variants.find(({ name }) => name === flags.variant);
if (variant === undefined) throw new Error(`--variant takes one of ${variants.map(({ name }) => name).join(', ')}.`);

printMachine(['routing-controllers', flags.express]);
console.log(`placement ${placement}`);

const authority = await startAuthority();
const load = startChild('load.mjs');
const { repeated, connections } = flags;
const file = await authority.writeTokens(tokensNeeded(repeated, flags.tokens));
const [proof] = await authority.tokens(1);
const host = await startHost(variant, flags.express, authority.facts, proof);

async function profile(mode, options) {
  // Profiling starts by walking the whole heap, which is not to be seen in what it shows.
  await host.ask('beginProfile');
  const { throughput, mainCpu, requests } = await measure(host, load, { file, connections, ...options });
  const recorded = await host.ask('endProfile');
  if (flags.save !== '') {
    mkdirSync(flags.save, { recursive: true });
    const name = `${flags.variant}-${mode}.cpuprofile`.replaceAll(' ', '-');
    writeFileSync(join(flags.save, name), JSON.stringify(recorded));
  }
  const { functions, packages, causes, busy } = selfTimes(recorded);
  const row = ({ name, micros }) => [name, micros / requests, `${((100 * micros) / busy).toFixed(1)}%`];
  console.log(
    `\n${flags.variant} on ${flags.express}, tokens ${mode}: ${Math.round(throughput)} req/s under the profiler`,
  );
  console.log(
    `main thread ${(busy / requests).toFixed(1)} µs per request by the profile, ${mainCpu.toFixed(1)} by the system`,
  );
  printTable('self time by package', ['package', 'µs/request', 'share'], packages.map(row));
  printTable('self time by function', ['function', 'µs/request', 'share'], functions.slice(0, flags.top).map(row));
  if (causes.length > 0) {
    const total = { name: 'all of it', micros: causes.reduce((sum, { micros }) => sum + micros, 0) };
    const title = 'what our functions cost, with what they call of Node, jose and lru.min';
    printTable(title, ['function', 'µs/request', 'share'], [total, ...causes.slice(0, flags.top)].map(row));
  }
}

await heatUp((tokens) => measure(host, load, { file, connections, ...tokens }), repeated);
await profile('repeated', { to: repeated, seconds: flags.seconds });
await profile('first seen', { from: firstTimed(repeated) });
await host.stop();
await load.stop();
await authority.stop();
