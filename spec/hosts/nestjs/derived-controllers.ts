/** Controllers that inherit handlers, and protection, from others. */
import { Controller, Get, HttpCode, Query } from '@nestjs/common';
import 'reflect-metadata';
import {
  AllowAnonymous,
  getTokenClaims,
  RequiresAuth,
  TokenClaims,
  ValidateScope,
  type AccessTokenClaims,
} from '../../../src/nestjs.js';
import { ran } from './application.js';

export abstract class MethodBase {
  @Get('who')
  @RequiresAuth()
  who(@TokenClaims() claims: AccessTokenClaims, @TokenClaims('sub') sub: string) {
    return { by: 'base', same: claims.sub === sub, sub };
  }

  @Get('redeclared')
  @RequiresAuth()
  @ValidateScope('read')
  redeclared(): object {
    return { by: 'base' };
  }

  @Get('overridden')
  @RequiresAuth()
  overridden(): object {
    return { by: 'base' };
  }

  @Get('super')
  @RequiresAuth()
  viaSuper(): object {
    return { by: 'base' };
  }

  @Get('lifted')
  @RequiresAuth()
  lifted(): object {
    return { by: 'base' };
  }
}

@Controller('plain-child')
export class PlainChild extends MethodBase {
  @Get('redeclared')
  override redeclared() {
    ran.push('redeclared');
    return { by: 'child', sub: getTokenClaims().sub };
  }

  override overridden() {
    return { by: 'child' };
  }

  @Get('super')
  @ValidateScope('write')
  override viaSuper() {
    return { by: 'child', base: super.viaSuper() };
  }

  @Get('lifted')
  @AllowAnonymous()
  override lifted() {
    return { by: 'child' };
  }

  @Get('own')
  own() {
    return { by: 'child' };
  }
}

@Controller('grandchild')
export class Grandchild extends PlainChild {}

@RequiresAuth()
@ValidateScope('read')
abstract class ClassBase {
  @Get('health')
  @AllowAnonymous()
  health(): object {
    return { by: 'base' };
  }

  @Get('who')
  who(@TokenClaims('sub') sub: string): object {
    return { by: 'base', sub };
  }
}

@Controller('class-child')
export class ClassChild extends ClassBase {
  @Get('own')
  own(@TokenClaims('sub') sub: string) {
    return { by: 'child', sub };
  }
}

@AllowAnonymous()
@Controller('lifted-child')
export class LiftedChild extends ClassBase {}

abstract class BareBase {
  @Get('who')
  @HttpCode(202)
  who(@TokenClaims('sub') sub: string, @Query('q') q: string): object {
    return { sub, q };
  }
}

@Controller('protected-child')
@RequiresAuth()
export class ProtectedChild extends BareBase {}

@Controller('open-child')
export class OpenChild extends BareBase {}
