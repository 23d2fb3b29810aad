import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { downstreamChannel, type DownstreamEvent } from '../../src/core/channels.js';
import type { TokenStore } from '../../src/core/configuration/token-store.js';
import { InteractionRequiredError, TokenUnavailableError } from '../../src/downstream/errors.js';
import { minute, second, until } from '../support/clock.js';
import { ofApp, ofUser, outcomeOf, play } from '../support/downstream-tokens.js';
import { forgetWarnings } from '../support/isolation.js';
import { timedClock, type TimedClock } from '../support/timer.js';

/** A store that works, in this process. */
function memoryStore(clock: TimedClock) {
  const values = new Map<string, { readonly value: string; readonly ttlMs: number; readonly untilMs: number }>();
  const leases = new Map<string, number>();
  const log: string[] = [];
  const store = {
    get: vi.fn((key: string) => {
      log.push('get');
      const entry = values.get(key);
      return Promise.resolve(entry !== undefined && clock.now() < entry.untilMs ? entry.value : null);
    }),
    set: vi.fn((key: string, value: string, ttlMs: number) => {
      log.push('set');
      values.set(key, { value, ttlMs, untilMs: clock.now() + ttlMs });
      return Promise.resolve('OK');
    }),
    claim: vi.fn((key: string, ttlMs: number) => {
      log.push('claim');
      if ((leases.get(key) ?? 0) > clock.now()) return Promise.resolve(false);
      leases.set(key, clock.now() + ttlMs);
      return Promise.resolve(true);
    }),
    release: vi.fn((key: string) => {
      log.push('release');
      return Promise.resolve(leases.delete(key));
    }),
  } satisfies TokenStore;
  return { store, values, leases, log };
}

function processes(count: number, differs: Partial<Record<keyof TokenStore, unknown>> = {}) {
  const clock = timedClock();
  const memory = memoryStore(clock);
  const store = { ...memory.store, ...differs } as TokenStore;
  const all = Array.from({ length: count }, () => play({ store, clock }));
  return {
    ...memory,
    clock,
    all,
    played: all[0] ?? play({ store, clock }),
    asked: () => all.flatMap(({ asked }) => asked),
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
async function turns(): Promise<void> {
  for (let count = 0; count < 10; count++) await turn();
}

const tokenOf = (outcome: unknown) => (outcome as { readonly token: string }).token;

const events: DownstreamEvent[] = [];
const hear = (event: unknown) => events.push(event as DownstreamEvent);
const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
beforeEach(() => {
  events.length = 0;
  subscribe(downstreamChannel.name, hear);
  forgetWarnings();
  warn.mockClear();
});
afterEach(() => {
  unsubscribe(downstreamChannel.name, hear);
});
const told = () => events.map(({ milliseconds: _, ...event }) => event);

describe('a token in the store', () => {
  it('is asked for by one process and found by another', async () => {
    const { all, asked, clock, log } = processes(2);
    const [first, second] = all;
    await first?.obtain(() => first.tokens.ofUser(ofUser('ann', clock)));
    await until(() => log.includes('release'));
    expect(log).toEqual(['get', 'claim', 'get', 'set', 'release']);
    expect(tokenOf(await second?.tokens.ofUser(ofUser('ann', clock)))).toBe('token-1');
    expect(second?.tokens.ofUser(ofUser('ann', clock))).toHaveProperty('token', 'token-1');
    expect([log.slice(5), asked().length]).toEqual([['get'], 1]);
    expect(told()).toEqual([
      { api: 'graph', as: 'user', source: 'authority', outcome: 'obtained' },
      { api: 'graph', as: 'user', source: 'store', outcome: 'obtained' },
      { api: 'graph', as: 'user', source: 'memory', outcome: 'obtained' },
    ]);
  });

  it('is kept until a minute before it expires', async () => {
    const { played, values, clock } = processes(1);
    await played.obtain(() => played.tokens.ofUser(ofUser('ann', clock)));
    await until(() => values.size === 1);
    expect([...values.values()]).toMatchObject([{ ttlMs: 59 * minute }]);
  });

  it("is kept no longer than the user's own token is valid", async () => {
    const { played, values, clock } = processes(1);
    const request = ofUser('ann', clock, { assertionExpiresAtMs: clock.now() + 10 * minute + 0.5 });
    await played.obtain(() => played.tokens.ofUser(request));
    await until(() => values.size === 1);
    expect([...values.values()]).toMatchObject([{ ttlMs: 10 * minute }]);
  });

  it('is not kept where it is not used for any time', async () => {
    const { played, store, log, clock } = processes(1);
    await played.obtain(() => played.tokens.ofUser(ofUser('ann', clock)), { expiresInSeconds: 60 });
    await until(() => log.includes('release'));
    expect(store.set).not.toHaveBeenCalled();
  });

  it('is never one of the application itself', async () => {
    const { played, log } = processes(1);
    await played.obtain(() => played.tokens.ofApplication(ofApp()));
    await turns();
    expect(log).toEqual([]);
  });

  it('is not found for another user, tenant or scope', async () => {
    const { all, asked, clock } = processes(2);
    const [first, second] = all;
    await first?.obtain(() => first.tokens.ofUser(ofUser('ann', clock)));
    for (const request of [
      ofUser('bob', clock),
      ofUser('ann', clock, { tenant: 'b' }),
      ofUser('ann', clock, { scopes: ['b'] }),
    ]) {
      await second?.obtain(() => second.tokens.ofUser(request));
    }
    expect(asked()).toHaveLength(4);
  });

  it.each(['garbage', 'v1.AAAA', '', '{"token":"forged","expiresAt":9e15,"refreshAt":9e15}'])(
    'that does not open is a miss, and is overwritten: %j',
    async (garbage) => {
      const { played, store, values, clock } = processes(1);
      store.get.mockImplementation((key) => Promise.resolve(values.get(key)?.value ?? garbage));
      expect(tokenOf(await played.obtain(() => played.tokens.ofUser(ofUser('ann', clock))))).toBe('token-1');
      await until(() => values.size === 1);
      const other = play({ store, clock });
      expect(tokenOf(await other.tokens.ofUser(ofUser('ann', clock)))).toBe('token-1');
      expect(warn).not.toHaveBeenCalled();
    },
  );

  it('of another user that was moved to this name is a miss', async () => {
    const { played, store, values, clock } = processes(1);
    await played.obtain(() => played.tokens.ofUser(ofUser('bob', clock)));
    await until(() => values.size === 1);
    const [moved] = values.values();
    store.get.mockImplementation(() => Promise.resolve(moved?.value ?? null));
    const other = play({ store, clock });
    expect(tokenOf(await other.obtain(() => other.tokens.ofUser(ofUser('ann', clock)), { token: 'of ann' }))).toBe(
      'of ann',
    );
  });

  it('is replaced where claims are asked for, without a look at the store', async () => {
    const { all, log, clock } = processes(3);
    const [first, second, third] = all;
    await first?.obtain(() => first.tokens.ofUser(ofUser('ann', clock)));
    await until(() => log.includes('release'));
    log.length = 0;
    await second?.obtain(() => second.tokens.ofUser(ofUser('ann', clock, { claims: '{}' })), { token: 'with claims' });
    await turns();
    expect(log).toEqual(['set']);
    expect(tokenOf(await third?.tokens.ofUser(ofUser('ann', clock)))).toBe('with claims');
  });

  it('is found also while the authority asks to be left alone', async () => {
    const { all, log, clock } = processes(2);
    const [first, second] = all;
    await first?.obtain(() => first.tokens.ofUser(ofUser('ann', clock)));
    await until(() => log.includes('release'));
    const refused = outcomeOf(() => second?.tokens.ofUser(ofUser('bob', clock)));
    (await second?.untilAsked(1))?.fail(new TokenUnavailableError({ retryAfterSeconds: 60 }));
    await refused;
    expect(tokenOf(await second?.tokens.ofUser(ofUser('ann', clock)))).toBe('token-1');
    expect(await outcomeOf(() => second?.tokens.ofUser(ofUser('cleo', clock)))).toBeInstanceOf(TokenUnavailableError);
  });
});

describe('a process that waits for another', () => {
  it('looks again after pauses from 20 to 200 ms, and takes the token that it finds', async () => {
    const { all, asked, clock, store, log } = processes(2);
    const [first, second] = all;
    const ann = ofUser('ann', clock);
    const early = first?.tokens.ofUser(ann);
    await first?.untilAsked(1);
    const late = second?.tokens.ofUser(ann);
    await until(() => log.length === 6);
    const pauses: number[] = [];
    for (let round = 1; round <= 6; round++) {
      await turns();
      const before = store.claim.mock.calls.length;
      let pause = 0;
      for (; store.claim.mock.calls.length === before && pause < 300; pause += 20) {
        clock.advance(20);
        await turns();
      }
      pauses.push(pause);
      if (round === 5) first?.asked[0]?.answer();
    }
    expect(pauses).toEqual([20, 40, 80, 160, 200, 200]);
    expect([tokenOf(await early), tokenOf(await late), asked().length]).toEqual(['token-1', 'token-1', 1]);
  });

  it('asks by itself as soon as the other gave up', async () => {
    const { all, asked, clock, leases } = processes(2);
    const [first, second] = all;
    const ann = ofUser('ann', clock);
    const early = outcomeOf(() => first?.tokens.ofUser(ann));
    const refused = await first?.untilAsked(1);
    const late = second?.tokens.ofUser(ann);
    await turns();
    refused?.fail(new InteractionRequiredError());
    expect(await early).toBeInstanceOf(InteractionRequiredError);
    await until(() => leases.size === 0);
    clock.advance(20);
    (await second?.untilAsked(1))?.answer();
    expect([tokenOf(await late), asked().length]).toEqual(['token-1', 2]);
  });

  it('asks by itself after a second', async () => {
    const { all, clock, leases } = processes(2);
    const [, second] = all;
    const ann = ofUser('ann', clock);
    void all[0]?.tokens.ofUser(ann);
    await all[0]?.untilAsked(1);
    const late = second?.tokens.ofUser(ann);
    for (let waitedMs = 0; waitedMs < 1000; waitedMs += 20) {
      await turns();
      expect(second?.asked).toHaveLength(0);
      clock.advance(20);
    }
    (await second?.untilAsked(1))?.answer({ token: 'by itself' });
    expect(tokenOf(await late)).toBe('by itself');
    await turns();
    expect(leases.size).toBe(1);
  });

  it('waits also where it was busy while the store answered', async () => {
    const { all, asked, clock, store } = processes(2);
    const [first, second] = all;
    const ann = ofUser('ann', clock);
    const early = first?.tokens.ofUser(ann);
    await first?.untilAsked(1);
    const now = vi.spyOn(performance, 'now');
    store.get.mockImplementationOnce(() => {
      now.mockReturnValue(performance.now() + 374);
      return Promise.resolve(null);
    });
    const late = second?.tokens.ofUser(ann);
    await turns();
    now.mockRestore();
    expect([store.claim.mock.calls.length, asked().length]).toEqual([2, 1]);
    first?.asked[0]?.answer();
    await turns();
    clock.advance(20);
    expect([tokenOf(await early), tokenOf(await late), asked().length]).toEqual(['token-1', 'token-1', 1]);
  });

  it('looks once more where it was busy while it looked for the last time', async () => {
    const { all, asked, clock, store } = processes(2);
    const [first, second] = all;
    const ann = ofUser('ann', clock);
    const early = first?.tokens.ofUser(ann);
    await first?.untilAsked(1);
    const late = second?.tokens.ofUser(ann);
    await turns();
    const now = vi.spyOn(performance, 'now');
    store.claim.mockImplementationOnce(() => {
      now.mockReturnValue(performance.now() + 1000);
      first?.asked[0]?.answer();
      return turns().then(() => false);
    });
    store.get.mockResolvedValueOnce(null);
    clock.advance(20);
    await turns();
    await turns();
    now.mockRestore();
    expect(asked()).toHaveLength(1);
    expect([tokenOf(await late), tokenOf(await early)]).toEqual(['token-1', 'token-1']);
  });

  it('is each process but one, however many there are', async () => {
    const { all, asked, clock } = processes(4);
    const calls = all.flatMap(({ tokens }) =>
      Array.from({ length: 25 }, async () => tokens.ofUser(ofUser('ann', clock))),
    );
    await until(() => asked().length === 1);
    await turns();
    asked()[0]?.answer();
    await turns();
    clock.advance(20);
    expect(new Set((await Promise.all(calls)).map(tokenOf))).toEqual(new Set(['token-1']));
    expect(asked()).toHaveLength(1);
  });

  it('is none where the store has no claims', async () => {
    const { all, asked, clock, log } = processes(2, { claim: undefined, release: undefined });
    const calls = all.map(async ({ tokens }) => tokens.ofUser(ofUser('ann', clock)));
    await until(() => asked().length === 2);
    for (const { answer } of asked()) answer();
    await Promise.all(calls);
    await turns();
    expect(log).toEqual(['get', 'get', 'set', 'set']);
  });

  it('does not give back a claim that ran out', async () => {
    const { played, clock, store } = processes(1);
    const now = vi.spyOn(performance, 'now');
    const call = played.tokens.ofUser(ofUser('ann', clock));
    const asked = await played.untilAsked(1);
    now.mockReturnValue(performance.now() + 5 * second);
    asked.answer();
    await call;
    await turns();
    now.mockRestore();
    expect([store.set.mock.calls.length, store.release.mock.calls.length]).toEqual([1, 0]);
  });
});

describe('a renewal', () => {
  it('is found in the store where another process renewed the token', async () => {
    const { all, asked, clock } = processes(2);
    for (const { tokens, obtain } of all.slice(0, 1)) await obtain(() => tokens.ofUser(ofUser('ann', clock)));
    await turns();
    await all[1]?.tokens.ofUser(ofUser('ann', clock));
    clock.advance(55 * minute);
    const ann = ofUser('ann', clock);
    void all[0]?.tokens.ofUser(ann);
    (await all[0]?.untilAsked(2))?.answer();
    await turns();
    expect(all[1]?.tokens.ofUser(ann)).toHaveProperty('token', 'token-1');
    await until(() => tokenOf(all[1]?.tokens.ofUser(ann)) === 'token-2');
    expect(asked()).toHaveLength(2);
  });

  it('is left to the process that began it', async () => {
    const { all, asked, clock, log } = processes(2);
    for (const { tokens, obtain } of all.slice(0, 1)) await obtain(() => tokens.ofUser(ofUser('ann', clock)));
    await turns();
    await all[1]?.tokens.ofUser(ofUser('ann', clock));
    clock.advance(55 * minute);
    const ann = ofUser('ann', clock);
    void all[0]?.tokens.ofUser(ann);
    const renewal = await all[0]?.untilAsked(2);
    log.length = 0;
    void all[1]?.tokens.ofUser(ann);
    await turns();
    expect(log).toEqual(['get', 'claim', 'get']);
    renewal?.answer();
    await turns();
    clock.advance(5 * second - 1);
    expect(all[1]?.tokens.ofUser(ann)).toHaveProperty('token', 'token-1');
    await turns();
    expect(all[1]?.tokens.ofUser(ann)).toHaveProperty('token', 'token-1');
    clock.advance(1);
    void all[1]?.tokens.ofUser(ann);
    await until(() => tokenOf(all[1]?.tokens.ofUser(ann)) === 'token-2');
    expect(asked()).toHaveLength(2);
  });
});

describe('a call that comes while a renewal is left to another process', () => {
  it.each(Array.from({ length: 40 }, (_, index) => index))('gets a token, %i steps after its start', async (steps) => {
    const { played, clock, store } = processes(1);
    await played.obtain(() => played.tokens.ofUser(ofUser('ann', clock)));
    await turns();
    clock.advance(58 * minute);
    const ann = ofUser('ann', clock);
    store.claim.mockResolvedValueOnce(false);
    void played.tokens.ofUser(ann);
    for (let step = 0; step < steps; step++) await Promise.resolve();
    clock.advance(minute);
    const call = outcomeOf(() => played.tokens.ofUser(ann));
    await turns();
    clock.advance(20);
    (await played.untilAsked(2)).answer();
    expect(tokenOf(await call)).toBe('token-2');
  });
});

describe('a store that fails', () => {
  const never = () => new Promise(() => undefined);
  const throwing = () => {
    throw new Error('down');
  };
  const rejecting = () => Promise.reject(new Error('down'));
  const garbage = () => Promise.resolve(7);

  it.each([
    ['get', throwing],
    ['get', rejecting],
    ['get', garbage],
    ['claim', throwing],
    ['claim', rejecting],
    ['claim', garbage],
    ['set', throwing],
    ['set', rejecting],
    ['release', throwing],
    ['release', rejecting],
  ] as const)('at %s costs no call anything (%o)', async (method, fault) => {
    const { played, clock } = processes(1, { [method]: fault });
    expect(tokenOf(await played.obtain(() => played.tokens.ofUser(ofUser('ann', clock))))).toBe('token-1');
    await turns();
    expect(told()).toContainEqual({ api: 'graph', as: 'user', source: 'store', outcome: 'failed' });
    expect(told().filter(({ source }) => source === 'store')).toHaveLength(1);
    expect(warn).toHaveBeenCalledOnce();
  });

  it.each(['get', 'claim'] as const)('by hanging at %s costs 250 ms, and nothing for a second', async (method) => {
    const { played, clock, store } = processes(1, { [method]: never });
    const ann = outcomeOf(() => played.tokens.ofUser(ofUser('ann', clock)));
    await until(() => clock.waiting > 0);
    await turns();
    expect(played.asked).toHaveLength(0);
    clock.advance(250);
    (await played.untilAsked(1)).answer();
    expect(tokenOf(await ann)).toBe('token-1');
    clock.advance(999);
    await played.obtain(() => played.tokens.ofUser(ofUser('bob', clock)));
    expect(store.set).not.toHaveBeenCalled();
    expect(warn).toHaveBeenCalledOnce();
  });

  it('by hanging at set or release costs nothing', async () => {
    const { played, clock } = processes(1, { set: never, release: never });
    expect(tokenOf(await played.obtain(() => played.tokens.ofUser(ofUser('ann', clock))))).toBe('token-1');
    expect(played.tokens.ofUser(ofUser('ann', clock))).toHaveProperty('token', 'token-1');
  });

  it('is used again when it works again', async () => {
    const { played, clock, store, values } = processes(1);
    store.get.mockRejectedValueOnce(new Error('down'));
    await played.obtain(() => played.tokens.ofUser(ofUser('ann', clock)));
    await turns();
    expect(values.size).toBe(0);
    clock.advance(1000);
    await played.obtain(() => played.tokens.ofUser(ofUser('bob', clock)));
    await until(() => values.size === 1);
  });
});

describe('an identity that is closed', () => {
  it('keeps nothing in the store of what was under way', async () => {
    const { played, clock, store } = processes(1);
    const call = outcomeOf(() => played.tokens.ofUser(ofUser('ann', clock)));
    const asked = await played.untilAsked(1);
    played.close();
    asked.answer();
    expect(await call).toBeInstanceOf(TokenUnavailableError);
    await turns();
    expect(store.set).not.toHaveBeenCalled();
  });

  it('asks no authority after the store has answered', async () => {
    let answer: (value: null) => void = () => undefined;
    const { played, clock } = processes(1, { get: () => new Promise((resolve) => (answer = resolve)) });
    const call = outcomeOf(() => played.tokens.ofUser(ofUser('ann', clock)));
    await turns();
    played.close();
    expect(await call).toBeInstanceOf(TokenUnavailableError);
    answer(null);
    await turns();
    answer(null);
    await turns();
    expect(played.asked).toHaveLength(0);
  });
});

describe('the channel of downstream tokens', () => {
  it('hears of refusals and failures by their codes, and of no user, tenant or scope', async () => {
    const { played, clock } = processes(1);
    const refused = Object.assign(new InteractionRequiredError(), { aadsts: 50_173 });
    for (const [name, error] of [
      ['ann', refused],
      ['bob', new TokenUnavailableError({ retryAfterSeconds: 9 })],
    ] as const) {
      const call = outcomeOf(() => played.tokens.ofUser(ofUser(name, clock)));
      (await played.untilAsked(name === 'ann' ? 1 : 2)).fail(error);
      await call;
    }
    for (const name of ['ann', 'cleo']) await outcomeOf(() => played.tokens.ofUser(ofUser(name, clock)));
    const common = { api: 'graph', as: 'user' };
    expect(told()).toEqual([
      { ...common, source: 'authority', outcome: 'refused', code: 'interaction_required', aadsts: 50_173 },
      { ...common, source: 'authority', outcome: 'failed', code: 'token_unavailable' },
      { ...common, source: 'memory', outcome: 'refused', code: 'interaction_required', aadsts: 50_173 },
      { ...common, source: 'memory', outcome: 'failed', code: 'token_unavailable' },
    ]);
    for (const event of events) expect(event.milliseconds).toBeGreaterThanOrEqual(0);
  });
});
