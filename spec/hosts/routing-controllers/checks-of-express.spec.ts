/** An action that calls a method with a decorator of …/express. */
import type { Request, Response } from 'express';
import 'reflect-metadata';
import { Get, JsonController, Req, Res } from 'routing-controllers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RequiresRole } from '../../../src/express.js';
import { initialize, RequiresAuth } from '../../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expectRefusal, expressReleases, serve } from '../../support/api.js';

let issuer: TestIssuer;
const ran: string[] = [];

beforeAll(async () => {
  issuer = await startTestIssuer();
});
beforeEach(() => {
  ran.length = 0;
  initialize(issuer.options);
});
afterAll(() => issuer.close());

class Policy {
  @RequiresRole('Admin')
  async ensureAdmin(_request: Request, _response: Response) {
    return Promise.resolve();
  }
}

const policy = new Policy();

@JsonController('/orders')
class Orders {
  @Get('/')
  @RequiresAuth()
  async remove(@Req() request: Request, @Res() response: Response) {
    await policy.ensureAdmin(request, response);
    ran.push('remove');
    return {};
  }
}

describe.each(expressReleases)('an action, on $release', ({ express }) => {
  it('is thrown the refusal, also where it passes its request and response', async () => {
    const api = await serve([Orders], { express });
    try {
      expectRefusal(await api.call('/orders', { token: await issuer.token() }), { insufficientScope: 'role' });
      expect(ran).toEqual([]);
      expect((await api.call('/orders', { token: await issuer.token({ roles: ['Admin'] }) })).status).toBe(200);
      expect(ran).toEqual(['remove']);
    } finally {
      await api.close();
    }
  });
});
