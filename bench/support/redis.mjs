// The Redis server of the specs, for benchmarks: the same file, compiled here.
import '../../spec/support/ensure-redis.mjs';
import { readFileSync } from 'node:fs';
import { createClient } from 'redis';
import { transformSync } from 'esbuild';

const source = readFileSync(new URL('../../spec/support/redis.ts', import.meta.url), 'utf8');
const { code } = transformSync(source, { loader: 'ts', format: 'esm' });

export const { startRedis, startNetwork } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

/** A connected client of the package `redis`. It connects again by itself; what it complains about meanwhile is expected. */
export async function connectRedis(port) {
  const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: 100 } });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
