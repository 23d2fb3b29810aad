import { describe, expect, it } from 'vitest';
import { acceptedScopes, demandedScopes } from '../../../src/core/access/demanded-scopes.js';
import { anyOf, requires, type Demand, type Requirement } from '../../../src/core/access/requirement.js';

const permission = { scope: ['read', 'write'], appPermission: ['Read.All'] };
const demandOf = ({ demands: [demand] }: Requirement): Demand => demand ?? expect.fail('nothing is demanded');

describe('the scopes that a demand accepts', () => {
  it.each<[string, Demand, readonly string[] | undefined]>([
    ['a demand for scopes', anyOf('scope', ['read', 'write']), ['read', 'write']],
    [
      'a demand for a scope or an app permission',
      demandOf(requires.scopeOrAppPermission(permission)),
      ['read', 'write'],
    ],
    ['a demand for roles', anyOf('role', ['read']), undefined],
    ['a demand for groups', anyOf('group', ['read']), undefined],
    ['a demand for no guests', demandOf(requires.notGuest()), undefined],
  ])('are those of %s', (_, demand, scopes) => {
    expect(acceptedScopes(demand)).toEqual(scopes);
  });
});

describe('the scopes that a requirement names', () => {
  const demands = [
    anyOf('scope', ['read', 'list']),
    anyOf('role', ['Admin']),
    demandOf(requires.scopeOrAppPermission(permission)),
  ];

  it.each<[string, Requirement['scheme']]>([
    ['any scheme', undefined],
    ['Entra ID', { kind: 'entra' }],
    ['people', { kind: 'entra', callers: 'user' }],
    ['people and applications', { kind: 'entra', callers: 'any' }],
    ['B2C', { kind: 'b2c' }],
  ])('are those of its demands, each once, for %s', (_, scheme) => {
    expect(demandedScopes({ scheme, demands })).toEqual(['read', 'list', 'write']);
  });

  it('are none where applications alone may call', () => {
    expect(demandedScopes({ scheme: { kind: 'entra', callers: 'app' }, demands })).toEqual([]);
  });

  it('are none where it demands none', () => {
    expect(demandedScopes({ scheme: undefined, demands: [anyOf('role', ['Admin'])] })).toEqual([]);
    expect(demandedScopes({ scheme: undefined, demands: [] })).toEqual([]);
  });
});
