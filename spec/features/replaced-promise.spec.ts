/**
 * Libraries such as zone.js and Bluebird replace the global `Promise`. Async functions go on to return native promises,
 * which are then no instances of it.
 */
import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createIdentity } from '../../src/core/identity.js';
import { initialize } from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import type { Api } from '../support/api.js';
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
