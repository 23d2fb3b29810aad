/** The same requests to the same routes on every host: the same answers on the wire. */
import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { initialize } from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import type { Api, Call } from '../support/api.js';
import { hosts as expressHosts } from '../support/hosts/express.js';
import { hosts as fetchHosts } from '../support/hosts/fetch.js';
import { hosts as nestHosts } from '../support/hosts/nestjs.js';
import { hosts as routingControllersHosts } from '../support/hosts/routing-controllers.js';

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startTestIssuer();
});

afterAll(() => issuer.close());

const json = { 'content-type': 'application/json' };
const scopeChallenge =
  'Bearer error="insufficient_scope", error_description="The access token does not carry the scope this request needs."';

const ruleChallenge =
  'Bearer error="insufficient_scope", error_description="The caller does not satisfy a rule of this API."';

type Case = readonly [name: string, path: string, call: () => Call | Promise<Call>, status: number, answer: unknown];

const passed: readonly Case[] = [
  ['an open route', '/open', () => ({}), 200, { open: true }],
  ['an open route, with a token that is not one', '/open', () => ({ token: 'nonsense' }), 200, { open: true }],
  ['claims', '/claims', async () => ({ token: await issuer.token({ oid: 'ada' }) }), 200, { oid: 'ada', isSame: true }],
  [
    'a v1.0 token',
    '/claims',
    async () => ({ token: await issuer.v1Token({ oid: 'ada' }) }),
    200,
    { oid: 'ada', isSame: true },
  ],
  [
    'a scope',
    '/scope',
    async () => ({ token: await issuer.token({ scp: 'x other.scope' }) }),
    200,
    { passed: 'scope' },
  ],
  [
    'an application',
    '/scope',
    async () => ({ token: await issuer.appToken({ roles: ['access_as_user'] }) }),
    200,
    { passed: 'scope' },
  ],
  ['a role', '/role', async () => ({ token: await issuer.token({ roles: ['Admin'] }) }), 200, { passed: 'role' }],
  [
    'a B2C policy',
    '/b2c',
    async () => ({ token: await issuer.b2cToken({ tfp: 'B2C_1_susi' }) }),
    200,
    { passed: 'b2c' },
  ],
  [
    'an authentication context',
    '/context',
    async () => ({ token: await issuer.token({ acrs: ['c1'] }) }),
    200,
    { passed: 'context' },
  ],
  [
    'a claim, and a check of the application',
    '/rule',
    async () => ({ token: await issuer.token({ oid: 'ada', department: 'legal' }), headers: { 'x-caller': 'ada' } }),
    200,
    { passed: 'rule' },
  ],
  [
    'the helper',
    '/helper',
    async () => ({ token: await issuer.token({ scp: 'helper.scope' }) }),
    200,
    { passed: 'helper' },
  ],
  [
    'a body',
    '/body',
    async () => ({ method: 'POST', headers: json, body: '{"a":1}', token: await issuer.token() }),
    200,
    { body: { a: 1 } },
  ],
];

const refused: readonly Case[] = [
  ['nobody', '/claims', () => ({}), 401, 'Bearer'],
  ['nobody, asking for headers alone', '/claims', () => ({ method: 'HEAD' }), 401, 'Bearer'],
  ['another scheme', '/claims', () => ({ headers: { authorization: 'Basic eA==' } }), 401, 'Bearer'],
  [
    'two credentials',
    '/claims',
    async () => ({ headers: { authorization: [`Bearer ${await issuer.token()}`, 'Basic eA=='] } }),
    400,
    'Bearer error="invalid_request"',
  ],
  [
    'an expired token',
    '/claims',
    async () => ({ token: await issuer.token({ exp: 1 }) }),
    401,
    'Bearer error="invalid_token", error_description="The access token expired."',
  ],
  [
    'an ID token',
    '/claims',
    async () => ({ token: await issuer.idToken() }),
    401,
    'Bearer error="invalid_token", error_description="The token is not an access token."',
  ],
  [
    'a missing scope',
    '/scope',
    async () => ({ token: await issuer.token({ scp: 'profile' }) }),
    403,
    `${scopeChallenge}, scope="access_as_user other.scope"`,
  ],
  [
    'a missing role',
    '/role',
    async () => ({ token: await issuer.token() }),
    403,
    'Bearer error="insufficient_scope", error_description="The access token does not carry the role this request needs."',
  ],
  [
    'an Entra token on a B2C route',
    '/b2c',
    async () => ({ token: await issuer.token() }),
    401,
    'Bearer error="invalid_token", error_description="The access token comes from a policy that is not accepted."',
  ],
  [
    'another value of a claim',
    '/rule',
    async () => ({ token: await issuer.token({ oid: 'ada', department: 'sales' }), headers: { 'x-caller': 'ada' } }),
    403,
    ruleChallenge,
  ],
  [
    'what a check of the application refuses',
    '/rule',
    async () => ({ token: await issuer.token({ oid: 'ada', department: 'legal' }), headers: { 'x-caller': 'bob' } }),
    403,
    ruleChallenge,
  ],
  [
    'what the helper refuses',
    '/helper',
    async () => ({ token: await issuer.token() }),
    403,
    `${scopeChallenge}, scope="helper.scope"`,
  ],
  [
    'a client that cannot ask for a stronger sign-in',
    '/context',
    async () => ({ token: await issuer.token() }),
    403,
    'Bearer error="insufficient_scope", error_description="This request needs a stronger sign-in, which the client application cannot ask for."',
  ],
];

const hosts = [...routingControllersHosts, ...expressHosts, ...nestHosts, ...fetchHosts];

describe.each(hosts)('$name', ({ start }) => {
  let api: Api;

  beforeEach(async () => {
    initialize({ ...issuer.options, b2c: issuer.b2cOptions });
    api = await start();
  });

  afterEach(() => api.close());

  it.each(passed)('lets pass: %s', async (_, path, call, status, body) => {
    const answer = await api.call(path, await call());
    expect([answer.status, answer.body]).toEqual([status, body]);
    expect(answer.headers['www-authenticate']).toBeUndefined();
  });

  it.each(refused)('refuses: %s', async (_, path, call, status, challenge) => {
    const request = await call();
    const answer = await api.call(path, request);
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([status, challenge]);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    if (request.method !== 'HEAD') {
      expect(Object.keys(answer.body as object)).toEqual(['error', 'error_description']);
    }
  });

  it('sends a client that understands for a stronger sign-in', async () => {
    const answer = await api.call('/context', { token: await issuer.token({ xms_cc: ['CP1'] }) });
    const challenge = answer.headers['www-authenticate'] ?? '';
    expect(answer.status).toBe(401);
    expect(challenge).toMatch(
      /^Bearer realm="[^"]+", authorization_uri="[^"]+", error="insufficient_claims", claims="[^"]+"$/,
    );
    const claims = /claims="([^"]+)"/.exec(challenge)?.[1] ?? '';
    expect(Buffer.from(claims, 'base64').toString()).toBe('{"access_token":{"acrs":{"essential":true,"value":"c1"}}}');
  });

  it('names the scopes of the route in each 401, where the API publishes its metadata', async () => {
    initialize({ ...issuer.options, resourceMetadata: { resource: 'https://api.example' } });
    const appIdUri = `api://${issuer.options.clientId}`;
    const pointer =
      `scope="${appIdUri}/access_as_user ${appIdUri}/other.scope", ` +
      'resource_metadata="https://api.example/.well-known/oauth-protected-resource"';
    const challengeOf = async (call: Call) => {
      const { status, headers } = await api.call('/scope', call);
      return [status, headers['www-authenticate']];
    };
    expect(await challengeOf({})).toEqual([401, `Bearer ${pointer}`]);
    expect(await challengeOf({ token: await issuer.token({ exp: 1 }) })).toEqual([
      401,
      `Bearer error="invalid_token", error_description="The access token expired.", ${pointer}`,
    ]);
    expect(await challengeOf({ token: await issuer.token({ scp: 'profile' }) })).toEqual([
      403,
      `${scopeChallenge}, ${pointer}`,
    ]);
  });

  it('answers 503 while the issuer is out of reach', async () => {
    issuer.setFault({ on: 'keys', down: true });
    try {
      const answer = await api.call('/claims', { token: await issuer.token() });
      expect(answer.status).toBe(503);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect(answer.body).toMatchObject({ error: 'issuer_unavailable' });
    } finally {
      issuer.setFault(undefined);
    }
  });

  it('answers 500 where B2C is asked for and not configured', async () => {
    initialize(issuer.options);
    const answer = await api.call('/b2c', { token: await issuer.b2cToken() });
    expect([answer.status, answer.body]).toEqual([500, { error: 'server_error' }]);
    expect(answer.headers['www-authenticate']).toBeUndefined();
  });

  it('answers 500 where a check of the application throws', async () => {
    const token = await issuer.token({ oid: 'ada', department: 'legal' });
    const answer = await api.call('/rule', { token, headers: { 'x-caller': 'nobody' } });
    expect([answer.status, answer.body]).toEqual([500, { error: 'server_error' }]);
    expect(answer.headers['www-authenticate']).toBeUndefined();
  });

  it('asks claimCheck for each request, with a token from the cache too', async () => {
    const asked: unknown[] = [];
    let isRevoked = false;
    initialize({
      ...issuer.options,
      claimCheck: ({ oid }, request) => {
        asked.push([oid, typeof request]);
        return isRevoked ? Promise.resolve(false) : true;
      },
    });
    const call = { token: await issuer.token({ oid: 'ada' }) };
    expect((await api.call('/scope', call)).status).toBe(200);
    expect((await api.call('/scope', call)).status).toBe(200);
    isRevoked = true;
    const answer = await api.call('/scope', call);
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([403, ruleChallenge]);
    expect((await api.call('/open')).status).toBe(200);
    expect(asked).toEqual(Array.from({ length: 3 }, () => ['ada', 'object']));
  });

  it('keeps the connection for the next request', async () => {
    for (const status of [401, 401]) {
      const response = await fetch(`${api.url}/claims`);
      await response.arrayBuffer();
      expect(response.status).toBe(status);
      expect(response.headers.get('connection')).not.toBe('close');
    }
  });
});
