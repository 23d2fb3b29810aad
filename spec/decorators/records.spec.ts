import { describe, expect, it } from 'vitest';
import { anonymousAccess, type DecoratorRequirement } from '../../src/core/access/combining.js';
import { requires, type Requirement } from '../../src/core/access/requirement.js';
import { ConfigurationError } from '../../src/core/errors.js';
import { createIdentity } from '../../src/core/identity.js';
import { allowsAnonymous, requirementOf } from '../../src/decorators/decorated-elements.js';
import { record } from '../../src/decorators/records.js';

const ids = { tenantId: '11111111-2222-4333-8444-555555555555', clientId: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee' };
const [first, second] = [createIdentity(ids), createIdentity(ids)];

const [entra, any, b2c, scope] = [requires.entra(), requires.any(), requires.b2c({ policy: 'a' }), requires.scope('a')];
const by = (identity: typeof first, requirement: Requirement): Requirement => ({ ...requirement, identity });

class Base {}

/** Records decorators of a method, of its class and of the class above. Each call has classes of its own. */
function decorated(
  method: readonly DecoratorRequirement[],
  own: readonly DecoratorRequirement[] = [],
  above: readonly DecoratorRequirement[] = [],
): { readonly prototype: object } {
  class Parent extends Base {}
  class Orders extends Parent {}
  for (const requirement of above) record(Parent.prototype, undefined, requirement);
  for (const requirement of own) record(Orders.prototype, undefined, requirement);
  for (const requirement of method) record(Orders.prototype, 'list', requirement);
  return Orders;
}

const required = (...levels: Parameters<typeof decorated>) => requirementOf(decorated(...levels).prototype, 'list');

describe('what decorators recorded', () => {
  it('adds up from the method to the class above', () => {
    const [notGuest, context] = [requires.notGuest(), requires.authContext('c1')];
    expect(required([notGuest], [context], [scope])?.demands).toEqual([
      ...notGuest.demands,
      ...context.demands,
      ...scope.demands,
    ]);
  });

  it('has the scheme of the nearest element', () => {
    expect(required([any], [b2c])?.scheme).toEqual({ kind: 'any' });
    expect(required([scope], [entra], [b2c])?.scheme).toEqual({ kind: 'entra' });
  });

  it('is of the method alone that bears it', () => {
    const { prototype } = decorated([entra]);
    expect(requirementOf(prototype, 'list')).toBeDefined();
    expect(requirementOf(prototype, 'create')).toBeUndefined();
  });

  it('names the method of the class that is asked about, which may only inherit it', () => {
    const { prototype } = decorated([entra]);
    const Derived = { Archive: class Archive {} }.Archive;
    Object.setPrototypeOf(Derived.prototype, prototype);
    expect(requirementOf(prototype, 'list')?.at).toBe('Orders.list');
    expect(requirementOf(Derived.prototype, 'list')?.at).toBe('Archive.list');
  });

  it('is compiled once, and anew where something is recorded above', () => {
    const { prototype } = decorated([entra], [], [scope]);
    const before = requirementOf(prototype, 'list');
    expect(requirementOf(prototype, 'list')).toBe(before);
    record(Object.getPrototypeOf(prototype) as object, undefined, requires.role('Admin'));
    expect(requirementOf(prototype, 'list')?.demands).toEqual([...scope.demands, ...requires.role('Admin').demands]);
  });
});

describe('a contradiction', () => {
  it.each<[string, readonly DecoratorRequirement[]]>([
    ['two schemes', [entra, b2c]],
    ['@AllowAnonymous() with a requirement', [anonymousAccess, scope]],
    ['decorators of two configurations', [by(first, entra), by(second, scope)]],
  ])('names the method it is on: %s', (_, decorators) => {
    expect(() => decorated(decorators)).toThrow(ConfigurationError);
    expect(() => decorated(decorators)).toThrow(/^Orders\.list combines /);
  });

  it('names the class it is on', () => {
    expect(() => decorated([], [entra, b2c])).toThrow(/^Orders combines /);
  });

  it('names the method where it is between a method and its class', () => {
    expect(() => required([by(first, scope)], [by(second, entra)])).toThrow(
      new ConfigurationError('Orders.list combines decorators of two configurations. Use one per route.'),
    );
  });

  it('leaves what was recorded before', () => {
    const { prototype } = decorated([entra, scope]);
    expect(() => {
      record(prototype, 'list', anonymousAccess);
    }).toThrow(ConfigurationError);
    expect(requirementOf(prototype, 'list')).toMatchObject({ scheme: { kind: 'entra' }, demands: scope.demands });
  });
});

describe('@AllowAnonymous()', () => {
  it('lifts what its class and those above require', () => {
    expect(required([anonymousAccess], [by(first, entra)], [scope])).toBeUndefined();
    expect(required([scope], [anonymousAccess], [entra])).toMatchObject({ scheme: undefined, demands: scope.demands });
  });

  it.each<[string, Parameters<typeof decorated>]>([
    ['a method', [[anonymousAccess]]],
    ['its class', [[], [anonymousAccess]]],
    ['the class above', [[], [], [anonymousAccess]]],
  ])('is seen on %s', (_, levels) => {
    expect(allowsAnonymous(decorated(...levels).prototype, 'list')).toBe(true);
  });

  it('is not seen where it is on another method, or nowhere', () => {
    const { prototype } = decorated([scope], [entra]);
    record(prototype, 'health', anonymousAccess);
    expect(allowsAnonymous(prototype, 'list')).toBe(false);
    expect(allowsAnonymous(decorated([]).prototype, 'list')).toBe(false);
  });
});
