import { describe, expect, it } from 'vitest';
import { anyOf, authContext, type Requirement } from '../../src/core/access/requirement.js';
import { ConfigurationError } from '../../src/core/errors.js';
import { createIdentity } from '../../src/core/identity.js';
import { record, type Addition } from '../../src/decorators/records.js';
import { requirementOf } from '../../src/decorators/requirements.js';

const ids = { tenantId: '11111111-2222-4333-8444-555555555555', clientId: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee' };
const [first, second] = [createIdentity(ids), createIdentity(ids)];

const entra: Addition = { scheme: { kind: 'entra' } };
const any: Addition = { scheme: { kind: 'any' } };
const b2c = (...policies: readonly string[]): Addition => ({ scheme: { kind: 'b2c', policies } });
const calledBy = (callers: 'user' | 'app' | 'any'): Addition => ({ scheme: { kind: 'entra', callers } });
const scope = anyOf('scope', ['a']);
const demand: Addition = { demand: scope };
const anonymous: Addition = { anonymous: true };
const by = (identity: typeof first, addition: Addition): Addition => ({ ...addition, identity });

/** What a method of a class demands; of a class above, of the class itself, and of the method. */
function demanded(method: readonly Addition[], own: readonly Addition[] = [], above: readonly Addition[] = []) {
  class Base {}
  class Controller extends Base {}
  for (const addition of above) record(Base.prototype, undefined, addition);
  for (const addition of own) record(Controller.prototype, undefined, addition);
  for (const addition of method) record(Controller.prototype, 'report', addition);
  return requirementOf(Controller.prototype, 'report');
}

const ordersOf = (additions: readonly [Addition, Addition]) => [additions, additions.toReversed()];

describe('callers', () => {
  it.each<[string, readonly Addition[], readonly Addition[], Requirement['scheme']]>([
    ['are those of the method', [calledBy('user')], [], { kind: 'entra', callers: 'user' }],
    [
      'are those of the class where the method names none',
      [entra],
      [calledBy('app')],
      { kind: 'entra', callers: 'app' },
    ],
    ["are the method's where both name them", [calledBy('any')], [calledBy('app')], { kind: 'entra', callers: 'any' }],
    ['are not those of a class with another scheme', [b2c('a')], [calledBy('app')], { kind: 'b2c', policies: ['a'] }],
    ['are none where nobody names them', [entra], [entra], { kind: 'entra' }],
  ])('%s', (_, method, own, scheme) => {
    expect(demanded(method, own)?.scheme).toEqual(scheme);
  });

  it.each(['user', 'app'] as const)('are %s where any stands beside it, in either order', (callers) => {
    for (const method of ordersOf([calledBy(callers), calledBy('any')])) {
      expect(demanded(method)?.scheme).toEqual({ kind: 'entra', callers });
    }
    for (const method of ordersOf([calledBy(callers), entra])) {
      expect(demanded(method)?.scheme).toEqual({ kind: 'entra', callers });
    }
  });

  it('cannot be people and applications at one place', () => {
    for (const method of ordersOf([calledBy('user'), calledBy('app')])) {
      expect(() => demanded(method)).toThrow(ConfigurationError);
    }
  });

  it('are not widened by a class in between with another scheme', () => {
    // The class in between turned to another authority, so what stood above it is settled.
    expect(demanded([entra], [any], [calledBy('app')])?.scheme).toEqual({ kind: 'entra' });
  });
});

describe('the scheme of either', () => {
  it('replaces, and is replaced by, the scheme of the class', () => {
    expect(demanded([any], [b2c('a')])?.scheme).toEqual({ kind: 'any' });
    expect(demanded([entra], [any])?.scheme).toEqual({ kind: 'entra' });
  });

  it.each<[string, Addition]>([
    ['@RequiresAuth()', entra],
    ['@RequiresB2cAuth()', b2c('a')],
  ])('cannot stand beside %s', (_, addition) => {
    for (const method of ordersOf([any, addition])) {
      expect(() => demanded(method)).toThrow(/only one of them can/);
    }
  });
});

describe('demands of every kind', () => {
  it('add up, from the method to the class above', () => {
    const [member, context] = [{ kind: 'member' } as const, authContext('c1')];
    expect(demanded([{ demand: member }], [{ demand: context }], [demand])?.demands).toEqual([member, context, scope]);
  });

  it('cannot stand beside @AllowAnonymous()', () => {
    for (const addition of [demand, { demand: { kind: 'member' } } as const, { demand: authContext('c1') }, any]) {
      for (const method of ordersOf([anonymous, addition])) {
        expect(() => demanded(method)).toThrow(/@AllowAnonymous\(\)/);
      }
    }
  });
});

describe('the configuration of a requirement', () => {
  it('is that of the process where no decorator is bound', () => {
    expect(demanded([demand], [entra])).toMatchObject({ identity: undefined });
  });

  it('is the one that the scheme is bound to, in whichever order its demands stand', () => {
    for (const other of [demand, by(first, demand)]) {
      for (const method of ordersOf([by(first, entra), other])) expect(demanded(method)?.identity).toBe(first);
    }
  });

  it('is the one that a demand is bound to where nobody names a scheme', () => {
    expect(demanded([by(first, demand)])?.identity).toBe(first);
    expect(demanded([demand], [by(first, demand)])?.identity).toBe(first);
  });

  it('is that of the nearest scheme', () => {
    expect(demanded([by(first, entra)], [by(second, entra)])?.identity).toBe(first);
    expect(demanded([demand], [by(second, entra)])?.identity).toBe(second);
    // The method turned back to the configuration of the process.
    expect(demanded([entra], [by(second, entra)])).toMatchObject({ identity: undefined });
  });

  it.each<[string, readonly [Addition, Addition]]>([
    ['two schemes', [by(first, entra), by(second, entra)]],
    ['a scheme and a demand', [by(first, entra), by(second, demand)]],
    ['two demands', [by(first, demand), by(second, demand)]],
    ['a scheme of the process and a demand', [entra, by(first, demand)]],
    ['a scheme of the process and a scheme', [entra, by(first, entra)]],
  ])('is one at each place: not that of %s', (_, additions) => {
    for (const method of ordersOf(additions)) {
      expect(() => demanded(method)).toThrow('Decorators of two configurations stand at one place');
    }
  });

  it.each<[string, Addition[], Addition[]]>([
    ['a demand nearer than the scheme of the process', [by(first, demand)], [entra]],
    ['a demand nearer than the scheme of another', [by(first, demand)], [by(second, entra)]],
    ['demands of two at two levels', [by(first, demand)], [by(second, demand)]],
  ])('is one for each method: not that of %s', (_, method, ownClass) => {
    expect(() => demanded(method, ownClass)).toThrow(ConfigurationError);
  });

  it('may be another further out than the scheme, whose demands it then meets', () => {
    expect(demanded([by(first, entra)], [by(second, demand)])?.identity).toBe(first);
  });

  it('is lifted with the rest by @AllowAnonymous()', () => {
    expect(demanded([anonymous], [by(first, entra)])).toBeUndefined();
  });
});
