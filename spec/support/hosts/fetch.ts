import { getRequestListener } from '@hono/node-server';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { Hono, type Context } from 'hono';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import {
  AccessTokenClaims,
  AllowAnonymous,
  AuthError,
  authenticate,
  ClaimCheck,
  ConfigurationError,
  getTokenClaims,
  protect,
  RequiresAuth,
  RequiresAuthContext,
  RequiresB2cAuth,
  RequiresClaim,
  RequiresRole,
  TokenClaims,
  toResponse,
  validateScope,
  ValidateScope,
  type RequirementOptions,
} from '../../../src/fetch.js';
import { listen, send, type Api } from '../api.js';
import { isNamed, type HostUnderTest } from './host.js';

type FetchHandler = (request: Request) => Response | Promise<Response>;

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const { method = 'GET', url = '/', rawHeaders } = incoming;
  const headers = new Headers();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '');
  }
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const body = hasBody ? Buffer.concat((await incoming.toArray()) as Buffer[]) : undefined;
  return new Request(new URL(url, 'http://127.0.0.1'), { method, headers, ...(body && { body }) });
}

async function answer(handler: FetchHandler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const response = await handler(await requestOf(incoming));
  outgoing
    .writeHead(response.status, Object.fromEntries(response.headers))
    .end(Buffer.from(await response.arrayBuffer()));
}

/** Serves a function of a request that returns a response, as Bun does. */
export const listenerOf =
  (handler: FetchHandler): RequestListener =>
  (incoming, outgoing) => {
    answer(handler, incoming, outgoing).catch(() => outgoing.writeHead(500).end());
  };

type Routes = Readonly<Record<string, FetchHandler>>;

/** A router without a framework. */
const routed =
  (routes: Routes): FetchHandler =>
  (request) =>
    routes[new URL(request.url).pathname]?.(request) ?? new Response(null, { status: 404 });

/** What each route requires. */
const requirements = {
  claims: { scheme: 'entra' },
  scope: { scheme: 'entra', scope: ['access_as_user', 'other.scope'] },
  role: { scheme: 'entra', role: 'Admin' },
  b2c: { policy: 'B2C_1_susi' },
  context: { scheme: 'entra', authContext: 'c1' },
  rule: { scheme: 'entra', claim: { name: 'department', values: ['finance', 'legal'] }, check: isNamed },
  helper: { scheme: 'entra' },
  body: { scheme: 'entra' },
} as const satisfies Readonly<Record<string, RequirementOptions>>;

const open = () => Response.json({ open: true });
const passed = (name: string) => () => Response.json({ passed: name });

async function claimsOf(request: object, claims: AccessTokenClaims): Promise<object> {
  await Promise.resolve();
  const isSame = getTokenClaims() === claims && getTokenClaims(request) === claims;
  return { oid: claims.oid, isSame };
}

async function helped(): Promise<Response> {
  await Promise.resolve();
  validateScope('helper.scope');
  return Response.json({ passed: 'helper' });
}

const bodyOf = async (request: Request) => Response.json({ body: await request.json() });

const protectedRoutes: Routes = {
  '/open': open,
  '/claims': protect(requirements.claims, async (request, claims) => Response.json(await claimsOf(request, claims))),
  '/scope': protect(requirements.scope, passed('scope')),
  '/role': protect(requirements.role, passed('role')),
  '/b2c': protect(requirements.b2c, passed('b2c')),
  '/context': protect(requirements.context, passed('context')),
  '/rule': protect(requirements.rule, passed('rule')),
  '/helper': protect(requirements.helper, helped),
  '/body': protect(requirements.body, bodyOf),
};

@RequiresAuth()
class Weather {
  @AllowAnonymous()
  open(_request: Request) {
    return open();
  }

  async claims(request: Request, @TokenClaims() claims?: AccessTokenClaims) {
    return Response.json(await claimsOf(request, claims ?? getTokenClaims()));
  }

  @ValidateScope('access_as_user', 'other.scope')
  scope(_request: Request) {
    return passed('scope')();
  }

  @RequiresRole('Admin')
  role(_request: Request) {
    return passed('role')();
  }

  @RequiresB2cAuth({ policy: 'B2C_1_susi' })
  b2c(_request: Request) {
    return passed('b2c')();
  }

  @RequiresAuthContext('c1')
  context(_request: Request) {
    return passed('context')();
  }

  @RequiresClaim('department', 'finance', 'legal')
  @ClaimCheck(isNamed)
  rule(_request: Request) {
    return passed('rule')();
  }

  helper(_request: Request) {
    return helped();
  }

  body(request: Request) {
    return bodyOf(request);
  }
}

const weather = new Weather();

const names = ['open', 'claims', 'scope', 'role', 'b2c', 'context', 'rule', 'helper', 'body'] as const;

// Unbound, as a module of Next.js exports handlers.
const decoratedRoutes: Routes = Object.fromEntries(
  names.map((name) => [`/${name}`, Reflect.get(weather, name) as FetchHandler]),
);

/** Handlers that call `authenticate` and `toResponse`. The helpers are given the request. */
const authenticated =
  (requirement: RequirementOptions, handler: (request: Request, claims: AccessTokenClaims) => unknown): FetchHandler =>
  async (request) => {
    try {
      return (await handler(request, await authenticate(request, requirement))) as Response;
    } catch (error) {
      return toResponse(error, request);
    }
  };

const authenticatedRoutes: Routes = {
  ...Object.fromEntries(
    names
      .filter((name) => name !== 'open')
      .map((name) => [`/${name}`, authenticated(requirements[name], passed(name))]),
  ),
  '/open': open,
  '/claims': authenticated(requirements.claims, (request, claims) =>
    Response.json({ oid: claims.oid, isSame: getTokenClaims(request) === claims }),
  ),
  '/helper': authenticated(requirements.helper, (request) => {
    validateScope('helper.scope', request);
    return Response.json({ passed: 'helper' });
  }),
  '/body': authenticated(requirements.body, bodyOf),
};

function protectedHono(): Hono {
  const app = new Hono();
  app.get('/open', (c) => c.json({ open: true }));
  app.get(
    '/claims',
    protect(requirements.claims, async (c: Context, claims) => c.json(await claimsOf(c, claims))),
  );
  for (const name of ['scope', 'role', 'b2c', 'context', 'rule'] as const) {
    app.get(
      `/${name}`,
      protect(requirements[name], (c: Context) => c.json({ passed: name })),
    );
  }
  app.get(
    '/helper',
    protect(requirements.helper, (_: Context) => helped()),
  );
  app.post(
    '/body',
    protect(requirements.body, async (c: Context) => c.json({ body: await c.req.json<object>() })),
  );
  return app;
}

/** `protect` as a middleware: what comes after it runs inside. */
function guardedHono(): Hono {
  const app = new Hono();
  const gate = (requirement: RequirementOptions) =>
    protect(requirement, (_c: Context, _claims, next: () => Promise<void>) => next());
  // What a handler without a gate of its own throws, Hono hands to this.
  app.onError((error, c) => toResponse(error, c.req.raw));
  app.get('/open', (c) => c.json({ open: true }));
  app.get('/b2c', gate(requirements.b2c), (c) => c.json({ passed: 'b2c' }));
  app.get('/scope', gate({ scheme: 'entra', scope: ['access_as_user', 'other.scope'] }), (c) =>
    c.json({ passed: 'scope' }),
  );
  app.use(gate({ scheme: 'entra' }));
  app.get('/claims', async (c) => c.json(await claimsOf(c, getTokenClaims())));
  app.get('/role', gate({ role: 'Admin' }), (c) => c.json({ passed: 'role' }));
  app.get('/context', gate({ authContext: 'c1' }), (c) => c.json({ passed: 'context' }));
  app.get('/rule', gate({ claim: requirements.rule.claim, check: isNamed }), (c) => c.json({ passed: 'rule' }));
  app.get('/helper', () => helped());
  app.post('/body', async (c) => c.json({ body: await c.req.json<object>() }));
  return app;
}

@RequiresAuth()
class HonoWeather {
  @AllowAnonymous()
  open(c: Context) {
    return c.json({ open: true });
  }

  async claims(c: Context, _next: unknown, @TokenClaims() claims?: AccessTokenClaims) {
    return c.json(await claimsOf(c, claims ?? getTokenClaims()));
  }

  @ValidateScope('access_as_user', 'other.scope')
  scope(c: Context) {
    return c.json({ passed: 'scope' });
  }

  @RequiresRole('Admin')
  role(c: Context) {
    return c.json({ passed: 'role' });
  }

  @RequiresB2cAuth({ policy: 'B2C_1_susi' })
  b2c(c: Context) {
    return c.json({ passed: 'b2c' });
  }

  @RequiresAuthContext('c1')
  context(c: Context) {
    return c.json({ passed: 'context' });
  }

  @RequiresClaim('department', 'finance', 'legal')
  @ClaimCheck(isNamed)
  rule(c: Context) {
    return c.json({ passed: 'rule' });
  }

  helper(_c: Context) {
    return helped();
  }

  async body(c: Context) {
    return c.json({ body: await c.req.json<object>() });
  }
}

function decoratedHono(): Hono {
  const app = new Hono();
  const controller = new HonoWeather();
  for (const name of names) {
    app.on(name === 'body' ? 'POST' : 'GET', `/${name}`, (c) => controller[name](c, undefined) as Promise<Response>);
  }
  return app;
}

function listenHono(app: Hono): Promise<Api> {
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return listen((incoming, outgoing) => void listener(incoming, outgoing));
}

/** Fastify without Nest: `authenticate` before the body is read, and an error handler. */
async function startFastify(): Promise<Api> {
  const app = fastify();
  app.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof AuthError || error instanceof ConfigurationError)) throw error;
    return reply.code(error.status).headers(error.headers).send(error.toJSON());
  });
  const route = (name: Exclude<keyof typeof requirements, 'body'>, handler: (request: FastifyRequest) => unknown) =>
    app.get(`/${name}`, { onRequest: gate(requirements[name]) }, async (request) => Promise.resolve(handler(request)));
  const gate = (requirement: RequirementOptions) => async (request: FastifyRequest, _reply: FastifyReply) => {
    await authenticate(request, requirement);
  };
  app.get('/open', () => ({ open: true }));
  route('claims', (request) => ({
    oid: getTokenClaims(request).oid,
    isSame: getTokenClaims(request) === getTokenClaims(request.raw),
  }));
  for (const name of ['scope', 'role', 'b2c', 'context', 'rule'] as const) route(name, () => ({ passed: name }));
  route('helper', (request) => {
    validateScope('helper.scope', request);
    return { passed: 'helper' };
  });
  app.post('/body', { onRequest: gate(requirements.body) }, (request) => ({ body: request.body }));
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return { url, server: app.server, call: (path, call) => send(url + path, call), close: () => app.close() };
}

export const hosts: readonly HostUnderTest[] = [
  { name: 'protect on a function of a request', start: () => listen(listenerOf(routed(protectedRoutes))) },
  { name: 'decorated methods that take a request', start: () => listen(listenerOf(routed(decoratedRoutes))) },
  { name: 'authenticate and toResponse', start: () => listen(listenerOf(routed(authenticatedRoutes))) },
  { name: 'protect on Hono', start: () => listenHono(protectedHono()) },
  { name: 'protect as a middleware of Hono', start: () => listenHono(guardedHono()) },
  { name: 'decorated methods on Hono', start: () => listenHono(decoratedHono()) },
  { name: 'authenticate on Fastify', start: startFastify },
];
