/** What goes wrong with a real Redis costs no call an error, and none more than a quarter of a second, once a second. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { GlideClient, Logger } from '@valkey/valkey-glide';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { downstreamChannel, type DownstreamEvent } from '../../src/core/channels.js';
import { redisTokenStore, type RedisClient } from '../../src/downstream/redis-token-store.js';
import { sealFor } from '../../src/downstream/sealed-token.js';
import { eventually, ofUser, playOnSystemClock } from '../support/downstream-tokens.js';
import { forgetWarnings } from '../support/isolation.js';
import { startNetwork, startRedis, type RedisServer } from '../support/redis.js';

const clock = { now: Date.now };
const unheard = () => undefined;

/** The limit of 250 ms, and what a busy machine adds. */
const mostMs = 250 + 350;

const unhandled: unknown[] = [];
const onUnhandled = (error: unknown) => unhandled.push(error);
const events: DownstreamEvent[] = [];
const hear = (event: unknown) => events.push(event as DownstreamEvent);
// Each test has an API of its own, so that it does not hear of what an earlier one left under way.
let tests = 0;
const api = () => `api-${String(tests)}`;
const failures = () =>
  events.filter((event) => event.api === api() && event.source === 'store' && event.outcome === 'failed');
const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);

let server: RedisServer;
let admin: Redis;
beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled);
  subscribe(downstreamChannel.name, hear);
  server = await startRedis('--enable-debug-command', 'yes');
  admin = new Redis(server.port);
  admin.on('error', unheard);
});
beforeEach(() => {
  tests++;
  events.length = 0;
  warn.mockClear();
  forgetWarnings();
});
afterEach(() => {
  expect(unhandled).toEqual([]);
});
afterAll(async () => {
  unsubscribe(downstreamChannel.name, hear);
  process.off('unhandledRejection', onUnhandled);
  admin.disconnect();
  await server.stop();
});

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  // What the clients dropped fails now, and not in the next test.
  await new Promise((resolve) => setTimeout(resolve, 20));
});

/** A server of one test. It ends with the test, also with one that fails. */
async function startOwnRedis(...settings: string[]): Promise<RedisServer> {
  const own = await startRedis(...settings);
  closing.push(() => own.stop());
  return own;
}

const glide = '@valkey/valkey-glide';
// It writes each fault to the output of the process.
Logger.init('off');

const kinds = [
  [
    'redis',
    async (port: number): Promise<RedisClient> => {
      const client = createClient({ url: `redis://127.0.0.1:${String(port)}` }).on('error', unheard);
      closing.push(() => {
        client.destroy();
      });
      await client.connect();
      return client;
    },
  ],
  [
    'ioredis',
    async (port: number): Promise<RedisClient> => {
      const client = new Redis(port).on('error', unheard);
      closing.push(() => {
        client.disconnect();
      });
      await eventually(() => client.status === 'ready');
      return client;
    },
  ],
  [
    glide,
    async (port: number): Promise<RedisClient> => {
      const client = await GlideClient.createClient({ addresses: [{ host: '127.0.0.1', port }] });
      closing.push(() => {
        client.close();
      });
      return client;
    },
  ],
] as const;

/** The token of a user, and how long it took. */
async function timed(process: ReturnType<typeof playOnSystemClock>, name: string) {
  const startedAtMs = performance.now();
  const { token } = await process.tokens.ofUser(ofUser(name, clock, { api: api() }));
  expect(token).toContain(`-of-header.payload-of-${name}.`);
  return performance.now() - startedAtMs;
}

let users = 0;
const newUser = () => `user-${String(++users)}`;

/** The store is used by a process again: a new user's token is kept. */
async function untilKept(process: ReturnType<typeof playOnSystemClock>, on: Redis): Promise<void> {
  await eventually(async () => {
    await process.tokens.ofUser(ofUser(newUser(), clock, { api: api() }));
    return (await on.keys('*}')).length > 0;
  });
}

/** What was sent to Redis after a call has arrived there, and the client has its answers. */
async function untilSettled(on: Redis, client: RedisClient): Promise<void> {
  await eventually(async () => (await on.keys('*}')).length > 0 && (await on.keys('*:lease')).length === 0);
  // Answers come in the order of the commands.
  await client.get('any');
}

/** The store does not answer: the first call waits for it, and the next ones do not. */
async function costsOnce(process: ReturnType<typeof playOnSystemClock>): Promise<void> {
  const first = await timed(process, newUser());
  expect(first).toBeGreaterThan(200);
  expect(first).toBeLessThan(mostMs);
  for (let call = 0; call < 5; call++) expect(await timed(process, newUser())).toBeLessThan(200);
  expect(failures()).toHaveLength(1);
  expect(warn).toHaveBeenCalledOnce();
}

describe.each(kinds)('with a client of %s', (name, connect) => {
  it('Redis is killed and started again', async () => {
    const own = await startOwnRedis();
    const process = playOnSystemClock(redisTokenStore(await connect(own.port)));
    await timed(process, newUser());
    await own.kill();
    for (let call = 0; call < 10; call++) expect(await timed(process, newUser())).toBeLessThan(mostMs);
    expect(failures().length).toBeGreaterThan(0);
    expect(failures().length).toBeLessThan(5);
    expect(warn).toHaveBeenCalledOnce();
    await own.restart();
    const look = new Redis(own.port);
    await untilKept(process, look);
    look.disconnect();
    await own.stop();
  });

  it('Redis is killed while calls wait for it', async () => {
    const own = await startOwnRedis('--enable-debug-command', 'yes');
    const process = playOnSystemClock(redisTokenStore(await connect(own.port)));
    const look = new Redis(own.port).on('error', unheard);
    void look.call('DEBUG', 'SLEEP', '5').catch(unheard);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const calls = Array.from({ length: 20 }, () => timed(process, newUser()));
    await own.kill();
    for (const ms of await Promise.all(calls)) expect(ms).toBeLessThan(mostMs);
    look.disconnect();
    await own.stop();
  });

  it.each<[string, (on: Redis) => Promise<unknown>]>([
    ['is paused', (on) => on.call('CLIENT', 'PAUSE', '700', 'ALL')],
    ['sleeps', (on) => on.call('DEBUG', 'SLEEP', '0.7')],
  ])('Redis %s', async (__, fault) => {
    await admin.flushall();
    const client = await connect(server.port);
    const process = playOnSystemClock(redisTokenStore(client));
    await timed(process, newUser());
    await untilSettled(admin, client);
    void fault(admin);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await costsOnce(process);
    await admin.flushall();
    await untilKept(process, admin);
  });

  it('the network loses all', async () => {
    await admin.flushall();
    const network = await startNetwork(server.port);
    const client = await connect(network.port);
    const process = playOnSystemClock(redisTokenStore(client));
    await timed(process, newUser());
    await untilSettled(admin, client);
    network.lose();
    await costsOnce(process);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    // Of many calls at the same time, one finds out that the store still does not answer.
    const calls = await Promise.all(Array.from({ length: 20 }, () => timed(process, newUser())));
    expect(calls.filter((ms) => ms > 200)).toHaveLength(1);
    expect(failures()).toHaveLength(2);
    await network.stop();
  });

  it('Redis has no memory left, and evicts nothing', async () => {
    const full = await startOwnRedis('--maxmemory', '1', '--maxmemory-policy', 'noeviction');
    const process = playOnSystemClock(redisTokenStore(await connect(full.port)));
    for (let call = 0; call < 5; call++) expect(await timed(process, newUser())).toBeLessThan(mostMs);
    await eventually(() => failures().length > 0);
    expect(warn.mock.calls[0]?.[0]).toContain('(OOM)');
    await full.stop();
  });

  it('Redis evicts what it was given', async () => {
    const small = await startOwnRedis('--maxmemory', '3mb', '--maxmemory-policy', 'allkeys-lru');
    const look = new Redis(small.port);
    const client = await connect(small.port);
    const process = playOnSystemClock(redisTokenStore(client));
    const user = newUser();
    await timed(process, user);
    await eventually(async () => (await look.keys('*}')).length === 1);
    let fillers = 0;
    await eventually(async () => {
      // Redis evicts the least recently used of a few keys that it picks by chance.
      await look.set(`filler-${String(++fillers)}`, 'x'.repeat(100_000));
      return (await look.keys('*}')).length === 0;
    });
    const other = playOnSystemClock(redisTokenStore(client));
    await timed(other, user);
    expect([other.asked.length, failures().length]).toEqual([1, 0]);
    look.disconnect();
    await small.stop();
  });

  it.each<[string, (key: string) => Promise<unknown>, boolean]>([
    ['a damaged value', async (key) => admin.setrange(key, 100, 'XXXX'), false],
    ['another text', async (key) => admin.set(key, 'null'), false],
    // A client of this kind refuses to decode them.
    ['bytes that are no text', async (key) => admin.set(key, Buffer.from([0xff, 0xfe, 0x00])), name === glide],
    ['a list', async (key) => (await admin.del(key)) + (await admin.rpush(key, 'a')), true],
    ['a hash', async (key) => (await admin.del(key)) + (await admin.hset(key, 'a', 'b')), true],
  ])('Redis holds %s', async (__, damage, isFailure) => {
    const client = await connect(server.port);
    const user = newUser();
    const { assertionOf, tenant, scopes } = ofUser(user, clock);
    const { clientId, instance } = {
      clientId: '11111111-1111-4111-8111-111111111111',
      instance: 'https://login.microsoftonline.com',
    };
    const key = `microsoft-identity:{${sealFor({ assertion: assertionOf(), tenant, scopes, clientId, instance }).name}}`;
    await timed(playOnSystemClock(redisTokenStore(client)), user);
    await eventually(async () => (await admin.exists(key)) === 1 && (await admin.exists(`${key}:lease`)) === 0);
    await damage(key);
    const process = playOnSystemClock(redisTokenStore(client));
    expect(await timed(process, user)).toBeLessThan(mostMs);
    expect(process.asked).toHaveLength(1);
    expect(failures()).toHaveLength(isFailure ? 1 : 0);
    if (isFailure) return;
    await eventually(async () => (await admin.exists(`${key}:lease`)) === 0);
    const healed = playOnSystemClock(redisTokenStore(client));
    await timed(healed, user);
    expect(healed.asked).toHaveLength(0);
  });
});

// One of @valkey/valkey-glide does not connect to a replica alone.
describe.each(kinds.filter(([name]) => name !== glide))('with a client of %s', (_, connect) => {
  it('Redis is a replica that cannot be written to', async () => {
    // It has lost its primary, and still answers what it has.
    const replica = await startOwnRedis('--replicaof', '127.0.0.1 1');
    const process = playOnSystemClock(redisTokenStore(await connect(replica.port)));
    for (let call = 0; call < 5; call++) expect(await timed(process, newUser())).toBeLessThan(mostMs);
    await eventually(() => failures().length > 0);
    expect(warn.mock.calls[0]?.[0]).toContain('(READONLY)');
    await replica.stop();
  });
});

describe('a client that never gets as far as to be ready', () => {
  it('costs nothing', async () => {
    const network = await startNetwork(server.port);
    network.lose();
    const url = `redis://127.0.0.1:${String(network.port)}`;
    const client = createClient({ url, socket: { reconnectStrategy: false } }).on('error', unheard);
    const connecting = client.connect().catch(unheard);
    const process = playOnSystemClock(redisTokenStore(client));
    for (let call = 0; call < 5; call++) expect(await timed(process, newUser())).toBeLessThan(200);
    client.destroy();
    await connecting;
    await network.stop();
  });
});
