import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { unlessAborted, withinTime, type AbortSignalLike } from '../../src/core/abort.js';
import { errorOf } from '../support/refusals.js';

const pending = () => new Promise<never>(() => undefined);

/** A signal of another library, without a reason, and the listeners that it has. */
function foreignSignal() {
  const listeners = new Set<() => void>();
  const signal = {
    aborted: false,
    addEventListener: vi.fn((_type: 'abort', listener: () => void) => void listeners.add(listener)),
    removeEventListener: vi.fn((_type: 'abort', listener: () => void) => void listeners.delete(listener)),
  };
  return { signal: signal satisfies AbortSignalLike, listeners };
}

describe('unlessAborted', () => {
  it.each<[string, AbortSignalLike | undefined]>([
    ['no signal', undefined],
    ['a signal that is not aborted', new AbortController().signal],
  ])('gives the value of its work, with %s', async (_, signal) => {
    expect(await unlessAborted(signal, () => Promise.resolve('value'))).toBe('value');
  });

  it.each<[string, AbortSignalLike | undefined]>([
    ['no signal', undefined],
    ['a signal that is not aborted', new AbortController().signal],
  ])('rejects with the error of its work, with %s', async (_, signal) => {
    const error = new Error('failed');
    expect(await errorOf(() => unlessAborted(signal, () => Promise.reject(error)))).toBe(error);
  });

  it('does not begin its work where the signal is aborted already', async () => {
    const [reason, work] = [new Error('closed'), vi.fn(pending)];
    expect(await errorOf(() => unlessAborted(AbortSignal.abort(reason), work))).toBe(reason);
    expect(work).not.toHaveBeenCalled();
  });

  it('rejects with the reason of the signal, also where its work ignores the signal', async () => {
    const [controller, reason] = [new AbortController(), new Error('closed')];
    const outcome = errorOf(() => unlessAborted(controller.signal, pending));
    controller.abort(reason);
    expect(await outcome).toBe(reason);
  });

  it('rejects with an AbortError where the signal has no reason', async () => {
    const { signal, listeners } = foreignSignal();
    const outcome = errorOf(() => unlessAborted(signal, pending));
    expect(signal.addEventListener).toHaveBeenCalledExactlyOnceWith('abort', expect.any(Function));
    for (const listener of listeners) listener();
    expect(await outcome).toMatchObject({ name: 'AbortError', message: 'This operation was aborted' });
    const aborted = await errorOf(() => unlessAborted({ ...signal, aborted: true }, pending));
    expect(aborted).toMatchObject({ name: 'AbortError', message: 'This operation was aborted' });
  });

  it.each<[string, () => Promise<unknown>]>([
    ['its work is done', () => Promise.resolve('value')],
    ['its work fails', () => Promise.reject(new Error('failed'))],
  ])('leaves no listener on the signal once %s', async (_, work) => {
    const { signal, listeners } = foreignSignal();
    await unlessAborted(signal, work).catch(() => undefined);
    expect(signal.addEventListener).toHaveBeenCalledOnce();
    expect(signal.removeEventListener).toHaveBeenCalledExactlyOnceWith('abort', expect.any(Function));
    expect(listeners.size).toBe(0);
  });
});

describe('withinTime', () => {
  const late = new Error('late');
  const closed = new Error('closed');

  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('gives the value of work that ends in time, and stops its timer', async () => {
    const work = vi.fn(() => Promise.resolve('value'));
    expect(await withinTime(1_000, () => late, undefined, work)).toBe('value');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects at the limit, and aborts the signal of the work with the same error', async () => {
    let given: AbortSignal | undefined;
    const work = (signal: AbortSignal) => {
      given = signal;
      return pending();
    };
    const outcome = errorOf(() => withinTime(1_000, () => late, new AbortController().signal, work));
    vi.advanceTimersByTime(999);
    expect(given?.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(await outcome).toBe(late);
    expect(given?.reason).toBe(late);
  });

  it('rejects with the reason of the outer signal, and stops its timer', async () => {
    const outer = new AbortController();
    const outcome = errorOf(() => withinTime(1_000, () => late, outer.signal, pending));
    outer.abort(closed);
    expect(await outcome).toBe(closed);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('aborts the signal of the work with the reason of the outer signal', async () => {
    const outer = new AbortController();
    const work = vi.fn((_: AbortSignal) => pending());
    const outcome = errorOf(() => withinTime(1_000, () => late, outer.signal, work));
    outer.abort(closed);
    expect(await outcome).toBe(closed);
    expect(work.mock.calls[0]?.[0].reason).toBe(closed);
    expect(await errorOf(() => withinTime(1_000, () => late, outer.signal, work))).toBe(closed);
    expect(work).toHaveBeenCalledOnce();
  });

  it.each<[string, () => Promise<unknown>]>([
    ['its work is done', () => Promise.resolve('value')],
    ['its work fails', () => Promise.reject(new Error('failed'))],
  ])('leaves nothing on the outer signal once %s', async (_, work) => {
    const { signal, listeners } = foreignSignal();
    await withinTime(1_000, () => late, signal, work).catch(() => undefined);
    expect(signal.addEventListener).toHaveBeenCalledOnce();
    expect(listeners.size).toBe(0);
  });

  it('gives no warning of a leak, however many wait', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const outer = new AbortController();
    const outcomes = Array.from({ length: 20 }, () =>
      errorOf(() =>
        withinTime(
          1_000,
          () => late,
          outer.signal,
          () => unlessAborted(outer.signal, pending),
        ),
      ),
    );
    outer.abort(closed);
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set([closed]));
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });
});
