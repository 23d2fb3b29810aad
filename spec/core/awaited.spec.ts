import { describe, expect, it } from 'vitest';
import { andThen, isThenable, whenSettled } from '../../src/core/awaited.js';
import { errorOf } from '../support/refusals.js';

/** The least that `await` takes for a promise: its `then` returns nothing. */
const minimalThenable = <T>(value: T): PromiseLike<T> =>
  ({
    then(onFulfilled: (value: T) => unknown) {
      setImmediate(onFulfilled, value);
    },
  }) as unknown as PromiseLike<T>;

const callableThenable = Object.assign(() => undefined, { then: () => undefined });

describe('isThenable', () => {
  it.each<[string, unknown, boolean]>([
    ['a native promise', Promise.resolve(1), true],
    ['an object with a function then', minimalThenable(1), true],
    ['a function with a function then', callableThenable, true],
    ['an object whose then is text', { then: 'now' }, false],
    ['an object without then', { value: 1 }, false],
    ['a function', () => undefined, false],
    ['text', 'then', false],
    ['undefined', undefined, false],
    ['null', null, false],
  ])('says of %s: %s', (_, value, expected) => {
    expect(isThenable(value)).toBe(expected);
  });
});

describe('andThen', () => {
  it('answers without a promise where nothing has to be awaited', () => {
    expect(andThen(20, (value) => value + 1)).toBe(21);
    expect(andThen(undefined, (value) => value)).toBeUndefined();
  });

  it('gives what the next step gives, also where that is a promise', async () => {
    const next = Promise.resolve(21);
    expect(andThen(20, () => next)).toBe(next);
    expect(await andThen(Promise.resolve(20), async (value) => Promise.resolve(value + 1))).toBe(21);
  });

  it.each<[string, () => PromiseLike<number>]>([
    ['a native promise', () => Promise.resolve(20)],
    ['a thenable whose then returns nothing', () => minimalThenable(20)],
  ])('waits for %s', async (_, make) => {
    const seen: number[] = [];
    const result = andThen(make(), (value) => {
      seen.push(value);
      return value + 1;
    });
    expect(seen).toEqual([]);
    expect(await result).toBe(21);
    expect(seen).toEqual([20]);
  });

  it('throws at once what the next step throws at once', () => {
    const error = new Error('refused');
    expect(() =>
      andThen(1, () => {
        throw error;
      }),
    ).toThrow(error);
  });

  it('rejects where the promise or the next step does', async () => {
    const error = new Error('refused');
    const fail = () => {
      throw error;
    };
    expect(await errorOf(() => andThen(Promise.reject(error), () => 1))).toBe(error);
    const late = andThen(Promise.resolve(1), fail);
    expect(isThenable(late)).toBe(true);
    expect(await errorOf(() => late)).toBe(error);
  });
});

describe('whenSettled', () => {
  const fulfilled = (value: number) => value + 1;
  const rejected = (error: unknown) => ['rejected', error];

  it.each<[string, () => PromiseLike<number>]>([
    ['a native promise', () => Promise.resolve(20)],
    ['a thenable whose then returns nothing', () => minimalThenable(20)],
    [
      'a native promise whose own then returns nothing',
      () => Object.assign(Promise.resolve(20), { then: () => undefined }),
    ],
  ])('passes what %s is fulfilled with to the first step', async (_, make) => {
    await expect(whenSettled(make(), fulfilled, rejected)).resolves.toBe(21);
  });

  it('passes a rejection to the second step, also where it has no reason', async () => {
    const error = new Error('down');
    await expect(whenSettled(Promise.reject(error), fulfilled, rejected)).resolves.toEqual(['rejected', error]);
    const withoutReason = {
      then: (_: unknown, reject: () => void) => {
        reject();
      },
    } as unknown as PromiseLike<number>;
    await expect(whenSettled(withoutReason, fulfilled, rejected)).resolves.toEqual(['rejected', undefined]);
  });

  it('passes an error of the first step to nobody else', async () => {
    const error = new Error('refused');
    const throws = () => {
      throw error;
    };
    await expect(whenSettled(Promise.resolve(20), throws, rejected)).rejects.toBe(error);
  });
});
