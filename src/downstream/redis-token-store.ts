/** A store of downstream tokens in Redis or Valkey, over the client that the application already has. */
import type { TokenStore } from '../core/configuration/token-store.js';
import { ConfigurationError } from '../core/errors.js';

/** A client of the package `redis`: also its cluster, its pool and its sentinel. */
interface NodeRedisClient {
  /** A cluster and a pool have none. */
  readonly isReady?: boolean;
  readonly isOpen: boolean;
  get(key: string): Promise<unknown>;
  set(key: string, value: string, options: object): Promise<unknown>;
  del(key: string): Promise<unknown>;
}

/** A client of the package `ioredis` or `iovalkey`: also its cluster. */
interface IoRedisClient {
  readonly status: string;
  get(key: string): Promise<unknown>;
  set(key: string, value: string, ...options: (string | number)[]): Promise<unknown>;
  del(key: string): Promise<unknown>;
}

/** A client of the package `@valkey/valkey-glide`: also its cluster. */
interface GlideClient {
  get(key: string): Promise<unknown>;
  set(key: string, value: string, options: object): Promise<unknown>;
  del(keys: string[]): Promise<unknown>;
}

/** A client of `redis`, `ioredis`, `iovalkey` or `@valkey/valkey-glide`, taken by its shape: this library depends on none. */
export interface RedisClient {
  get(key: string): Promise<unknown>;
  // A method's parameters are compared in both directions, so each client's own type fits.
  set(key: string, value: string, options: never): Promise<unknown>;
  del(key: never): Promise<unknown>;
}

/** Options of {@link redisTokenStore}. */
export interface RedisTokenStoreOptions {
  /** What every key starts with. Default `microsoft-identity:`. */
  readonly prefix?: string | undefined;
}

/** The commands that the store needs, in a client's own words. */
interface Commands {
  /** Whether the client sends a command now. It would keep a command in a queue otherwise. */
  readonly isReady: () => boolean;
  readonly set: (key: string, value: string, ttlMs: number) => Promise<unknown>;
  readonly setIfFree: (key: string, value: string, ttlMs: number) => Promise<unknown>;
  readonly del: (key: string) => Promise<unknown>;
}

function nodeRedisCommands(client: NodeRedisClient): Commands {
  return {
    isReady: () => client.isReady ?? client.isOpen,
    set: (key, value, ttlMs) => client.set(key, value, { PX: ttlMs }),
    setIfFree: (key, value, ttlMs) => client.set(key, value, { PX: ttlMs, NX: true }),
    del: (key) => client.del(key),
  };
}

function ioRedisCommands(client: IoRedisClient): Commands {
  return {
    // A client with `lazyConnect` connects with its first command.
    isReady: () => client.status === 'ready' || client.status === 'wait',
    set: (key, value, ttlMs) => client.set(key, value, 'PX', ttlMs),
    setIfFree: (key, value, ttlMs) => client.set(key, value, 'PX', ttlMs, 'NX'),
    del: (key) => client.del(key),
  };
}

function glideCommands(client: GlideClient): Commands {
  const expiry = (ttlMs: number) => ({ expiry: { type: 'PX', count: ttlMs } });
  return {
    // It does not show whether it is connected. A command that waits for a connection ends by the client's `requestTimeout`.
    isReady: () => true,
    set: (key, value, ttlMs) => client.set(key, value, expiry(ttlMs)),
    setIfFree: (key, value, ttlMs) =>
      client.set(key, value, { ...expiry(ttlMs), conditionalSet: 'onlyIfDoesNotExist' }),
    del: (key) => client.del([key]),
  };
}

function commandsOf(client: unknown): Commands {
  const shape = (client ?? {}) as Readonly<Record<string, unknown>>;
  const hasCommands = ['get', 'set', 'del'].every((command) => typeof shape[command] === 'function');
  if (hasCommands && typeof shape['status'] === 'string') return ioRedisCommands(client as IoRedisClient);
  const isNodeRedis = typeof shape['isReady'] === 'boolean' || typeof shape['isOpen'] === 'boolean';
  if (hasCommands && isNodeRedis) return nodeRedisCommands(client as NodeRedisClient);
  if (hasCommands && typeof shape['customCommand'] === 'function') return glideCommands(client as GlideClient);
  throw new ConfigurationError(
    'redisTokenStore takes a client of the package redis (4 or newer), ioredis, iovalkey or @valkey/valkey-glide.',
  );
}

function prefixOf(options: unknown): string {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigurationError('redisTokenStore takes an object of options: { prefix }.');
  }
  const unknown = Object.keys(options).find((name) => name !== 'prefix');
  if (unknown !== undefined) {
    throw new ConfigurationError(`redisTokenStore has no option ${unknown}. It has: prefix.`);
  }
  const { prefix = 'microsoft-identity:' } = options as { readonly prefix?: unknown };
  if (typeof prefix !== 'string') throw new ConfigurationError('redisTokenStore: prefix must be a string.');
  return prefix;
}

/** The client has no connection at the moment. */
class NotConnectedError extends Error {
  override readonly name = 'NotConnectedError';
  readonly code = 'NOT_CONNECTED';
}

/**
 * A store of downstream tokens in Redis or Valkey, for the option `downstream.store` of `initialize`.
 *
 * What is kept is encrypted with a key that only a holder of the user's own token can derive. The client is the
 * application's: connect it, listen to its `error` event, and close it. While it is not connected, tokens are asked for
 * without the store.
 *
 * @param client - a connected client of `redis` (4 or newer), `ioredis`, `iovalkey` or `@valkey/valkey-glide`, or of a cluster
 * @param options.prefix - what every key starts with; default `microsoft-identity:`
 * @throws ConfigurationError where it is another kind of client, or for an unknown option
 * @example
 * ```ts
 * const redis = await createClient({ url: process.env.REDIS_URL }).on('error', console.error).connect();
 * initialize({ tenantId, clientId, downstream: { credential, apis, store: redisTokenStore(redis) } });
 * ```
 */
export function redisTokenStore(client: RedisClient, options: RedisTokenStoreOptions = {}): TokenStore {
  const commands = commandsOf(client);
  const prefix = prefixOf(options);
  // In a cluster, what is in braces chooses the node: a token and its lease lie on one.
  const keyOf = (name: string) => `${prefix}{${name}}`;
  const leaseOf = (name: string) => `${keyOf(name)}:lease`;
  const send = async <Reply>(command: () => Promise<Reply>): Promise<Reply> => {
    if (!commands.isReady()) throw new NotConnectedError('The Redis client is not connected.');
    return command();
  };
  return {
    // What is no text is found out by the guard of the store.
    get: (name) => send(() => client.get(keyOf(name)) as Promise<string | null>),
    set: (name, value, ttlMs) => send(() => commands.set(keyOf(name), value, ttlMs)),
    claim: (name, ttlMs) => send(async () => (await commands.setIfFree(leaseOf(name), '1', ttlMs)) !== null),
    release: (name) => send(() => commands.del(leaseOf(name))),
  };
}
