/** Checks of …/express in an application of Nest: a middleware in a guard, and a method that a handler calls. */
import { Controller, Get, Next, Req, Res, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { describe, expect, it } from 'vitest';
import * as express from '../../../src/express.js';
import { initialize, RequiresAuth } from '../../../src/nestjs.js';
import { expectRefusal } from '../../support/api.js';
import { issuer, platforms, ran, serve, useIssuer } from './application.js';

useIssuer();

const payroll = '0f6d1a52-3b8e-4c17-9d20-5a6b7c8d9e01';

const guardOf = (middleware: ReturnType<typeof express.requiresRole>) =>
  class implements CanActivate {
    canActivate(context: ExecutionContext) {
      const http = context.switchToHttp();
      return new Promise<boolean>((resolve) => {
        void middleware(http.getRequest(), http.getResponse(), (error?: unknown) => {
          resolve(error === undefined);
        });
      });
    }
  };

class Policy {
  @express.RequiresRole('Admin')
  async ensureAdmin(_request: Request, _response: Response, _next?: NextFunction) {
    return Promise.resolve();
  }
}

const policy = new Policy();

@Controller()
class Orders {
  @Get('guarded')
  @RequiresAuth()
  @UseGuards(guardOf(express.requiresRole('Admin')))
  guarded() {
    ran.push('guarded');
    return {};
  }

  @Get('guarded-by-group')
  @RequiresAuth()
  @UseGuards(guardOf(express.requiresGroup(payroll)))
  guardedByGroup() {
    ran.push('guarded-by-group');
    return {};
  }

  @Get('checked')
  @RequiresAuth()
  async checked(@Req() request: Request, @Res({ passthrough: true }) response: Response) {
    await policy.ensureAdmin(request, response);
    ran.push('checked');
    return {};
  }

  @Get('checked-with-next')
  @RequiresAuth()
  async checkedWithNext(@Req() request: Request, @Res() response: Response, @Next() next: NextFunction) {
    await policy.ensureAdmin(request, response, next);
    ran.push('checked-with-next');
    response.json({});
  }
}

const [onExpress] = platforms;

describe('on Express', () => {
  it.each([
    ['/guarded', { roles: ['Admin'] }],
    ['/guarded-by-group', { groups: [payroll] }],
    ['/guarded-by-group', { hasgroups: true }],
  ])('a guard that adds to what the gate required lets the request pass: %s %o', async (path, claims) => {
    initialize({ ...issuer.options, resolveGroups: async () => Promise.resolve([payroll]) });
    const api = await serve(onExpress, { controllers: [Orders] });
    expect((await api.call(path, { token: await issuer.token({ ...claims }) })).status).toBe(200);
    expect(ran).toEqual([path.slice(1)]);
  });

  it.each(['/checked', '/checked-with-next'])('a handler is thrown the refusal: %s', async (path) => {
    const api = await serve(onExpress, { controllers: [Orders] });
    expectRefusal(await api.call(path, { token: await issuer.token() }), { insufficientScope: 'role' });
    expect(ran).toEqual([]);
    expect((await api.call(path, { token: await issuer.token({ roles: ['Admin'] }) })).status).toBe(200);
    expect(ran).toEqual([path.slice(1)]);
  });
});
