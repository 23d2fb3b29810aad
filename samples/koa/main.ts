import 'reflect-metadata';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createKoaServer } from 'routing-controllers';
import { initialize } from 'microsoft-identity-decorators';
import { startTestIssuer } from 'microsoft-identity-decorators/testing';
import { WeatherController } from './weather-controller.js';

const issuer = await startTestIssuer();
initialize(issuer.options);

const app = createKoaServer({ controllers: [WeatherController] }) as { callback(): RequestListener };
const server = createServer(app.callback());
await once(server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1'), 'listening');
const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/api/weather/Oslo`;

console.log(`# 200
curl -i -H "Authorization: Bearer ${await issuer.token({ scp: 'access_as_user' })}" ${url}
# 401
curl -i ${url}
# 403
curl -i -H "Authorization: Bearer ${await issuer.token({ scp: 'profile' })}" ${url}
Listening on ${url}. Press Ctrl+C to stop.`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close(() => void issuer.close());
    server.closeAllConnections();
  });
}
