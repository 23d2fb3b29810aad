import type { IncomingMessage, ServerResponse } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import type { RequestHandler } from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initialize, requiresAuth } from '../../src/express.js';
import { shareHiddenClass } from '../../src/hosts/hidden-class.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expressReleases, listen } from '../support/api.js';

setFlagsFromString('--allow-natives-syntax');
const haveSameHiddenClass = runInThisContext('(one, other) => %HaveSameMap(one, other)') as (
  one: object,
  other: object,
) => boolean;

describe('what a program sees of an object that shares its hidden class', () => {
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
    ['an extensible', newObject()],
    ['a sealed', Object.seal(newObject())],
    ['a frozen', Object.freeze(newObject())],
  ])('is what it was, of %s one', (_, object) => {
    const look = () => ({
      keys: Reflect.ownKeys(object),
      descriptors: Object.getOwnPropertyDescriptors(object),
      prototype: Object.getPrototypeOf(object) as object,
      isExtensible: Object.isExtensible(object),
    });
    const before = look();
    shareHiddenClass(object);
    expect(look()).toEqual(before);
  });
});

describe.each(expressReleases)('requests and responses on $release', ({ express }) => {
  let issuer: TestIssuer;
  let token: string;

  beforeAll(async () => {
    issuer = await startTestIssuer();
    initialize(issuer.options);
    token = await issuer.token();
  });
  afterAll(() => issuer.close());

  /** Whether an application's last two of many requests shared, in a handler: V8 settles its first objects of a kind late. */
  async function lastTwo(...gates: RequestHandler[]) {
    const seen: { request: IncomingMessage; response: ServerResponse }[] = [];
    const app = express();
    app.get('/', ...gates, (request, response) => {
      seen.push({ request, response });
      response.end();
    });
    const api = await listen(app);
    for (let count = 0; count < 20; count++) expect((await api.call('/', { token })).status).toBe(200);
    await api.close();
    const [one, other] = seen.slice(-2);
    if (one === undefined || other === undefined) throw new Error('The handler did not run.');
    return {
      requests: haveSameHiddenClass(one.request, other.request),
      responses: haveSameHiddenClass(one.response, other.response),
    };
  }

  const applications = 10;

  /**
   * In how many applications they shared. V8 looks for the class to share in a table of 64, at a random place for each
   * prototype, of which each application has its own: one in twenty finds its place taken by another, and shares nothing.
   */
  async function sharing(...gates: RequestHandler[]) {
    const count = { requests: 0, responses: 0 };
    for (let left = applications; left > 0; left--) {
      const { requests, responses } = await lastTwo(...gates);
      if (requests) count.requests++;
      if (responses) count.responses++;
    }
    return count;
  }

  it('share their hidden classes behind a gate', async () => {
    const { requests, responses } = await sharing(requiresAuth());
    expect(requests).toBeGreaterThanOrEqual(applications / 2);
    expect(responses).toBeGreaterThanOrEqual(applications / 2);
  });

  it('share none without one where V8 is older than 13, which is why the gate sees to it', async () => {
    const all = Number.parseInt(process.versions.v8, 10) >= 13 ? applications : 0;
    expect(await sharing()).toEqual({ requests: all, responses: all });
  });
});
