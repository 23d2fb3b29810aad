import { describe, expect, it } from 'vitest';
import { hasPassed, LastKnownGood } from '../../../src/core/keys/last-known-good.js';
import { fakeClock, hour, minute, second, until } from '../../support/clock.js';
import { errorOf } from '../../support/refusals.js';

const day = 24 * hour;

/** A value whose loads are counted, and answered as the test says. */
function setUp() {
  const clock = fakeClock();
  const source = {
    loads: 0,
    given: undefined as string | undefined,
    answer: (): Promise<string> => Promise.resolve(`value ${String(source.loads)}`),
  };
  const value = new LastKnownGood<string>((previous) => {
    source.loads++;
    source.given = previous;
    return source.answer();
  }, clock.now);
  const fail = (error: Error = new Error('down')) => {
    source.answer = () => Promise.reject(error);
    return error;
  };
  const recover = () => {
    source.answer = () => Promise.resolve('recovered');
  };
  const settled = () => until(() => value.flight === undefined);
  return { clock, source, value, fail, recover, settled };
}

describe('hasPassed', () => {
  it.each<[number, number, number, boolean]>([
    [10, 100, 109, false],
    [10, 100, 110, true],
    [10, 100, 111, true],
    [10, 100, 100, false],
    [10, 100, 99, true],
    [0, 100, 100, true],
  ])('says of %i ms since %i, at %i: %s', (span, since, now, expected) => {
    expect(hasPassed(span, since, now)).toBe(expected);
  });
});

describe('the first load', () => {
  it('waits for somebody to ask', async () => {
    const { value, source } = setUp();
    expect(value.peek()).toBeUndefined();
    expect(source.loads).toBe(0);
    expect(await value.get()).toBe('value 1');
    expect(value.peek()).toBe('value 1');
  });

  it('is one, however many wait for it', async () => {
    const { value, source } = setUp();
    expect(await Promise.all([value.get(), value.get(), value.refresh(), value.get()])).toEqual(
      Array.from({ length: 4 }, () => 'value 1'),
    );
    expect(source.loads).toBe(1);
  });

  it('fails once for all who wait for it', async () => {
    const { value, source, fail } = setUp();
    const error = fail();
    expect(await Promise.all([errorOf(() => value.get()), errorOf(() => value.get())])).toEqual([error, error]);
    expect(source.loads).toBe(1);
    expect(value.failure?.error).toBe(error);
  });
});

describe('a load', () => {
  it('is given the last good value, however old and whatever failed since', async () => {
    const { value, source, clock, fail, recover } = setUp();
    await value.get();
    expect(source.given).toBeUndefined();
    fail();
    clock.advance(2 * day);
    await errorOf(() => value.get());
    expect(source.given).toBe('value 1');
    recover();
    clock.advance(minute);
    await value.get();
    expect(source.given).toBe('value 1');
    await value.refresh();
    expect(source.given).toBe('recovered');
  });
});

describe('a refresh', () => {
  it('is not due within the hour', async () => {
    const { value, source, clock } = setUp();
    await value.get();
    clock.advance(hour - 1);
    expect(value.peek()).toBe('value 1');
    expect(await value.get()).toBe('value 1');
    expect(source.loads).toBe(1);
  });

  it('happens behind the back of the first who asks after about an hour', async () => {
    const { value, source, clock, settled } = setUp();
    await value.get();
    clock.advance(1.1 * hour);
    expect(source.loads).toBe(1);
    expect([value.peek(), value.peek(), await value.get()]).toEqual(['value 1', 'value 1', 'value 1']);
    expect(source.loads).toBe(2);
    await settled();
    expect(value.peek()).toBe('value 2');
    clock.advance(hour - 1);
    expect(value.peek()).toBe('value 2');
    expect(source.loads).toBe(2);
  });

  it('holds nobody up while it hangs, and is not started twice', async () => {
    const { value, source, clock } = setUp();
    await value.get();
    source.answer = () => new Promise(() => undefined);
    clock.advance(2 * hour);
    for (let round = 0; round < 3; round++) {
      expect(await value.get()).toBe('value 1');
      clock.advance(hour);
    }
    expect(source.loads).toBe(2);
  });

  it('does not set out at the same moment everywhere', async () => {
    const dueAt = new Set<number>();
    for (let process = 0; process < 20; process++) {
      const { value, source, clock } = setUp();
      await value.get();
      const start = clock.now();
      clock.advance(hour);
      for (value.peek(); source.loads === 1; value.peek()) clock.advance(10 * second);
      dueAt.add(clock.now() - start);
    }
    expect(dueAt.size).toBeGreaterThan(1);
    expect(Math.max(...dueAt)).toBeLessThanOrEqual(1.1 * hour + 10 * second);
  });
});

describe('a failure', () => {
  it('keeps the last good value for 24 hours, and no longer', async () => {
    const { value, clock, fail, settled } = setUp();
    await value.get();
    const error = fail();
    for (let hours = 2; hours < 24; hours += 2) {
      clock.advance(2 * hour);
      expect(await value.get()).toBe('value 1');
      await settled();
    }
    clock.advance(2 * hour - 1);
    expect(value.peek()).toBe('value 1');
    await settled();
    clock.advance(1);
    expect(value.peek()).toBeUndefined();
    expect(await errorOf(() => value.get())).toBe(error);
  });

  it('keeps a value for 24 hours from when it was last seen, not first', async () => {
    const { value, clock, fail, settled } = setUp();
    await value.get();
    clock.advance(20 * hour);
    value.peek();
    await settled();
    fail();
    clock.advance(day - 1);
    expect(value.peek()).toBe('value 2');
    await settled();
  });

  it('is not tried again before 1, 2, 4 … 60 seconds have passed', async () => {
    const { value, source, clock, fail } = setUp();
    const error = fail();
    await errorOf(() => value.get());
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      const { loads } = source;
      clock.advance(seconds * second - 1);
      expect(await errorOf(() => value.get())).toBe(error);
      expect(source.loads).toBe(loads);
      clock.advance(1);
      await errorOf(() => value.get());
      expect(source.loads).toBe(loads + 1);
    }
  });

  it('is not tried again before that behind the back of those who have a value either', async () => {
    const { value, source, clock, fail, settled } = setUp();
    await value.get();
    fail();
    clock.advance(2 * hour);
    value.peek();
    await settled();
    clock.advance(second - 1);
    value.peek();
    expect(source.loads).toBe(2);
    clock.advance(1);
    expect(value.peek()).toBe('value 1');
    expect(source.loads).toBe(3);
    await settled();
  });

  it('is forgotten when a load succeeds', async () => {
    const { value, source, clock, fail, recover } = setUp();
    for (let count = 0; count < 5; count++) {
      fail();
      await errorOf(() => value.get());
      clock.advance(minute);
    }
    recover();
    expect(await value.get()).toBe('recovered');
    expect(value.failure).toBeUndefined();
    const { loads } = source;
    fail();
    await errorOf(() => value.refresh());
    clock.advance(second);
    value.peek();
    expect(source.loads).toBe(loads + 2);
    await until(() => value.flight === undefined);
  });

  it('lets those who ask during its back-off wait for a load that is under way', async () => {
    const { value, source, fail, recover } = setUp();
    fail();
    await errorOf(() => value.get());
    recover();
    const refreshed = value.refresh();
    expect(await Promise.all([value.get(), value.get(), refreshed])).toEqual(
      Array.from({ length: 3 }, () => 'recovered'),
    );
    expect(source.loads).toBe(2);
  });

  it('may have no error, and is a failure all the same', async () => {
    const { value, source, clock, fail } = setUp();
    fail(null as unknown as Error);
    expect(await errorOf(() => value.get())).toBeNull();
    expect(value.failure).toMatchObject({ error: null });
    expect(value.retryAfterSeconds).toBe(1);
    clock.advance(second - 1);
    expect(await errorOf(() => value.get())).toBeNull();
    expect(source.loads).toBe(1);
  });

  it('leaves the source alone for as long as it asks', async () => {
    const { value, source, clock, fail } = setUp();
    fail(Object.assign(new Error('busy'), { retryAfterSeconds: 120 }));
    await errorOf(() => value.get());
    clock.advance(2 * minute - 1);
    await errorOf(() => value.get());
    expect(source.loads).toBe(1);
    clock.advance(1);
    await errorOf(() => value.get());
    expect(source.loads).toBe(2);
  });
});

describe('retryAfterSeconds', () => {
  it('is 1 where nothing failed', () => {
    expect(setUp().value.retryAfterSeconds).toBe(1);
  });

  it('is what remains, in whole seconds, and never less than 1', async () => {
    const { value, clock, fail } = setUp();
    fail(Object.assign(new Error('busy'), { retryAfterSeconds: 90 }));
    await errorOf(() => value.get());
    expect(value.retryAfterSeconds).toBe(90);
    clock.advance(500);
    expect(value.retryAfterSeconds).toBe(90);
    clock.advance(500);
    expect(value.retryAfterSeconds).toBe(89);
    clock.advance(88.5 * second);
    expect(value.retryAfterSeconds).toBe(1);
    clock.advance(hour);
    expect(value.retryAfterSeconds).toBe(1);
  });

  it('is not more than the whole when the clock is set backwards', async () => {
    const { value, clock, fail } = setUp();
    fail(Object.assign(new Error('busy'), { retryAfterSeconds: 90 }));
    await errorOf(() => value.get());
    clock.advance(-day);
    expect(value.retryAfterSeconds).toBe(90);
  });
});

describe('a clock that is set backwards', () => {
  it('neither loses the value nor keeps it from being refreshed', async () => {
    const { value, source, clock, settled } = setUp();
    await value.get();
    clock.advance(-365 * day);
    expect(value.peek()).toBe('value 1');
    expect(source.loads).toBe(2);
    await settled();
    expect(value.peek()).toBe('value 2');
    clock.advance(1.1 * hour);
    value.peek();
    expect(source.loads).toBe(3);
    await settled();
  });

  it('does not make a back-off last for ever', async () => {
    const { value, source, clock, fail, recover } = setUp();
    fail();
    await errorOf(() => value.get());
    clock.advance(-365 * day);
    recover();
    expect(await value.get()).toBe('recovered');
    expect(source.loads).toBe(2);
  });
});
