/** One event for each decision about a request, on every host. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { initialize, type RequestEvent } from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import type { Api } from '../support/api.js';
import { hosts as expressHosts } from '../support/hosts/express.js';
import { hosts as fetchHosts } from '../support/hosts/fetch.js';
import { hosts as nestHosts } from '../support/hosts/nestjs.js';
import { hosts as routingControllersHosts } from '../support/hosts/routing-controllers.js';

const channel = 'microsoft-identity-decorators:request';
const milliseconds = expect.any(Number) as number;

const callerIds = (oid: string) => ({ tid: issuer.options.tenantId, oid, azp: expect.any(String) as string });

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

const events: RequestEvent[] = [];
const hear = (event: unknown) => events.push(event as RequestEvent);
beforeEach(() => {
  subscribe(channel, hear);
});
afterEach(() => {
  unsubscribe(channel, hear);
  events.length = 0;
});

const hosts = [...routingControllersHosts, ...expressHosts, ...nestHosts, ...fetchHosts];

/** Without a class there is the path alone. */
const functionHosts = /^(middleware|protect|authenticate)\b/;

describe.each(hosts)('$name', ({ name, start }) => {
  const routeOf = (method: string) =>
    functionHosts.test(name) ? `/${method}` : (expect.stringMatching(`^\\w*Weather\\w*\\.${method}$`) as string);
  let api: Api;
  beforeAll(async () => {
    initialize({ ...issuer.options, b2c: issuer.b2cOptions, diagnostics: { identifiers: true } });
    api = await start();
  });
  afterAll(() => api.close());

  it('publishes that a request was let in, and who was', async () => {
    const { status } = await api.call('/claims?code=m4rk3r', {
      token: await issuer.token({ oid: 'ada', jti: 'm4rk3r' }),
    });
    expect(status).toBe(200);
    expect(events).toEqual([{ outcome: 'verified', route: routeOf('claims'), milliseconds, ...callerIds('ada') }]);
  });

  it.each<[string, object, Partial<RequestEvent>]>([
    ['an expired token', { exp: 1 }, { code: 'invalid_token', reason: 'expired', status: 401 }],
    ['another audience', { aud: 'm4rk3r' }, { code: 'invalid_token', reason: 'audience', status: 401 }],
    ['a missing scope', { scp: 'm4rk3r' }, { code: 'insufficient_scope', reason: 'scope', status: 403 }],
  ])('publishes once that a request was refused, and nothing of its token: %s', async (_, claims, refusal) => {
    await api.call('/scope?code=m4rk3r', { token: await issuer.token({ oid: 'm4rk3r', ...claims }) });
    const [last, ...earlier] = events.toReversed();
    // On Express, another middleware let the token in before the one that demands the scope.
    const isLetIn = name.startsWith('middleware') && refusal.status === 403;
    const repeated = isLetIn && { repeated: true };
    expect(last).toEqual({ outcome: 'refused', route: routeOf('scope'), milliseconds, ...refusal, ...repeated });
    expect(earlier.map(({ outcome, repeated }) => ({ outcome, repeated }))).toEqual(
      isLetIn ? [{ outcome: 'verified' }] : [],
    );
  });

  it('tells a further check of a request that was let in from the first one', async () => {
    const { status } = await api.call('/scope', { token: await issuer.token({ oid: 'bob' }) });
    expect(status).toBe(200);
    const [first, ...further] = events;
    expect(first?.repeated).toBe(undefined);
    expect(further.map(({ outcome, repeated }) => ({ outcome, repeated }))).toEqual(
      name.startsWith('middleware') ? [{ outcome: 'cached', repeated: true }] : [],
    );
  });

  it('publishes once that the code of a route refused a request', async () => {
    const { status } = await api.call('/helper', { token: await issuer.token({ oid: 'ada' }) });
    expect(status).toBe(403);
    const refused = { route: routeOf('helper'), code: 'insufficient_scope', reason: 'scope', status: 403 };
    expect(events).toEqual([
      { outcome: 'verified', route: routeOf('helper'), milliseconds, ...callerIds('ada') },
      // The error handler of that application answers by itself what a handler of its own throws.
      ...(name === 'authenticate on Fastify' ? [] : [{ outcome: 'refused', repeated: true, ...refused }]),
    ]);
  });
});
