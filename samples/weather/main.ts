import 'reflect-metadata';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { initialize } from 'microsoft-identity-decorators';
import { createApp } from './app.js';
import { isTenantConfigured, optionsWithStore, setupFromEnvironment } from './environment.js';
import { requestsToTry } from './requests-to-try.js';
import { openTokenStore } from './token-store.js';

const host = '127.0.0.1';

async function start(): Promise<void> {
  // The server listens first: the local issuer has to know the page's address.
  const server = createServer();
  server.listen(Number(process.env.PORT ?? 3000), host);
  await once(server, 'listening');
  const url = `http://${host}:${String((server.address() as AddressInfo).port)}`;

  const redisUrl = process.env.REDIS_URL;
  const shared = redisUrl === undefined || redisUrl === '' ? undefined : await openTokenStore(redisUrl);

  // Imported only here: with a tenant of its own, a deployment does not install the local issuer's packages.
  const local = isTenantConfigured()
    ? undefined
    : await (await import('./local-setup.js')).startLocalSetup(url, shared?.store);

  // Without options, `initialize` reads the tenant from the environment. A store is not named there.
  const options = local?.options ?? (shared && optionsWithStore(shared.store));
  const identity = options === undefined ? initialize() : initialize(options);
  // Loads the signing keys, so that a tenant that does not exist is found now and not by the first caller.
  await identity.ready();

  server.on('request', createApp(local ?? setupFromEnvironment()));

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

  if (local === undefined) {
    console.log('Accepting tokens of the tenant that the environment names.');
  } else {
    console.log('No tenant is configured, so a local issuer stands in for Microsoft Entra ID and Azure AD B2C.');
    console.log(
      'For a real one, set AzureAd__TenantId and AzureAd__ClientId, or AzureAdB2C__Domain and its companions.\n',
    );
    console.log(await requestsToTry(url, local.issuer.tokens));
  }
  console.log(`A page that signs people in: ${url.replace(host, 'localhost')}/ (Swagger UI: /docs)`);
  console.log(`Listening on ${url}. Press Ctrl+C to stop.`);
}

start().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
