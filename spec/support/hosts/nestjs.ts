import { Body, Controller, Get, HttpCode, Module, Post, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  AccessTokenClaims,
  AllowAnonymous,
  ClaimCheck,
  getTokenClaims,
  RequiresAuth,
  RequiresAuthContext,
  RequiresB2cAuth,
  RequiresClaim,
  RequiresRole,
  TokenClaims,
  validateScope,
  ValidateScope,
} from '../../../src/nestjs.js';
import { send, type Api } from '../api.js';
import { isNamed, type HostUnderTest } from './host.js';

@Controller()
@RequiresAuth()
class WeatherController {
  @Get('/open')
  @AllowAnonymous()
  open() {
    return { open: true };
  }

  @Get('/claims')
  async claims(@TokenClaims() claims: AccessTokenClaims) {
    await Promise.resolve();
    return { oid: claims.oid, isSame: getTokenClaims() === claims };
  }

  @Get('/scope')
  @ValidateScope('access_as_user', 'other.scope')
  scope() {
    return { passed: 'scope' };
  }

  @RequiresRole('Admin')
  @Get('/role')
  role() {
    return { passed: 'role' };
  }

  @Get('/b2c')
  @RequiresB2cAuth({ policy: 'B2C_1_susi' })
  b2c() {
    return { passed: 'b2c' };
  }

  @Get('/context')
  @RequiresAuthContext('c1')
  context() {
    return { passed: 'context' };
  }

  @Get('/rule')
  @ClaimCheck(isNamed)
  @RequiresClaim('department', 'finance', 'legal')
  rule() {
    return { passed: 'rule' };
  }

  @Get('/helper')
  async helper() {
    await Promise.resolve();
    validateScope('helper.scope');
    return { passed: 'helper' };
  }

  @Post('/body')
  @HttpCode(200)
  body(@Body() body: object) {
    return { body };
  }
}

@Module({ controllers: [WeatherController] })
class WeatherModule {}

async function listenOn(app: INestApplication): Promise<Api> {
  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  return {
    url,
    server: app.getHttpServer() as Api['server'],
    call: (path, call) => send(url + path, call),
    close: () => app.close(),
  };
}

export const hosts: readonly HostUnderTest[] = [
  { name: 'Nest on Express', adapter: () => new ExpressAdapter() },
  { name: 'Nest on Fastify', adapter: () => new FastifyAdapter() },
].map(({ name, adapter }) => ({
  name,
  start: async () => listenOn(await NestFactory.create(WeatherModule, adapter(), { logger: false })),
}));
