import 'reflect-metadata';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from './app.js';
import { isTenantConfigured, useRealTenant } from './real-tenant.js';

const host = '127.0.0.1';

async function chooseAuthority(url: string) {
  if (isTenantConfigured()) return useRealTenant();
  // A deployment with a tenant has no OpenID provider among its packages.
  const { startLocalIssuer } = await import('./openid-provider/local-issuer.js');
  return startLocalIssuer(url);
}

async function start(): Promise<void> {
  // The local issuer has to know where the page is that it signs people in for.
  const server = createServer();
  server.listen(Number(process.env.PORT ?? 3000), host);
  await once(server, 'listening');
  const url = `http://${host}:${String((server.address() as AddressInfo).port)}`;

  const authority = await chooseAuthority(url);
  server.on('request', createApp(authority));

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      server.close(() => void authority.close());
      // A browser holds connections in reserve, and a process does not end while it has one.
      server.closeAllConnections();
    });
  }

  console.log(await authority.introduce());
  console.log(`A page that signs people in: ${url.replace(host, 'localhost')}/ (Swagger UI: /docs)`);
  console.log(`Listening on ${url}. Press Ctrl+C to stop.`);
}

start().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
