/** Controllers that the specs beside this file share, and the issuer whose tokens they take. */
import { AsyncResource } from 'node:async_hooks';
import { IsString } from 'class-validator';
import type { Request, Response } from 'express';
import 'reflect-metadata';
import {
  Body,
  Controller,
  Get,
  JsonController,
  NotFoundError,
  Param,
  Post,
  Req,
  Res,
  UseBefore,
  UseInterceptor,
} from 'routing-controllers';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import {
  AllowAnonymous,
  getTokenClaims,
  initialize,
  MissingTokenError,
  RequiresAuth,
  RequiresB2cAuth,
  RequiresRole,
  TokenClaims,
  ValidateScope,
  validateScope,
  type AccessTokenClaims,
} from '../../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';

/** What has run since the test began, in order. */
export const ran: string[] = [];

/** The issuer of the file that runs. */
export let issuer: TestIssuer;

/** Starts an issuer for the tests of a file, and configures it before each. */
export function useIssuer(): void {
  beforeAll(async () => {
    issuer = await startTestIssuer();
  });
  afterAll(() => issuer.close());
  beforeEach(() => {
    initialize({ ...issuer.options, b2c: issuer.b2cOptions });
    ran.length = 0;
  });
}

class Note {
  @IsString()
  text!: string;
}

@JsonController('/weather')
export class WeatherController {
  @Get('/open')
  open(@TokenClaims() claims: AccessTokenClaims | undefined) {
    ran.push('open');
    return { claims: claims ?? 'none' };
  }

  @Get('/now/:city')
  @RequiresAuth()
  @ValidateScope('access_as_user')
  now(@Param('city') city: string, @TokenClaims() claims: AccessTokenClaims, @TokenClaims('oid') oid: string) {
    ran.push('now');
    return { city, sub: claims.sub, oid, frozen: Object.isFrozen(claims) };
  }

  @ValidateScope('access_as_user')
  @RequiresAuth()
  @Get('/reversed/:city')
  reversed(@TokenClaims('sub') sub: string, @Param('city') city: string) {
    ran.push('reversed');
    return { city, sub };
  }

  @Get('/any')
  @RequiresAuth()
  @ValidateScope('read', 'write')
  any() {
    ran.push('any');
    return {};
  }

  @Get('/all')
  @RequiresAuth()
  @ValidateScope('read')
  @ValidateScope('write')
  all() {
    ran.push('all');
    return {};
  }

  @Get('/admin')
  @RequiresRole('Admin', 'Owner')
  @RequiresAuth()
  admin() {
    ran.push('admin');
    return {};
  }

  @Get('/susi')
  @RequiresB2cAuth({ policy: 'b2c_1_SUSI' })
  susi() {
    ran.push('susi');
    return {};
  }

  @Get('/b2c')
  @RequiresB2cAuth()
  b2c(@TokenClaims() claims: AccessTokenClaims) {
    ran.push('b2c');
    return { policy: claims.tfp };
  }

  @Get('/unconfigured-policy')
  @RequiresB2cAuth({ policy: 'B2C_1_other' })
  unconfiguredPolicy() {
    ran.push('unconfiguredPolicy');
    return {};
  }

  @Get('/scope-only')
  @ValidateScope('access_as_user')
  scopeOnly() {
    ran.push('scopeOnly');
    return {};
  }

  @Get('/role-only')
  @RequiresRole('access_as_app')
  roleOnly() {
    ran.push('roleOnly');
    return {};
  }

  @Post('/notes')
  @RequiresAuth()
  post(@Body() note: Note) {
    ran.push('post');
    return note;
  }

  @Get('/helper')
  @RequiresAuth()
  async helper() {
    ran.push('helper');
    await Promise.resolve();
    validateScope('write');
    return {};
  }

  @Get('/helper-sync')
  @RequiresAuth()
  helperSync() {
    validateScope(['write', 'delete']);
  }

  @Get('/helper-thenable')
  @RequiresAuth()
  helperThenable() {
    // A promise of another library.
    return {
      then: (_: unknown, reject: (error: unknown) => void) => {
        reject(new MissingTokenError());
      },
    };
  }

  @Get('/helper-claims')
  @RequiresAuth()
  async helperClaims(@Req() request: Request) {
    await new Promise((resolve) => setImmediate(resolve));
    return { same: getTokenClaims() === getTokenClaims(request) };
  }

  @Get('/helper-open')
  helperOpen() {
    return getTokenClaims();
  }

  @Get('/not-found')
  @RequiresAuth()
  notFound() {
    throw new NotFoundError();
  }

  @Get('/streaming')
  @RequiresAuth()
  streaming(@Res() response: Response) {
    response.write('partial');
    throw new MissingTokenError();
  }

  @Get('/self')
  @RequiresAuth()
  self() {
    return this.admin();
  }

  @Get('/open-calls-protected')
  openCallsProtected() {
    return this.admin();
  }

  @Get('/intercepted')
  @UseInterceptor((_action: unknown, content: unknown) => ({ wrapped: content, sub: getTokenClaims().sub }))
  @RequiresAuth()
  intercepted() {
    validateScope('access_as_user');
    return 'content';
  }
}

@JsonController('/class')
@UseBefore((_request: Request, _response: Response, next: () => void) => {
  ran.push('before');
  next();
})
@ValidateScope('read')
@RequiresAuth()
export class ProtectedController {
  @Get('/plain')
  plain(@TokenClaims('scp') scp: string) {
    return { scp };
  }

  @Get('/both')
  @ValidateScope('write')
  both() {
    return {};
  }

  @Get('/b2c')
  @RequiresB2cAuth()
  b2c() {
    return {};
  }

  @Get('/health')
  @AllowAnonymous()
  health() {
    return { ok: true };
  }

  notAnAction() {
    return 'called';
  }
}

@Controller('/text')
class TextController {
  @Get('/secret')
  @RequiresAuth()
  secret() {
    return 'text';
  }
}

// Remembers the context that it is created in, which is that of no request.
const outside = new AsyncResource('outside');

@JsonController('/lost')
class LostContextController {
  @Get('/claims')
  @RequiresAuth()
  @UseBefore((_request: Request, _response: Response, next: () => void) => {
    outside.runInAsyncScope(() => {
      next();
    });
  })
  claims(@TokenClaims('sub') sub: string) {
    return { sub, helper: getTokenClaims().sub };
  }
}

export const controllers = [WeatherController, ProtectedController, TextController, LostContextController];
