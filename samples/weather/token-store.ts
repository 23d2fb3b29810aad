/** Where several processes serve the same users, they share tokens for the second API in the Redis that REDIS_URL names. */
import type { TokenStore } from 'microsoft-identity-decorators/downstream';

export interface OpenTokenStore {
  readonly store: TokenStore;
  close(): void;
}

/** Opens the store without waiting for Redis: while it is not there, each process asks for its own tokens. */
export async function openTokenStore(url: string): Promise<OpenTokenStore> {
  const { createClient } = await import('redis');
  const { redisTokenStore } = await import('microsoft-identity-decorators/downstream');
  const client = createClient({ url });
  let isReported = false;
  const report = (error: unknown) => {
    const message = error instanceof Error ? error.message : error;
    if (!isReported) console.error('Redis is not available, so tokens are not shared:', message);
    isReported = true;
  };
  // The client tries to connect again and again, and emits an error each time.
  client.on('error', report);
  client.on('ready', () => {
    isReported = false;
  });
  client.connect().catch(report);
  return {
    store: redisTokenStore(client),
    close: () => {
      if (client.isOpen) client.destroy();
    },
  };
}
