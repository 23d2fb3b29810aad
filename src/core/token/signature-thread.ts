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
  /** Checks on a thread of the pool, or on the calling one after all where those are occupied for too long. */
  readonly inPool: (check: SignatureCheck) => Promise<boolean>;
  /** Calls back once this turn of the event loop ends. */
  readonly afterTurn: (callback: () => void) => void;
}

/** So many turns of the event loop are taken for busy after one in which several signatures were checked. */
const busyTurns = 16;

/** A look-up of a host name, for one, may occupy a thread for seconds. */
const poolLimitMs = 50;

// RFC 7518 §3.3: RS256 is RSASSA-PKCS1-v1_5 with SHA-256. That padding is node:crypto's default for RSA keys.
const hash = 'sha256';

function checkHere({ signed, key, signature }: SignatureCheck): boolean {
  return verify(hash, signed, key, signature);
}

function checkInPool(check: SignatureCheck): Promise<boolean> {
  const { signed, key, signature } = check;
  return new Promise((resolve, reject) => {
    // In a promise of its own, which rejects with what is thrown.
    const checkAfterAll = () =>
      new Promise<boolean>((done) => {
        done(checkHere(check));
      });
    const limit = setTimeout(() => {
      resolve(checkAfterAll());
    }, poolLimitMs);
    verify(hash, signed, key, signature, (error, isValid) => {
      clearTimeout(limit);
      if (error === null) resolve(isValid);
      else reject(error);
    });
  });
}

export const threads: Threads = { here: checkHere, inPool: checkInPool, afterTurn: setImmediate };

/** Checks signatures, on the thread that is the better one for it. */
export class SignatureThread {
  readonly #threads: Threads;
  /** How many were checked in this turn of the event loop. */
  #count = 0;
  /** For how many more turns that have a check the event loop is taken for busy. */
  #busyTurns = 0;

  constructor(given = threads) {
    this.#threads = given;
  }

  /** Whether a signature is valid. */
  isValid(check: SignatureCheck): boolean | Promise<boolean> {
    const { here, inPool, afterTurn } = this.#threads;
    if (this.#count === 0) {
      afterTurn(() => {
        this.#endTurn();
      });
    }
    this.#count++;
    return this.#busyTurns === 0 ? here(check) : inPool(check);
  }

  #endTurn(): void {
    this.#busyTurns = this.#count > 1 ? busyTurns : Math.max(this.#busyTurns - 1, 0);
    this.#count = 0;
  }
}
