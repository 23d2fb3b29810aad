// The API under load, in a process of its own: routing-controllers on Express 5, behind this library's decorators.
// It does what the parent process tells it over IPC: start, move the clock, report on itself.
import 'reflect-metadata';
import { once } from 'node:events';
import { createServer } from 'node:http';
import express from 'express';
import { Body, Get, JsonController, Param, Post, useExpressServer } from 'routing-controllers';
import { initialize, RequiresAuth, RequiresB2cAuth, TokenClaims, ValidateScope } from '../../dist/esm/index.js';
import { hear } from './api-process.mjs';
import { decorateMethod } from './decorate.mjs';
import { figures } from './figures.mjs';

class OrderController {
  show(id, claims) {
    return { id, oid: claims.oid };
  }

  create(order, oid) {
    return { id: order.id, oid };
  }
}
Param('id')(OrderController.prototype, 'show', 0);
TokenClaims()(OrderController.prototype, 'show', 1);
decorateMethod(OrderController, 'show', Get('/:id'));
Body()(OrderController.prototype, 'create', 0);
TokenClaims('oid')(OrderController.prototype, 'create', 1);
decorateMethod(OrderController, 'create', Post('/'));
for (const decorate of [JsonController('/orders'), RequiresAuth(), ValidateScope('access_as_user', 'access_as_app')]) {
  decorate(OrderController);
}

class CustomerController {
  show(id, claims) {
    return { id, oid: claims.oid };
  }
}
Param('id')(CustomerController.prototype, 'show', 0);
TokenClaims()(CustomerController.prototype, 'show', 1);
decorateMethod(CustomerController, 'show', Get('/:id'), RequiresB2cAuth(), ValidateScope('access_as_user'));
JsonController('/customers')(CustomerController);

class HealthController {
  health() {
    return { ok: true };
  }
}
decorateMethod(HealthController, 'health', Get('/health'));
JsonController()(HealthController);

let clock = 0;
const commands = {
  async start({ options, now }) {
    clock = now;
    // Small enough to be full early on, and to drop tokens that come back: what grows after that is not the cache.
    initialize({ ...options, now: () => clock, tokenCache: { maxEntries: 500 } });
    const app = useExpressServer(express(), { controllers: [OrderController, CustomerController, HealthController] });
    // The parent pauses between phases; a connection closed meanwhile would look like a fault.
    const server = createServer({ keepAliveTimeout: 300_000 }, app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { port: server.address().port };
  },
  setClock({ now }) {
    clock = now;
  },
  ...figures,
};

hear(commands);
