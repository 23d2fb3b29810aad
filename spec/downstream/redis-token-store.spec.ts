import { GlideClient, GlideClusterClient } from '@valkey/valkey-glide';
import { Cluster, Redis } from 'ioredis';
import { Cluster as ValkeyCluster, Redis as Valkey } from 'iovalkey';
import { createClient, createClientPool, createCluster } from 'redis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigurationError } from '../../src/core/errors.js';
import type { TokenStore } from '../../src/core/configuration/token-store.js';
import { redisTokenStore, type RedisClient } from '../../src/downstream/redis-token-store.js';
import { eventually, ofUser, outcomeOf, playOnSystemClock } from '../support/downstream-tokens.js';
import { startRedis, type RedisServer } from '../support/redis.js';

const clock = { now: Date.now };
const unheard = () => undefined;

let server: RedisServer;
let admin: Redis;
beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.port);
});
beforeEach(() => admin.flushall());
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

/** Clients of each kind, and how each is closed. */
const kinds: [string, () => Promise<{ readonly client: RedisClient; readonly close: () => unknown }>][] = [
  [
    'redis',
    async () => {
      const client = createClient({ url: server.url }).on('error', unheard);
      await client.connect();
      return {
        client,
        close: () => {
          client.destroy();
        },
      };
    },
  ],
  [
    'a pool of redis',
    async () => {
      const pool = createClientPool({ url: server.url });
      await pool.connect();
      return { client: pool, close: () => pool.close() };
    },
  ],
  [
    'ioredis',
    async () => {
      const client = new Redis(server.port);
      await eventually(() => client.status === 'ready');
      return {
        client,
        close: () => {
          client.disconnect();
        },
      };
    },
  ],
  [
    'iovalkey',
    async () => {
      const client = new Valkey(server.port);
      await eventually(() => client.status === 'ready');
      return {
        client,
        close: () => {
          client.disconnect();
        },
      };
    },
  ],
  [
    '@valkey/valkey-glide',
    async () => {
      const client = await GlideClient.createClient({ addresses: [{ host: '127.0.0.1', port: server.port }] });
      return {
        client,
        close: () => {
          client.close();
        },
      };
    },
  ],
];

describe.each(kinds)('redisTokenStore over %s', (_, connect) => {
  let store: TokenStore;
  let close: () => unknown;
  beforeAll(async () => {
    const connected = await connect();
    ({ close } = connected);
    store = redisTokenStore(connected.client);
  });
  afterAll(() => close());

  it('keeps a value for its time, under its prefix', async () => {
    expect((await store.get('name')) ?? undefined).toBeUndefined();
    await store.set('name', 'value', 60_000);
    expect(await store.get('name')).toBe('value');
    expect(await admin.keys('*')).toEqual(['microsoft-identity:{name}']);
    const ttlMs = await admin.pttl('microsoft-identity:{name}');
    expect(ttlMs).toBeGreaterThan(50_000);
    expect(ttlMs).toBeLessThanOrEqual(60_000);
    await store.set('name', 'another', 60_000);
    expect(await store.get('name')).toBe('another');
  });

  it('lets one claim a name, until it is given back or runs out', async () => {
    expect(await Promise.all([store.claim?.('name', 60_000), store.claim?.('name', 60_000)])).toEqual([true, false]);
    expect(await admin.keys('*')).toEqual(['microsoft-identity:{name}:lease']);
    expect(await admin.pttl('microsoft-identity:{name}:lease')).toBeGreaterThan(50_000);
    await store.release?.('name');
    expect(await store.claim?.('name', 1)).toBe(true);
    await eventually(async () => (await admin.exists('microsoft-identity:{name}:lease')) === 0);
    expect(await store.claim?.('name', 60_000)).toBe(true);
  });

  it('serves several processes with one token request for a user', async () => {
    const connected = await Promise.all(Array.from({ length: 4 }, connect));
    const processes = connected.map(({ client }) => playOnSystemClock(redisTokenStore(client), 50));
    const calls = processes.flatMap(({ tokens }) =>
      Array.from({ length: 50 }, async () => (await tokens.ofUser(ofUser('ann', clock))).token),
    );
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['token-1-of-header.payload-of-ann.signature']));
    expect(processes.flatMap(({ asked }) => asked)).toHaveLength(1);
    await eventually(async () => (await admin.keys('*:lease')).length === 0);
    await Promise.all(connected.map((one) => one.close()));
  });

  it('serves each user with a token of their own', async () => {
    const connected = await Promise.all(Array.from({ length: 4 }, connect));
    const processes = connected.map(({ client }) => playOnSystemClock(redisTokenStore(client), 20));
    const users = Array.from({ length: 20 }, (__, index) => `user-${String(index)}`);
    const calls = processes.flatMap(({ tokens }) =>
      [...users, ...users].map(async (user) => [user, (await tokens.ofUser(ofUser(user, clock))).token] as const),
    );
    for (const [user, token] of await Promise.all(calls)) expect(token).toContain(`-of-header.payload-of-${user}.`);
    expect(processes.flatMap(({ asked }) => asked)).toHaveLength(users.length);
    await Promise.all(connected.map((one) => one.close()));
  });

  it('sends one command where a token is found', async () => {
    const { tokens } = playOnSystemClock(store);
    await tokens.ofUser(ofUser('ann', clock));
    await eventually(async () => (await admin.keys('*')).length === 1 && (await admin.keys('*:lease')).length === 0);
    const monitor = await admin.monitor();
    const commands: string[][] = [];
    monitor.on('monitor', (__, args: string[]) => commands.push(args));
    await playOnSystemClock(store).tokens.ofUser(ofUser('ann', clock));
    await admin.echo('end');
    await eventually(() => commands.some(([command]) => command?.toLowerCase() === 'echo'));
    monitor.disconnect();
    expect(commands.map(([command]) => command?.toLowerCase())).toEqual(['get', 'echo']);
  });
});

describe('what lies in Redis', () => {
  it('holds nothing of a token, of the user or of their own token', async () => {
    const client = new Redis(server.port);
    await eventually(() => client.status === 'ready');
    const monitor = await admin.monitor();
    const sent: string[] = [];
    monitor.on('monitor', (_, args: string[]) => sent.push(...args));
    const { tokens } = playOnSystemClock(redisTokenStore(client));
    const user = ofUser('marker-ann', clock, {
      api: 'marker-api',
      tenant: 'marker-tenant',
      scopes: ['https://marker-scope/a'],
    });
    expect((await tokens.ofUser(user)).token).toContain('marker-ann');
    await tokens.ofUser({ ...user, claims: '{"marker-claims":1}' });
    await eventually(async () => (await admin.keys('*:lease')).length === 0 && (await admin.dbsize()) === 1);
    await admin.echo('end');
    await eventually(() => sent.includes('end'));
    monitor.disconnect();
    client.disconnect();
    const [key = ''] = await admin.keys('*');
    const value = (await admin.getBuffer(key)) ?? Buffer.alloc(0);
    const dump = await admin.dumpBuffer(key);
    const sealed = Buffer.from(value.toString().slice('v1.'.length), 'base64');
    const all = [key, value, dump, sealed, Buffer.from(key, 'base64'), ...sent].map((part) =>
      typeof part === 'string' ? part : part.toString('latin1'),
    );
    expect(all.join('\n').length).toBeGreaterThan(1000);
    const secrets = ['marker', 'header.payload', 'token-', user.digest, 'https:', 'expiresAt', '11111111'];
    for (const secret of secrets) {
      for (const form of [
        secret,
        Buffer.from(secret).toString('base64').slice(0, -2),
        Buffer.from(secret).toString('hex'),
      ]) {
        expect(all.join('\n')).not.toContain(form);
      }
    }
    expect(key).toMatch(/^microsoft-identity:\{[\w-]{43}\}$/);
  });
});

describe('redisTokenStore', () => {
  const client = () => new Redis({ lazyConnect: true });

  it('takes another prefix', async () => {
    const connected = new Redis(server.port, { keyPrefix: 'app:' });
    await eventually(() => connected.status === 'ready');
    await redisTokenStore(connected, { prefix: 'x-' }).set('name', 'value', 1000);
    expect(await admin.keys('*')).toEqual(['app:x-{name}']);
    connected.disconnect();
  });

  it('connects a client of ioredis that connects with its first command', async () => {
    const lazy = new Redis(server.port, { lazyConnect: true });
    await redisTokenStore(lazy).set('name', 'value', 1000);
    expect(lazy.status).toBe('ready');
    lazy.disconnect();
  });

  it.each([
    [undefined],
    [null],
    [{}],
    ['redis://127.0.0.1'],
    [{ status: 'ready' }],
    [{ isReady: true, get: unheard, set: unheard }],
    [{ get: unheard, set: unheard, del: unheard }],
    [new Map()],
    [{ url: 'redis://127.0.0.1' }],
  ])('refuses what is no client: %o', async (value) => {
    const error = await outcomeOf(() => redisTokenStore(value as unknown as RedisClient));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toHaveProperty(
      'message',
      'redisTokenStore takes a client of the package redis (4 or newer), ioredis, iovalkey or @valkey/valkey-glide.',
    );
  });

  it('takes a client by the type that redis 4 gives it', async () => {
    type Key = string | Buffer;
    interface Redis4Client {
      readonly isReady: boolean;
      readonly isOpen: boolean;
      get(...args: [key: Key] | [options: { readonly isolated?: boolean }, key: Key]): Promise<string | null>;
      set(
        ...args:
          | [key: Key, value: Key | number, options?: { readonly PX?: number; readonly NX?: true }]
          | [options: { readonly isolated?: boolean }, key: Key, value: Key | number]
      ): Promise<string | Buffer | null>;
      del(
        ...args: [keys: Key | Key[]] | [options: { readonly isolated?: boolean }, keys: Key | Key[]]
      ): Promise<number>;
    }
    const set = vi.fn<Redis4Client['set']>().mockResolvedValueOnce('OK').mockResolvedValue(null);
    const redis4: Redis4Client = { isReady: true, isOpen: true, get: vi.fn(), set, del: vi.fn() };
    const store = redisTokenStore(redis4);
    expect([await store.claim?.('name', 1000), await store.claim?.('name', 1000)]).toEqual([true, false]);
    expect(set.mock.lastCall).toEqual(['microsoft-identity:{name}:lease', '1', { PX: 1000, NX: true }]);
  });

  it.each([
    [{ prefx: 'a' }, 'redisTokenStore has no option prefx. It has: prefix.'],
    [{ prefix: 1 }, 'redisTokenStore: prefix must be a string.'],
    [null, 'redisTokenStore takes an object of options: { prefix }.'],
    ['prefix', 'redisTokenStore takes an object of options: { prefix }.'],
  ])('refuses the options %o', async (options, message) => {
    const error = await outcomeOf(() => redisTokenStore(client(), options as never));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toHaveProperty('message', message);
  });

  it('sends nothing to a client that is not connected', async () => {
    const commands = { get: vi.fn(), set: vi.fn(), del: vi.fn() };
    for (const state of [
      { isReady: false, isOpen: true },
      { isOpen: false },
      { status: 'connecting' },
      { status: 'end' },
    ]) {
      const store = redisTokenStore({ ...commands, ...state });
      for (const call of [
        () => store.get('a'),
        () => store.set('a', 'b', 1),
        () => store.claim?.('a', 1),
        () => store.release?.('a'),
      ]) {
        expect(await outcomeOf(call)).toMatchObject({ code: 'NOT_CONNECTED' });
      }
    }
    for (const command of Object.values(commands)) expect(command).not.toHaveBeenCalled();
  });
});

describe('redisTokenStore over a cluster', () => {
  let nodes: RedisServer[];
  let admins: Redis[];
  beforeAll(async () => {
    nodes = await Promise.all(
      [1, 2, 3].map(() => startRedis('--cluster-enabled', 'yes', '--cluster-node-timeout', '2000')),
    );
    admins = nodes.map(({ port }) => new Redis(port));
    const slots = 16_384;
    for (const [index, node] of admins.entries()) {
      const [from, to] = [index, index + 1].map((part) => Math.floor((part * slots) / admins.length));
      await node.call('CLUSTER', 'ADDSLOTSRANGE', String(from), String((to ?? slots) - 1));
      await node.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
      if (index > 0) await node.call('CLUSTER', 'MEET', '127.0.0.1', String(nodes[0]?.port));
    }
    for (const node of admins) {
      await eventually(async () => {
        const info = String(await node.call('CLUSTER', 'INFO'));
        return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3');
      });
    }
  }, 30_000);
  beforeEach(async () => {
    for (const node of admins) {
      await node.flushall();
      await node.config('RESETSTAT');
    }
  });
  afterAll(async () => {
    for (const node of admins) node.disconnect();
    await Promise.all(nodes.map((node) => node.stop()));
  });

  const first = () => ({ host: '127.0.0.1', port: nodes[0]?.port ?? 0 });
  const clusters: typeof kinds = [
    [
      'redis',
      async () => {
        const client = createCluster({ rootNodes: [{ url: nodes[0]?.url ?? '' }] }).on('error', unheard);
        await client.connect();
        return {
          client,
          close: () => {
            client.destroy();
          },
        };
      },
    ],
    ...(
      [
        ['ioredis', Cluster],
        ['iovalkey', ValkeyCluster],
      ] as const
    ).map(([name, Client]): (typeof kinds)[number] => [
      name,
      async () => {
        const client = new Client([first()]);
        await eventually(() => client.status === 'ready');
        return {
          client,
          close: () => {
            client.disconnect();
          },
        };
      },
    ]),
    [
      '@valkey/valkey-glide',
      async () => {
        const client = await GlideClusterClient.createClient({ addresses: [first()] });
        return {
          client,
          close: () => {
            client.close();
          },
        };
      },
    ],
  ];

  const names = Array.from({ length: 20 }, (_, index) => `name-${String(index)}`);
  const errorsOf = async () => (await Promise.all(admins.map((node) => node.info('errorstats')))).join('\n');

  describe.each(clusters)('with a client of %s', (_, connect) => {
    it('keeps, finds, claims and gives back on the node of each name', async () => {
      const { client, close } = await connect();
      const store = redisTokenStore(client);
      for (const name of names) {
        expect((await store.get(name)) ?? undefined).toBeUndefined();
        await store.set(name, `value of ${name}`, 60_000);
        expect(await store.get(name)).toBe(`value of ${name}`);
        expect([await store.claim?.(name, 60_000), await store.claim?.(name, 60_000)]).toEqual([true, false]);
      }
      for (const node of admins) {
        const keys = await node.keys('*');
        const tokens = keys.filter((key) => key.endsWith('}'));
        // A token and its lease lie on one node.
        expect(tokens.length).toBeGreaterThan(0);
        expect(keys.sort()).toEqual(tokens.flatMap((key) => [key, `${key}:lease`]).sort());
      }
      for (const name of names) await store.release?.(name);
      for (const node of admins) expect(await node.keys('*:lease')).toEqual([]);
      await close();
    });

    it('serves several processes with one token request for each user, and no command of two slots', async () => {
      const connected = await Promise.all(Array.from({ length: 3 }, connect));
      const processes = connected.map(({ client }) => playOnSystemClock(redisTokenStore(client), 20));
      const calls = processes.flatMap(({ tokens }) =>
        [...names, ...names].map(async (user) => [user, (await tokens.ofUser(ofUser(user, clock))).token] as const),
      );
      for (const [user, token] of await Promise.all(calls)) expect(token).toContain(`-of-header.payload-of-${user}.`);
      expect(processes.flatMap(({ asked }) => asked)).toHaveLength(names.length);
      expect(await errorsOf()).not.toMatch(/CROSSSLOT/);
      await Promise.all(connected.map((one) => one.close()));
    });
  });

  it('costs no call an error with a client of one node, which is sent elsewhere (MOVED)', async () => {
    const client = new Redis(nodes[0]?.port ?? 0);
    await eventually(() => client.status === 'ready');
    const store = redisTokenStore(client);
    const moved = await Promise.all(names.map((name) => outcomeOf(() => store.get(name))));
    expect(moved.filter((outcome) => String(outcome).includes('MOVED')).length).toBeGreaterThan(0);
    for (const name of names) {
      const { tokens } = playOnSystemClock(store);
      expect((await tokens.ofUser(ofUser(name, clock))).token).toContain(name);
    }
    expect(await errorsOf()).toContain('errorstat_MOVED');
    client.disconnect();
  });
});
