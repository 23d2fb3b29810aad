// One of two processes of an API that calls another, on behalf of its callers and as itself. They share a Redis.
import 'reflect-metadata';
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:http';
import express from 'express';
import { Get, JsonController, useExpressServer } from 'routing-controllers';
import { redisTokenStore } from '../../dist/esm/downstream.js';
import { AsApplication, initialize, OnBehalfOf, onBehalfOf, RequiresAuth, TokenClaims } from '../../dist/esm/index.js';
import { connectRedis } from '../support/redis.mjs';
import { hear } from './api-process.mjs';
import { decorateMethod } from './decorate.mjs';
import { figures } from './figures.mjs';

// As in a service below the action: for the caller of whichever request runs.
const records = onBehalfOf('records');

class RecordController {
  async me(api, claims) {
    const { oid } = await api.get('/me');
    return { oid: claims.oid, seen: [oid] };
  }

  async service(claims) {
    const answers = await Promise.all([records.get('/me'), records.get('/me')]);
    return { oid: claims.oid, seen: answers.map(({ oid }) => oid) };
  }

  async strict(api, claims) {
    const { oid } = await api.get('/strict');
    return { oid: claims.oid, seen: [oid] };
  }

  stock(api) {
    return api.get('/stock');
  }
}
for (const [name, parameters] of [
  ['me', [OnBehalfOf('records'), TokenClaims()]],
  ['service', [TokenClaims()]],
  ['strict', [OnBehalfOf('records'), TokenClaims()]],
  ['stock', [AsApplication('records')]],
]) {
  parameters.forEach((decorate, index) => decorate(RecordController.prototype, name, index));
  decorateMethod(RecordController, name, Get(`/${name}`), RequiresAuth());
}
JsonController()(RecordController);

let aheadMs = 0;
/** A waiting process asks by itself after a second. This leaves room for a busy machine. */
const agreedMs = 700;
let disturbances = [];
subscribe('microsoft-identity-decorators:downstream', ({ source, outcome, milliseconds }) => {
  const isFailure = source === 'store' && outcome === 'failed';
  if (isFailure || (source === 'authority' && milliseconds > agreedMs))
    disturbances.push({ atMs: Date.now(), isFailure });
});

hear({
  ...figures,
  async start({ options, redisPort }) {
    const store = redisTokenStore(await connectRedis(redisPort));
    const now = () => Date.now() + aheadMs;
    initialize({ ...options, now, downstream: { ...options.downstream, store } });
    const app = useExpressServer(express(), { controllers: [RecordController] });
    const server = createServer({ keepAliveTimeout: 300_000 }, app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { port: server.address().port };
  },
  setClock({ ahead }) {
    aheadMs = ahead;
  },
  /** What disturbed the agreement of the processes since the last time: failures of the store, slow acquisitions. */
  disturbances() {
    const found = disturbances;
    disturbances = [];
    return found;
  },
});
