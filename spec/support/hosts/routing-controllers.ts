import Koa from 'koa';
import { Body, Get, JsonController, Post, useExpressServer, useKoaServer } from 'routing-controllers';
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
} from '../../../src/index.js';
import { expressReleases, listen } from '../api.js';
import { isNamed, type HostUnderTest } from './host.js';

@JsonController()
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

  @Get('/role')
  @RequiresRole('Admin')
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
  body(@Body() body: object) {
    return { body };
  }
}

const controllers = [WeatherController];

export const hosts: readonly HostUnderTest[] = [
  ...expressReleases.map(({ release, express }) => ({
    name: `routing-controllers on ${release}`,
    start: () => listen(useExpressServer(express(), { controllers })),
  })),
  {
    name: 'routing-controllers on Koa',
    start: () => {
      const app = new Koa();
      useKoaServer(app, { controllers });
      const handle = app.callback();
      return listen((request, response) => void handle(request, response));
    },
  },
];
