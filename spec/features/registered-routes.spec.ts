import 'reflect-metadata';
import { Controller as NestController, Get as NestGet, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import express from 'express';
import { Get, JsonController, useExpressServer, type RoutingControllersOptions } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi, type MockInstance } from 'vitest';
import { requiresB2cAuth } from '../../src/express.js';
import { putInForce } from '../../src/gate/identity-in-force.js';
import { initialize, RequiresB2cAuth, type MicrosoftIdentity } from '../../src/index.js';
import {
  MICROSOFT_IDENTITY,
  MicrosoftIdentityModule,
  RequiresB2cAuth as NestRequiresB2cAuth,
} from '../../src/nestjs.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';

let issuer: TestIssuer;
let warned: MockInstance<typeof process.emitWarning>;

beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());
afterEach(() => {
  warned.mockRestore();
});

const messages = () => warned.mock.calls.map(([warning]) => String(warning));

function listen(): void {
  warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
}

const noB2c = (at: string) => `${at} takes tokens of B2C, which is not configured. Set b2c, or use another scheme.`;
const noPolicy = (at: string) =>
  `${at} names a policy that is not among b2c.policies. Add it to that option, or correct its name.`;

/** Decorates the method `list`, as compiled code does. */
function decorate(decorators: readonly unknown[], prototype: object): void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'list');
  Object.defineProperty(
    prototype,
    'list',
    Reflect.decorate(decorators as MethodDecorator[], prototype, 'list', descriptor),
  );
}

/** Registers a route under a name of its own: a warning is given once in a process. */
const hosts: readonly [host: string, at: string, register: (name: string, policy?: string) => unknown][] = [
  [
    'routing-controllers',
    '.list',
    (name, policy) => {
      class Orders {
        list() {
          return [];
        }
      }
      Object.defineProperty(Orders, 'name', { value: name });
      decorate([Get('/orders'), RequiresB2cAuth({ policy })], Orders.prototype);
      JsonController()(Orders);
      const options: RoutingControllersOptions = { controllers: [Orders] };
      return useExpressServer(express(), options);
    },
  ],
  ['Express', '', (_, policy) => express().get('/orders', requiresB2cAuth({ policy }))],
];

describe.each(hosts)('a route of %s', (host, method, register) => {
  const at = (name: string) => (host === 'Express' ? 'requiresB2cAuth()' : `${name}${method}`);

  it('whose policy is unknown is found when it is registered, and by ready()', async () => {
    listen();
    const identity = initialize({ ...issuer.options, b2c: issuer.b2cOptions });
    register('UnknownPolicy', 'B2C_1_other');
    expect(messages()).toContain(noPolicy(at('UnknownPolicy')));
    await expect(identity.ready()).rejects.toThrow(noPolicy(at('UnknownPolicy')));
  });

  it('whose scheme is not configured is found by initialize() where it was registered before', async () => {
    listen();
    putInForce(undefined);
    register('NoB2c');
    const before = messages().length;
    const identity = initialize(issuer.options);
    expect(messages().slice(before)).toContain(noB2c(at('NoB2c')));
    await expect(identity.ready()).rejects.toMatchObject({ code: 'invalid_configuration', status: 500 });
  });
});

it('finds a mistake after any number of middlewares without one, such as those made for each request', async () => {
  listen();
  const policies = Array.from({ length: 1_001 }, (_, index) => `B2C_1_${String(index)}`);
  const identity = initialize({ ...issuer.options, b2c: { ...issuer.b2cOptions, policies } });
  for (const policy of policies) requiresB2cAuth({ policy });
  requiresB2cAuth({ policy: 'B2C_1_other' });
  await expect(identity.ready()).rejects.toThrow(noPolicy('requiresB2cAuth()'));
});

describe('a handler of Nest', () => {
  it('whose scheme is not configured is found when the application is made, and by ready()', async () => {
    listen();
    class Orders {
      list() {
        return [];
      }
    }
    decorate([NestGet(), NestRequiresB2cAuth()], Orders.prototype);
    NestController('orders')(Orders);
    class App {}
    Module({ imports: [MicrosoftIdentityModule.forRoot(issuer.options)], controllers: [Orders] })(App);
    const app = await NestFactory.create(App, { logger: false });
    expect(messages()).toContain(noB2c('Orders.list'));
    await expect(app.get<MicrosoftIdentity>(MICROSOFT_IDENTITY).ready()).rejects.toThrow('takes tokens of B2C');
    await app.close();
  });
});
