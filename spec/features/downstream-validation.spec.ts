/** Frameworks that validate and convert parameters by their class pass an API on as it is. */
import { Controller, Get as NestGet, Module, ValidationPipe, type ValidationPipeOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import 'reflect-metadata';
import { Get, JsonController, type RoutingControllersOptions } from 'routing-controllers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AsApplication, DownstreamApi, initialize, OnBehalfOf, RequiresAuth } from '../../src/index.js';
import * as forNest from '../../src/nestjs.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { send, serve } from '../support/api.js';
import { optionsOf, partnersIssuer } from '../support/hosts/downstream.js';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
  initialize(optionsOf(issuer));
});
afterAll(async () => {
  await issuer.close();
  await partnersIssuer.close();
});

const useBoth = async (user: DownstreamApi, application: DownstreamApi) => {
  const [me, users] = await Promise.all([
    user.get<{ oid?: string }>('/me'),
    application.get<{ roles?: string[] }>('/users'),
  ]);
  return { oid: me.oid, roles: users.roles };
};

@Controller()
@forNest.RequiresAuth()
class NestController {
  @NestGet('/both')
  both(@forNest.OnBehalfOf('graph') user: DownstreamApi, @forNest.AsApplication('graph') application: DownstreamApi) {
    return useBoth(user, application);
  }
}

/** No decorator protects it: Nest alone fills the parameter. */
@Controller('/open')
class OpenController {
  @NestGet('/application')
  async application(@forNest.AsApplication('graph') application: DownstreamApi) {
    return { roles: (await application.get<{ roles?: string[] }>('/users')).roles };
  }
}

@Module({ controllers: [NestController, OpenController] })
class AppModule {}

const both = { oid: 'ada', roles: ['access_as_app'] };

const pipes: readonly ValidationPipeOptions[] = [
  { validateCustomDecorators: true },
  { validateCustomDecorators: true, transform: true },
  { validateCustomDecorators: true, transform: true, whitelist: true, forbidNonWhitelisted: true },
];

it('is decorated as a compiler with metadata of types does it', () => {
  const types: unknown = Reflect.getMetadata('design:paramtypes', RoutingController.prototype, 'both');
  expect(types).toEqual([DownstreamApi, DownstreamApi]);
});

describe.each([
  { platform: 'Express', adapter: () => new ExpressAdapter() },
  { platform: 'Fastify', adapter: () => new FastifyAdapter() },
])('Nest on $platform', ({ adapter }) => {
  it.each(pipes)('with a ValidationPipe of %j', async (options) => {
    const app = await NestFactory.create(AppModule, adapter(), { logger: false });
    app.useGlobalPipes(new ValidationPipe(options));
    await app.listen(0, '127.0.0.1');
    const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
    const answer = await send(`${url}/both`, { token: await issuer.token({ oid: 'ada' }) });
    const open = await send(`${url}/open/application`);
    await app.close();
    expect([answer.status, answer.body]).toEqual([200, both]);
    expect([open.status, open.body]).toEqual([200, { roles: both.roles }]);
  });
});

@JsonController()
@RequiresAuth()
class RoutingController {
  @Get('/both')
  both(@OnBehalfOf('graph') user: DownstreamApi, @AsApplication('graph') application: DownstreamApi) {
    return useBoth(user, application);
  }
}

describe('routing-controllers', () => {
  it.each<RoutingControllersOptions>([
    { classTransformer: true, validation: true },
    { classTransformer: true, validation: { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true } },
    { classTransformer: false, validation: true },
  ])('with %j', async (options) => {
    const api = await serve([RoutingController], options);
    const answer = await api.call('/both', { token: await issuer.token({ oid: 'ada' }) });
    await api.close();
    expect([answer.status, answer.body]).toEqual([200, both]);
  });
});
