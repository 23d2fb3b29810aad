import type { RequestHandler } from 'express';
import { describe, expect, it } from 'vitest';
import { shareHiddenClasses } from '../../src/hosts/hidden-class.js';
import { expressReleases, listen } from '../support/api.js';

/** All that a program sees of an object: its keys in their order, what each property is, and its prototype. */
function look(object: object): unknown[] {
  const keys = Reflect.ownKeys(object);
  const properties = keys.map((key) => Reflect.getOwnPropertyDescriptor(object, key) as Record<string, unknown>);
  return [
    ...keys,
    ...properties.flatMap((property) => Object.entries(property).flat()),
    Object.getPrototypeOf(object),
    Object.isExtensible(object),
    Object.isSealed(object),
    Object.isFrozen(object),
  ];
}

/** Compared by identity: sockets are too large to compare in depth. */
function expectSame(seen: readonly unknown[], before: readonly unknown[]): void {
  expect(seen).toHaveLength(before.length);
  expect(seen.findIndex((value, index) => !Object.is(value, before[index]))).toBe(-1);
}

describe('shareHiddenClasses', () => {
  const marked = Symbol('marked');
  const newObject = () =>
    Object.defineProperties(Object.create({ inherited: true }) as object, {
      second: { value: 2, writable: true, enumerable: true, configurable: true },
      first: { get: () => 1, set: () => undefined, enumerable: true, configurable: true },
      hidden: { value: 3, writable: false, enumerable: false, configurable: false },
      [marked]: { value: 4, writable: true, enumerable: true, configurable: true },
      7: { value: 7, writable: true, enumerable: true, configurable: true },
    });

  it.each([
    ['an object', newObject],
    ['an object without a prototype', () => Object.setPrototypeOf(newObject(), null) as object],
    ['an object that cannot be extended', () => Object.preventExtensions(newObject())],
    ['a sealed object', () => Object.seal(newObject())],
    ['a frozen object', () => Object.freeze(newObject())],
  ])('changes nothing visible of %s', (_, make) => {
    const [request, response] = [make(), make()];
    const before = [look(request), look(response)].flat();
    shareHiddenClasses(request, response);
    expectSame([look(request), look(response)].flat(), before);
  });

  it.each(expressReleases)('changes nothing visible of a request and a response of $release', async ({ express }) => {
    let before: unknown[] = [];
    let after: unknown[] = [];
    const share: RequestHandler = (request, response, next) => {
      before = [look(request), look(response)].flat();
      shareHiddenClasses(request, response);
      after = [look(request), look(response)].flat();
      next();
    };
    const app = express();
    app.get('/:city', share, (request, response) => {
      response.set('x-city', request.params['city']).json(request.query);
    });
    const api = await listen(app);
    const answer = await api.call('/Oslo?days=3');
    await api.close();
    expect([answer.status, answer.headers['x-city'], answer.body]).toEqual([200, 'Oslo', { days: '3' }]);
    expect(before.length).toBeGreaterThan(20);
    expectSame(after, before);
  });
});
