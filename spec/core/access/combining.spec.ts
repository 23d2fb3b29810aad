import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccessTokenClaims } from '../../../src/core/access-token-claims.js';
import {
  anonymousAccess,
  combineAlongMiddlewares,
  combineAlongPrototypeChain,
  combineOnElement,
  type DecoratorRequirement,
  type ElementRequirement,
} from '../../../src/core/access/combining.js';
import type { Callers } from '../../../src/core/access/demand-names.js';
import { checkDemands, checkPolicy } from '../../../src/core/access/requirement-checks.js';
import { requires, type Authenticator, type Requirement } from '../../../src/core/access/requirement.js';
import { schemeFor } from '../../../src/core/access/scheme.js';
import { parseSettings } from '../../../src/core/configuration/parse-settings.js';
import { AuthError, ConfigurationError } from '../../../src/core/errors.js';
import { createIdentity } from '../../../src/core/identity.js';
import { callerKindOf } from '../../../src/core/token/caller-kind.js';
import type { VerifiedToken } from '../../../src/core/token/verified-token.js';

const ids = { tenantId: '11111111-2222-4333-8444-555555555555', clientId: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee' };
const [first, second] = [createIdentity(ids), createIdentity(ids)];

const entra = requires.entra();
const any = requires.any();
const b2c = (...policy: readonly string[]) => requires.b2c({ policy });
const calledBy = (callers: Callers) => requires.entra({ callers });
const scope = requires.scope('a');
const by = (identity: Authenticator, requirement: Requirement): Requirement => ({ ...requirement, identity });

/** What decorators of one element add up to. */
const onElement = (...decorators: readonly DecoratorRequirement[]): ElementRequirement =>
  decorators.reduce<ElementRequirement>(combineOnElement, { at: 'Orders.list', scheme: undefined, demands: [] });

/** What elements add up to, nearest first: each the decorators of a method or a class. */
const upTheChain = (...elements: readonly (readonly DecoratorRequirement[])[]) =>
  combineAlongPrototypeChain(
    elements.map((decorators) => onElement(...decorators)),
    'Orders.list',
  );

const ordersOf = <T>(items: readonly [T, T]) => [items, items.toReversed()];

describe('the decorators of one element', () => {
  it('add up to all demands, in whatever order', () => {
    const [group, notGuest] = [requires.group('staff'), requires.notGuest()];
    expect(onElement(scope, group, entra, notGuest)).toEqual({
      at: 'Orders.list',
      scheme: { kind: 'entra' },
      identity: undefined,
      demands: [...scope.demands, ...group.demands, ...notGuest.demands],
      anonymous: false,
    });
  });

  it('are frozen, and leave what they are made of as it was', () => {
    const before = onElement(entra);
    const sum = combineOnElement(before, scope);
    expect([sum, sum.demands, sum.scheme].every((part) => Object.isFrozen(part))).toBe(true);
    expect(before.demands).toEqual([]);
  });

  it.each<[string, Requirement, Requirement]>([
    ['@RequiresAnyAuth() and @RequiresAuth()', any, entra],
    ['@RequiresAnyAuth() and @RequiresB2cAuth()', any, b2c('a')],
    ['@RequiresAuth() and @RequiresB2cAuth()', entra, b2c('a')],
  ])('cannot be %s', (_, one, other) => {
    for (const decorators of ordersOf([one, other])) {
      expect(() => onElement(...decorators)).toThrow(
        new ConfigurationError(
          'Orders.list combines two of @RequiresAuth(), @RequiresB2cAuth() and @RequiresAnyAuth(). Use one of them.',
        ),
      );
    }
  });

  it.each<[string, Requirement]>([
    ['a scheme', any],
    ['a scope', scope],
    ['no guests', requires.notGuest()],
    ['an authentication context', requires.authContext('c1')],
  ])('cannot be @AllowAnonymous() and %s', (_, requirement) => {
    for (const decorators of ordersOf<DecoratorRequirement>([anonymousAccess, requirement])) {
      expect(() => onElement(...decorators)).toThrow(
        new ConfigurationError('Orders.list combines @AllowAnonymous() with a requirement. Remove one of them.'),
      );
    }
  });

  it('may be @AllowAnonymous() twice', () => {
    expect(onElement(anonymousAccess, anonymousAccess)).toMatchObject({ anonymous: true, demands: [] });
  });

  describe('name policies', () => {
    it.each<[string, Requirement, Requirement, readonly string[]]>([
      ['of both', b2c('a', 'b', 'c'), b2c('c', 'b', 'd'), ['b', 'c']],
      ['of both, in whatever letter case', b2c('B2C_1_susi'), b2c('b2c_1_SUSI'), ['b2c_1_susi']],
      ['of the one that names any', b2c('a'), requires.b2c(), ['a']],
    ])('%s', (_, one, other, policies) => {
      for (const decorators of ordersOf([one, other])) {
        const found = onElement(...decorators).scheme?.policies?.map((policy) => policy.toLowerCase());
        expect(found?.toSorted()).toEqual(policies);
      }
    });

    it('of which at least one is in both', () => {
      for (const decorators of ordersOf([b2c('a'), b2c('b', 'c')])) {
        expect(() => onElement(...decorators)).toThrow(
          new ConfigurationError(
            'Orders.list combines two @RequiresB2cAuth() that have no policy in common. Use one, with all its policies.',
          ),
        );
      }
    });
  });

  describe('name callers', () => {
    it.each<[Callers, Requirement]>([
      ['user', calledBy('any')],
      ['user', entra],
      ['app', calledBy('any')],
      ['app', entra],
      ['any', entra],
    ])('who are the narrower ones: %s', (callers, other) => {
      for (const decorators of ordersOf([calledBy(callers), other])) {
        expect(onElement(...decorators).scheme).toEqual({ kind: 'entra', callers });
      }
    });

    it('who cannot be people and applications, also with any between them', () => {
      const message = 'Orders.list combines @RequiresAuth() for people and for applications. Use one of them.';
      for (const [one, other] of [['user', 'app'] as const, ['app', 'user'] as const]) {
        expect(() => onElement(calledBy(one), calledBy(other))).toThrow(new ConfigurationError(message));
        expect(() => onElement(calledBy(one), calledBy('any'), calledBy(other))).toThrow(message);
      }
    });
  });

  describe('are of one configuration', () => {
    it('of the process where no decorator is bound', () => {
      expect(onElement(entra, scope)).toMatchObject({ identity: undefined });
    });

    it.each<[string, Requirement, Requirement]>([
      ['a scheme and a demand of it', by(first, entra), by(first, scope)],
      ['a scheme of it and a demand of the process', by(first, entra), scope],
      ['a demand of it and a demand of the process', by(first, requires.role('b')), scope],
    ])('for %s', (_, one, other) => {
      for (const decorators of ordersOf([one, other])) expect(onElement(...decorators).identity).toBe(first);
    });

    it.each<[string, Requirement, Requirement]>([
      ['two schemes', by(first, entra), by(second, entra)],
      ['a scheme and a demand', by(first, entra), by(second, scope)],
      ['two demands', by(first, scope), by(second, scope)],
      ['a scheme of the process and a demand', entra, by(first, scope)],
      ['a scheme of the process and a scheme', entra, by(first, entra)],
    ])('and cannot be %s of two', (_, one, other) => {
      for (const decorators of ordersOf([one, other])) {
        expect(() => onElement(...decorators)).toThrow(
          new ConfigurationError('Orders.list combines decorators of two configurations. Use one per route.'),
        );
      }
    });
  });
});

describe('the elements of a prototype chain', () => {
  it('add up to all demands, and carry the name of the method', () => {
    const [notGuest, context] = [requires.notGuest(), requires.authContext('c1')];
    const sum = upTheChain([notGuest], [context], [scope]);
    expect(sum).toEqual({
      at: 'Orders.list',
      route: 'Orders.list',
      scheme: undefined,
      identity: undefined,
      demands: [...notGuest.demands, ...context.demands, ...scope.demands],
    });
    expect([sum, sum?.demands].every((part) => Object.isFrozen(part))).toBe(true);
  });

  it.each<[string, readonly (readonly DecoratorRequirement[])[]]>([
    ['no element', []],
    ['elements without a requirement', [[], []]],
    ['@AllowAnonymous() alone', [[anonymousAccess]]],
    ['@AllowAnonymous() below everything else', [[anonymousAccess], [entra, scope], [by(first, entra)]]],
  ])('add up to nothing where there is %s', (_, elements) => {
    expect(upTheChain(...elements)).toBeUndefined();
  });

  it('lift what is above @AllowAnonymous(), and keep what is below', () => {
    expect(upTheChain([entra], [anonymousAccess], [b2c('a'), scope])).toMatchObject({
      scheme: { kind: 'entra' },
      demands: [],
    });
  });

  it.each<[string, readonly Requirement[], Requirement['scheme']]>([
    ['the nearest, of either authority', [any, b2c('a')], { kind: 'any' }],
    ['the nearest, of one', [entra, any], { kind: 'entra' }],
    ['that above where the nearest element names none', [scope, entra], { kind: 'entra' }],
    ['with the callers of the nearest', [calledBy('user'), entra], { kind: 'entra', callers: 'user' }],
    ['with the callers above where it names none', [entra, calledBy('app')], { kind: 'entra', callers: 'app' }],
    [
      'with its own callers where both name them',
      [calledBy('any'), calledBy('app')],
      { kind: 'entra', callers: 'any' },
    ],
    ['without the callers of another scheme', [b2c('a'), calledBy('app')], { kind: 'b2c', policies: ['a'] }],
    ['with the policies above where it names none', [requires.b2c(), b2c('a')], { kind: 'b2c', policies: ['a'] }],
    ['with its own policies where both name them', [b2c('b'), b2c('a')], { kind: 'b2c', policies: ['b'] }],
    ['without what is above another scheme', [entra, any, calledBy('app')], { kind: 'entra' }],
  ])('have one scheme: %s', (_, elements, scheme) => {
    expect(upTheChain(...elements.map((element) => [element]))?.scheme).toEqual(scheme);
  });

  it.each<[string, readonly Requirement[], Authenticator | undefined]>([
    ['of the nearest scheme', [by(first, entra), by(second, entra)], first],
    ['of the scheme above a demand of the process', [scope, by(second, entra)], second],
    ['of the process where the nearest scheme is', [entra, by(second, entra)], undefined],
    ['of a bound demand where no element has a scheme', [scope, by(first, scope)], first],
    ['of the scheme, also for demands of the process above it', [by(first, entra), scope], first],
    ['of the scheme, also for bound demands of its own above it', [by(first, entra), by(first, scope)], first],
  ])('are of one configuration: that %s', (_, elements, identity) => {
    expect(upTheChain(...elements.map((element) => [element]))).toMatchObject({ identity });
  });

  it.each<[string, readonly Requirement[]]>([
    ['a demand below the scheme of the process', [by(first, scope), entra]],
    ['a demand below the scheme of another', [by(first, scope), by(second, entra)]],
    ['demands of two', [by(first, scope), by(second, scope)]],
    ['a bound demand above the scheme of the process', [entra, by(second, scope)]],
    ['a bound demand above the scheme of another', [by(first, entra), by(second, scope)]],
  ])('cannot be of two configurations: %s', (_, elements) => {
    expect(() => upTheChain(...elements.map((element) => [element]))).toThrow(
      new ConfigurationError('Orders.list combines decorators of two configurations. Use one per route.'),
    );
  });
});

describe('a chain of middlewares', () => {
  const at = (name: string, requirement: Requirement): Requirement => ({ ...requirement, at: name });

  it('adds up to all demands, in the name of the later one', () => {
    const sum = combineAlongMiddlewares(at('requiresAuth()', entra), at('requiresScope()', scope));
    expect(sum).toEqual({ at: 'requiresScope()', scheme: { kind: 'entra' }, demands: scope.demands });
    expect(Object.isFrozen(sum) && Object.isFrozen(sum.demands)).toBe(true);
  });

  it.each<[string, Requirement, Requirement]>([
    ['the same again', entra, entra],
    ['no scheme, and a demand that was met', onElement(entra, scope), scope],
    ['any callers', calledBy('user'), calledBy('any')],
    ['no callers', calledBy('user'), entra],
    ['no policies', b2c('a'), requires.b2c()],
  ])('stays what it was where the later one requires %s', (_, earlier, later) => {
    expect(combineAlongMiddlewares(earlier, later)).toBe(earlier);
  });

  it.each<[string, Requirement, Requirement, Requirement['scheme']]>([
    ['the later scheme where that is another', any, entra, { kind: 'entra' }],
    ['the later scheme where the earlier one names none', scope, entra, { kind: 'entra' }],
    ['the earlier scheme where the later one names none', entra, requires.role('b'), { kind: 'entra' }],
    ['the later callers', entra, calledBy('app'), { kind: 'entra', callers: 'app' }],
    ['the later policies', b2c('a', 'b'), b2c('a'), { kind: 'b2c', policies: ['a'] }],
  ])('has %s', (_, earlier, later, scheme) => {
    expect(combineAlongMiddlewares(earlier, later).scheme).toEqual(scheme);
  });

  it.each<[string, Requirement, Requirement]>([
    ['a scheme of another', by(first, entra), by(second, entra)],
    ['a scheme of the process', by(first, entra), entra],
    ['a demand of another', by(first, entra), by(second, scope)],
    ['a demand that is bound, after the process', entra, by(first, scope)],
  ])('starts anew where the later one needs another configuration: %s', (_, earlier, later) => {
    expect(combineAlongMiddlewares(earlier, later)).toBe(later);
  });

  it('stays with its configuration where the later one is a demand of the process', () => {
    expect(combineAlongMiddlewares(by(first, entra), scope)).toMatchObject({ identity: first, demands: scope.demands });
  });
});

/*
 * Properties: whatever is required besides, no token passes that did not pass before. One scheme is configured, so that a
 * requirement without a scheme has one.
 */

const settingsOf = {
  entra: parseSettings(ids),
  b2c: parseSettings({ b2c: { domainName: 'contoso', policies: ['a', 'b', 'c'], clientId: ids.clientId } }),
};

const claims = fc.record(
  {
    scp: fc.constantFrom('a', 'b', 'a b'),
    roles: fc.subarray(['a', 'b']),
    groups: fc.subarray(['a', 'b']),
    acct: fc.constantFrom(0, 1),
    acrs: fc.subarray(['c1', 'c2']),
    idtyp: fc.constantFrom('user', 'app'),
  },
  { requiredKeys: [] },
);
const token = fc.record({
  claims,
  kind: fc.constantFrom('entra' as const, 'b2c' as const),
  policy: fc.constantFrom('a', 'b', 'c'),
});

const name = fc.constantFrom('a', 'b');
const scheme = fc.oneof(
  fc
    .option(fc.constantFrom<Callers[]>('user', 'app', 'any'), { nil: undefined })
    .map((callers) => requires.entra({ callers })),
  fc
    .option(fc.subarray(['a', 'b', 'c'], { minLength: 1 }), { nil: undefined })
    .map((policy) => requires.b2c({ policy })),
);
const demand = fc.oneof(
  name.map((one) => requires.scope(one)),
  name.map((one) => requires.role(one)),
  name.map((one) => requires.group(one)),
  name.map((one) => requires.scopeOrAppPermission({ scope: one, appPermission: one })),
  fc.constantFrom('c1', 'c2').map((id) => requires.authContext(id)),
  fc.constant(requires.notGuest()),
);
const decorator = fc.oneof(scheme, demand);

type Token = typeof token extends fc.Arbitrary<infer T> ? T : never;

/** Whether a route lets a token in. */
function passes(requirement: Requirement | undefined, { claims: held, kind, policy }: Token): boolean {
  if (requirement === undefined) return true;
  const verified = {
    kind,
    claims: held as unknown as AccessTokenClaims,
    callerKind: callerKindOf(held, { b2c: undefined }, kind),
    policy: kind === 'b2c' ? policy : undefined,
  } as VerifiedToken;
  try {
    if (schemeFor(requirement, settingsOf[kind]) !== kind) return false;
    checkPolicy(requirement, verified);
    void checkDemands(requirement, { token: verified });
    return true;
  } catch (error) {
    if (error instanceof AuthError || error instanceof ConfigurationError) return false;
    throw error;
  }
}

/** The sum of decorators; undefined where they contradict each other, so that the class cannot be defined. */
function sumOf<T>(combine: () => T): { readonly sum: T } | undefined {
  try {
    return { sum: combine() };
  } catch (error) {
    if (error instanceof ConfigurationError) return undefined;
    throw error;
  }
}

describe('requiring more lets no more tokens pass', () => {
  const runs = { numRuns: 2000 };
  let narrowed = 0;

  it('of a further decorator on an element, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(decorator, { maxLength: 3 }), decorator, token, (decorators, added, given) => {
        const before = sumOf(() => upTheChain(decorators));
        for (const order of [
          [...decorators, added],
          [added, ...decorators],
        ]) {
          const after = sumOf(() => upTheChain(order));
          if (before === undefined) expect(after).toBeUndefined();
          if (before === undefined || after === undefined) continue;
          if (passes(after.sum, given)) expect(passes(before.sum, given)).toBe(true);
          else if (passes(before.sum, given)) narrowed++;
        }
      }),
      runs,
    );
    expect(narrowed).toBeGreaterThan(runs.numRuns / 10);
  });

  it('of a further demand anywhere in a prototype chain', () => {
    const chain = fc.array(fc.array(decorator, { maxLength: 2 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(chain, fc.nat(), demand, token, (elements, index, added, given) => {
        const before = sumOf(() => upTheChain(...elements));
        if (before === undefined) return;
        const at = index % elements.length;
        const more = elements.map((element, i) => (i === at ? [...element, added] : element));
        if (passes(upTheChain(...more), given)) expect(passes(before.sum, given)).toBe(true);
      }),
      runs,
    );
  });

  it('of a further class above all others', () => {
    const chain = fc.array(fc.array(decorator, { maxLength: 2 }), { maxLength: 3 });
    fc.assert(
      fc.property(chain, fc.array(decorator, { maxLength: 2 }), token, (elements, above, given) => {
        const before = sumOf(() => upTheChain(...elements));
        const after = sumOf(() => upTheChain(...elements, above));
        if (before === undefined || after === undefined) return;
        if (passes(after.sum, given)) expect(passes(before.sum, given)).toBe(true);
      }),
      runs,
    );
  });

  it('of a further middleware: a token that passes satisfies each of them', () => {
    fc.assert(
      fc.property(fc.array(decorator, { minLength: 1, maxLength: 4 }), token, (middlewares, given) => {
        let sum: Requirement | undefined;
        let isIn = true;
        for (const middleware of middlewares) {
          sum = sum === undefined ? middleware : combineAlongMiddlewares(sum, middleware);
          isIn = isIn && passes(sum, given);
        }
        expect(isIn).toBe(middlewares.every((middleware) => passes(middleware, given)));
      }),
      runs,
    );
  });
});
