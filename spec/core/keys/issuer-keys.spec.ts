import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IssuerUnavailableError } from '../../../src/core/errors.js';
import type { Authority } from '../../../src/core/issuers/authority.js';
import { IssuerKeys } from '../../../src/core/keys/issuer-keys.js';
import type { SigningKey } from '../../../src/core/keys/key-set-document.js';
import { fakeClock, hour, minute, second, until, type Clock } from '../../support/clock.js';
import { publicJwk } from '../../support/public-jwk.js';
import { errorOf, expectRefused, refuses } from '../../support/refusals.js';

const metadataUrl = 'https://login.example/tenant/v2.0/.well-known/openid-configuration';
const keysUrl = 'https://login.example/tenant/discovery/v2.0/keys';
const issuer = 'https://login.example/tenant/v2.0';
const configuration = { issuer, jwks_uri: keysUrl };

const authority: Authority = {
  metadataUrl,
  ownsIssuer: (name) => name === issuer,
  mayIssueAs: (name) => name.startsWith('https://login.example/'),
  ownsKeysUrl: (url) => url === keysUrl,
  options: 'tenantId and instance',
  hostOptions: 'instance',
};

const [first, other, third] = [publicJwk('first'), publicJwk('second'), publicJwk('third')];

type Answer = () => Response | Promise<Response>;
const json = (document: unknown) => () => Response.json(document);
const broken =
  (status = 503, headers = {}) =>
  () =>
    new Response('', { status, headers });
const unplugged = () => Promise.reject<Response>(new TypeError('fetch failed'));

let clock: Clock;
let answers: { metadata: Answer; keys: Answer };
let requests: { metadata: number; keys: number };
let closing: AbortController;
let issuerKeys: IssuerKeys;

const fetch = ((url: string) => {
  const on = url === metadataUrl ? 'metadata' : 'keys';
  requests[on]++;
  return Promise.resolve(answers[on]());
}) as typeof globalThis.fetch;

const publish = (...keys: readonly unknown[]) => {
  answers.keys = json({ keys });
};
const kidsOf = (keys: readonly SigningKey[] | undefined) => keys?.map(({ kid }) => kid);
const kidsFound = async (kid: string, by = issuerKeys) => kidsOf((await by.find(kid))?.keys);

/** Lets a refresh that set out in the background come to its end. */
async function afterRequests(metadata: number, keys: number): Promise<void> {
  await until(() => requests.metadata === metadata && requests.keys === keys);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(requests).toEqual({ metadata, keys });
}

beforeEach(() => {
  clock = fakeClock();
  requests = { metadata: 0, keys: 0 };
  answers = { metadata: json(configuration), keys: json({ keys: [first, other] }) };
  closing = new AbortController();
  issuerKeys = new IssuerKeys(authority, { fetch, now: clock.now, closing: closing.signal });
});
afterEach(() => {
  closing.abort();
});

describe('the place of the keys', () => {
  it('is judged beside the issuer that the same document names', async () => {
    const asked: unknown[] = [];
    const judging: Authority = {
      ...authority,
      ownsKeysUrl: (url, named) => {
        asked.push([url, named]);
        return named === issuer;
      },
    };
    const judged = new IssuerKeys(judging, { fetch, now: clock.now, closing: closing.signal });
    expect(await kidsFound('first', judged)).toEqual(['first']);
    expect(asked).toEqual([[keysUrl, issuer]]);
  });
});

describe('a cold key set', () => {
  it('has nothing at hand and asks nobody until a key is wanted', async () => {
    expect(issuerKeys.issuer).toBeUndefined();
    expect(issuerKeys.peek('first')).toBeUndefined();
    expect(requests).toEqual({ metadata: 0, keys: 0 });
    expect(await kidsFound('first')).toEqual(['first']);
    expect(issuerKeys.issuer).toEqual({ issuer, keysUrl, cloudInstanceName: undefined });
    expect(kidsOf(issuerKeys.peek('second'))).toEqual(['second']);
  });

  it('asks once for each document, however many requests wait', async () => {
    const found = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => issuerKeys.find(n % 2 ? 'first' : 'second')),
    );
    expect(found.every((each) => each?.keys.length === 1)).toBe(true);
    await Promise.all([issuerKeys.ready(), issuerKeys.loadIssuer(), issuerKeys.find('first')]);
    expect(requests).toEqual({ metadata: 1, keys: 1 });
  });

  it.each<[string, 'metadata' | 'keys', Answer]>([
    ['its metadata cannot be reached', 'metadata', unplugged],
    ['its metadata answers 500', 'metadata', broken(500)],
    ['its metadata is no object', 'metadata', json([])],
    ['its metadata names no issuer', 'metadata', json({ jwks_uri: keysUrl })],
    ['its metadata names no keys', 'metadata', json({ issuer })],
    ['its metadata names a number for an issuer', 'metadata', json({ ...configuration, issuer: 1 })],
    ["its metadata names somebody else's issuer", 'metadata', json({ ...configuration, issuer: `${issuer}/` })],
    ["its metadata names somebody else's keys", 'metadata', json({ ...configuration, jwks_uri: `${keysUrl}/` })],
    ['its keys cannot be reached', 'keys', unplugged],
    ['its keys answer 404', 'keys', broken(404)],
    ['its keys are no list', 'keys', json({ keys: {} })],
    ['its keys are none', 'keys', json({ keys: [] })],
    ['its keys are not usable', 'keys', json({ keys: [{ ...first, use: 'enc' }] })],
    ['its keys are too many', 'keys', json({ keys: Array.from({ length: 201 }, () => first) })],
  ])('is unavailable where %s, and recovers by itself', async (_, on, answer) => {
    const right = answers[on];
    answers[on] = answer;
    const error = await errorOf(() => issuerKeys.find('first'));
    expectRefused(error, 'issuer_unavailable');
    expect((error as IssuerUnavailableError).headers).toEqual({ 'Retry-After': '1', 'Cache-Control': 'no-store' });
    expect((error as IssuerUnavailableError).cause).toBeInstanceOf(Error);
    answers[on] = right;
    clock.advance(second);
    expect(await kidsFound('first')).toEqual(['first']);
  });

  it("asks nobody again while it backs off, and passes on the server's wish", async () => {
    answers.metadata = broken(429, { 'retry-after': '120' });
    for (let n = 0; n < 5; n++) {
      const error = await errorOf(() => issuerKeys.find('first'));
      expectRefused(error, 'issuer_unavailable');
      expect((error as IssuerUnavailableError).headers['Retry-After']).toBe('120');
    }
    expect(requests).toEqual({ metadata: 1, keys: 0 });
  });

  it('says nothing of the document to the caller', async () => {
    answers.keys = broken(500);
    const error = await errorOf(() => issuerKeys.find('first'));
    expect(JSON.stringify(error)).not.toContain('login.example');
    expect((error as Error).message).not.toContain('login.example');
  });
});

describe('ready', () => {
  it('loads the issuer and the keys, once', async () => {
    await issuerKeys.ready();
    await issuerKeys.ready();
    expect(kidsOf(issuerKeys.peek('first'))).toEqual(['first']);
    expect(requests).toEqual({ metadata: 1, keys: 1 });
  });

  it.each(['metadata', 'keys'] as const)(
    'names the network and the options for it, and keeps the cause, where %s cannot be reached',
    async (on) => {
      const cause = new TypeError('fetch failed', {
        cause: Object.assign(new Error('getaddrinfo ENOTFOUND login.example'), { code: 'ENOTFOUND' }),
      });
      answers[on] = () => Promise.reject<Response>(cause);
      const error = (await errorOf(() => issuerKeys.ready())) as IssuerUnavailableError;
      expectRefused(error, 'issuer_unavailable');
      const url = on === 'metadata' ? metadataUrl : keysUrl;
      expect(error.message).toBe(
        `The signing keys could not be loaded: GET ${url} failed (getaddrinfo ENOTFOUND login.example). ` +
          'Look at the network (DNS, firewall, proxy, certificates), fetch and instance.',
      );
      expect((error.cause as Error).cause).toBe(cause);
      expect(error.headers['Retry-After']).toBe('1');
    },
  );

  it.each(['metadata', 'keys'] as const)('names the options of the tenant where %s answer 404', async (on) => {
    answers[on] = broken(404);
    const error = (await errorOf(() => issuerKeys.ready())) as IssuerUnavailableError;
    expectRefused(error, 'issuer_unavailable');
    const url = on === 'metadata' ? metadataUrl : keysUrl;
    expect(error.message).toBe(
      `The signing keys could not be loaded: GET ${url} answered 404. Look at tenantId and instance.`,
    );
    expect(error.headers['Retry-After']).toBe('1');
  });
});

describe('a warm key set', () => {
  beforeEach(async () => {
    await issuerKeys.ready();
  });

  it('asks for both documents behind the back of the first request after about an hour', async () => {
    clock.advance(hour - 1);
    expect(kidsOf(issuerKeys.peek('first'))).toEqual(['first']);
    await afterRequests(1, 1);
    clock.advance(0.1 * hour + 1);
    publish(first, third);
    expect(kidsOf(issuerKeys.peek('first'))).toEqual(['first']);
    expect(issuerKeys.peek('third')).toBeUndefined();
    await afterRequests(2, 2);
    expect(kidsOf(issuerKeys.peek('third'))).toEqual(['third']);
  });

  it('gives a key its identity from one refresh to the next', async () => {
    const [before] = issuerKeys.peek('first') ?? [];
    clock.advance(2 * hour);
    issuerKeys.peek('first');
    await afterRequests(2, 2);
    expect(issuerKeys.peek('first')?.[0]).toBe(before);
    expect(before && issuerKeys.trusts(before)).toBe(true);
  });

  it('trusts no key that looks like one of its own', () => {
    const [key] = issuerKeys.peek('first') ?? [];
    if (key === undefined) return expect.fail('there is no key');
    expect(issuerKeys.trusts(key)).toBe(true);
    expect(issuerKeys.trusts({ ...key })).toBe(false);
    expect(issuerKeys.trusts({ ...key, kid: 'second' })).toBe(false);
  });

  it('puts a new key under an old kid in the place of the old one', async () => {
    const [before] = issuerKeys.peek('first') ?? [];
    publish({ ...third, kid: 'first' });
    clock.advance(2 * hour);
    issuerKeys.peek('first');
    await afterRequests(2, 2);
    expect(issuerKeys.peek('first')).toHaveLength(1);
    expect(issuerKeys.peek('first')?.[0]).not.toBe(before);
    expect(before && issuerKeys.trusts(before)).toBe(false);
  });

  it('keeps both keys of a kid that stands twice', async () => {
    publish(first, { ...third, kid: 'first' }, other);
    clock.advance(2 * hour);
    issuerKeys.peek('first');
    await afterRequests(2, 2);
    expect(issuerKeys.peek('first')).toHaveLength(2);
  });

  it('keeps one of a key that stands twice', async () => {
    publish(third, third, { ...third, kid: 'first' }, { ...third, kid: 'first' });
    clock.advance(2 * hour);
    issuerKeys.peek('first');
    await afterRequests(2, 2);
    expect(issuerKeys.peek('third')).toHaveLength(1);
    expect(issuerKeys.peek('first')).toHaveLength(1);
  });

  it('keeps at most 1,000 kids of key sets that change all the time, the latest first', async () => {
    const kid = (round: number, n: number) => `${String(round)}-${String(n)}`;
    const rounds = 6;
    for (let round = 1; round <= rounds; round++) {
      publish(...Array.from({ length: 200 }, (_, n) => ({ ...third, kid: kid(round, n) })));
      clock.advance(2 * hour);
      issuerKeys.peek('first');
      await until(() => requests.keys === round + 1);
      await until(() => issuerKeys.peek(kid(round, 0)) !== undefined);
    }
    const kept = Array.from({ length: rounds }, (_, before) =>
      Array.from({ length: 200 }, (__, n) => issuerKeys.peek(kid(before + 1, n))).filter((keys) => keys !== undefined),
    );
    expect(kept.map(({ length }) => length)).toEqual([0, 200, 200, 200, 200, 200]);
    expect(issuerKeys.peek('first')).toBeUndefined();
  });

  it('finds a key once the metadata is back, also while its key set is not', async () => {
    answers.metadata = broken();
    clock.advance(20 * hour);
    issuerKeys.peek('first');
    await afterRequests(2, 2);
    answers.keys = broken();
    clock.advance(2 * hour);
    issuerKeys.peek('first');
    await afterRequests(3, 3);
    clock.advance(2 * hour);
    expect(issuerKeys.issuer).toBeUndefined();
    await until(() => requests.metadata === 4);
    await afterRequests(4, 3);
    answers.metadata = json(configuration);
    clock.advance(minute);
    expect(await kidsFound('first')).toEqual(['first']);
  });

  it('keeps a kid that flaps for 24 hours from when it was last seen', async () => {
    publish(other);
    clock.advance(2 * hour);
    issuerKeys.peek('first');
    await afterRequests(2, 2);
    clock.advance(21 * hour);
    expect(kidsOf(issuerKeys.peek('first'))).toEqual(['first']);
    await afterRequests(3, 3);
    clock.advance(hour - 1);
    expect(kidsOf(issuerKeys.peek('first'))).toEqual(['first']);
    clock.advance(1);
    expect(issuerKeys.peek('first')).toBeUndefined();
    expect(kidsOf(issuerKeys.peek('second'))).toEqual(['second']);
  });

  it('knows a kid again when it comes back', async () => {
    publish(other);
    clock.advance(2 * hour);
    issuerKeys.peek('first');
    await afterRequests(2, 2);
    publish(first, other);
    clock.advance(2 * hour);
    issuerKeys.peek('first');
    await afterRequests(3, 3);
    clock.advance(23 * hour);
    expect(kidsOf(issuerKeys.peek('first'))).toEqual(['first']);
  });

  it.each<[string, Answer]>([
    ['nothing', unplugged],
    ['500', broken(500)],
    ['an empty set', json({ keys: [] })],
    ['an unusable set', json({ keys: [{ kty: 'RSA' }] })],
    ['too many keys', json({ keys: Array.from({ length: 201 }, () => third) })],
    ['HTML', () => new Response('<html></html>')],
  ])('keeps its keys for 24 hours where it is answered with %s, and no longer', async (_, answer) => {
    answers.keys = answer;
    for (let hours = 2; hours < 24; hours += 2) {
      clock.advance(2 * hour);
      expect(kidsOf(issuerKeys.peek('first'))).toEqual(['first']);
      expect(await kidsFound('second')).toEqual(['second']);
      await until(() => requests.keys === 1 + hours / 2);
      await afterRequests(requests.metadata, requests.keys);
    }
    clock.advance(2 * hour - 1);
    expect(kidsOf(issuerKeys.peek('first'))).toEqual(['first']);
    await afterRequests(requests.metadata, 13);
    clock.advance(1);
    expect(issuerKeys.peek('first')).toBeUndefined();
    await refuses(() => issuerKeys.find('first'), 'issuer_unavailable');
  });

  it('keeps its issuer for 24 hours where the metadata fails, and no longer', async () => {
    answers.metadata = broken();
    clock.advance(23 * hour);
    expect(issuerKeys.issuer?.issuer).toBe(issuer);
    expect(await kidsFound('first')).toEqual(['first']);
    await afterRequests(2, 2);
    clock.advance(hour);
    expect(issuerKeys.issuer).toBeUndefined();
    expect(issuerKeys.peek('first')).toBeUndefined();
    await refuses(() => issuerKeys.find('first'), 'issuer_unavailable');
    await refuses(() => issuerKeys.loadIssuer(), 'issuer_unavailable');
  });
});

describe('isIssuer', () => {
  const another = 'https://login.example/other/v2.0';

  it('answers without a request where the form of an issuer shows that it is another', () => {
    expect(issuerKeys.isIssuer('https://login.fabrikam.com/tenant/v2.0')).toBe(false);
    expect(requests).toEqual({ metadata: 0, keys: 0 });
  });

  it('loads the metadata where the form of an issuer is right', async () => {
    await expect(issuerKeys.isIssuer(issuer)).resolves.toBe(true);
    expect(requests).toEqual({ metadata: 1, keys: 0 });
  });

  it('tells another issuer of the same form by the metadata', async () => {
    await expect(issuerKeys.isIssuer(another)).resolves.toBe(false);
  });

  it('answers without a promise where the metadata is loaded', async () => {
    await issuerKeys.ready();
    expect(issuerKeys.isIssuer(issuer)).toBe(true);
    expect(issuerKeys.isIssuer(another)).toBe(false);
    expect(issuerKeys.isIssuer('https://login.fabrikam.com/tenant/v2.0')).toBe(false);
    expect(requests).toEqual({ metadata: 1, keys: 1 });
  });

  it('is unavailable where the metadata is', async () => {
    answers.metadata = unplugged;
    await refuses(() => issuerKeys.isIssuer(issuer), 'issuer_unavailable');
  });
});

describe('an unknown kid', () => {
  beforeEach(async () => {
    await issuerKeys.ready();
  });

  it('is looked for at once, and found by the same request', async () => {
    publish(first, third);
    expect(await kidsFound('third')).toEqual(['third']);
    expect(requests).toEqual({ metadata: 1, keys: 2 });
  });

  it('is found by all who wait for it at once, with one request', async () => {
    publish(first, third);
    const found = await Promise.all(Array.from({ length: 20 }, async () => issuerKeys.find('third')));
    expect(found.every((each) => each?.keys[0]?.kid === 'third')).toBe(true);
    expect(requests).toEqual({ metadata: 1, keys: 2 });
  });

  it('costs one key request in 5 minutes, and no metadata request, however many are made up', async () => {
    for (let n = 0; n < 50; n++) expect(await issuerKeys.find(`made up ${String(n)}`)).toBeUndefined();
    await Promise.all(Array.from({ length: 50 }, async (_, n) => issuerKeys.find(`made up at once ${String(n)}`)));
    expect(requests).toEqual({ metadata: 1, keys: 2 });
    clock.advance(5 * minute - 1);
    await issuerKeys.find('made up');
    expect(requests).toEqual({ metadata: 1, keys: 2 });
    clock.advance(1);
    await issuerKeys.find('made up');
    await issuerKeys.find('made up again');
    expect(requests).toEqual({ metadata: 1, keys: 3 });
  });

  it('is looked for at once though the set was refreshed a moment ago for another reason', async () => {
    clock.advance(2 * hour);
    issuerKeys.peek('first');
    await afterRequests(2, 2);
    publish(first, third);
    expect(await kidsFound('third')).toEqual(['third']);
    expect(requests).toEqual({ metadata: 2, keys: 3 });
  });

  it('is looked for again where a refresh under way set out before the kid was there', async () => {
    let answer: (response: Response) => void = () => undefined;
    answers.keys = () => new Promise<Response>((resolve) => (answer = resolve));
    clock.advance(2 * hour);
    issuerKeys.peek('first');
    await until(() => requests.keys === 2);
    const found = kidsFound('third');
    publish(first, third);
    answer(Response.json({ keys: [first] }));
    expect(await found).toEqual(['third']);
    expect(requests.keys).toBe(3);
  });

  it('waits for a refresh under way that brings it, and asks for no other', async () => {
    let answer: (response: Response) => void = () => undefined;
    answers.keys = () => new Promise<Response>((resolve) => (answer = resolve));
    clock.advance(2 * hour);
    issuerKeys.peek('first');
    await until(() => requests.keys === 2);
    const found = kidsFound('third');
    answer(Response.json({ keys: [first, third] }));
    expect(await found).toEqual(['third']);
    expect(requests.keys).toBe(2);
  });

  it('delays a really new key by no more than 5 minutes', async () => {
    await issuerKeys.find('made up');
    publish(first, third);
    expect(await issuerKeys.find('third')).toBeUndefined();
    clock.advance(5 * minute);
    expect(await kidsFound('third')).toEqual(['third']);
  });

  it('may be looked for again when the clock is set backwards', async () => {
    await issuerKeys.find('made up');
    publish(first, third);
    clock.advance(-hour);
    expect(await kidsFound('third')).toEqual(['third']);
  });

  it.each<[string, Answer]>([
    ['cannot be reached', unplugged],
    ['answers 503', broken()],
    ['gives no keys', json({ keys: [] })],
  ])('cannot be told where the issuer %s', async (_, answer) => {
    answers.keys = answer;
    for (let n = 0; n < 10; n++) {
      const error = await errorOf(() => issuerKeys.find(`made up ${String(n)}`));
      expectRefused(error, 'issuer_unavailable');
      expect((error as IssuerUnavailableError).headers['Retry-After']).toMatch(/^[1-9]\d*$/);
    }
    expect(requests).toEqual({ metadata: 1, keys: 2 });
    expect(kidsOf(issuerKeys.peek('first'))).toEqual(['first']);
  });

  it('is found after an outage, by the refresh that ends it', async () => {
    answers.keys = unplugged;
    await refuses(() => issuerKeys.find('third'), 'issuer_unavailable');
    publish(first, third);
    clock.advance(minute);
    expect(await kidsFound('third')).toEqual(['third']);
    expect(requests).toEqual({ metadata: 1, keys: 3 });
  });

  it('is found after a rotation that put every key away, while the old ones stay good', async () => {
    publish(third);
    expect(await kidsFound('third')).toEqual(['third']);
    expect(kidsOf(issuerKeys.peek('first'))).toEqual(['first']);
    expect(kidsOf(issuerKeys.peek('second'))).toEqual(['second']);
  });

  it.each(['__proto__', 'constructor', 'toString', ''])('is unknown even where it is %j', async (kid) => {
    expect(await issuerKeys.find(kid)).toBeUndefined();
  });

  it('costs a cold key set one key request more than a known one', async () => {
    const cold = new IssuerKeys(authority, { fetch, now: clock.now, closing: closing.signal });
    requests = { metadata: 0, keys: 0 };
    expect(await cold.find('made up')).toBeUndefined();
    expect(await cold.find('made up too')).toBeUndefined();
    expect(requests).toEqual({ metadata: 1, keys: 2 });
  });
});

describe('malformed neighbours', () => {
  it('do a good key no harm', async () => {
    publish(null, 7, [], { kty: 'RSA', kid: 'first' }, { ...other, n: '!' }, first);
    expect(await kidsFound('first')).toEqual(['first']);
    expect(await issuerKeys.find('second')).toBeUndefined();
  });
});

describe('closing', () => {
  it('ends a download under way, and leaves what is at hand', async () => {
    await issuerKeys.ready();
    answers.keys = () => new Promise<Response>(() => undefined);
    const found = errorOf(() => issuerKeys.find('third'));
    await until(() => requests.keys === 2);
    closing.abort(new Error('The identity was closed.'));
    expectRefused(await found, 'issuer_unavailable');
    expect(kidsOf(issuerKeys.peek('first'))).toEqual(['first']);
  });
});
