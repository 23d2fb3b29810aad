import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TokenStore } from '../../src/core/configuration/token-store.js';
import { GuardedStore, type StoreFailure } from '../../src/downstream/token-store.js';
import { until } from '../support/clock.js';
import { forgetWarnings } from '../support/isolation.js';
import { timedClock } from '../support/timer.js';

const never = new Promise<never>(() => undefined);
const working: TokenStore = {
  get: (key) => Promise.resolve(`value of ${key}`),
  set: () => Promise.resolve('OK'),
  claim: () => Promise.resolve(true),
  release: () => Promise.resolve(1),
};

function guard(store: Partial<Record<keyof TokenStore, unknown>> = {}) {
  const clock = timedClock();
  const failures: StoreFailure[] = [];
  const guarded = { ...working, ...store } as TokenStore;
  const [get, set] = [vi.spyOn(guarded, 'get'), vi.spyOn(guarded, 'set')];
  const onFailure = (failure: StoreFailure) => failures.push(failure);
  return {
    clock,
    failures,
    get,
    set,
    store: new GuardedStore({ store: guarded, now: clock.now, timer: clock.timer, onFailure }),
  };
}

const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
beforeEach(() => {
  forgetWarnings();
  warn.mockClear();
});
afterEach(forgetWarnings);

/** How a promise settles, if it does while nothing but promises is waited for. */
async function settled(promise: Promise<unknown>): Promise<{ readonly value: unknown } | undefined> {
  let outcome: { readonly value: unknown } | undefined;
  void promise.then((value) => (outcome = { value }));
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  return outcome;
}

/** A rejection with whatever a store may reject with. */
function rejectedWith(reason: unknown): Promise<never> {
  return Promise.resolve().then(() => {
    throw reason;
  });
}

/** What throws where it is looked at. */
const unreadable = new Proxy(new Error('down'), {
  get: () => {
    throw new Error('unreadable');
  },
  getPrototypeOf: () => {
    throw new Error('unreadable');
  },
});

const faults: [string, unknown][] = [
  [
    'throws at once',
    () => {
      throw new Error('down');
    },
  ],
  ['rejects', () => Promise.reject(new Error('down'))],
  ['rejects with nothing', () => rejectedWith(undefined)],
  [
    'answers a thenable that throws',
    () => ({
      then: () => {
        throw new Error('down');
      },
    }),
  ],
];

describe('a store that works', () => {
  it('is asked, and answers', async () => {
    const { store, failures, clock } = guard();
    expect(await store.get('a', 'graph')).toBe('value of a');
    expect(await store.claim('a', 5000, 'graph')).toBe(true);
    await store.set('a', 'b', 1000, 'graph');
    await store.release('a', 'graph');
    expect([failures, clock.waiting, warn.mock.calls.length]).toEqual([[], 0, 0]);
  });

  it.each([undefined, null])('has no value where it answers %s', async (nothing) => {
    const { store, failures } = guard({ get: () => Promise.resolve(nothing) });
    expect([await store.get('a', 'graph'), failures]).toEqual([undefined, []]);
  });

  it('may answer without a promise', async () => {
    const { store } = guard({ get: () => 'at once', claim: () => false });
    expect([await store.get('a', 'graph'), await store.claim('a', 1, 'graph')]).toEqual(['at once', false]);
  });

  it('may have neither claims nor releases', async () => {
    const { store, failures } = guard({ claim: undefined, release: undefined });
    expect([store.hasClaims, await store.claim('a', 1, 'graph')]).toEqual([false, undefined]);
    await store.release('a', 'graph');
    expect(failures).toEqual([]);
  });
});

describe('a store that fails', () => {
  it.each(faults)('is left alone for a second where it %s', async (_, get) => {
    const guarded = guard({ get });
    const { store, clock, failures } = guarded;
    expect(await store.get('a', 'graph')).toBeUndefined();
    expect(failures).toEqual([{ api: 'graph', milliseconds: expect.any(Number) as number }]);
    clock.advance(999);
    expect(await store.get('a', 'graph')).toBeUndefined();
    await store.set('a', 'b', 1000, 'graph');
    expect([guarded.get.mock.calls.length, guarded.set.mock.calls.length]).toEqual([1, 0]);
    clock.advance(1);
    expect(await store.get('a', 'graph')).toBeUndefined();
    expect([guarded.get.mock.calls.length, failures.length, clock.waiting]).toEqual([2, 2, 0]);
  });

  it.each(['get', 'set', 'claim', 'release'] as const)(
    'reaches no caller, whatever it rejects with: %s',
    async (method) => {
      const { store, failures } = guard({ [method]: () => rejectedWith(unreadable) });
      await store.set('a', 'b', 1, 'graph');
      await store.get('a', 'graph');
      await store.claim('a', 1, 'graph');
      await store.release('a', 'graph');
      expect(failures).toHaveLength(1);
      expect(warn.mock.calls[0]?.[0]).toContain(`does not work: ${method} failed. Tokens`);
    },
  );

  it('reaches no caller where a method can no longer be read', async () => {
    const { now, timer } = timedClock();
    const onFailure = vi.fn();
    const given = { ...working };
    const store = new GuardedStore({ store: given, now, timer, onFailure });
    Object.defineProperty(given, 'release', {
      get: () => {
        throw new Error('down');
      },
    });
    await store.release('a', 'graph');
    expect(onFailure).toHaveBeenCalledOnce();
  });

  it.each([[1], [{}], [Buffer.from('text')], [Symbol('a')], [[]]])('gives no value: %o', async (garbage) => {
    const { store, failures } = guard({ get: () => Promise.resolve(garbage) });
    expect(await store.get('a', 'graph')).toBeUndefined();
    expect(failures).toHaveLength(1);
  });

  it.each([['OK'], [1], [null], [undefined]])('holds no claim: %o', async (garbage) => {
    const { store, failures } = guard({ claim: () => Promise.resolve(garbage) });
    expect(await store.claim('a', 1, 'graph')).toBeUndefined();
    expect(failures).toHaveLength(1);
  });

  it.each(['get', 'set', 'claim', 'release'] as const)('is waited for 250 ms at most: %s', async (method) => {
    const { store, clock, failures } = guard({ [method]: () => never });
    const calls = {
      get: () => store.get('a', 'graph'),
      set: () => store.set('a', 'b', 1, 'graph'),
      claim: () => store.claim('a', 1, 'graph'),
      release: () => store.release('a', 'graph'),
    };
    const answer = calls[method]();
    await until(() => clock.waiting === 1);
    clock.advance(249);
    expect(await settled(answer)).toBeUndefined();
    clock.advance(1);
    expect(await settled(answer)).toEqual({ value: undefined });
    expect([failures.length, clock.waiting]).toEqual([1, 0]);
  });

  it('is not heard where it answers or rejects too late', async () => {
    let reject: (error: Error) => void = () => undefined;
    const { store, clock, failures } = guard({ get: () => new Promise((_, fail) => (reject = fail)) });
    const answer = store.get('a', 'graph');
    await until(() => clock.waiting === 1);
    clock.advance(250);
    expect(await answer).toBeUndefined();
    reject(new Error('too late'));
    await settled(never);
    expect(failures).toHaveLength(1);
  });

  it('is tried again by one call, and by all once that one has an answer', async () => {
    const answers: ((value: string) => void)[] = [];
    const guarded = guard({ get: vi.fn(() => new Promise<string>((resolve) => answers.push(resolve))) });
    const { store, clock } = guarded;
    const failed = store.get('a', 'graph');
    await until(() => clock.waiting === 1);
    clock.advance(250);
    await failed;
    clock.advance(1000);
    const first = store.get('a', 'graph');
    expect(await store.get('b', 'graph')).toBeUndefined();
    await until(() => answers.length === 2);
    answers[1]?.('back');
    expect(await first).toBe('back');
    const [second, third] = [store.get('a', 'graph'), store.get('b', 'graph')];
    await until(() => answers.length === 4);
    answers[2]?.('x');
    answers[3]?.('y');
    expect([await second, await third]).toEqual(['x', 'y']);
  });

  it('stays left alone where a call from before the failure is answered', async () => {
    let answer: (value: string) => void = () => undefined;
    let count = 0;
    const get = () =>
      count++ === 0 ? new Promise((resolve) => (answer = resolve)) : Promise.reject(new Error('down'));
    const { store } = guard({ get });
    const early = store.get('a', 'graph');
    await store.get('b', 'graph');
    answer('late');
    expect(await early).toBe('late');
    expect(await store.get('c', 'graph')).toBeUndefined();
    expect(count).toBe(2);
  });

  it('is tried again where the clock was set back', async () => {
    const { store, clock, failures } = guard({ get: () => Promise.reject(new Error('down')) });
    await store.get('a', 'graph');
    clock.set(0);
    await store.get('a', 'graph');
    expect(failures).toHaveLength(2);
  });
});

describe('the warning of a store that fails', () => {
  it('is given once in the process, without what the store wrote', async () => {
    const secret = new Error('redis://user:the-password@host failed for key the-key');
    for (const get of [() => Promise.reject(secret), () => Promise.resolve(1)])
      await guard({ get }).store.get('a', 'graph');
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      'The store of downstream tokens does not work: get failed. Tokens are asked for without it, and it is tried again each second.',
      { type: 'MicrosoftIdentityWarning', code: 'store_failed' },
    );
  });

  it.each([
    [
      Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }),
      'get failed (ECONNREFUSED)',
    ],
    [new Error('WRONGTYPE Operation against a key'), 'get failed (WRONGTYPE)'],
    [Object.assign(new Error('lower case'), { code: 'the-key' }), 'get failed'],
    ['a text', 'get failed'],
  ])('names the code of the error: %s', async (error, text) => {
    await guard({ get: () => rejectedWith(error) }).store.get('a', 'graph');
    expect(warn.mock.calls[0]?.[0]).toContain(`does not work: ${text}. Tokens`);
  });

  it('names the limit that was passed, or the wrong type', async () => {
    const { store, clock } = guard({ set: () => never });
    const answer = store.set('a', 'b', 1, 'graph');
    await until(() => clock.waiting === 1);
    clock.advance(250);
    await answer;
    expect(warn.mock.calls[0]?.[0]).toContain('set took longer than 250 ms.');
    forgetWarnings();
    await guard({ claim: () => Promise.resolve('OK') }).store.claim('a', 1, 'graph');
    expect(warn.mock.calls[1]?.[0]).toContain('claim answered a value of another type.');
  });
});
