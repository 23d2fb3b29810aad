import { generateKeyPairSync, pbkdf2, sign } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import {
  SignatureThread,
  threads,
  type SignatureCheck,
  type Threads,
} from '../../../src/core/token/signature-thread.js';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const signed = Buffer.from('header.payload');
const valid: SignatureCheck = { signed, key: publicKey, signature: sign('sha256', signed, privateKey) };
const forged: SignatureCheck = { ...valid, signed: Buffer.from('header.PAYLOAD') };

const settled = (verdicts: readonly (boolean | Promise<boolean>)[]) =>
  Promise.all(verdicts.map((verdict) => Promise.resolve(verdict)));

/** A thread whose turns of the event loop end when the spec says so. */
function startTurns(given: Partial<Threads> = {}) {
  const places: string[] = [];
  const afterTurn: (() => void)[] = [];
  const thread = new SignatureThread({
    here(check) {
      places.push('here');
      return threads.here(check);
    },
    inPool(check, answered) {
      places.push('pool');
      threads.inPool(check, answered);
    },
    afterLimit: threads.afterLimit,
    afterTurn: (callback) => afterTurn.push(callback),
    ...given,
  });
  /** Checks in one turn. @returns where each was checked */
  const turn = (...checks: SignatureCheck[]) => {
    places.length = 0;
    const verdicts = checks.map((check) => thread.isValid(check));
    expect(afterTurn.length, 'asked for the end of a turn once').toBe(checks.length === 0 ? 0 : 1);
    for (const callback of afterTurn.splice(0)) callback();
    return { places: [...places], verdicts };
  };
  return { turn, places };
}

/** Occupies all threads of the pool. */
function occupyPool() {
  const pool = { isOccupied: true };
  const free = () => {
    pool.isOccupied = false;
  };
  const derived = Array.from({ length: 8 }, () => {
    return new Promise<void>((resolve) => {
      pbkdf2('password', 'salt', 600_000, 64, 'sha512', () => {
        free();
        resolve();
      });
    });
  });
  return { pool, freed: Promise.all(derived) };
}

describe('the thread that checks a signature', () => {
  it('is the calling one where signatures come one by one, however many', () => {
    const { turn } = startTurns();
    for (let count = 0; count < 20; count++) {
      expect(turn(valid)).toEqual({ places: ['here'], verdicts: [true] });
      expect(turn(forged)).toEqual({ places: ['here'], verdicts: [false] });
    }
  });

  it('is the calling one for all of the first turn: a loop that waits for nothing is one turn', () => {
    const { turn } = startTurns();
    expect(turn(valid, forged, valid).places).toEqual(['here', 'here', 'here']);
  });

  it('is one of the pool for sixteen turns after a turn that had several', async () => {
    const { turn } = startTurns();
    turn(valid, valid);
    for (let count = 0; count < 16; count++) {
      const check = count % 2 === 0 ? valid : forged;
      const { places, verdicts } = turn(check);
      expect(places).toEqual(['pool']);
      expect(await settled(verdicts)).toEqual([check === valid]);
    }
    expect(turn(valid)).toEqual({ places: ['here'], verdicts: [true] });
  });

  it('stays one of the pool as long as turns have several', async () => {
    const { turn } = startTurns();
    turn(valid, valid);
    for (let count = 0; count < 40; count++) {
      const { places, verdicts } = turn(valid, forged);
      expect(places).toEqual(['pool', 'pool']);
      expect(await settled(verdicts)).toEqual([true, false]);
    }
  });

  it('is the calling one after all where all of the pool are occupied', async () => {
    const { turn, places } = startTurns();
    turn(valid, valid);
    const { pool, freed } = occupyPool();
    const { verdicts } = turn(valid, forged);
    expect(await settled(verdicts)).toEqual([true, false]);
    expect([pool.isOccupied, ...places]).toEqual([true, 'pool', 'pool', 'here', 'here']);
    expect(turn(valid, forged), 'no other one waits').toEqual({ places: ['here', 'here'], verdicts: [true, false] });
    await freed;
    await nextTurn();
    expect(turn(valid).places, 'once the pool has answered').toEqual(['pool']);
  });

  it('is the calling one after all where fake timers came after the library', async () => {
    const { turn } = startTurns();
    turn(valid, valid);
    const fakes = [
      vi.spyOn(timers, 'setTimeout').mockReturnValue(undefined as never),
      vi.spyOn(timers, 'setImmediate').mockReturnValue(undefined as never),
    ];
    syncBuiltinESMExports();
    try {
      const { pool, freed } = occupyPool();
      const { verdicts } = turn(valid, forged);
      expect(await settled(verdicts)).toEqual([true, false]);
      expect(pool.isOccupied).toBe(true);
      await freed;
    } finally {
      for (const fake of fakes) fake.mockRestore();
      syncBuiltinESMExports();
    }
  });

  it('is one of the pool only, where other code blocks the event loop until the limit is over', async () => {
    const { turn, places } = startTurns();
    turn(valid, valid);
    const { verdicts } = turn(valid, forged);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    expect(await settled(verdicts)).toEqual([true, false]);
    await nextTurn();
    expect(places).toEqual(['pool', 'pool']);
  });

  it('is the calling one for those that the pool could not check within the limit', async () => {
    const { turn } = startTurns();
    turn(valid, valid);
    const { places, verdicts } = turn(...Array.from({ length: 258 }, () => valid));
    expect(places.filter((place) => place === 'pool')).toHaveLength(256);
    expect(places.slice(256)).toEqual(['here', 'here']);
    await settled(verdicts);
    expect(turn(valid).places).toEqual(['pool']);
  });

  it('is the calling one in the end where fake timers came before the library, so that no turn ends', async () => {
    let endTurn: () => void = () => undefined;
    const thread = new SignatureThread({
      ...threads,
      afterTurn(callback) {
        endTurn = callback;
      },
    });
    for (let count = 0; count < 2; count++) void thread.isValid(valid);
    endTurn();
    for (let count = 0; count < 16; count++) {
      const verdict = thread.isValid(valid);
      expect(verdict, `after ${String(count)} turns`).toBeInstanceOf(Promise);
      expect(await verdict).toBe(true);
    }
    expect(thread.isValid(valid)).toBe(true);
  });

  it('hands on what goes wrong in the pool', async () => {
    const { turn } = startTurns({
      inPool(_, answered) {
        setImmediate(answered, new Error('of the pool'), false);
      },
    });
    turn(valid, valid);
    await expect(turn(valid).verdicts[0]).rejects.toThrow('of the pool');
    const thread = startTurns();
    thread.turn(valid, valid);
    const notRsa = { ...valid, key: {} as SignatureCheck['key'] };
    for (let count = 0; count < 300; count++) {
      await expect(thread.turn(notRsa).verdicts[0]).rejects.toThrow(TypeError);
      await settled(thread.turn(forged, forged).verdicts);
    }
    expect(thread.turn(valid).places, 'none of those takes a place').toEqual(['pool']);
  });

  it('hands on what goes wrong at the limit', async () => {
    let isBroken = false;
    const { turn } = startTurns({
      here() {
        if (isBroken) throw new Error('here');
        return true;
      },
      inPool: () => undefined,
      afterLimit(callback) {
        setImmediate(callback);
        return () => undefined;
      },
    });
    turn(valid, valid);
    isBroken = true;
    await expect(turn(valid).verdicts[0]).rejects.toThrow('here');
  });

  it('comes to the same verdict on either', async () => {
    const changed = (at: number) => {
      const signature = Buffer.from(valid.signature);
      signature[at] = (signature[at] ?? 0) ^ 1;
      return { ...valid, signature };
    };
    const checks = [valid, forged, ...Array.from({ length: 256 }, (_, at) => changed(at))];
    const inPool = (check: SignatureCheck) =>
      new Promise((resolve) => {
        threads.inPool(check, (error, isValid) => {
          resolve(error ?? isValid);
        });
      });
    const lengths = [0, 1, 255, 257].map((length) => ({ ...valid, signature: Buffer.alloc(length, 1) }));
    for (const check of [...checks, ...lengths]) {
      expect(await inPool(check)).toBe(threads.here(check));
    }
  });
});
