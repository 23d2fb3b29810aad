/** Everything that goes wrong between an API and its issuer: valid callers pass while a good key is in hand. */
import { fork } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import 'reflect-metadata';
import { Get, JsonController } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMicrosoftIdentity, initialize, RequiresAuth } from '../../src/index.js';
import { startTestIssuer, type Fault, type TestIssuer } from '../../src/testing.js';
import { expectRefusal, serve, type Api } from '../support/api.js';

@JsonController()
class ProtectedController {
  @Get('/protected')
  @RequiresAuth()
  protected() {
    return {};
  }
}

const minute = 60_000;
const hour = 60 * minute;

let clock: number;
let issuer: TestIssuer;
let api: Api;

beforeAll(async () => {
  api = await serve([ProtectedController]);
});
beforeEach(async () => {
  clock = Date.UTC(2026, 0, 1);
  issuer = await startTestIssuer({ now: () => clock });
  initialize({ ...issuer.options, now: () => clock });
});
afterEach(() => issuer.close());
afterAll(() => api.close());

const call = async (token = issuer.token()) => api.call('/protected', { token: await token });
const fresh = () => issuer.token({ uti: crypto.randomUUID() });
const status = async (token: Promise<string>) => (await call(token)).status;

/** Waits, without a clock, until something that is under way has happened. */
async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise((resolve) => setImmediate(resolve));
}

/** A refresh that set out during the fault may still come to its bad end: that costs one more back-off. */
async function recovers(): Promise<void> {
  const answers: number[] = [];
  while (answers.at(-1) !== 200 && answers.length < 3) {
    clock += minute;
    answers.push(await status(fresh()));
  }
  expect(answers.at(-1)).toBe(200);
}

const strangerJwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
const weakJwk = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });

interface KeySetDocument {
  readonly keys: readonly Record<string, unknown>[];
}
const withKeys = (change: (keys: KeySetDocument['keys']) => readonly unknown[]): Fault => ({
  on: 'keys',
  body: (document) => ({ keys: change((document as unknown as KeySetDocument).keys) }),
});

/** Answers with bytes that never make a document. */
const endless: Fault['answer'] = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  const chunk = Buffer.alloc(64 * 1024, ' ');
  const pump = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', pump);
  pump();
};

const faults: readonly [string, Fault][] = [
  ['connection reset', { down: true }],
  ['404', { status: 404, body: '{}' }],
  ['429 without Retry-After', { status: 429, body: '{}' }],
  ['429 with Retry-After', { status: 429, headers: { 'retry-after': '30' }, body: '{}' }],
  ['500', { status: 500, body: 'oops' }],
  ['503', { status: 503 }],
  ['204', { status: 204, body: '' }],
  ['a redirect', { status: 302, headers: { location: '/elsewhere' } }],
  ['HTML', { headers: { 'content-type': 'text/html' }, body: '<html>A captive portal.</html>' }],
  ['truncated JSON', { body: '{"issuer":"http' }],
  ['an empty body', { body: '' }],
  ['null', { body: 'null' }],
  ['a list', { body: '[]' }],
  ['a body beyond the bound', { body: ' '.repeat(1024 * 1024 + 1) }],
  ['a body without end', { answer: endless }],
  ['a gzip bomb', { headers: { 'content-encoding': 'gzip' }, body: gzipSync(Buffer.alloc(50 * 1024 * 1024, ' ')) }],
  ['a body that is not the gzip it says', { headers: { 'content-encoding': 'gzip' }, body: '{}' }],
  ['bytes that are not UTF-8', { body: Buffer.from([0x7b, 0xff, 0x7d]) }],
  ['an empty key set', withKeys(() => [])],
  ['a key set without usable keys', withKeys(() => [{ kty: 'RSA' }, null, 7, { ...weakJwk, kid: 'weak' }])],
  ['a key set with too many keys', withKeys((keys) => Array.from({ length: 201 }, () => keys[0]))],
  ['a key set that is no list', { on: 'keys', body: '{"keys":{"0":{}}}' }],
  [
    'metadata of a foreign issuer',
    { on: 'metadata', body: (d) => ({ ...d, issuer: 'https://stranger.example/v2.0' }) },
  ],
  [
    'metadata of another tenant',
    { on: 'metadata', body: (d) => ({ ...d, issuer: `${issuer.url}/aaaaaaaa-0000-4000-8000-00000000000a/v2.0` }) },
  ],
  ['metadata without an issuer', { on: 'metadata', body: (d) => ({ ...d, issuer: undefined }) }],
  [
    'keys over plain http',
    { on: 'metadata', body: (d) => ({ ...d, jwks_uri: 'http://login.microsoftonline.com/keys' }) },
  ],
  ['keys on a foreign host', { on: 'metadata', body: (d) => ({ ...d, jwks_uri: 'https://stranger.example/keys' }) }],
  ['keys in a file', { on: 'metadata', body: (d) => ({ ...d, jwks_uri: 'file:///etc/passwd' }) }],
  ['keys nowhere', { on: 'metadata', body: (d) => ({ ...d, jwks_uri: 'keys' }) }],
];

describe.each(faults)('%s', (_, fault) => {
  it('answers 503 while there is no good key, and recovers by itself', async () => {
    issuer.setFault(fault);
    expectRefusal(await call(), 'issuer_unavailable');
    expectRefusal(await call(fresh()), 'issuer_unavailable');
    issuer.setFault();
    clock += minute;
    expect(await status(fresh())).toBe(200);
  });

  it('keeps valid callers going for 24 hours once a good key was in hand, and no longer', async () => {
    expect(await status(fresh())).toBe(200);
    issuer.setFault(fault);
    const before = { ...issuer.requests };
    for (let hours = 2; hours < 24; hours += 5) {
      clock = Date.UTC(2026, 0, 1) + hours * hour;
      expect(await status(fresh())).toBe(200);
    }
    await until(() => issuer.requests.metadata + issuer.requests.keys > before.metadata + before.keys);
    clock = Date.UTC(2026, 0, 2);
    expectRefusal(await call(fresh()), 'issuer_unavailable');
    issuer.setFault();
    await recovers();
  });

  it('answers 503 to a kid that nobody can look up, and 200 once somebody can', async () => {
    expect(await status(fresh())).toBe(200);
    await issuer.rotateKeys();
    issuer.setFault(fault);
    // With its key set reachable, the issuer's metadata is not even asked for.
    if (fault.on !== 'metadata') {
      expectRefusal(await call(fresh()), 'issuer_unavailable');
      issuer.setFault();
      clock += 5 * minute;
    }
    expect(await status(fresh())).toBe(200);
  });
});

describe('a server that does not answer in time', () => {
  const silences: readonly [string, Fault['answer']][] = [
    ['says nothing', () => undefined],
    [
      'sends its headers and nothing after them',
      (response) => {
        response.writeHead(200).flushHeaders();
      },
    ],
    [
      'drips its body',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"keys":[');
      },
    ],
  ];
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each(silences)('is given up on: one that %s', async (_, answer) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    issuer.setFault({ answer: (response) => answer?.(response) });
    const refused = call();
    await until(() => issuer.requests.metadata === 1);
    await vi.advanceTimersByTimeAsync(4_999);
    let isSettled = false;
    void refused.then(() => (isSettled = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isSettled).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expectRefusal(await refused, 'issuer_unavailable');
    issuer.setFault();
    clock += minute;
    expect(await status(fresh())).toBe(200);
  });

  it.each(silences)('does not hold up callers whose key is in hand: one that %s', async (_, answer) => {
    expect(await status(fresh())).toBe(200);
    issuer.setFault({ answer: (response) => answer?.(response) });
    clock += 2 * hour;
    expect(await status(fresh())).toBe(200);
  });
});

describe('connection refused', () => {
  it('is answered with 503 when cold, and is outlived when warm', async () => {
    const other = await startTestIssuer({ now: () => clock });
    const options = { ...other.options, now: () => clock };
    initialize(options);
    const token = await other.token({ exp: Math.floor(clock / 1000) + 100_000 });
    expect(await status(Promise.resolve(token))).toBe(200);
    await other.close();
    clock += 23 * hour;
    expect(await status(Promise.resolve(token))).toBe(200);
    clock += hour;
    expectRefusal(await call(Promise.resolve(token)), 'issuer_unavailable');
    initialize(options);
    expectRefusal(await call(Promise.resolve(token)), 'issuer_unavailable');
  });
});

describe('429 with Retry-After', () => {
  it('is passed on, and the issuer left alone until then', async () => {
    issuer.setFault({ status: 429, headers: { 'retry-after': '120' } });
    expect((await call()).headers['retry-after']).toBe('120');
    clock += 119_000;
    const answer = await call();
    expectRefusal(answer, 'issuer_unavailable');
    expect(answer.headers['retry-after']).toBe('1');
    expect(issuer.requests.metadata).toBe(1);
    issuer.setFault();
    clock += 1_000;
    expect(await status(fresh())).toBe(200);
  });

  it('does not let the issuer ask for more than 5 minutes', async () => {
    issuer.setFault({ status: 429, headers: { 'retry-after': '86400' } });
    expect((await call()).headers['retry-after']).toBe('300');
  });
});

describe('damaged key sets', () => {
  it.each<[string, Fault]>([
    ['a malformed member', withKeys((keys) => [{ kty: 'RSA', kid: 7 }, ...keys])],
    ['members of other types', withKeys((keys) => [null, 1, 'key', [], {}, ...keys])],
    ['a weak key', withKeys((keys) => [{ ...weakJwk, kid: 'weak', use: 'sig' }, ...keys])],
    ['a key for encryption', withKeys((keys) => [{ ...strangerJwk, kid: 'enc', use: 'enc' }, ...keys])],
    ['an elliptic curve key', withKeys((keys) => [{ kty: 'EC', crv: 'P-256', kid: 'ec' }, ...keys])],
    ['a kid that stands twice, the good one last', withKeys((keys) => [{ ...keys[0], n: strangerJwk.n }, ...keys])],
    ['a kid that stands twice, the good one first', withKeys((keys) => [...keys, { ...keys[0], n: strangerJwk.n }])],
    ['a kid that stands twice, once malformed', withKeys((keys) => [{ ...keys[0], n: '!' }, ...keys])],
    ['the same key twice', withKeys((keys) => [...keys, ...keys])],
  ])('do their good keys no harm: %s', async (_, fault) => {
    issuer.setFault(fault);
    expect(await status(fresh())).toBe(200);
  });

  it.each<[string, Record<string, unknown>]>([
    ['a private member', { d: 'AQAB' }],
    ['another use', { use: 'enc' }],
    ['another algorithm', { alg: 'PS256' }],
    ['an even exponent', { e: 'AQAA' }],
    ['an exponent of 3', { e: 'Aw' }],
    ['a padded modulus', { n: `${String(strangerJwk.n)}==` }],
    ['an issuer that is no text', { issuer: 7 }],
  ])('are not used where the one key has %s', async (_, member) => {
    issuer.setFault(
      withKeys((keys) => [
        { ...strangerJwk, kid: 'stranger' },
        { ...keys[0], ...member },
      ]),
    );
    expectRefusal(await call(fresh()), { invalidToken: 'key' });
  });

  it.each<[string, (d: Record<string, unknown>) => Record<string, unknown>, string]>([
    ['another tenant', () => ({ issuer: `${issuer.url}/aaaaaaaa-0000-4000-8000-00000000000a/v2.0` }), 'key'],
    ['personal accounts', () => ({ issuer: `${issuer.url}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0` }), 'key'],
  ])('keep a key that names %s from speaking for this tenant', async (_, member, reason) => {
    issuer.setFault(withKeys((keys) => keys.map((key) => ({ ...key, ...member(key) }))));
    expectRefusal(await call(fresh()), { invalidToken: reason });
  });

  it('refuse a key of another cloud than the metadata', async () => {
    const cloud = (name: string): Fault => ({
      body: (d) =>
        'keys' in d
          ? { keys: (d as unknown as KeySetDocument).keys.map((key) => ({ ...key, cloud_instance_name: name })) }
          : { ...d, cloud_instance_name: 'microsoftonline.com' },
    });
    issuer.setFault(cloud('microsoftonline.us'));
    expectRefusal(await call(fresh()), { invalidToken: 'key' });
    initialize({ ...issuer.options, now: () => clock });
    issuer.setFault(cloud('microsoftonline.com'));
    expect(await status(fresh())).toBe(200);
  });

  it('let a v1.0 token pass with a key that names the v2.0 issuer', async () => {
    issuer.setFault(withKeys((keys) => keys.map((key) => ({ ...key, issuer: `${issuer.url}/{tenantid}/v2.0` }))));
    expect(await status(issuer.v1Token())).toBe(200);
    expect(issuer.requests).toEqual({ metadata: 2, keys: 1, tokens: 0 });
  });
});

describe('roll-over', () => {
  it('lets the first token of a new key pass, in the same request', async () => {
    expect(await status(fresh())).toBe(200);
    await issuer.rotateKeys();
    expect(await status(fresh())).toBe(200);
    expect(issuer.requests).toEqual({ metadata: 1, keys: 2, tokens: 0 });
  });

  it('keeps a key that went missing for 24 hours', async () => {
    const old = await issuer.token({ exp: Math.floor(clock / 1000) + 200_000 });
    expect(await status(Promise.resolve(old))).toBe(200);
    await issuer.rotateKeys();
    clock += 20 * hour;
    expect(await status(fresh())).toBe(200);
    clock += 3 * hour;
    expect(await status(Promise.resolve(old))).toBe(200);
    clock += hour;
    expectRefusal(await call(Promise.resolve(old)), { invalidToken: 'key' });
    expect(await status(fresh())).toBe(200);
  });

  it('makes a second new key wait for at most 5 minutes', async () => {
    expect(await status(fresh())).toBe(200);
    await issuer.rotateKeys();
    expect(await status(fresh())).toBe(200);
    await issuer.rotateKeys();
    clock += 5 * minute - 1;
    expectRefusal(await call(fresh()), { invalidToken: 'key' });
    clock += 1;
    expect(await status(fresh())).toBe(200);
  });

  it('is noticed in mid-flight: 200 requests with new tokens cost one more key request', async () => {
    expect(await status(fresh())).toBe(200);
    await issuer.rotateKeys();
    const answers = await Promise.all(Array.from({ length: 200 }, () => status(fresh())));
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(issuer.requests).toEqual({ metadata: 1, keys: 2, tokens: 0 });
  });

  it('costs the issuer two key requests for 1,000 made-up kids, while valid callers pass', async () => {
    const codes = new Set<number>();
    for (let batch = 0; batch < 20; batch++) {
      const made = Array.from({ length: 50 }, () => status(issuer.token({}, { kid: crypto.randomUUID() })));
      const [valid, ...others] = await Promise.all([status(fresh()), ...made]);
      expect(valid).toBe(200);
      for (const code of others) codes.add(code);
    }
    expect(codes).toEqual(new Set([401]));
    expect(issuer.requests).toEqual({ metadata: 1, keys: 2, tokens: 0 });
  });

  it('is not slowed down by key sets that flap', async () => {
    // Front ends that disagree: a generated timeline of two days in which every second answer lacks the newer key.
    const old = await issuer.token({ exp: Math.floor(clock / 1000) + 300_000 });
    expect(await status(Promise.resolve(old))).toBe(200);
    const response = await fetch(`${issuer.url}/${issuer.options.tenantId}/discovery/v2.0/keys`);
    const [oldKey] = ((await response.json()) as KeySetDocument).keys;
    await issuer.rotateKeys();
    let turn = 0;
    issuer.setFault(withKeys((keys) => (turn++ % 2 === 0 ? [...keys, oldKey] : [oldKey])));
    for (let hours = 0; hours < 48; hours++) {
      clock += hour;
      expect(await status(fresh())).toBe(200);
      expect(await status(Promise.resolve(old))).toBe(200);
    }
    expect(turn).toBeGreaterThan(20);
  });
});

describe('the clock', () => {
  it('may be set back without ending refreshes', async () => {
    expect(await status(fresh())).toBe(200);
    clock -= 48 * hour;
    expect(await status(fresh())).toBe(200);
    await issuer.rotateKeys();
    expect(await status(fresh())).toBe(200);
    clock -= hour;
    await issuer.rotateKeys();
    expect(await status(fresh())).toBe(200);
  });

  it('may be set back in the middle of an outage', async () => {
    issuer.setFault({ down: true });
    expectRefusal(await call(), 'issuer_unavailable');
    issuer.setFault();
    clock -= hour;
    expect(await status(fresh())).toBe(200);
  });

  it('makes a refresh due after about an hour, once, in the background', async () => {
    expect(await status(fresh())).toBe(200);
    clock += hour - 1;
    expect(await status(fresh())).toBe(200);
    expect(issuer.requests).toEqual({ metadata: 1, keys: 1, tokens: 0 });
    clock += hour / 10 + 1;
    await Promise.all(Array.from({ length: 50 }, () => status(fresh())));
    await until(() => issuer.requests.keys === 2 && issuer.requests.metadata === 2);
    await Promise.all(Array.from({ length: 50 }, () => status(fresh())));
    expect(issuer.requests).toEqual({ metadata: 2, keys: 2, tokens: 0 });
  });
});

describe('backing off', () => {
  it('asks a failing issuer ever less often, up to once a minute', async () => {
    issuer.setFault({ on: 'metadata', status: 500 });
    const asked: number[] = [];
    for (let second = 0; second < 600; second++) {
      await call();
      asked.push(issuer.requests.metadata);
      clock += 1_000;
    }
    // 1, 2, 4, 8, 16, 32 seconds apart, then every 60.
    expect(asked[0]).toBe(1);
    expect(asked.at(-1)).toBe(7 + Math.floor((600 - 63 - 1) / 60));
  });
});

describe('ready and close', () => {
  it('warms up, so that the first request costs no more fetches', async () => {
    await initialize({ ...issuer.options, b2c: issuer.b2cOptions, now: () => clock }).ready();
    expect(issuer.requests).toEqual({ metadata: 3, keys: 3, tokens: 0 });
    expect(await status(fresh())).toBe(200);
    expect(issuer.requests).toEqual({ metadata: 3, keys: 3, tokens: 0 });
  });

  it('fails loudly at start-up, naming the cause and the option', async () => {
    issuer.setFault({ on: 'metadata', status: 404 });
    await expect(initialize(issuer.options).ready()).rejects.toMatchObject({
      code: 'issuer_unavailable',
      message: expect.stringMatching(/answered 404.*tenantId and instance/) as string,
      cause: expect.objectContaining({ name: 'DownloadError' }) as Error,
    });
    await expect(createMicrosoftIdentity({ b2c: issuer.b2cOptions }).ready()).rejects.toThrow('b2c.policies');
  });

  it('ends downloads that are under way, and the callers who wait for them', async () => {
    issuer.setFault({ answer: () => undefined });
    const identity = initialize({ ...issuer.options, now: () => clock });
    const refused = call();
    await until(() => issuer.requests.metadata === 1);
    identity.close();
    expectRefusal(await refused, 'issuer_unavailable');
    expectRefusal(await call(), 'issuer_unavailable');
  });

  it('does not keep a process alive', async () => {
    const script = `
      import { initialize } from 'microsoft-identity-decorators';
      const identity = initialize(${JSON.stringify(issuer.options)});
      await identity.ready();
      console.log('ready');`;
    const child = fork('-', {
      execArgv: ['--input-type=module', '-e', script],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    child.disconnect();
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(0);
  });
});

describe('a key document of 100 MB', () => {
  it('grows the process by less than 50 MB', async () => {
    let sent = 0;
    issuer.setFault({
      on: 'keys',
      answer: (response) => {
        const chunk = Buffer.alloc(1024 * 1024, ' ');
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 * chunk.length });
        const pump = () => {
          while (!response.destroyed && sent < 100) {
            sent++;
            if (!response.write(chunk)) return;
          }
        };
        response.on('drain', pump);
        pump();
      },
    });
    const script = `
      import { initialize } from 'microsoft-identity-decorators';
      const before = process.memoryUsage.rss();
      const failure = await initialize(${JSON.stringify(issuer.options)}).ready().catch((error) => error);
      process.send({ message: failure.message, grownBy: process.memoryUsage.rss() - before });
      process.disconnect();`;
    const child = fork('-', { execArgv: ['--input-type=module', '-e', script] });
    const [report] = (await once(child, 'message')) as [{ message: string; grownBy: number }];
    expect(report.message).toContain('more than 1048576 bytes');
    expect(report.grownBy).toBeLessThan(50 * 1024 * 1024);
    expect(sent).toBeLessThan(100);
  });
});
