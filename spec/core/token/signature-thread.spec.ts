import { generateKeyPairSync, pbkdf2, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
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
    inPool(check) {
      places.push('pool');
      return threads.inPool(check);
    },
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
  return { turn };
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
    const { turn } = startTurns();
    turn(valid, valid);
    let areOccupied = true;
    const occupied = Array.from({ length: 8 }, () => {
      return new Promise<void>((resolve) => {
        pbkdf2('password', 'salt', 600_000, 64, 'sha512', () => {
          areOccupied = false;
          resolve();
        });
      });
    });
    const { places, verdicts } = turn(valid, forged);
    expect(places).toEqual(['pool', 'pool']);
    expect(await settled(verdicts)).toEqual([true, false]);
    expect(areOccupied).toBe(true);
    await Promise.all(occupied);
  });

  it('hands on what goes wrong in the pool', async () => {
    const { turn } = startTurns({ inPool: () => Promise.reject(new Error('of the pool')) });
    turn(valid, valid);
    await expect(turn(valid).verdicts[0]).rejects.toThrow('of the pool');
    const notRsa = { ...valid, key: {} as SignatureCheck['key'] };
    await expect(threads.inPool(notRsa)).rejects.toThrow(TypeError);
  });

  it('comes to the same verdict on either', async () => {
    const changed = (at: number) => {
      const signature = Buffer.from(valid.signature);
      signature[at] = (signature[at] ?? 0) ^ 1;
      return { ...valid, signature };
    };
    const checks = [valid, forged, ...Array.from({ length: 256 }, (_, at) => changed(at))];
    const lengths = [0, 1, 255, 257].map((length) => ({ ...valid, signature: Buffer.alloc(length, 1) }));
    for (const check of [...checks, ...lengths]) {
      expect(await threads.inPool(check)).toBe(threads.here(check));
    }
  });
});
