// What a request costs with few and with many tenants or B2C policies: it must stay the same.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { createMicrosoftIdentity } from '../dist/esm/express.js';
import { startAuthority } from './support/authority.mjs';
import { readFlags } from './support/flags.mjs';
import { gateOf, isPending } from './support/gate.mjs';
import { printMachine } from './support/machine.mjs';
import { processorTime, since } from './support/processor-time.mjs';
import { median, medianRatio, shuffle } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';

const flags = readFlags({
  rounds: 9,
  tokens: 9_000, // within the cache, and so many that what a policy costs once, its downloads, does not show
  repeats: 4,
});

printMachine([]);
const policies = Array.from({ length: 100 }, (_, index) => `B2C_1_policy${index}`);
const authority = await startAuthority({ policies });
const { options, b2cOptions } = authority.facts;

/** As many tokens whatever the number of tenants or policies, which take turns. */
async function contestant(kind, count) {
  const names = kind === 'tenant' ? Array.from({ length: count }, () => randomUUID()) : policies.slice(0, count);
  return {
    kind,
    count,
    tokens: await authority.tokens(flags.tokens, { kind, names }),
    settings:
      kind === 'tenant'
        ? { ...options, tenantId: 'organizations', allowedTenants: '*' }
        : { b2c: { ...b2cOptions, policies: names } },
    firstSeen: [],
    repeated: [],
  };
}

const groups = [];
for (const [kind, counts] of [
  ['tenant', [1, 10, 1_000]],
  ['policy', [1, 10, 100]],
]) {
  const group = [];
  for (const count of counts) group.push(await contestant(kind, count));
  groups.push(group);
}

async function run(verify, tokens, repeats) {
  const start = processorTime();
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const token of tokens) {
      const outcome = verify(token);
      if (isPending(outcome)) await outcome;
    }
  }
  return since(start).all / (repeats * tokens.length);
}

for (let round = -1; round < flags.rounds; round++) {
  for (const one of shuffle(groups.flat())) {
    const identity = createMicrosoftIdentity(one.settings);
    await identity.ready();
    const verify = gateOf(one.kind === 'tenant' ? identity.requiresAuth() : identity.requiresB2cAuth());
    // What the downloads leave behind to be closed and collected is no cost of the requests.
    await pause(100);
    const firstSeen = await run(verify, one.tokens, 1);
    const repeated = await run(verify, one.tokens, flags.repeats);
    // The round before the first one warms up.
    if (round < 0) continue;
    one.firstSeen.push(firstSeen);
    one.repeated.push(repeated);
  }
}
await authority.stop();

for (const group of groups) {
  const [fewest] = group;
  printTable(
    `${fewest.kind === 'tenant' ? 'Entra tenants' : 'B2C policies'}: µs of processor time per request, all threads, medians of ${flags.rounds} rounds`,
    ['number', 'first seen', '÷ 1', 'repeated', '÷ 1'],
    group.map(({ count, firstSeen, repeated }) => [
      count.toLocaleString('en-US'),
      median(firstSeen),
      medianRatio(firstSeen, fewest.firstSeen),
      median(repeated),
      medianRatio(repeated, fewest.repeated),
    ]),
  );
}
