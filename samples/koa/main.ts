import 'reflect-metadata';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createKoaServer } from 'routing-controllers';
import { initialize } from 'microsoft-identity-decorators';
import { startTestIssuer } from 'microsoft-identity-decorators/testing';
import { WeatherController } from './weather-controller.js';

const port = Number(process.env.PORT ?? 3000);
const issuer = await startTestIssuer();
initialize(issuer.options);

const app = createKoaServer({ controllers: [WeatherController] }) as { callback(): RequestListener };
const server = createServer(app.callback());
await once(server.listen(port, '127.0.0.1'), 'listening').catch((error: unknown) => {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
  console.error(`Port ${String(port)} is in use. Set PORT to another one.`);
  process.exit(1);
});
const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/api/weather/Oslo`;

const withToken = (token: string) => `curl -si -H 'Authorization: Bearer ${token}' ${url}`;
console.log(`Requests to try in a POSIX shell, each after its expected status. The tokens are good for an hour.

  200  A valid token
       ${withToken(await issuer.token())}

  401  No token
       curl -si ${url}

  403  A token without the scope
       ${withToken(await issuer.token({ scp: 'profile' }))}

  403  An alert by a caller who is not an administrator
       ${withToken(await issuer.token())}/alerts -X POST

  200  An alert by an administrator
       ${withToken(await issuer.token({ roles: ['Admin'] }))}/alerts -X POST

Listening on ${new URL(url).origin}. Press Ctrl+C to stop.`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close(() => void issuer.close());
    server.closeAllConnections();
  });
}
