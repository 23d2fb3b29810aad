/** Controllers that the specs of Nest share. */
import type { ServerResponse } from 'node:http';
import {
  Body,
  Controller,
  Get,
  Head,
  Injectable,
  NotFoundException,
  Param,
  Post,
  Query,
  Res,
  Sse,
  type PipeTransform,
} from '@nestjs/common';
import 'reflect-metadata';
import { delay, from, map, of, type Observable } from 'rxjs';
import {
  AllowAnonymous,
  getTokenClaims,
  RequiresAuth,
  RequiresB2cAuth,
  RequiresRole,
  TokenClaims,
  ValidateScope,
  validateScope,
  type AccessTokenClaims,
} from '../../../src/nestjs.js';
import { ran } from './application.js';

@Injectable()
class RecordingPipe implements PipeTransform {
  transform(value: unknown) {
    ran.push('pipe');
    return value;
  }
}

@Controller('weather')
@RequiresAuth()
export class WeatherController {
  @Get('now/:city')
  @ValidateScope('access_as_user')
  now(@Param('city', RecordingPipe) city: string, @TokenClaims() claims: AccessTokenClaims) {
    ran.push('now');
    return { city, sub: claims.sub, frozen: Object.isFrozen(claims) };
  }

  @Get('oid')
  one(@TokenClaims('oid') oid: string, @TokenClaims('nothing') nothing: unknown, @Query('q') q: string) {
    return { oid, nothing: nothing ?? 'none', q };
  }

  @Get('admin')
  @RequiresRole('Admin')
  admin() {
    ran.push('admin');
    return {};
  }

  @Get('b2c')
  @RequiresB2cAuth()
  b2c() {
    return {};
  }

  @Get('open')
  @AllowAnonymous()
  open(@TokenClaims() claims: AccessTokenClaims | undefined) {
    return { claims: claims ?? 'none' };
  }

  @Head('head')
  head() {
    ran.push('head');
  }

  @Post('notes')
  notes(@Body(RecordingPipe) note: object) {
    ran.push('notes');
    return note;
  }

  @Get('helper')
  async helper() {
    await Promise.resolve();
    validateScope('write');
    return { sub: getTokenClaims().sub };
  }

  @Get('observable')
  observable() {
    return of('').pipe(
      delay(1),
      map(() => {
        validateScope('write');
        return { sub: getTokenClaims().sub };
      }),
    );
  }

  @Get('pipe')
  pipe(@Query('id', { transform: () => Promise.resolve(getTokenClaims().sub) }) sub: string) {
    return { sub };
  }

  @Sse('events')
  events(): Observable<{ data: object }> {
    return from([1, 2]).pipe(
      delay(1),
      map((count) => ({ data: { count, sub: getTokenClaims().sub } })),
    );
  }

  @Get('not-found')
  missing() {
    throw new NotFoundException('No such city.');
  }

  @Get('under-way')
  underWay(@Res() response: ServerResponse & { raw?: ServerResponse }) {
    (response.raw ?? response).write('half');
    validateScope('write');
  }

  @Get('fails')
  fails() {
    throw new Error('A fault of the handler.');
  }
}

@Controller('plain')
export class UndecoratedController {
  @Get('open')
  open(@TokenClaims() claims: AccessTokenClaims | undefined) {
    return { claims: claims?.sub ?? 'none' };
  }

  @Get('helper')
  async helper() {
    await Promise.resolve();
    validateScope('write');
    return { sub: getTokenClaims().sub };
  }

  @Get('lifted')
  @AllowAnonymous()
  lifted() {
    return {};
  }
}

/** The same without any decorator of the library. */
@Controller('bare')
export class BareController {
  @Get('open')
  open() {
    return {};
  }

  @Get('helper')
  async helper() {
    await Promise.resolve();
    validateScope('write');
    return { sub: getTokenClaims().sub };
  }
}
