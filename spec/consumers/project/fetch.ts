import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { HttpHandler, HttpResponseInit, InvocationContext } from '@azure/functions';
import { serve } from '@hono/node-server';
import { Hono, type Context, type Next } from 'hono';
import {
  AccessTokenClaims,
  getTokenClaims,
  initialize,
  protect,
  RequiresAuth,
  TokenClaims,
  ValidateScope,
} from 'microsoft-identity-decorators/fetch';
import { startTestIssuer } from 'microsoft-identity-decorators/testing';

// CommonJS of which Node does not find all names.
const require = createRequire(import.meta.url);
const { HttpRequest, HttpResponse } = require('@azure/functions') as typeof import('@azure/functions');

/** What is used of the request of Next.js, which is installed where this program runs, and not where it is linted. */
interface NextRequest extends Request {
  readonly nextUrl: URL;
}
const { NextRequest } = require('next/server') as { readonly NextRequest: new (request: Request) => NextRequest };

const requirement = { scope: 'access_as_user' } as const;

interface RouteContext {
  readonly params: Promise<{ readonly city: string }>;
}

const GET = protect(requirement, async (request: NextRequest, claims, { params }: RouteContext) => {
  const { city } = await params;
  return Response.json({ city, scp: claims.scp, isNext: request.nextUrl.pathname === '/weather/Oslo' });
});

/** What the types that Next.js generates for a route ask of it. */
type Route = (request: NextRequest, context: RouteContext) => Promise<Response> | Response;

const weather: HttpHandler = protect(
  requirement,
  (request: InstanceType<typeof HttpRequest>, claims): HttpResponseInit => ({
    jsonBody: { city: request.params['city'], scp: claims.scp },
  }),
);

class Weather {
  @RequiresAuth()
  @ValidateScope('access_as_user')
  async report(c: Context, _next: Next, @TokenClaims() claims?: AccessTokenClaims) {
    await Promise.resolve();
    return c.json({ city: c.req.param('city'), scp: claims?.scp, isSame: claims === getTokenClaims() });
  }
}

const hono = new Hono();
const controller = new Weather();
hono.get('/decorated/:city', (c, next) => controller.report(c, next));
hono.get(
  '/weather/:city',
  protect(requirement, (c: Context, claims) => c.json({ city: c.req.param('city'), scp: claims.scp })),
);

async function invokeAzure(request: Request): Promise<Response> {
  const { url, method } = request;
  const headers = Object.fromEntries(request.headers);
  const invocation = new HttpRequest({ url, method, headers, params: { city: 'Oslo' } });
  const { status, headers: sent, body } = new HttpResponse(await weather(invocation, {} as InvocationContext));
  return new Response(body as ReadableStream, { status, headers: sent });
}

async function main(): Promise<void> {
  const issuer = await startTestIssuer();
  initialize(issuer.options);
  const server = serve({ fetch: hono.fetch, port: 0, hostname: '127.0.0.1' });
  if (!server.listening) await once(server, 'listening');
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const next: Route = GET;
  const hosts: Readonly<Record<string, (request: Request) => Response | Promise<Response>>> = {
    Hono: (request) => fetch(`${url}/weather/Oslo`, { headers: request.headers }),
    'Hono, decorated': (request) => fetch(`${url}/decorated/Oslo`, { headers: request.headers }),
    'Next.js': (request) => next(new NextRequest(request), { params: Promise.resolve({ city: 'Oslo' }) }),
    'Azure Functions': invokeAzure,
  };
  const answers: Record<string, unknown[]> = {};
  for (const [name, call] of Object.entries(hosts)) {
    answers[name] = [];
    for (const token of [undefined, await issuer.token(), await issuer.token({ scp: 'other' })]) {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await call(new Request('http://localhost/weather/Oslo', { headers }));
      answers[name].push([response.status, response.headers.get('www-authenticate'), await response.json()]);
    }
  }
  server.close();
  await issuer.close();
  console.log(JSON.stringify(answers));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
