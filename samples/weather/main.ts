import 'reflect-metadata';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { initialize } from 'microsoft-identity-decorators';
import { createApp } from './app.js';
import { isTenantConfigured, optionsWithStore, setupFromEnvironment } from './environment.js';
import { requestsToTry } from './requests-to-try.js';
import { openTokenStore } from './token-store.js';

const host = '127.0.0.1';

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function start(): Promise<void> {
  const port = Number(process.env.PORT ?? 3000);
  // The server listens first, so that a port in use is found before anything else is started.
  const server = createServer();
  const url = `http://localhost:${String(await listen(server, port))}`;

  const redisUrl = process.env.REDIS_URL;
  const shared = redisUrl === undefined || redisUrl === '' ? undefined : await openTokenStore(redisUrl);

  // Imported only here: a deployment with a tenant of its own has no use for the local issuer.
  const local = isTenantConfigured()
    ? undefined
    : await (await import('./local-setup.js')).startLocalSetup(port === 0 ? 0 : port + 1, shared?.store);

  // Without options, `initialize` reads the tenant from the environment. A store is not named there.
  const options = local?.options ?? (shared && optionsWithStore(shared.store));
  const identity = options === undefined ? initialize() : initialize(options);
  // Loads the signing keys, so that a tenant that does not exist is found now and not by the first caller.
  await identity.ready();

  server.on('request', await createApp(local ?? setupFromEnvironment()));

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      server.close(() => {
        identity.close();
        shared?.close();
        local?.close();
      });
      // A browser keeps unused connections open, and each of them would keep the process alive.
      server.closeAllConnections();
    });
  }

  console.log(`The page, which signs people in: ${url}/ (Swagger UI: ${url}/docs)\n`);
  if (local === undefined) {
    console.log('Accepting tokens of the tenant that the environment names.');
  } else {
    console.log('No tenant is configured, so a local issuer stands in for Microsoft Entra ID and Azure AD B2C.');
    console.log('For a real one, set AzureAd__TenantId and AzureAd__ClientId, or AzureAdB2C__Domain and others.\n');
    console.log(await requestsToTry(url, local.issuer.tokens));
  }
  console.log(`Listening on ${url}. Press Ctrl+C to stop.`);
}

function problemOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, port } = error as NodeJS.ErrnoException & { readonly port?: number };
  if (code !== 'EADDRINUSE') return error.message;
  return `Port ${String(port)} is in use. Set PORT: the API takes that port, and the local issuer the next one.`;
}

start().catch((error: unknown) => {
  console.error(problemOf(error));
  process.exit(1);
});
