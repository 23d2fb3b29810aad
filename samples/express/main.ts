import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { initialize } from 'microsoft-identity-decorators/express';
import { startTestIssuer } from 'microsoft-identity-decorators/testing';
import { createApp } from './app.js';
import { requestsToTry } from './requests-to-try.js';

const host = process.env.HOST ?? '127.0.0.1';

// In production nothing stands in for a tenant: without one, the start fails.
const isTenantConfigured =
  process.env.NODE_ENV === 'production' || Object.keys(process.env).some((name) => /^AzureAd(B2C)?__/.test(name));

async function start(): Promise<void> {
  // Without a tenant in the environment, a local issuer replaces Microsoft's.
  const issuer = isTenantConfigured ? undefined : await startTestIssuer();
  const identity = issuer === undefined ? initialize() : initialize({ ...issuer.options, b2c: issuer.b2cOptions });
  // Loads the signing keys, so that a tenant that does not exist is found now and not by the first caller.
  await identity.ready();

  const server = createServer(createApp());
  server.listen(Number(process.env.PORT ?? 3000), host);
  await once(server, 'listening');

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      server.close(() => {
        identity.close();
        void issuer?.close();
      });
    });
  }

  const url = `http://${host}:${String((server.address() as AddressInfo).port)}`;
  if (issuer !== undefined) {
    console.log('Requests to try in a POSIX shell, each after its expected status. The tokens are good for an hour.\n');
    console.log(await requestsToTry(url, issuer));
  }
  console.log(`Listening on ${url}. Press Ctrl+C to stop.`);
}

function problemOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, port } = error as NodeJS.ErrnoException & { readonly port?: number };
  return code === 'EADDRINUSE' ? `Port ${String(port)} is in use. Set PORT to another one.` : error.message;
}

start().catch((error: unknown) => {
  console.error(problemOf(error));
  process.exit(1);
});
