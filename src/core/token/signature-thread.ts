/**
 * Chooses the thread that checks a signature.
 *
 * To hand one check to a thread of libuv's pool and to wake that thread takes more processor time than the check. To hand
 * over several at once takes less than to check each between two requests, and leaves the event loop to others meanwhile.
 * docs/performance.md has the figures.
 */
import { verify, type KeyObject } from 'node:crypto';
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';

/** A signature, and what it is checked with. */
export interface SignatureCheck {
  readonly signed: Buffer;
  readonly key: KeyObject;
  readonly signature: Buffer;
}

/** What the choice depends on; for specs. */
export interface Threads {
  /** Checks on the calling thread. */
  readonly here: (check: SignatureCheck) => boolean;
  /** Checks on a thread of the pool. Calls back once, in a later turn of the event loop. */
  readonly inPool: (check: SignatureCheck, answered: (error: Error | null, isValid: boolean) => void) => void;
  /** Calls back when the pool should have answered. Returns what stops that. */
  readonly afterLimit: (callback: () => void) => () => void;
  /** Calls back once this turn of the event loop ends. */
  readonly afterTurn: (callback: () => void) => void;
}

/** So many turns of the event loop are taken for busy after one in which several signatures were checked. */
const busyTurns = 16;

/** A look-up of a host name, for one, may occupy a thread for seconds. */
const poolLimitMs = 50;

/** So many checks may wait in the pool. One thread makes them within the limit. */
const mostInPool = 256;

// RFC 7518 §3.3: RS256 is RSASSA-PKCS1-v1_5 with SHA-256. That padding is node:crypto's default for RSA keys.
const hash = 'sha256';

// Kept as they are when this module is loaded: fake timers in tests replace the functions in node:timers too.
const timers = { clearTimeout, setImmediate, setTimeout };

export const threads: Threads = {
  here: ({ signed, key, signature }) => verify(hash, signed, key, signature),
  inPool({ signed, key, signature }, answered) {
    verify(hash, signed, key, signature, answered);
  },
  afterLimit(callback) {
    // After code that blocked the event loop, the answer of the pool is there and not read yet. Node reads it after its timers
    // and before its immediates.
    const limit = timers.setTimeout(timers.setImmediate, poolLimitMs, callback);
    return () => {
      timers.clearTimeout(limit);
    };
  },
  afterTurn: timers.setImmediate,
};

/** Checks signatures, on the thread that is the better one for it. */
export class SignatureThread {
  readonly #threads: Threads;
  /** The number of this turn of the event loop. */
  #turn = 0;
  /** How many were checked in this turn. */
  #count = 0;
  /** For how many more turns that have a check the event loop is taken for busy. */
  #busyTurns = 0;
  /** How many checks the pool has not answered. */
  #waiting = 0;
  /** Whether a check reached the limit, and the pool has answered none since. */
  #isPoolOccupied = false;

  constructor(given = threads) {
    this.#threads = given;
  }

  /** Whether a signature is valid. */
  isValid(check: SignatureCheck): boolean | Promise<boolean> {
    const turn = this.#turn;
    if (this.#count === 0) {
      this.#threads.afterTurn(() => {
        this.#endTurn(turn);
      });
    }
    this.#count++;
    const isForPool = this.#busyTurns > 0 && this.#waiting < mostInPool && !this.#isPoolOccupied;
    return isForPool ? this.#checkInPool(check, turn) : this.#threads.here(check);
  }

  #checkInPool(check: SignatureCheck, turn: number): Promise<boolean> {
    const { here, inPool, afterLimit } = this.#threads;
    return new Promise((resolve, reject) => {
      let isAnswered = false;
      inPool(check, (error, isValid) => {
        stop();
        isAnswered = true;
        this.#waiting--;
        this.#isPoolOccupied = false;
        // The turn is over, also where fake timers replace what calls back at its end.
        this.#endTurn(turn);
        if (error === null) resolve(isValid);
        else reject(error);
      });
      this.#waiting++;
      const stop = afterLimit(() => {
        if (isAnswered) return;
        this.#isPoolOccupied = true;
        // In a promise of its own, which rejects with what is thrown.
        resolve(
          new Promise<boolean>((done) => {
            done(here(check));
          }),
        );
      });
    });
  }

  #endTurn(turn: number): void {
    if (turn !== this.#turn) return;
    this.#turn++;
    this.#busyTurns = this.#count > 1 ? busyTurns : Math.max(this.#busyTurns - 1, 0);
    this.#count = 0;
  }
}
