/** An API that code names and the configuration does not have: found by `ready()`, ahead of the first call. */
import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as Library from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { errorOf } from '../support/refusals.js';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

let library: typeof Library;

/** A process of its own: what other tests named is forgotten. */
beforeEach(async () => {
  vi.resetModules();
  for (const key of Object.getOwnPropertySymbols(globalThis)) {
    if (key.description?.includes('named-apis') === true) Reflect.deleteProperty(globalThis, key);
  }
  library = await import('../../src/index.js');
});

const apiAt = (baseUrl: string) => ({ baseUrl, scopes: [`${baseUrl}/.default`] });
const withApis = (...names: readonly string[]) => ({
  ...issuer.options,
  downstream: {
    ...issuer.downstreamOptions,
    apis: Object.fromEntries(names.map((name) => [name, apiAt(`https://${name}.example`)])),
  },
});

/** A class whose method `list` has a parameter with a decorator. */
function classWith(decorator: ParameterDecorator): void {
  class Orders {
    list(api: unknown) {
      return api;
    }
  }
  decorator(Orders.prototype, 'list', 0);
}

const there = (at: string, name: string, known: string) =>
  `${at}: there is no API '${name}' in downstream.apis, which has ${known}.`;

describe('ready()', () => {
  it('rejects with all the names of parameters and constants that no API has', async () => {
    const { OnBehalfOf, AsApplication, onBehalfOf, asApplication, initialize } = library;
    classWith(OnBehalfOf('stok'));
    classWith(AsApplication('grahp'));
    classWith(OnBehalfOf('stock'));
    onBehalfOf('orders');
    const identity = initialize(withApis('stock', 'graph'));
    asApplication('order');
    asApplication('graph');
    onBehalfOf({ scopes: ['https://else.example/.default'] });
    expect(await errorOf(() => identity.ready())).toMatchObject({
      code: 'invalid_configuration',
      message: [
        there('@OnBehalfOf() of Orders.list', 'stok', 'stock, graph'),
        there('@AsApplication() of Orders.list', 'grahp', 'stock, graph'),
        there('onBehalfOf', 'orders', 'stock, graph'),
        there('asApplication', 'order', 'stock, graph'),
      ].join(' '),
    });
  });

  it('rejects where no API is configured at all', async () => {
    const { AsApplication, initialize } = library;
    classWith(AsApplication('graph'));
    expect(await errorOf(() => initialize(issuer.options).ready())).toMatchObject({
      message: '@AsApplication() of Orders.list needs the option downstream of initialize(), with a credential.',
    });
    await initialize(withApis('graph')).ready();
  });

  it('checks what is bound to another configuration against that one', async () => {
    const { createMicrosoftIdentity, initialize, onBehalfOf } = library;
    const partners = createMicrosoftIdentity(withApis('orders'));
    classWith(partners.OnBehalfOf('orders'));
    partners.asApplication('orders');
    onBehalfOf('graph');
    await initialize(withApis('graph')).ready();
    await partners.ready();
    const others = createMicrosoftIdentity(withApis('orders'));
    others.onBehalfOf('graph');
    await initialize(withApis('graph')).ready();
    expect(await errorOf(() => others.ready())).toMatchObject({ message: there('onBehalfOf', 'graph', 'orders') });
  });

  it('does not look at names that come later, or in a request: these may be of its caller', async () => {
    const { initialize, onBehalfOf } = library;
    const { runAs } = await import('../../src/testing.js');
    runAs({ oid: 'ada' }, () => onBehalfOf('ofCaller'));
    onBehalfOf('ofCaller', { headers: {} });
    const identity = initialize(withApis('graph'));
    await identity.ready();
    onBehalfOf('later');
    await identity.ready();
  });
});
