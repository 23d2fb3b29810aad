import { describe, expect, it } from 'vitest';
import type { AccessTokenClaims } from '../../src/core/claims.js';
import { ConfigurationError } from '../../src/core/errors.js';
import {
  anyOf,
  checkDemand,
  checkDemands,
  checkPolicy,
  namedPolicies,
  type Requirement,
  type VerifiedToken,
} from '../../src/core/requirement.js';
import { refuses } from '../support/refusals.js';

const claimsOf = (claims: object) => claims as AccessTokenClaims;
const tokenOf = (claims: object, policy?: string): VerifiedToken => ({
  kind: policy === undefined ? 'entra' : 'b2c',
  claims: claimsOf(claims),
  policy,
});

describe('anyOf', () => {
  it.each(['api://report', 'a"b', 'Überblick'])('takes the role %s, which need not be a scope name', (role) => {
    expect(anyOf('role', [role])).toEqual({ kind: 'role', anyOf: [role] });
  });

  it('makes a frozen demand of its own', () => {
    const names = ['a', 'b'];
    const demand = anyOf('scope', names);
    names.push('c');
    expect(demand).toEqual({ kind: 'scope', anyOf: ['a', 'b'] });
    expect(Object.isFrozen(demand) && Object.isFrozen(demand.anyOf)).toBe(true);
  });

  it.each(['access_as_user', 'Report.Read.All', 'a', "it's", '[a]', 'a:b', 'a/b', '!#$%&()*+,-.;<=>?@^`{|}~'])(
    'takes the scope name %s',
    (name) => {
      expect(anyOf('scope', [name]).anyOf).toEqual([name]);
    },
  );

  describe.each(['scope', 'role'] as const)('%s', (kind) => {
    it.each<[string, readonly unknown[]]>([
      ['no name', []],
      ['an empty name', ['']],
      ['a blank name', ['  ']],
      ['a name that is a tab', ['\t']],
      ['two names in one text', ['a b']],
      ['a name with a tab', ['a\tb']],
      ['a name with a line break', ['a\nb']],
      ['a name with a no-break space', ['a\u00A0b']],
      ['a space before the name', [' a']],
      ['a space after the name', ['a ']],
      ['a bad name beside a good one', ['a', '']],
      ['a list in place of names', [['a', 'b']]],
      ['undefined', [undefined]],
      ['null', [null]],
      ['a number', [1]],
    ])('refuses %s', (_, names) => {
      expect(() => anyOf(kind, names)).toThrow(ConfigurationError);
    });
  });

  it.each(['api://11111111-2222-4333-8444-555555555555/access_as_user', 'https://graph.example/User.Read'])(
    'refuses the full URI %s and says that the claim holds the short name',
    (name) => {
      expect(() => anyOf('scope', [name])).toThrow(ConfigurationError);
      expect(() => anyOf('scope', [name])).toThrow(/short name/);
    },
  );

  it.each([
    ['a double quote', 'a"b'],
    ['a backslash', 'a\\b'],
    ['a letter beyond ASCII', 'é'],
    ['a control character', 'a\u0000b'],
    ['a delete character', 'a\u007F'],
  ])('refuses a scope name that holds %s', (_, name) => {
    expect(() => anyOf('scope', [name])).toThrow(ConfigurationError);
  });
});

describe('namedPolicies', () => {
  it.each<[string | readonly string[] | undefined, readonly string[] | undefined]>([
    [undefined, undefined],
    ['B2C_1_susi', ['B2C_1_susi']],
    [
      ['B2C_1_susi', 'B2C_1A_signin'],
      ['B2C_1_susi', 'B2C_1A_signin'],
    ],
  ])('reads %j as %j', (policy, names) => {
    expect(namedPolicies(policy)).toEqual(names);
  });

  it.each<[string, unknown]>([
    ['an empty text', ''],
    ['a blank', ' '],
    ['white space', 'B2C_1_susi B2C_1A_signin'],
    ['an empty list', []],
    ['an empty text in a list', ['B2C_1_susi', '']],
    ['a number', 1],
    ['a number in a list', [1]],
    ['null', null],
    ['an object', { policy: 'B2C_1_susi' }],
  ])('refuses %s', (_, policy) => {
    expect(() => namedPolicies(policy as string)).toThrow(ConfigurationError);
  });
});

describe('checkDemand', () => {
  it.each<[string, 'scope' | 'role', readonly string[], object]>([
    ['the one scope', 'scope', ['a'], { scp: 'a' }],
    ['the scope among others', 'scope', ['b'], { scp: 'a b c' }],
    ['any of the scopes', 'scope', ['x', 'c'], { scp: 'a b c' }],
    ["the scope in an application's roles", 'scope', ['a'], { roles: ['a'] }],
    ["the scope in an agent's roles, its scp a slash", 'scope', ['a'], { roles: ['a'], scp: '/' }],
    ["the scope in an agent's roles, its scp empty", 'scope', ['a'], { roles: ['a'], scp: '' }],
    ["the role in a person's roles", 'role', ['a'], { roles: ['a'], scp: 'b' }],
    ["the role in an application's roles", 'role', ['a'], { roles: ['b', 'a'] }],
  ])('is content with %s', (_, kind, names, claims) => {
    expect(() => {
      checkDemand(anyOf(kind, names), claimsOf(claims));
    }).not.toThrow();
  });

  it.each<[string, readonly string[], object]>([
    ['another scope', ['a'], { scp: 'b' }],
    ['another case', ['a'], { scp: 'A' }],
    ['a part of a scope', ['a'], { scp: 'ab' }],
    ['more than a scope', ['ab'], { scp: 'a b' }],
    ['scopes joined by commas', ['a'], { scp: 'a,b' }],
    ['scopes joined by a tab', ['a'], { scp: 'a\tb' }],
    ["the name in a person's roles alone", ['a'], { scp: 'b', roles: ['a'] }],
    ['the name in scp as a list', ['a'], { scp: ['a'] }],
    ['the name in roles as a text', ['a'], { roles: 'a' }],
    ['the name within a role', ['a'], { roles: ['a b'] }],
    ['the slash of an agent', ['/'], { scp: '/', roles: ['b'] }],
    ['nothing', ['a'], {}],
  ])('asks for a scope that is not in %s, and names it', async (_, names, claims) => {
    await refuses(
      () => {
        checkDemand(anyOf('scope', names), claimsOf(claims));
      },
      'scope',
      names.join(' '),
    );
  });

  it.each<[string, object]>([
    ['another role', { roles: ['User'] }],
    ['another case', { roles: ['admin'] }],
    ['a scope of that name', { scp: 'Admin', roles: ['User'] }],
    ['a role that holds the name', { roles: ['Admin User'] }],
    ['roles as a text', { roles: 'Admin' }],
    ['nothing', {}],
  ])('asks for a role that is not in %s, without naming it', async (_, claims) => {
    await refuses(() => {
      checkDemand(anyOf('role', ['Admin']), claimsOf(claims));
    }, 'role');
  });
});

describe('checkDemands and checkPolicy', () => {
  const requirement = (...demands: Requirement['demands']): Requirement => ({ scheme: undefined, demands });

  it('is content with any verified token where nothing is demanded', () => {
    expect(() => {
      checkDemands(requirement(), tokenOf({}));
    }).not.toThrow();
  });

  it('wants every demand to hold, and names the one that does not', async () => {
    const all = requirement(anyOf('scope', ['a', 'b']), anyOf('scope', ['c', 'd']), anyOf('role', ['Admin']));
    const check = (claims: object) => () => {
      checkDemands(all, tokenOf(claims));
    };
    expect(check({ scp: 'a c', roles: ['Admin'] })).not.toThrow();
    await refuses(check({ scp: 'c', roles: ['Admin'] }), 'scope', 'a b');
    await refuses(check({ scp: 'a', roles: ['Admin'] }), 'scope', 'c d');
    await refuses(check({ scp: 'a c', roles: [] }), 'role');
  });

  describe('policies', () => {
    const only = (...policies: readonly string[]): Requirement => ({ scheme: { kind: 'b2c', policies }, demands: [] });

    it.each([['B2C_1_susi'], ['b2c_1_SUSI']])('takes a token of the policy B2C_1_susi where %s is named', (name) => {
      expect(() => {
        checkPolicy(only('B2C_1_edit', name), tokenOf({}, 'B2C_1_susi'));
      }).not.toThrow();
    });

    it('takes a token of any configured policy where none is named', () => {
      expect(() => {
        checkPolicy({ scheme: { kind: 'b2c', policies: undefined }, demands: [] }, tokenOf({}, 'B2C_1_susi'));
      }).not.toThrow();
    });

    it.each([['B2C_1_edit'], [undefined]])('refuses a token of the policy %s', async (policy) => {
      await refuses(() => {
        checkPolicy(only('B2C_1_susi'), tokenOf({}, policy));
      }, 'policy');
    });

    it('goes by what was verified, not by what the claims say', async () => {
      await refuses(() => {
        checkPolicy(only('B2C_1_susi'), tokenOf({ tfp: 'B2C_1_susi' }, 'B2C_1_edit'));
      }, 'policy');
    });
  });
});
