/** The APIs that a test fakes. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { currentRequest } from '../../src/core/access/current-request.js';
import { ConfigurationError, InsufficientScopeError } from '../../src/core/errors.js';
import { downstreamApi, type DownstreamApi } from '../../src/downstream/downstream-api.js';
import { DownstreamError } from '../../src/downstream/errors.js';
import { fakedSource, isTest } from '../../src/downstream/faked-source.js';
import { asApplication, initialize, onBehalfOf } from '../../src/index.js';
import { runAs, type DownstreamFake } from '../../src/testing.js';
import { sourceFor } from '../support/downstream-api.js';
import { forgetIdentity } from '../support/isolation.js';
import { errorOf } from '../support/refusals.js';

const network = vi.spyOn(globalThis, 'fetch');
afterEach(() => {
  expect(network).not.toHaveBeenCalled();
});

/** The API as the helpers make it of the context of a test. */
function faked(name: string, configured?: Parameters<typeof fakedSource>[3]): DownstreamApi {
  const context = currentRequest.getStore();
  if (context === undefined || !isTest(context)) return expect.fail('the context is not that of a test');
  return downstreamApi(fakedSource(context, 'user', name, configured));
}

const run = <T>(downstream: Readonly<Record<string, DownstreamFake>>, fn: () => T): T =>
  runAs({ oid: 'ada' }, fn, { downstream });

describe('a faked API', () => {
  it('gets a request and answers in place of the API', async () => {
    const seen: unknown[] = [];
    const graph: DownstreamFake = async (request) => {
      expect(request).toBeInstanceOf(Request);
      const { method, url } = request;
      const headers = Object.fromEntries(request.headers);
      seen.push({ method, url, headers, body: await request.json() });
      return Response.json({ id: 1 });
    };
    const answer = await run({ graph }, () =>
      faked('graph').post('/me/events?a=1', { subject: 'x' }, { headers: { Prefer: 'a' } }),
    );
    expect(answer).toEqual({ id: 1 });
    expect(seen).toEqual([
      {
        method: 'POST',
        url: 'https://graph.test/me/events?a=1',
        headers: {
          accept: 'application/json',
          authorization: 'Bearer token-of-a-test',
          'content-type': 'application/json',
          prefer: 'a',
        },
        body: { subject: 'x' },
      },
    ]);
  });

  it('has the base URL and headers of its configuration', async () => {
    const settings = sourceFor('https://graph.microsoft.com/v1.0', { headers: { 'x-fixed': '1' } }).settings();
    const graph: DownstreamFake = (request) =>
      Response.json([request.url, request.headers.get('x-fixed'), request.method]);
    const answer = await run({ graph }, () => faked('graph', settings).get('/me'));
    expect(answer).toEqual(['https://graph.microsoft.com/v1.0/me', '1', 'GET']);
  });

  it('gives a fixed text for a token', async () => {
    const graph = () => new Response();
    const tokens = await run({ graph }, async () => [
      (await faked('graph').getToken(['https://graph.microsoft.com/.default'])).token,
      await faked('graph').getAccessToken(),
      await faked('graph').getAuthorizationToken('https://graph.test/me'),
    ]);
    expect(new Set(tokens)).toEqual(new Set(['token-of-a-test']));
  });

  it('fails as the API does', async () => {
    const busy = () => new Response('later', { status: 429, headers: { 'Retry-After': '9' } });
    const error = (await errorOf(() => run({ graph: busy }, () => faked('graph').get('/me')))) as DownstreamError;
    expect([error.status, error.headers['Retry-After'], error.response?.text]).toEqual([503, '9', 'later']);
    const cause = new TypeError('fetch failed');
    const down = () => Promise.reject(cause);
    const failed = await errorOf(() => run({ graph: down }, () => faked('graph').fetch('/me')));
    expect(failed).toBeInstanceOf(DownstreamError);
    expect((failed as Error).cause).toMatchObject({ name: 'TypeError', message: 'fetch failed' });
    const refusal = new InsufficientScopeError('role', ['Admin']);
    const refusing: DownstreamFake = () => {
      throw refusal;
    };
    expect(await errorOf(() => run({ graph: refusing }, () => faked('graph').get('/me')))).toBe(refusal);
  });

  it('may challenge for claims', async () => {
    let calls = 0;
    const headers = { 'WWW-Authenticate': `Bearer claims="${btoa('{"access_token":{}}')}"` };
    const graph = () => (++calls === 1 ? new Response('', { status: 401, headers }) : Response.json({ calls }));
    expect(await run({ graph }, () => faked('graph').get('/me'))).toEqual({ calls: 2 });
  });

  it('is found by its own name only', async () => {
    for (const name of ['other', 'constructor', 'toString', '__proto__']) {
      for (const call of [
        () => faked(name).get('/me'),
        () => faked(name).fetch('/me'),
        () => faked(name).getToken(),
        () => faked(name).getAccessToken(),
        () => faked(name).getAuthorizationToken('https://other.test/me'),
      ]) {
        const error = await errorOf(() => run({ graph: () => new Response() }, call));
        expect(error).toBeInstanceOf(ConfigurationError);
        expect((error as Error).message).toBe(
          `The API ${name} is called in runAs, which has no fake of it. ` +
            `Write runAs(claims, fn, { downstream: { '${name}': (request) => Response.json({}) } }). ` +
            'An argument for a parameter with @OnBehalfOf or @AsApplication is replaced.',
        );
      }
    }
    expect(await errorOf(() => runAs({}, () => faked('graph').get('/me')))).toBeInstanceOf(ConfigurationError);
  });

  it('must return a Response', async () => {
    for (const answer of [undefined, null, 'text', { id: 1 }]) {
      const graph = (() => answer) as unknown as DownstreamFake;
      const error = await errorOf(() => run({ graph }, () => faked('graph').fetch('/me')));
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as Error).message).toBe('The fake of the API graph in runAs must return a Response.');
    }
  });

  it('is that of the innermost runAs', async () => {
    const inner = () => run({ graph: () => Response.json('inner') }, () => faked('graph').get('/me'));
    expect(await run({ graph: () => Response.json('outer') }, inner)).toBe('inner');
    const others = () => run({}, () => faked('graph').get('/me'));
    expect(await errorOf(() => run({ graph: () => Response.json('outer') }, others))).toBeInstanceOf(
      ConfigurationError,
    );
  });
});

describe('the helpers in a test', () => {
  afterEach(forgetIdentity);
  const graph: DownstreamFake = ({ url, headers }) => Response.json([url, headers.get('authorization')]);
  const calls = {
    onBehalfOf: () => onBehalfOf('graph').get('/me'),
    'onBehalfOf of a request': () => onBehalfOf('graph', {}).get('/me'),
    asApplication: () => asApplication('graph').get('/me'),
  };

  it.each(Object.entries(calls))('call the fake without initialize: %s', async (_, call) => {
    expect(await run({ graph }, call)).toEqual(['https://graph.test/me', 'Bearer token-of-a-test']);
    expect(await errorOf(() => run({}, call))).toBeInstanceOf(ConfigurationError);
  });

  it.each(Object.entries(calls))('call the fake at the base URL that is configured: %s', async (_, call) => {
    initialize({
      tenantId: '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2',
      clientId: 'de2656e6-585f-4684-8e65-3ce50a7770a8',
      downstream: {
        credential: { clientSecret: 'never sent' },
        apis: {
          graph: { baseUrl: 'https://graph.microsoft.com/v1.0', scopes: ['https://graph.microsoft.com/User.Read'] },
        },
      },
    });
    expect(await run({ graph }, call)).toEqual(['https://graph.microsoft.com/v1.0/me', 'Bearer token-of-a-test']);
    expect(await errorOf(() => run({}, call))).toBeInstanceOf(ConfigurationError);
  });

  it('refuse an application that calls on behalf of a user, as they do outside a test', async () => {
    const app = { oid: 'daemon', roles: ['access_as_app'], idtyp: 'app' };
    const fake = vi.fn(graph);
    const ask = (call: () => unknown) => errorOf(() => runAs(app, call, { downstream: { graph: fake } }));
    for (const call of [calls.onBehalfOf, calls['onBehalfOf of a request'], () => onBehalfOf('graph').getAccessToken()])
      expect(await ask(call)).toMatchObject({ name: 'InsufficientScopeError', reason: 'caller', status: 403 });
    expect(fake).not.toHaveBeenCalled();
    expect(await runAs(app, calls.asApplication, { downstream: { graph: fake } })).toEqual([
      'https://graph.test/me',
      'Bearer token-of-a-test',
    ]);
  });

  it('keep an object that serves every request from the clients of Azure SDKs, as they do outside a test', async () => {
    const scopes = ['https://vault.azure.net/.default'];
    const constant = onBehalfOf('graph');
    const error = await errorOf(() => run({ graph }, () => constant.getToken(scopes)));
    expect((error as Error).message).toMatch(/serves many users/);
    // In a request, an object of its own is for one caller.
    expect(await run({ graph }, () => onBehalfOf('graph').getToken(scopes))).toMatchObject({
      token: 'token-of-a-test',
    });
  });
});

describe('the options of runAs', () => {
  it.each<[unknown, string]>([
    [{ downstreams: {} }, "got 'downstreams', which is no option; it takes downstream"],
    [{ downstream: {}, fetch }, "got 'fetch', which is no option; it takes downstream"],
    [Object.create({ graph: 1 }), "got 'graph', which is no option; it takes downstream"],
    ['graph', "got 'graph'; it takes an object of options"],
    [[], 'got an empty list; it takes an object of options'],
    [null, 'got null; it takes an object of options'],
    [{ downstream: 'graph' }, "downstream is 'graph'; it takes functions by name"],
    [{ downstream: null }, 'downstream is null; it takes functions by name'],
    [{ downstream: [] }, 'downstream is an empty list; it takes functions by name'],
    [{ downstream: { graph: {} } }, 'the fake of graph is an object; it takes a function'],
    [{ downstream: { graph: undefined } }, 'the fake of graph is undefined; it takes a function'],
  ])('refuse %o', (options, problem) => {
    let ran = false;
    const call = (): unknown => Reflect.apply(runAs, undefined, [{}, () => (ran = true), options]);
    expect(call).toThrow(ConfigurationError);
    expect(call).toThrow(problem);
    expect(ran).toBe(false);
  });

  it('may be left out, or say nothing', () => {
    expect(runAs({}, () => 1)).toBe(1);
    expect(runAs({}, () => 2, {})).toBe(2);
    expect(runAs({}, () => 3, { downstream: {} })).toBe(3);
  });
});
