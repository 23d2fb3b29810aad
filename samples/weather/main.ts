import 'reflect-metadata';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { initialize } from 'microsoft-identity-decorators';
import { createApp } from './app.js';
import { isTenantConfigured, signInsFromEnvironment } from './environment.js';
import { requestsToTry } from './requests-to-try.js';

const host = '127.0.0.1';

async function start(): Promise<void> {
  // The server listens first: the local issuer has to know the page's address.
  const server = createServer();
  server.listen(Number(process.env.PORT ?? 3000), host);
  await once(server, 'listening');
  const url = `http://${host}:${String((server.address() as AddressInfo).port)}`;

  // Imported only here: with a tenant of its own, a deployment does not install the local issuer's packages.
  const localIssuer = isTenantConfigured()
    ? undefined
    : await (await import('./openid-provider/local-issuer.js')).startLocalIssuer(url);

  // Without options, `initialize` reads the tenant from the environment.
  const identity = initialize(localIssuer?.options);
  // Loads the signing keys, so that a tenant that does not exist is found now and not by the first caller.
  await identity.ready();

  server.on('request', createApp(localIssuer?.signIns ?? signInsFromEnvironment(), localIssuer));

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      server.close(() => {
        identity.close();
        void localIssuer?.close();
      });
      // A browser keeps unused connections open, and each of them would keep the process alive.
      server.closeAllConnections();
    });
  }

  if (localIssuer === undefined) {
    console.log('Accepting tokens of the tenant that the environment names.');
  } else {
    console.log('No tenant is configured, so a local issuer stands in for Microsoft Entra ID and Azure AD B2C.');
    console.log(
      'For a real one, set AzureAd__TenantId and AzureAd__ClientId, or AzureAdB2C__Domain and its companions.\n',
    );
    console.log(await requestsToTry(url, localIssuer.tokens));
  }
  console.log(`A page that signs people in: ${url.replace(host, 'localhost')}/ (Swagger UI: /docs)`);
  console.log(`Listening on ${url}. Press Ctrl+C to stop.`);
}

start().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
