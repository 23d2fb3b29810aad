import 'reflect-metadata';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { initialize } from 'microsoft-identity-decorators';
import { useExpressServer } from 'routing-controllers';
import { WarningsController } from './warnings-controller.js';

const host = '127.0.0.1';

async function start(): Promise<void> {
  // Reads AzureAd__TenantId and AzureAd__ClientId: the tenant, and the registration of this API.
  const identity = initialize();
  await identity.ready();

  const app = express();
  app.disable('x-powered-by');
  // In any other environment, Express sends the stack of an error to the caller.
  app.set('env', 'production');
  useExpressServer(app, { controllers: [WarningsController] });

  const server = createServer(app);
  server.listen(Number(process.env.PORT ?? 3001), host);
  await once(server, 'listening');
  const url = `http://${host}:${String((server.address() as AddressInfo).port)}`;

  const stop = () => {
    server.close(() => {
      identity.close();
    });
    server.closeAllConnections();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);

  if (process.send === undefined) {
    console.log(`Listening on ${url}. Press Ctrl+C to stop.`);
  } else {
    // The weather sample started this process: it needs the address, and this process ends with it.
    process.send({ url });
    process.once('disconnect', stop);
  }
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
