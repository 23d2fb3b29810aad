// What a token for another API costs: kept in process, found in Redis, asked for; beside msal-node and @azure/identity.
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { redisTokenStore } from '../dist/esm/downstream.js';
import { startAuthority } from './support/authority.mjs';
import { placement, startChild } from './support/child.mjs';
import {
  azureKept,
  azurePerRequest,
  msalPerRequest,
  msalShared,
  msalWithRedis,
  ours,
  postTo,
} from './support/downstream-clients.mjs';
import { routes } from './support/downstream-route.mjs';
import { chosen, readFlags } from './support/flags.mjs';
import { measure, startHost } from './support/host.mjs';
import { printMachine } from './support/machine.mjs';
import { processorTime, since } from './support/processor-time.mjs';
import { prove } from './support/proof.mjs';
import { connectRedis, startNetwork, startRedis } from './support/redis.mjs';
import { median, medianRatio, percentile, shuffle } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
import { tokenAnswer } from './support/token-answers.mjs';
import { takeTurns } from './support/turns.mjs';

const flags = readFlags({
  rounds: 7,
  users: 1_000, // whose tokens a shared client keeps
  hits: 20_000, // of ours, per round; the others take a share of them, by what they cost
  parallel: 100,
  processes: 4, // that share a Redis
  deadSeconds: 4,
  maxEntries: 3_000, // a third of the users of the measurement of memory
  routeProcesses: 4,
  routeRounds: 10,
  routeWarmup: 25_000, // requests ahead of what is timed
  only: '', // words, separated by commas: scenarios whose name holds one
});

printMachine(['@azure/msal-node', '@azure/identity', 'redis']);
console.log(`placement ${placement}; this process is not pinned`);
const authority = await startAuthority();
const { facts } = authority;
const post = postTo(facts);
const postNowhere = async () => tokenAnswer(facts.options);

/** Each contestant with callers of its own, whose tokens it has already. */
async function warm({ create, users }) {
  const client = await create();
  const callers = [];
  for (const token of await authority.tokens(users)) callers.push(await client.enter(token));
  for (const caller of callers) await client.obtain(caller);
  for (const caller of callers.slice(0, 20)) await client.obtain(caller);
  return { client, callers };
}

async function cpuOf({ client, callers }, count) {
  const start = processorTime();
  for (let index = 0; index < count; index++) await client.obtain(callers[index % callers.length]);
  return since(start).all / count;
}

/** Interleaved rounds, in one process. The round before the first one warms up. @returns the rows of a table */
async function compare(contestants, measure) {
  const results = contestants.map(() => []);
  for (let round = -1; round < flags.rounds; round++) {
    for (const index of shuffle(contestants.map((_, place) => place))) {
      const cost = await measure(contestants[index]);
      if (round >= 0) results[index].push(cost);
    }
  }
  return contestants.map(({ name }, index) => [
    name,
    median(results[index]),
    medianRatio(results[index], results[0]),
    percentile(results[index], 0),
  ]);
}
const columns = (unit) => [unit, 'CPU µs', '÷ ours', 'least'];

async function hitsInProcess() {
  const few = 10;
  const { users, hits } = flags;
  const contestants = [
    { name: `ours, ${few} users`, create: () => ours(facts, postNowhere), users: few, hits },
    { name: `ours, ${users} users`, create: () => ours(facts, postNowhere), users, hits },
    {
      name: `msal-node shared, ${few} users`,
      create: () => msalShared(facts, postNowhere),
      users: few,
      hits: hits / 20,
    },
    { name: `msal-node shared, ${users} users`, create: () => msalShared(facts, postNowhere), users, hits: hits / 500 },
    {
      name: `OnBehalfOfCredential kept for each, ${few} users`,
      create: () => azureKept(facts, postNowhere),
      users: few,
      hits: hits / 20,
    },
  ];
  for (const contestant of contestants) Object.assign(contestant, await warm(contestant));
  printTable(
    `a token that is kept in process: medians of ${flags.rounds} rounds`,
    columns('hit'),
    await compare(contestants, (contestant) => cpuOf(contestant, Math.ceil(contestant.hits))),
  );
}

/** How many commands a server was sent so far, by their names. */
async function commands(redis) {
  const counts = new Map();
  for (const [, name, calls] of (await redis.info('commandstats')).matchAll(/cmdstat_([\w|]+):calls=(\d+)/g)) {
    if (['get', 'set', 'del'].includes(name)) counts.set(name, Number(calls));
  }
  return counts;
}

async function hitsThroughRedis() {
  const server = await startRedis();
  const redis = await connectRedis(server.port);
  const users = 20;
  const hits = Math.ceil(flags.hits / 20);
  const contestants = [
    {
      name: 'ours',
      // One token is kept in process: the next one is that of another user.
      create: () => ours(facts, postNowhere, { store: redisTokenStore(redis), maxEntries: 1 }),
      users,
    },
    {
      name: 'msal-node per request, DistributedCachePlugin',
      create: () => msalWithRedis(facts, postNowhere, redis),
      users,
    },
  ];
  for (const contestant of contestants) {
    Object.assign(contestant, await warm(contestant));
    const before = await commands(redis);
    await cpuOf(contestant, 100);
    const after = await commands(redis);
    contestant.sent = [...after].reduce((sum, [name, calls]) => sum + calls - (before.get(name) ?? 0), 0) / 100;
  }
  const rows = await compare(contestants, (contestant) => cpuOf(contestant, hits));
  const bytes = { microsoft: [], msal: [] };
  for (const key of await redis.keys('*')) bytes[key.split(/[-:]/)[0]].push(await redis.strLen(key));
  printTable(
    `a token that is found in Redis: medians of ${flags.rounds} rounds`,
    [...columns('hit'), 'commands', 'bytes in Redis'],
    rows.map((row, index) => [...row, contestants[index].sent, Math.round(median(Object.values(bytes)[index]))]),
  );
  redis.destroy();
  await server.stop();
}

async function acquisitions() {
  const count = 100;
  const contestants = [
    { name: 'ours', create: () => ours(facts, postNowhere) },
    { name: 'msal-node per request', create: () => msalPerRequest(facts, postNowhere) },
    { name: 'msal-node shared, empty at first', create: () => msalShared(facts, postNowhere) },
    { name: 'OnBehalfOfCredential per request', create: () => azurePerRequest(facts, postNowhere) },
  ];
  const tokens = await authority.tokens(count);
  const rows = await compare(contestants, async ({ create }) => {
    // Nothing is kept yet; the checks of the incoming tokens are no part of it.
    const client = await create();
    const callers = [];
    for (const token of tokens) callers.push(await client.enter(token));
    return cpuOf({ client, callers }, count);
  });
  printTable(
    `a token that is asked for, without the network: medians of ${flags.rounds} rounds`,
    columns('acquisition'),
    rows,
  );
}

async function parallelCalls() {
  const contestants = [
    { name: 'ours', create: ours },
    { name: 'msal-node shared', create: msalShared },
    { name: 'OnBehalfOfCredential kept', create: azureKept },
  ];
  const rows = [];
  for (const { name, create } of contestants) {
    const client = await create(facts, post);
    const [token] = await authority.tokens(1);
    const caller = await client.enter(token);
    const before = await authority.tokenRequests();
    const obtained = await Promise.all(Array.from({ length: flags.parallel }, () => client.obtain(caller)));
    if (obtained.some((text) => typeof text !== 'string')) throw new Error(`${name} obtained no token.`);
    rows.push([name, (await authority.tokenRequests()) - before]);
  }
  printTable(`${flags.parallel} parallel calls of one user, cold`, ['', 'token requests'], rows);
}

async function severalProcesses() {
  const users = 25;
  const rows = [];
  for (const hasLeases of [true, false]) {
    const server = await startRedis();
    const children = Array.from({ length: flags.processes }, () => startChild('downstream-process.mjs'));
    for (const child of children) await child.ask('start', { facts, port: server.port, hasLeases });
    const counts = [];
    for (let round = 0; round < flags.rounds; round++) {
      const tokens = await authority.tokens(users);
      const before = await authority.tokenRequests();
      for (const obtained of await Promise.all(children.map((child) => child.ask('obtain', tokens)))) {
        if (obtained !== users) throw new Error(`${obtained} tokens for ${users} users.`);
      }
      counts.push(((await authority.tokenRequests()) - before) / users);
    }
    rows.push([hasLeases ? 'with leases' : 'without', median(counts), Math.max(...counts)]);
    for (const child of children) await child.stop();
    await server.stop();
  }
  printTable(
    `${flags.processes} processes, one Redis, ${users} users at once in each, cold: token requests per user`,
    ['', 'median', 'most'],
    rows,
  );
}

async function deadRedis() {
  const rows = [];
  for (const fault of ['none', 'stopped', 'answers nothing']) {
    const server = await startRedis();
    const network = await startNetwork(server.port);
    const redis = await connectRedis(network.port);
    const client = await ours(facts, postNowhere, { store: redisTokenStore(redis), maxEntries: 1 });
    const callers = [];
    for (const token of await authority.tokens(20)) callers.push(await client.enter(token));
    for (const caller of callers) await client.obtain(caller);
    if (fault === 'stopped') await server.kill();
    if (fault === 'answers nothing') network.lose();
    await pause(50);
    const waits = [];
    const begun = performance.now();
    for (let call = 0; performance.now() - begun < flags.deadSeconds * 1000; call++) {
      const at = performance.now();
      await client.obtain(callers[call % callers.length]);
      waits.push(performance.now() - at);
      // Nothing here waits for a network: without a turn of the event loop, no timer of the store would run.
      await nextTurn();
    }
    const long = waits.filter((wait) => wait > 100).length;
    rows.push([fault, median(waits), Math.max(...waits), long / flags.deadSeconds]);
    redis.destroy();
    await network.stop();
    await server.stop();
  }
  printTable(
    'Redis fails: milliseconds that a call waits for a token, without the network of the authority',
    ['fault', 'median', 'most', 'over 100 ms, per second'],
    rows,
  );
}

async function route() {
  const file = await authority.writeTokens(100);
  const [proof] = await authority.tokens(1);
  const variants = routes.map((name) => ({ name }));
  const results = await takeTurns(variants, {
    processes: flags.routeProcesses,
    rounds: flags.routeRounds,
    start: async (variant) => {
      const child = startChild('in-memory.mjs', { core: 0 });
      const options = { variant: variant.name, express: 'express', facts, file, route: 'downstream-route.mjs' };
      await child.ask('start', options);
      await prove(variant, proof, (token) => child.ask('status', token));
      await child.ask('run', { amount: flags.routeWarmup });
      return child;
    },
    measure: (child) => child.ask('run', { amount: 1_000 }),
  });
  const column = (name, figure) => results.get(name).map((result) => result[figure]);
  printTable(
    `a protected route that obtains a kept token: medians of ${flags.routeProcesses * flags.routeRounds} bursts of 1,000`,
    ['route', 'main µs', 'CPU µs', 'no token ÷ main', 'no token ÷ CPU'],
    variants.map(({ name }) => [
      name,
      median(column(name, 'main')),
      median(column(name, 'all')),
      medianRatio(column(routes[0], 'main'), column(name, 'main')),
      medianRatio(column(routes[0], 'all'), column(name, 'all')),
    ]),
  );
}

async function routeOverHttp() {
  const file = await authority.writeTokens(100);
  const [proof] = await authority.tokens(1);
  const load = startChild('load.mjs');
  const serve = (host, amount) => measure(host, load, { file, amount, connections: 10 });
  const variants = routes.map((name) => ({ name }));
  const results = await takeTurns(variants, {
    processes: flags.routeProcesses,
    rounds: flags.routeRounds,
    start: async (variant) => {
      const host = await startHost(variant, 'express', facts, proof, 'downstream-route.mjs');
      await serve(host, flags.routeWarmup);
      return host;
    },
    measure: (host) => serve(host, 1_000),
  });
  await load.stop();
  const column = (name, figure) => results.get(name).map((result) => result[figure]);
  printTable(
    `the same over HTTP: medians of ${flags.routeProcesses * flags.routeRounds} bursts of 1,000`,
    ['route', 'req/s', 'main µs', 'CPU µs', 'req/s ÷ no token', 'no token ÷ main'],
    variants.map(({ name }) => [
      name,
      median(column(name, 'throughput')),
      median(column(name, 'mainCpu')),
      median(column(name, 'cpu')),
      medianRatio(column(name, 'throughput'), column(routes[0], 'throughput')),
      medianRatio(column(routes[0], 'mainCpu'), column(name, 'mainCpu')),
    ]),
  );
}

async function memory() {
  const { maxEntries } = flags;
  const file = await authority.writeTokens(4 * maxEntries);
  const child = startChild('downstream-memory.mjs', { core: 0, nodeFlags: ['--expose-gc'] });
  const samples = await child.ask('fill', { facts, file, maxEntries });
  await child.stop();
  printTable(
    `memory with ${maxEntries.toLocaleString('en-US')} tokens kept at most`,
    ['users seen', 'heap MiB, collected', 'RSS MiB', 'heap ÷ full'],
    samples.map(({ seen, heapBytes, rssBytes }) => [
      seen.toLocaleString('en-US'),
      heapBytes / 2 ** 20,
      rssBytes / 2 ** 20,
      heapBytes / samples[0].heapBytes,
    ]),
  );
}

const scenarios = [
  { name: 'hits in process', run: hitsInProcess },
  { name: 'hits through redis', run: hitsThroughRedis },
  { name: 'acquisitions', run: acquisitions },
  { name: 'parallel calls', run: parallelCalls },
  { name: 'several processes', run: severalProcesses },
  { name: 'dead redis', run: deadRedis },
  { name: 'route', run: route },
  { name: 'route over HTTP', run: routeOverHttp },
  { name: 'memory', run: memory },
];
for (const { run } of chosen(scenarios, flags.only)) await run();
await authority.stop();
