/** A page of another origin can read the challenge of a refusal, where CORS comes before the gate. */
import { cors } from 'hono/cors';
import { Hono, type Context } from 'hono';
import { getRequestListener } from '@hono/node-server';
import { Controller, Get as NestGet } from '@nestjs/common';
import 'reflect-metadata';
import { Get, JsonController, useExpressServer } from 'routing-controllers';
import { describe, expect, it } from 'vitest';
import { protect } from '../../src/fetch.js';
import { RequiresAuth } from '../../src/index.js';
import { RequiresAuth as RequiresAuthOnNest } from '../../src/nestjs.js';
import { expressReleases, listen, type Answer, type Call } from '../support/api.js';
import { issuer, platforms, serve, useIssuer } from '../hosts/nestjs/application.js';

useIssuer();

const origin = 'https://app.example';
const exposed = ['WWW-Authenticate', 'Retry-After'];
const options = { origin, exposedHeaders: exposed };

@JsonController('/orders')
class OrdersController {
  @Get('/')
  @RequiresAuth()
  list() {
    return [];
  }
}

@Controller('orders')
class OrdersOnNest {
  @NestGet()
  @RequiresAuthOnNest()
  list() {
    return [];
  }
}

interface CalledApi {
  call(path: string, call?: Call): Promise<Answer>;
}

async function expectReadable(api: CalledApi): Promise<void> {
  const headers = { origin };
  const preflight = await api.call('/orders', {
    method: 'OPTIONS',
    headers: { ...headers, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
  });
  expect(preflight.status).toBe(204);
  for (const token of [undefined, await issuer.token({ exp: 1 })]) {
    const answer = await api.call('/orders', token === undefined ? { headers } : { headers, token });
    expect(answer.status).toBe(401);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'www-authenticate': expect.stringMatching(/^Bearer/) as string,
    });
    expect(answer.headers['access-control-expose-headers']?.split(/, ?/)).toEqual(exposed);
  }
}

describe('CORS and refusals', () => {
  it.each(expressReleases)('of routing-controllers on $release', async ({ express }) => {
    const api = await listen(useExpressServer(express(), { cors: options, controllers: [OrdersController] }));
    try {
      await expectReadable(api);
    } finally {
      await api.close();
    }
  });

  it.each(platforms)('of Nest on $platform', async (platform) => {
    const api = await serve(platform, { controllers: [OrdersOnNest] }, (app) => {
      app.enableCors(options);
    });
    await expectReadable(api);
  });

  it('of Hono', async () => {
    const app = new Hono();
    app.use(cors({ origin, exposeHeaders: exposed }));
    app.get(
      '/orders',
      protect({ scheme: 'entra' }, (c: Context) => c.json([])),
    );
    const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
    const api = await listen((incoming, outgoing) => void listener(incoming, outgoing));
    try {
      await expectReadable(api);
    } finally {
      await api.close();
    }
  });
});
