/** An API in a process of its own, which calls another one on behalf of its callers. Runs on the built package. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { writeHeapSnapshot } from 'node:v8';
import express from 'express';
import { Redis } from 'ioredis';
import { getTokenClaims, initialize, onBehalfOf, OnBehalfOf, RequiresAuth } from 'microsoft-identity-decorators';
import { redisTokenStore } from 'microsoft-identity-decorators/downstream';
import 'reflect-metadata';
import { Get, JsonController, useExpressServer } from 'routing-controllers';

const { options, baseUrl, redisPort } = JSON.parse(process.argv[2]);

const service = onBehalfOf('graph');

/** The API that is called sees for whom it is meant to be called. */
const pathOfCaller = () => `/me?caller=${getTokenClaims().oid}`;

class ProfileController {
  async me(graph) {
    const { oid } = await graph.get(pathOfCaller());
    return { caller: getTokenClaims().oid, oid };
  }

  async service() {
    await Promise.resolve();
    const { oid } = await service.get(pathOfCaller());
    return { caller: getTokenClaims().oid, oid };
  }
}

// What a compiler makes of decorators.
OnBehalfOf('graph')(ProfileController.prototype, 'me', 0);
for (const name of ['me', 'service']) {
  const descriptor = Object.getOwnPropertyDescriptor(ProfileController.prototype, name);
  RequiresAuth()(ProfileController.prototype, name, descriptor);
  Object.defineProperty(ProfileController.prototype, name, descriptor);
  Get(`/${name}`)(ProfileController.prototype, name);
}
JsonController()(ProfileController);

const redis = redisPort === undefined ? undefined : new Redis(redisPort);
// ioredis prints an error that nothing listens to.
redis?.on('error', () => undefined);

const identity = initialize({
  ...options,
  downstream: {
    ...options.downstream,
    apis: { graph: { baseUrl, scopes: ['https://graph.example/User.Read'] } },
    ...(redis !== undefined && { store: redisTokenStore(redis) }),
  },
});
await identity.ready();
if (redis !== undefined && redis.status !== 'ready') await once(redis, 'ready');

const server = createServer(useExpressServer(express(), { controllers: [ProfileController] }));
// Connections of clients stay open for as long as a spec runs.
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));

process.on('message', async ({ heapTo }) => {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    globalThis.gc();
  }
  process.send({ heap: writeHeapSnapshot(heapTo) });
});
