/** An API that code names and the configuration does not have: `ready()` warns of it, ahead of the first call. */
import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as Library from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

let library: typeof Library;

/** What `ready()` warns of. It resolves. */
async function warningsOf(identity: Pick<Library.MicrosoftIdentity, 'ready'>): Promise<readonly string[]> {
  const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  try {
    await identity.ready();
    return emit.mock.calls.map(([message]) => String(message));
  } finally {
    emit.mockRestore();
  }
}

/** A process of its own: what other tests named is forgotten. */
beforeEach(async () => {
  vi.resetModules();
  for (const key of Object.getOwnPropertySymbols(globalThis)) {
    if (/named-apis|warnings-given/.test(key.description ?? '')) Reflect.deleteProperty(globalThis, key);
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
  it('warns of each name of a parameter or a constant that no API has', async () => {
    const { OnBehalfOf, AsApplication, onBehalfOf, asApplication, initialize } = library;
    classWith(OnBehalfOf('stok'));
    classWith(AsApplication('grahp'));
    classWith(OnBehalfOf('stock'));
    onBehalfOf('orders');
    const identity = initialize(withApis('stock', 'graph'));
    asApplication('order');
    asApplication('graph');
    onBehalfOf({ scopes: ['https://else.example/.default'] });
    expect(await warningsOf(identity)).toEqual([
      there('@OnBehalfOf() of Orders.list', 'stok', 'stock, graph'),
      there('@AsApplication() of Orders.list', 'grahp', 'stock, graph'),
      there('onBehalfOf', 'orders', 'stock, graph'),
      there('asApplication', 'order', 'stock, graph'),
    ]);
    expect(await warningsOf(identity)).toEqual([]);
  });

  it('warns where no API is configured at all', async () => {
    const { AsApplication, initialize } = library;
    classWith(AsApplication('graph'));
    expect(await warningsOf(initialize(issuer.options))).toEqual([
      '@AsApplication() of Orders.list needs the option downstream of initialize(), with a credential.',
    ]);
    expect(await warningsOf(initialize(withApis('graph')))).toEqual([]);
  });

  it('checks what is bound to another configuration against that one', async () => {
    const { createMicrosoftIdentity, initialize, onBehalfOf } = library;
    const partners = createMicrosoftIdentity(withApis('orders'));
    classWith(partners.OnBehalfOf('orders'));
    partners.asApplication('orders');
    onBehalfOf('graph');
    expect(await warningsOf(initialize(withApis('graph')))).toEqual([]);
    expect(await warningsOf(partners)).toEqual([]);
    const others = createMicrosoftIdentity(withApis('orders'));
    others.onBehalfOf('graph');
    expect(await warningsOf(initialize(withApis('graph')))).toEqual([]);
    expect(await warningsOf(others)).toEqual([there('onBehalfOf', 'graph', 'orders')]);
  });

  it('does not look at names that come later, or in a request: these may be of its caller', async () => {
    const { initialize, onBehalfOf } = library;
    const { runAs } = await import('../../src/testing.js');
    runAs({ oid: 'ada' }, () => onBehalfOf('ofCaller'));
    onBehalfOf('ofCaller', { headers: {} });
    const identity = initialize(withApis('graph'));
    expect(await warningsOf(identity)).toEqual([]);
    onBehalfOf('later');
    expect(await warningsOf(identity)).toEqual([]);
  });
});
