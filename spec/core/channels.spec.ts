import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { publishRefused } from '../../src/core/access/decision-events.js';
import { anyOf, type Requirement } from '../../src/core/access/requirement.js';
import {
  downstreamCallChannel,
  downstreamChannel,
  keysChannel,
  requestChannel,
  type KeysEvent,
} from '../../src/core/channels.js';
import { createIdentity } from '../../src/core/identity.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js';
import { errorOf } from '../support/refusals.js';

/** How long a check took. */
const milliseconds = expect.any(Number) as number;

const entra: Requirement = { scheme: { kind: 'entra' }, demands: [] };
const asking = (scope: string): Requirement => ({ ...entra, demands: [anyOf('scope', [scope])] });

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
beforeEach(() => {
  issuer.setFault();
});
afterEach(() => {
  unsubscribe(requestChannel.name, hear);
  unsubscribe(keysChannel.name, hear);
  events.length = 0;
});
afterAll(() => issuer.close());

const events: unknown[] = [];
function hear(event: unknown): void {
  events.push(event);
}

const identity = (options = {}) => createIdentity({ ...issuer.options, ...options });
const present = (by: ReturnType<typeof identity>, token: string, requirement = entra) =>
  by.authenticate({ headers: { authorization: `Bearer ${token}` } }, requirement);

describe('the channels', () => {
  it('go by the names that are promised', () => {
    expect([requestChannel.name, keysChannel.name, downstreamChannel.name, downstreamCallChannel.name]).toEqual([
      'microsoft-identity-decorators:request',
      'microsoft-identity-decorators:keys',
      'microsoft-identity-decorators:downstream',
      'microsoft-identity-decorators:downstream-call',
    ]);
  });

  it('say nothing where nobody listens, and requests are decided all the same', async () => {
    const publishing = [requestChannel, keysChannel].map((channel) => vi.spyOn(channel, 'publish'));
    const readingClock = vi.spyOn(performance, 'now');
    const by = identity();
    const token = await issuer.token();
    expect(await present(by, token)).toHaveProperty('token.claims');
    readingClock.mockClear();
    expect(await present(by, token)).toHaveProperty('token.claims');
    await errorOf(() => present(by, 'not-a-token'));
    expect(readingClock).not.toHaveBeenCalled();
    readingClock.mockRestore();
    for (const publish of publishing) {
      expect(publish).not.toHaveBeenCalled();
      publish.mockRestore();
    }
  });
});

describe('the channel of requests', () => {
  beforeEach(() => {
    subscribe(requestChannel.name, hear);
  });

  it('tells a token that is verified from one that was', async () => {
    const by = identity();
    const token = await issuer.token();
    for (let round = 0; round < 3; round++) await present(by, token);
    expect(events).toStrictEqual([
      { outcome: 'verified', milliseconds },
      { outcome: 'cached', milliseconds },
      { outcome: 'cached', milliseconds },
    ]);
  });

  it('says that every token is verified where none is kept', async () => {
    const by = identity({ tokenCache: false });
    const token = await issuer.token();
    for (let round = 0; round < 2; round++) await present(by, token);
    expect(events).toStrictEqual([
      { outcome: 'verified', milliseconds },
      { outcome: 'verified', milliseconds },
    ]);
  });

  it('says verified of each request that waits for one verification', async () => {
    const by = identity();
    const token = await issuer.token();
    await Promise.all([present(by, token), present(by, token)]);
    expect(events).toStrictEqual([
      { outcome: 'verified', milliseconds },
      { outcome: 'verified', milliseconds },
    ]);
  });

  it.each<[string, () => Promise<string>, Requirement, object]>([
    [
      'a bad form',
      () => Promise.resolve('no-token'),
      entra,
      { code: 'invalid_token', reason: 'malformed', status: 401 },
    ],
    [
      'another audience',
      () => issuer.token({ aud: 'another' }),
      entra,
      { code: 'invalid_token', reason: 'audience', status: 401 },
    ],
    [
      'a missing scope',
      () => issuer.token(),
      asking('missing'),
      { code: 'insufficient_scope', reason: 'scope', status: 403 },
    ],
    [
      'a mistake of the developer',
      () => issuer.token(),
      { scheme: { kind: 'b2c' }, demands: [] },
      { code: 'invalid_configuration', status: 500 },
    ],
  ])('says what a request is refused for, and no more: %s', async (_, make, requirement, said) => {
    const by = identity();
    const token = await make();
    // Twice: the second refusal of a good token finds it among those verified before.
    for (let round = 0; round < 2; round++) {
      const error = await errorOf(() => present(by, token, requirement));
      expect(error).toMatchObject(said);
    }
    expect(events).toStrictEqual([
      { outcome: 'refused', ...said, milliseconds },
      { outcome: 'refused', ...said, milliseconds },
    ]);
  });

  it('says that there was no token', async () => {
    await errorOf(() => identity().authenticate({ headers: {} }, entra));
    expect(events).toStrictEqual([{ outcome: 'refused', code: 'missing_token', status: 401, milliseconds }]);
  });

  it.each<[string, unknown, object]>([
    ['nothing', new TypeError('down'), {}],
    ['a code', { code: 'ECONNRESET' }, { code: 'ECONNRESET' }],
    ['a reason', { reason: 'scope' }, { reason: 'scope' }],
    ['a status', { status: 418 }, { status: 418 }],
    ['no object', undefined, {}],
  ])('says of an error what it carries, and no more: %s', (_, error, said) => {
    publishRefused(error, { request: {}, requirement: undefined });
    expect(events).toStrictEqual([{ outcome: 'refused', ...said }]);
  });

  it('says that there are no keys', async () => {
    issuer.setFault({ status: 503 });
    await errorOf(async () => present(identity(), await issuer.token()));
    expect(events).toStrictEqual([{ outcome: 'refused', code: 'issuer_unavailable', status: 503, milliseconds }]);
  });

  it('gives the same answers as without a listener', async () => {
    const by = identity();
    const token = await issuer.token();
    const first = await present(by, token);
    const second = present(by, token);
    expect(second).not.toBeInstanceOf(Promise);
    expect((await second).token).toBe(first.token);
  });

  it('holds nothing of the token', async () => {
    const by = identity();
    const marks = { name: 'm4rk3r', oid: 'm4rk3r', scp: 'm4rk3r', jti: 'm4rk3r' };
    await present(by, await issuer.token(marks));
    await errorOf(async () => present(by, await issuer.token(marks), asking('missing')));
    await errorOf(async () => present(by, await issuer.token({ ...marks, aud: 'm4rk3r' })));
    await errorOf(async () => present(by, await issuer.token(marks, { kid: 'm4rk3r' })));
    expect(events).toHaveLength(4);
    expect(JSON.stringify(events)).not.toContain('m4rk3r');
  });

  it('says which method is called, or else which path, without the query', async () => {
    const by = identity();
    const headers = { authorization: `Bearer ${await issuer.token()}` };
    const request = { headers, originalUrl: '/orders/7?code=m4rk3r', url: '/7?code=m4rk3r' };
    await by.authenticate(request, entra);
    await by.authenticate(request, { ...entra, route: 'Orders.list' });
    await errorOf(() => by.authenticate({ ...request, headers: {} }, entra));
    expect(events).toMatchObject([{ route: '/orders/7' }, { route: 'Orders.list' }, { route: '/orders/7' }]);
  });

  it('says how long a check took', async () => {
    const times = [100, 107, 200, 200.5];
    vi.spyOn(performance, 'now').mockImplementation(() => times.shift() ?? 0);
    try {
      const by = identity();
      await errorOf(() => by.authenticate({ headers: {} }, entra));
      await errorOf(() => by.authenticate({ headers: {} }, entra));
    } finally {
      vi.restoreAllMocks();
    }
    expect(events).toMatchObject([{ milliseconds: 7 }, { milliseconds: 0.5 }]);
  });

  describe('with the option for identifiers', () => {
    const named = () => identity({ b2c: issuer.b2cOptions, diagnostics: { identifiers: true } });
    const either: Requirement = { scheme: { kind: 'any' }, demands: [] };
    const ids = { tid: expect.any(String) as string, azp: expect.any(String) as string };

    it('says who was let in', async () => {
      const by = named();
      const token = await issuer.token({ oid: 'ada' });
      await present(by, token);
      await present(by, token);
      expect(events).toStrictEqual([
        { outcome: 'verified', milliseconds, ...ids, oid: 'ada' },
        { outcome: 'cached', milliseconds, ...ids, oid: 'ada' },
      ]);
    });

    it('says appid of a v1.0 token as azp', async () => {
      await present(named(), await issuer.v1Token({ oid: 'ada', appid: 'client' }));
      expect(events).toStrictEqual([{ outcome: 'verified', milliseconds, tid: ids.tid, oid: 'ada', azp: 'client' }]);
    });

    it('leaves out what a token has not, and what is no text', async () => {
      await present(named(), await issuer.b2cToken({ oid: undefined, tid: undefined, azp: 'client' }), either);
      await present(named(), await issuer.b2cToken({ oid: ['ada'], tid: undefined, azp: 'client' }), either);
      const event = { outcome: 'verified', milliseconds, azp: 'client' };
      expect(events).toStrictEqual([event, event]);
    });

    it('says of a refused request nothing of its token, not even where that is verified', async () => {
      const marks = { oid: 'm4rk3r', azp: 'm4rk3r' };
      await errorOf(async () => present(named(), await issuer.token(marks), asking('missing')));
      await errorOf(async () => present(named(), await issuer.token({ ...marks, exp: 1 })));
      expect(events).toStrictEqual([
        { outcome: 'refused', code: 'insufficient_scope', reason: 'scope', status: 403, milliseconds },
        { outcome: 'refused', code: 'invalid_token', reason: 'expired', status: 401, milliseconds },
      ]);
    });
  });
});

describe('the channel of keys', () => {
  beforeEach(() => {
    subscribe(keysChannel.name, hear);
  });

  const metadataUrl = () => `${issuer.url}/${issuer.options.tenantId}/v2.0/.well-known/openid-configuration`;
  const event = (outcome: KeysEvent['outcome'], document: KeysEvent['document']): KeysEvent => ({
    outcome,
    document,
    metadataUrl: metadataUrl(),
  });

  it('says what was loaded, once', async () => {
    const by = identity();
    await by.ready();
    await by.ready();
    await present(by, await issuer.token());
    expect(events).toStrictEqual([event('loaded', 'configuration'), event('loaded', 'keys')]);
  });

  it('says of which document loading failed', async () => {
    issuer.setFault({ on: 'keys', status: 503 });
    await errorOf(() => identity().ready());
    expect(events).toStrictEqual([event('loaded', 'configuration'), event('failed', 'keys')]);
    events.length = 0;
    issuer.setFault({ on: 'metadata', down: true });
    await errorOf(() => identity().ready());
    expect(events).toStrictEqual([event('failed', 'configuration')]);
  });

  it.each<[string, object]>([
    ['keys that are none', { on: 'keys', body: '{"keys":[]}' }],
    ['keys that are no JSON', { on: 'keys', body: 'm4rk3r' }],
  ])('takes for a failure %s', async (_, fault) => {
    issuer.setFault(fault);
    await errorOf(() => identity().ready());
    expect(events).toStrictEqual([event('loaded', 'configuration'), event('failed', 'keys')]);
  });

  it('takes for a failure the issuer of somebody else', async () => {
    issuer.setFault({ on: 'metadata', body: (document) => ({ ...document, issuer: 'https://m4rk3r.example' }) });
    await errorOf(() => identity().ready());
    expect(events).toStrictEqual([event('failed', 'configuration')]);
  });

  it('says what a kid that is not known costs', async () => {
    const by = identity();
    await by.ready();
    events.length = 0;
    await errorOf(async () => present(by, await issuer.token({}, { kid: 'm4rk3r' })));
    await errorOf(async () => present(by, await issuer.token({}, { kid: 'm4rk3r-2' })));
    expect(events).toStrictEqual([event('loaded', 'keys')]);
  });
});
