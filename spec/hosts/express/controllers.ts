/** Classes of handlers that the specs beside this file share. */
import type { NextFunction, Request, Response } from 'express';
import 'reflect-metadata';
import {
  AllowAnonymous,
  getTokenClaims,
  MissingTokenError,
  RequiresAuth,
  RequiresB2cAuth,
  RequiresRole,
  TokenClaims,
  ValidateScope,
  validateScope,
  type AccessTokenClaims,
} from '../../../src/express.js';
import { ran } from './application.js';

export class WeatherController {
  readonly unit = '°C';

  @RequiresAuth()
  @ValidateScope('access_as_user')
  report(request: Request, response: Response, _next: NextFunction, @TokenClaims('sub') sub?: string) {
    ran.push('report');
    response.json({ sub, same: request.auth === getTokenClaims() });
  }

  @ValidateScope('access_as_user')
  @RequiresAuth()
  reversed(_request: Request, response: Response) {
    ran.push('reversed');
    response.json({ unit: this.unit });
  }

  @RequiresAuth()
  first(_request: Request, _response: Response, next: NextFunction) {
    ran.push('first');
    next();
  }

  @RequiresRole('Admin')
  admin(_request: Request, response: Response) {
    ran.push('admin');
    response.json({});
  }

  @RequiresB2cAuth()
  b2c(_request: Request, response: Response) {
    ran.push('b2c');
    response.json({});
  }

  open(request: Request, response: Response, _next: NextFunction, @TokenClaims() claims?: AccessTokenClaims) {
    ran.push('open');
    response.json({ claims: claims ?? 'none', auth: request.auth ?? 'none' });
  }

  @RequiresAuth()
  async rejects() {
    await Promise.resolve();
    throw Object.assign(new Error('gone'), { status: 410 });
  }

  @RequiresAuth()
  async rejectsWithNothing() {
    await Promise.resolve();
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is a mistake that people make
    return Promise.reject(undefined);
  }

  @RequiresAuth()
  throws() {
    throw Object.assign(new Error('gone'), { status: 410 });
  }

  @RequiresAuth()
  async helper(_request: Request, response: Response) {
    await new Promise((resolve) => setImmediate(resolve));
    validateScope('write');
    response.json({});
  }

  @RequiresAuth()
  helperSync() {
    validateScope('write');
  }

  @RequiresAuth()
  streaming(_request: Request, response: Response) {
    response.write('partial');
    throw new MissingTokenError();
  }

  @RequiresAuth()
  own(_request: Request, response: Response) {
    response.json({ secret: this.secret() });
  }

  @RequiresRole('Admin')
  secret() {
    return 'secret';
  }

  @RequiresAuth()
  async asksForMore(request: Request, response: Response, next: NextFunction) {
    await this.requiresAdmin(request, response, next);
    ran.push('asksForMore');
    response.json({});
  }

  @RequiresRole('Admin')
  requiresAdmin(_request: Request, _response: Response, _next: NextFunction): unknown {
    return undefined;
  }

  @RequiresAuth()
  async catches(request: Request, response: Response, next: NextFunction) {
    try {
      await this.requiresAdmin(request, response, next);
    } catch (error) {
      response.status(418).json(error);
    }
  }

  async openAsksForMore(request: Request, response: Response, next: NextFunction) {
    await this.requiresAdmin(request, response, next);
    // The call settles also where the request was refused and answered.
    if (response.headersSent) return;
    ran.push('openAsksForMore');
    response.json({});
  }
}

@RequiresAuth()
export class ProtectedController {
  static readonly version = '1';

  get unit() {
    return new WeatherController().unit;
  }

  report(_request: Request, response: Response, _next: NextFunction, @TokenClaims() claims?: AccessTokenClaims) {
    ran.push('report');
    response.json({ sub: claims?.sub, text: this.text(), unit: this.unit });
  }

  @ValidateScope('write')
  write(_request: Request, response: Response) {
    ran.push('write');
    response.json({});
  }

  @RequiresB2cAuth()
  b2c(_request: Request, response: Response) {
    ran.push('b2c');
    response.json({});
  }

  @AllowAnonymous()
  health(request: Request, response: Response) {
    response.json({ sub: request.auth?.sub ?? 'none' });
  }

  @AllowAnonymous()
  async openHelper() {
    await Promise.resolve();
    getTokenClaims();
  }

  text() {
    return 'text';
  }

  async load() {
    ran.push('load');
    return Promise.resolve('loaded');
  }

  async onError(error: Error, _request: Request, response: Response, _next: NextFunction) {
    ran.push('onError');
    response.status(418).json({ message: error.message, sub: getTokenClaims().sub });
    return Promise.resolve();
  }
}

class MethodBase {
  @RequiresAuth()
  @ValidateScope('read')
  report(_request: Request, response: Response, _next: NextFunction, @TokenClaims('sub') sub?: string): unknown {
    ran.push('base');
    return response.json({ by: 'base', sub });
  }
}

export class PlainChild extends MethodBase {}

export class Override extends MethodBase {
  override report(request: Request, response: Response, next: NextFunction) {
    ran.push('child');
    return super.report(request, response, next);
  }

  @RequiresAuth()
  own(_request: Request, response: Response) {
    response.json({});
  }
}

@RequiresRole('Admin')
export class AdminChild extends MethodBase {}

@AllowAnonymous()
export class OpenChild extends MethodBase {}

export class ClassChild extends ProtectedController {
  @ValidateScope('read')
  override write(_request: Request, response: Response) {
    ran.push('write');
    response.json({});
  }

  own(_request: Request, response: Response) {
    ran.push('own');
    response.json({});
  }
}

export class UndecoratedChild extends ProtectedController {
  override write(_request: Request, response: Response) {
    ran.push('write');
    response.json({});
  }

  own(_request: Request, response: Response) {
    ran.push('own');
    response.json({});
  }
}

export class UndecoratedGrandchild extends UndecoratedChild {
  further(_request: Request, response: Response) {
    ran.push('further');
    response.json({});
  }
}
