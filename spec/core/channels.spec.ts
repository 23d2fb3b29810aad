import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { anyOf, type Requirement } from '../../src/core/access/requirement.js';
import {
  downstreamChannel,
  keysChannel,
  publishRefused,
  requestChannel,
  type KeysEvent,
} from '../../src/core/channels.js';
import { createIdentity } from '../../src/core/identity.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js';
import { errorOf } from '../support/refusals.js';

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
    expect([requestChannel.name, keysChannel.name, downstreamChannel.name]).toEqual([
      'microsoft-identity-decorators:request',
      'microsoft-identity-decorators:keys',
      'microsoft-identity-decorators:downstream',
    ]);
  });

  it('say nothing where nobody listens, and requests are decided all the same', async () => {
    const publishing = [requestChannel, keysChannel].map((channel) => vi.spyOn(channel, 'publish'));
    const by = identity();
    const token = await issuer.token();
    expect(await present(by, token)).toHaveProperty('token.claims');
    expect(await present(by, token)).toHaveProperty('token.claims');
    await errorOf(() => present(by, 'not-a-token'));
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
    expect(events).toStrictEqual([{ outcome: 'verified' }, { outcome: 'cached' }, { outcome: 'cached' }]);
  });

  it('says that every token is verified where none is kept', async () => {
    const by = identity({ tokenCache: false });
    const token = await issuer.token();
    for (let round = 0; round < 2; round++) await present(by, token);
    expect(events).toStrictEqual([{ outcome: 'verified' }, { outcome: 'verified' }]);
  });

  it('says verified of each request that waits for one verification', async () => {
    const by = identity();
    const token = await issuer.token();
    await Promise.all([present(by, token), present(by, token)]);
    expect(events).toStrictEqual([{ outcome: 'verified' }, { outcome: 'verified' }]);
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
      { outcome: 'refused', ...said },
      { outcome: 'refused', ...said },
    ]);
  });

  it('says that there was no token', async () => {
    await errorOf(() => identity().authenticate({ headers: {} }, entra));
    expect(events).toStrictEqual([{ outcome: 'refused', code: 'missing_token', status: 401 }]);
  });

  it.each<[string, unknown, object]>([
    ['nothing', new TypeError('down'), {}],
    ['a code', { code: 'ECONNRESET' }, { code: 'ECONNRESET' }],
    ['a reason', { reason: 'scope' }, { reason: 'scope' }],
    ['a status', { status: 418 }, { status: 418 }],
  ])('says of an error what it carries, and no more: %s', (_, error, said) => {
    publishRefused(error);
    expect(events).toStrictEqual([{ outcome: 'refused', ...said }]);
  });

  it('says that there are no keys', async () => {
    issuer.setFault({ status: 503 });
    await errorOf(async () => present(identity(), await issuer.token()));
    expect(events).toStrictEqual([{ outcome: 'refused', code: 'issuer_unavailable', status: 503 }]);
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
