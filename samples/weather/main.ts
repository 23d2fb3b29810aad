import 'reflect-metadata';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from './app.js';
import { startEmbeddedIssuer } from './embedded-issuer.js';
import { isTenantConfigured, useRealTenant } from './real-tenant.js';

const host = '127.0.0.1';

async function start(): Promise<void> {
  const authority = await (isTenantConfigured() ? useRealTenant() : startEmbeddedIssuer());
  const server = createServer(createApp(authority));
  server.listen(Number(process.env.PORT ?? 3000), host);
  await once(server, 'listening');

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      server.close(() => void authority.close());
    });
  }

  const url = `http://${host}:${String((server.address() as AddressInfo).port)}`;
  console.log(await authority.introduce(url));
  console.log(`Listening on ${url}. Press Ctrl+C to stop.`);
}

start().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
