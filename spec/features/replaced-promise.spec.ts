/**
 * Libraries such as zone.js and Bluebird replace the global `Promise`. Async functions go on to return native promises,
 * which are then no instances of it.
 */
import 'reflect-metadata';
import { AsyncLocalStorage } from 'node:async_hooks';
import express from 'express';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createIdentity } from '../../src/core/identity.js';
import { requiresAuth } from '../../src/express.js';
import { ClaimCheck, getTokenClaims, initialize } from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { listen, type Api } from '../support/api.js';
import { hosts as expressHosts } from '../support/hosts/express.js';
import { hosts as fetchHosts } from '../support/hosts/fetch.js';
import { hosts as nestHosts } from '../support/hosts/nestjs.js';
import { hosts as routingControllersHosts } from '../support/hosts/routing-controllers.js';
import { refuses } from '../support/refusals.js';

const NativePromise = globalThis.Promise;

class SubclassedPromise<T> extends NativePromise<T> {}

/** A promise of another library: no instance of the native class, nor the other way round. */
class ForeignPromise<T> {
  readonly #native: Promise<T>;

  constructor(executor: ConstructorParameters<typeof NativePromise<T>>[0]) {
    this.#native = new NativePromise<T>(executor);
  }

  static resolve<T>(value: T | PromiseLike<T>): ForeignPromise<T> {
    return value instanceof ForeignPromise
      ? value
      : new ForeignPromise((resolve) => {
          resolve(value);
        });
  }

  static reject(error: unknown): ForeignPromise<never> {
    return ForeignPromise.resolve(NativePromise.reject(error as Error));
  }

  static all(values: Iterable<unknown>): ForeignPromise<unknown[]> {
    return ForeignPromise.resolve(NativePromise.all(values));
  }

  static race(values: Iterable<unknown>): ForeignPromise<unknown> {
    return ForeignPromise.resolve(NativePromise.race(values));
  }

  static allSettled(values: Iterable<unknown>): ForeignPromise<unknown[]> {
    return ForeignPromise.resolve(NativePromise.allSettled(values));
  }

  then<A, B>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): ForeignPromise<A | B> {
    return ForeignPromise.resolve(this.#native.then(onFulfilled, onRejected));
  }

  catch<B>(onRejected?: ((error: unknown) => B | PromiseLike<B>) | null): ForeignPromise<T | B> {
    return ForeignPromise.resolve(this.#native.catch(onRejected));
  }

  finally(onSettled?: (() => void) | null): ForeignPromise<T> {
    return ForeignPromise.resolve(this.#native.finally(onSettled));
  }
}

let issuer: TestIssuer;
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);

beforeAll(async () => {
  issuer = await startTestIssuer();
  process.on('unhandledRejection', onUnhandled);
});
afterEach(() => {
  globalThis.Promise = NativePromise;
});
afterAll(async () => {
  process.off('unhandledRejection', onUnhandled);
  await issuer.close();
});

/** Rejections count as unhandled once the microtasks of their turn are done. */
const nextTurn = () => new NativePromise((resolve) => setImmediate(resolve));

describe.each([
  ['a subclass', SubclassedPromise],
  ['a class of another library', ForeignPromise as unknown as PromiseConstructor],
])('with %s for the global Promise', (_, Replacement) => {
  const invalidKey =
    'Bearer error="invalid_token", error_description="The access token is not signed with a key of its issuer."';

  beforeEach(() => {
    globalThis.Promise = Replacement;
    unhandled.length = 0;
  });
  afterEach(async () => {
    await nextTurn();
    expect(unhandled).toEqual([]);
  });

  it('an async function returns no instance of it', () => {
    expect((async () => NativePromise.resolve())()).not.toBeInstanceOf(globalThis.Promise);
  });

  it('a token passes whose keys are not loaded, and passes without a promise when it comes back', async () => {
    const identity = createIdentity({ ...issuer.options, b2c: issuer.b2cOptions });
    const verify = (token: string, kind: 'entra' | 'b2c' | 'any') =>
      identity.authenticate({ headers: { authorization: `Bearer ${token}` } }, { scheme: { kind }, demands: [] });
    for (const [kind, token] of [
      ['entra', await issuer.token({ oid: 'ada' })],
      ['b2c', await issuer.b2cToken({ oid: 'ada' })],
      ['any', await issuer.v1Token({ oid: 'ada' })],
    ] as const) {
      expect(await verify(token, kind)).toMatchObject({ outcome: 'verified', token: { claims: { oid: 'ada' } } });
      expect(verify(token, kind)).toMatchObject({ outcome: 'cached', token: { claims: { oid: 'ada' } } });
    }
  });

  it('a made-up kid is refused, and verified once however many requests carry it', async () => {
    const identity = createIdentity(issuer.options);
    const headers = { authorization: `Bearer ${await issuer.token({}, { kid: 'made-up' })}` };
    const before = issuer.requests.keys;
    const verify = () => refuses(() => identity.authenticate({ headers }, { scheme: undefined, demands: [] }), 'key');
    await NativePromise.all([verify(), verify(), verify()]);
    expect(issuer.requests.keys - before).toBe(2);
  });

  describe.each([...routingControllersHosts, ...expressHosts, ...nestHosts, ...fetchHosts])('on $name', ({ start }) => {
    let api: Api;
    beforeEach(async () => {
      // Nothing is loaded for it.
      initialize({ ...issuer.options, b2c: issuer.b2cOptions });
      api = await start();
    });
    afterEach(() => api.close());

    it('a token passes whose keys are not loaded', async () => {
      const answer = await api.call('/claims', { token: await issuer.token({ oid: 'ada' }) });
      expect([answer.status, answer.body]).toEqual([200, { oid: 'ada', isSame: true }]);
    });

    it('a made-up kid is answered 401', async () => {
      const answer = await api.call('/claims', { token: await issuer.token({}, { kid: 'made-up' }) });
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, invalidKey]);
    });
  });
});

/**
 * As with zone.js: `then` is replaced for native promises too, and all callbacks wait in one queue. It is emptied in the
 * asynchronous context of the callback that came first.
 */
function withOneQueue(): () => void {
  const { prototype } = NativePromise;
  const then = Reflect.get(prototype, 'then') as (this: unknown, ...callbacks: unknown[]) => unknown;
  const queue: (() => void)[] = [];
  const drain = () => {
    while (queue.length > 0) queue.shift()?.();
  };
  const later = (callback: () => void) => {
    if (queue.push(callback) === 1) then.call(NativePromise.resolve(), drain);
  };
  const replacement = function (this: Promise<unknown>, ...callbacks: ((value: unknown) => unknown)[]) {
    return new NativePromise((resolve, reject: (error: Error) => void) => {
      const step = (callback: ((value: unknown) => unknown) | undefined, otherwise: (value: Error) => void) => {
        const call = (value: unknown) => {
          try {
            if (typeof callback === 'function') resolve(callback(value));
            else otherwise(value as Error);
          } catch (error) {
            reject(error as Error);
          }
        };
        return (value: unknown) => {
          later(() => {
            call(value);
          });
        };
      };
      then.call(this, step(callbacks[0], resolve), step(callbacks[1], reject));
    });
  };
  Reflect.defineProperty(prototype, 'then', { value: replacement });
  return () => {
    Reflect.defineProperty(prototype, 'then', { value: then });
  };
}

/** The callers of a test, by the `oid` of their tokens. */
const callers = ['ada', 'bob'];

/** A promise that is fulfilled once as many wait as there are callers, for all of them in one turn. */
function meetingOfAll(): () => Promise<void> {
  const waiting: (() => void)[] = [];
  return () =>
    new NativePromise((resolve) => {
      if (waiting.push(resolve) === callers.length) for (const go of waiting.splice(0)) go();
    });
}

describe('with one queue for the callbacks of all promises', () => {
  const storage = new AsyncLocalStorage<unknown>();
  let restore: () => void;
  beforeEach(() => {
    restore = withOneQueue();
  });
  afterEach(() => {
    restore();
  });

  const tokens = () => NativePromise.all(callers.map((oid) => issuer.token({ oid })));

  it('the application is asked in the asynchronous context of the request', async () => {
    const asked: unknown[] = [];
    const meet = meetingOfAll();
    const identity = createIdentity({
      ...issuer.options,
      tenantId: 'organizations',
      allowedTenants: async () => {
        await meet();
        return true;
      },
      claimCheck: ({ oid }) => asked.push([oid, storage.getStore()]) > 0,
    });
    const texts = await tokens();
    const authenticate = (text: string, index: number) =>
      storage.run(callers[index], async () => {
        await identity.authenticate(
          { headers: { authorization: `Bearer ${text}` } },
          { scheme: undefined, demands: [] },
        );
      });
    // First seen, and remembered.
    await NativePromise.all(texts.map(authenticate));
    await NativePromise.all(texts.map(authenticate));
    expect(asked).toEqual([...callers, ...callers].map((oid) => [oid, oid]));
  });

  it.each([...routingControllersHosts, ...expressHosts, ...nestHosts, ...fetchHosts])(
    'callers at the same time get their own claims on $name',
    async ({ start }) => {
      initialize({ ...issuer.options, b2c: issuer.b2cOptions });
      const api = await start();
      try {
        const texts = await tokens();
        for (const turn of ['first seen', 'remembered']) {
          const answers = await NativePromise.all(texts.map((token) => api.call('/claims', { token })));
          expect([turn, answers.map(({ body }) => body)]).toEqual([
            turn,
            callers.map((oid) => ({ oid, isSame: true })),
          ]);
        }
      } finally {
        await api.close();
      }
    },
  );

  it('a handler, and a method that has to ask, run in the asynchronous context of their request', async () => {
    const meet = meetingOfAll();
    class Ledger {
      @ClaimCheck(async () => {
        await meet();
        return true;
      })
      async owner() {
        return NativePromise.resolve([getTokenClaims().oid, storage.getStore()]);
      }
    }
    initialize(issuer.options);
    const ledger = new Ledger();
    const app = express();
    app.use((request, _, next) => {
      storage.run(request.query['caller'], next);
    });
    app.get('/', requiresAuth(), async (_, response) => {
      const inHandler = [getTokenClaims().oid, storage.getStore()];
      response.json([inHandler, await ledger.owner()]);
    });
    const api = await listen(app);
    try {
      const texts = await tokens();
      for (const turn of ['first seen', 'remembered']) {
        const answers = await NativePromise.all(
          texts.map((token, index) => api.call(`/?caller=${String(callers[index])}`, { token })),
        );
        const own = callers.map((oid) => [
          [oid, oid],
          [oid, oid],
        ]);
        expect([turn, answers.map(({ body }) => body)]).toEqual([turn, own]);
      }
    } finally {
      await api.close();
    }
  });
});
