/** Nothing secret of a call of another API comes out: tokens, secrets and claims are looked for wherever anything does. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { format, inspect } from 'node:util';
import type { Request, Response } from 'express';
import { Redis } from 'ioredis';
import 'reflect-metadata';
import { Get, JsonController, Middleware, type ExpressErrorMiddlewareInterface } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { redisTokenStore } from '../../src/downstream.js';
import { AsApplication, initialize, OnBehalfOf, RequiresAuth, type DownstreamApi } from '../../src/index.js';
import { startTestIssuer, tokenError, type TestIssuer } from '../../src/testing.js';
import { serve, type Api } from '../support/api.js';
import { challengeFor, startStubApi, type StubApi } from '../support/downstream-api.js';
import { eventually } from '../support/downstream-tokens.js';
import { forgetWarnings } from '../support/isolation.js';
import { startRedis, type RedisServer } from '../support/redis.js';

@JsonController()
@RequiresAuth()
class ProfileController {
  @Get('/me')
  me(@OnBehalfOf('graph') graph: DownstreamApi) {
    return graph.get('/me');
  }

  @Get('/users')
  users(@AsApplication('graph') graph: DownstreamApi) {
    return graph.get('/users');
  }
}

const errors: unknown[] = [];

@Middleware({ type: 'after' })
class ErrorHandler implements ExpressErrorMiddlewareInterface {
  error(error: unknown, _request: Request, response: Response): void {
    errors.push(error);
    response.status(418).end();
  }
}

let redis: RedisServer;
let issuer: TestIssuer;
let stub: StubApi;
let api: Api;
let client: Redis;
let monitor: Redis;

/** All that Redis was sent. */
let sentToRedis: string[] = [];

beforeAll(async () => {
  redis = await startRedis();
  issuer = await startTestIssuer();
  stub = await startStubApi();
  api = await serve([ProfileController], { middlewares: [ErrorHandler], defaultErrorHandler: false });
  client = new Redis(redis.port);
  client.on('error', () => undefined);
  monitor = await new Redis(redis.port).monitor();
  monitor.on('monitor', (_time: string, words: string[]) => sentToRedis.push(words.join(' ')));
});

afterAll(async () => {
  client.disconnect();
  monitor.disconnect();
  await Promise.all([api.close(), stub.close(), issuer.close(), redis.stop()]);
});

const channels = ['request', 'keys', 'explanation', 'downstream'].map(
  (name) => `microsoft-identity-decorators:${name}`,
);

/** Every form in which something is printed. */
function shown(value: unknown): string {
  const whole = { depth: 30, maxStringLength: Infinity, maxArrayLength: Infinity };
  return [inspect(value, whole), format('%o %O %j %s', value, value, value, value), JSON.stringify(value)].join('\n');
}

let seen = '';
const see = (...values: unknown[]) => {
  seen += values.map((value) => (typeof value === 'string' ? value : shown(value))).join('\n');
  return true;
};

const mark = 'm4rk3r';
const claims = JSON.stringify({ access_token: { acrs: { essential: true, value: `${mark}-claims` } } });

/** What no one is shown. */
const secrets = new Set<string>();

const addToken = (token: string) => {
  // The header of a token names the key that signed it, and nothing else.
  const [, payload = token, signature = token] = token.split('.');
  secrets.add(payload).add(signature);
};

beforeEach(() => {
  seen = '';
  errors.length = 0;
  sentToRedis = [];
  secrets.clear();
  secrets.add(mark).add(issuer.downstreamOptions.credential.clientSecret);
  secrets.add(Buffer.from(claims).toString('base64')).add(Buffer.from(claims).toString('base64url'));
  stub.received.length = 0;
  stub.respond = (response) => response.end('{"id":1}');
  forgetWarnings();
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
    vi.spyOn(console, method).mockImplementation(see);
  vi.spyOn(process, 'emitWarning').mockImplementation(see);
  vi.spyOn(process.stdout, 'write').mockImplementation(see);
  vi.spyOn(process.stderr, 'write').mockImplementation(see);
  vi.stubEnv('DEBUG', 'microsoft-identity-decorators');
  for (const name of channels) subscribe(name, see);
  initialize({
    ...issuer.options,
    errors: 'forward',
    downstream: {
      ...issuer.downstreamOptions,
      apis: { graph: { baseUrl: stub.url, scopes: ['https://graph.example/User.Read'], timeoutMs: 5_000 } },
      store: redisTokenStore(client),
    },
  });
  // What the authority grants is secret too: access tokens, refresh tokens, ID tokens.
  issuer.setFault({
    on: 'token',
    body: (document) => {
      for (const name of ['access_token', 'refresh_token', 'id_token']) {
        const token = document[name];
        if (typeof token === 'string') addToken(token);
      }
      return document;
    },
  });
});

afterEach(() => {
  for (const name of channels) unsubscribe(name, see);
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  issuer.userPolicy = undefined;
});

async function tokenOf(oid: string): Promise<string> {
  const token = await issuer.token({ oid, name: `${mark}-name` });
  addToken(token);
  return token;
}

const callWith = async (token: string, path: string) => (await api.call(path, { token })).status;

async function call(path: string, oid: string): Promise<number> {
  return callWith(await tokenOf(oid), path);
}

/** All values that Redis holds now, and all that it was sent. */
async function bytesOfRedis(): Promise<string> {
  const names = await client.keys('*');
  const values = await Promise.all(names.map((name) => client.dumpBuffer(name)));
  const decoded = await Promise.all(names.map(async (name) => Buffer.from((await client.get(name)) ?? '', 'base64')));
  return [...names, ...sentToRedis, ...[...values, ...decoded].map((value) => value.toString('latin1'))].join('\n');
}

function expectNoSecret(text: string): void {
  for (const secret of secrets) expect(text).not.toContain(secret);
}

describe('a call of another API', () => {
  it('shows no token, secret or claim in events, logs and warnings, nor in the bytes of Redis', async () => {
    const paths = ['/me', '/users', '/me'];
    const token = await tokenOf('ada');
    expect(await Promise.all(paths.map((path) => callWith(token, path)))).toEqual([200, 200, 200]);
    await eventually(async () => (await client.keys('*')).length > 0 && sentToRedis.length > 3);
    // Two access tokens, each with its user's or none, and what must not be kept.
    expect(
      issuer.tokenRequests
        .slice(-2)
        .map(({ grant }) => grant)
        .sort(),
    ).toEqual(['client_credentials', 'on_behalf_of']);
    expect(seen).toContain('authority');
    expectNoSecret(seen);
    const bytes = await bytesOfRedis();
    expect(bytes).toContain('microsoft-identity:{');
    expectNoSecret(bytes);
  });

  it('shows none where the API asks for claims, and gets them', async () => {
    stub.respond = (response) => {
      if (stub.received.length === 1) challengeFor(response, claims);
      else response.end('{}');
    };
    expect(await call('/me', 'eve')).toBe(200);
    expect(stub.received).toHaveLength(2);
    expectNoSecret(seen);
    expectNoSecret(await bytesOfRedis());
  });

  it('shows none in errors, except the challenge that is for the client', async () => {
    issuer.userPolicy = () => ({ refuse: tokenError('interaction_required', { claims, codes: [50076] }) });
    expect(await call('/me', 'challenged')).toBe(418);
    const [challenge] = errors as [{ headers: Record<string, string> }];
    expect(challenge.headers['WWW-Authenticate']).toContain(Buffer.from(claims).toString('base64'));
    challenge.headers = {};
    issuer.userPolicy = () => ({
      refuse: tokenError('invalid_grant', { codes: [65001], suberror: `${mark}-suberror` }),
    });
    expect(await call('/me', 'without consent')).toBe(418);
    issuer.userPolicy = undefined;
    stub.respond = (response, { headers }) => response.writeHead(500).end(headers.authorization);
    expect(await call('/me', 'failing')).toBe(418);
    stub.respond = (response) => response.socket?.destroy();
    expect(await call('/users', 'reset')).toBe(418);
    expect(errors).toHaveLength(4);
    for (const error of errors) {
      for (let at: unknown = error; at !== undefined; at = (at as Error).cause) expectNoSecret(shown(at));
    }
    expectNoSecret(seen);
    expectNoSecret(await bytesOfRedis());
  });

  it('shows none where Redis refuses what it is sent', async () => {
    const admin = new Redis(redis.port);
    await admin.config('SET', 'maxmemory', '1');
    expect(await call('/me', 'joe')).toBe(200);
    await eventually(() => seen.includes('does not work'));
    await admin.config('SET', 'maxmemory', '0');
    admin.disconnect();
    expectNoSecret(seen);
  });

  it('asks for a refresh token, as msal-node does, and keeps none', async () => {
    const granted: unknown[] = [];
    issuer.setFault({
      on: 'token',
      body: (document) => {
        granted.push(document['refresh_token']);
        return document;
      },
    });
    const token = await tokenOf('refreshed');
    expect(await callWith(token, '/me')).toBe(200);
    expect(granted).toEqual([expect.any(String)]);
    expect(await callWith(token, '/me')).toBe(200);
    expect(issuer.tokenRequests.filter(({ grant }) => grant === 'other')).toEqual([]);
    secrets.add(String(granted[0]));
    expectNoSecret(seen);
    expectNoSecret(await bytesOfRedis());
  });
});
