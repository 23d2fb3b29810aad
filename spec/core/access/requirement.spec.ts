import { describe, expect, it } from 'vitest';
import { anyOf, requires, type ClaimDemanded, type PermissionDemand } from '../../../src/core/access/requirement.js';
import { ConfigurationError } from '../../../src/core/errors.js';

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
    const none = `At least one ${kind} name is needed.`;
    const blank = `A ${kind} name is blank.`;
    const spaced = `A ${kind} name has white space. Give each name as a separate argument.`;

    it.each<[string, readonly unknown[], string]>([
      ['no name', [], none],
      ['an empty name', [''], blank],
      ['a blank name', ['  '], blank],
      ['a name that is a tab', ['\t'], blank],
      ['two names in one text', ['a b'], spaced],
      ['a name with a tab', ['a\tb'], spaced],
      ['a name with a line break', ['a\nb'], spaced],
      ['a name with a no-break space', ['a\u00A0b'], spaced],
      ['a space before the name', [' a'], spaced],
      ['a space after the name', ['a '], spaced],
      ['a bad name beside a good one', ['a', ''], blank],
      ['a list in place of names', [['a', 'b']], blank],
      ['undefined', [undefined], blank],
      ['null', [null], blank],
      ['a number', [1], blank],
    ])('refuses %s', (_, names, message) => {
      expect(() => anyOf(kind, names)).toThrow(new ConfigurationError(message));
    });
  });

  it.each(['api://11111111-2222-4333-8444-555555555555/access_as_user', 'https://graph.example/User.Read'])(
    'refuses the full URI %s and names the short name',
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
    expect(() => anyOf('scope', [name])).toThrow(
      new ConfigurationError('A scope name has a character that RFC 6749 §3.3 does not allow.'),
    );
  });
});

describe('requires.b2c', () => {
  it.each<[string | readonly string[] | undefined, readonly string[] | undefined]>([
    [undefined, undefined],
    ['B2C_1_susi', ['B2C_1_susi']],
    [
      ['B2C_1_susi', 'B2C_1A_signin'],
      ['B2C_1_susi', 'B2C_1A_signin'],
    ],
  ])('reads %j as %j', (policy, names) => {
    expect(requires.b2c({ policy })).toEqual({ scheme: { kind: 'b2c', policies: names }, demands: [] });
  });

  it('takes all configured policies where it is given no options', () => {
    expect(requires.b2c()).toEqual({ scheme: { kind: 'b2c', policies: undefined }, demands: [] });
  });

  const none = 'At least one policy name is needed.';
  const blank = 'A policy name is blank or has white space.';

  it.each<[string, unknown, string]>([
    ['an empty text', '', blank],
    ['a blank', ' ', blank],
    ['white space', 'B2C_1_susi B2C_1A_signin', blank],
    ['an empty list', [], none],
    ['an empty text in a list', ['B2C_1_susi', ''], blank],
    ['a number', 1, none],
    ['a number in a list', [1], blank],
    ['null', null, none],
    ['an object', { policy: 'B2C_1_susi' }, none],
  ])('refuses %s', (_, policy, message) => {
    expect(() => requires.b2c({ policy: policy as string })).toThrow(new ConfigurationError(message));
  });
});

describe('requires.entra', () => {
  it.each(['user', 'app', 'any', undefined] as const)('takes the callers %s', (callers) => {
    expect(requires.entra({ callers })).toEqual({ scheme: { kind: 'entra', callers }, demands: [] });
  });

  it.each([['User'], ['apps'], [''], [null], [true], [['user']], [{ callers: 'user' }]])('refuses %j', (callers) => {
    expect(() => requires.entra({ callers: callers as 'user' })).toThrow(ConfigurationError);
    expect(() => requires.entra({ callers: callers as 'user' })).toThrow("callers takes 'user', 'app' or 'any'.");
  });
});

describe('requires.scopeOrAppPermission', () => {
  it('takes one name, or several, and freezes them', () => {
    expect(requires.scopeOrAppPermission({ scope: 'a', appPermission: 'A.All' }).demands).toEqual([
      { kind: 'permission', scopes: ['a'], appPermissions: ['A.All'] },
    ]);
    const { demands } = requires.scopeOrAppPermission({ scope: ['a', 'b'], appPermission: ['A.All', 'B.All'] });
    const [demand] = demands as readonly PermissionDemand[];
    expect(demand).toEqual({ kind: 'permission', scopes: ['a', 'b'], appPermissions: ['A.All', 'B.All'] });
    expect([demands, demand, demand?.scopes, demand?.appPermissions].every((part) => Object.isFrozen(part))).toBe(true);
  });

  it.each<[string, unknown, unknown]>([
    ['no scope', [], 'A.All'],
    ['no app permission', 'a', []],
    ['undefined for the scope', undefined, 'A.All'],
    ['undefined for the app permission', 'a', undefined],
    ['a blank scope', ' ', 'A.All'],
    ['a blank app permission', 'a', ''],
    ['two scopes in one text', 'a b', 'A.All'],
    ['two app permissions in one text', 'a', 'A.All B.All'],
    ['a full URI', 'api://report/a', 'A.All'],
  ])('refuses %s', (_, scope, appPermission) => {
    expect(() =>
      requires.scopeOrAppPermission({ scope: scope as string, appPermission: appPermission as string }),
    ).toThrow(ConfigurationError);
  });
});

describe('requires.group', () => {
  const staff = 'abcdefab-0000-4000-8000-000000000001';

  it('takes names with spaces, and GUIDs in either letter case', () => {
    expect(requires.group(staff.toUpperCase(), 'Domain Users').demands).toEqual([
      { kind: 'group', anyOf: [staff, 'Domain Users'] },
    ]);
  });

  it.each<[string, readonly unknown[]]>([
    ['no name', []],
    ['an empty name', ['']],
    ['a blank name', [' ']],
    ['a list in place of names', [[staff]]],
    ['undefined', [undefined]],
  ])('refuses %s', (_, names) => {
    expect(() => anyOf('group', names)).toThrow(ConfigurationError);
  });
});

describe('requires.authContext', () => {
  it.each(['c1', 'c9', 'c10', 'c25', 'c99'])('is made of %s', (id) => {
    const [demand] = requires.authContext(id).demands;
    expect(demand).toEqual({ kind: 'auth_context', id });
    expect(Object.isFrozen(demand)).toBe(true);
  });

  it.each([
    ['c0'],
    ['c100'],
    ['C1'],
    ['c01'],
    ['c'],
    ['1'],
    [''],
    [' c1'],
    ['c1 '],
    ['c1\n'],
    ['c1,c2'],
    ['c1"'],
    [1],
    [['c1']],
  ])('is not made of %j', (id) => {
    expect(() => requires.authContext(id as string)).toThrow(ConfigurationError);
    expect(() => requires.authContext(id as string)).toThrow('An authentication context is named c1 to c99.');
  });

  it('is not made of nothing', () => {
    expect(() => requires.authContext(undefined as unknown as string)).toThrow(ConfigurationError);
    expect(() => requires.authContext(null as unknown as string)).toThrow(ConfigurationError);
  });
});

describe('requires.claim', () => {
  it('takes a name, and values of three types, and freezes them', () => {
    const [demand] = requires.claim('department', 'Human Resources', 7, true).demands;
    expect(demand).toEqual({ kind: 'claim', claim: 'department', values: ['Human Resources', 7, true] });
    expect([demand, (demand as ClaimDemanded).values].every((part) => Object.isFrozen(part))).toBe(true);
    expect(requires.claim('https://claims.example/level').demands).toEqual([
      { kind: 'claim', claim: 'https://claims.example/level', values: [] },
    ]);
  });

  it.each<[string, readonly unknown[], string]>([
    ['no name', [], 'A claim name is blank.'],
    ['undefined', [undefined, 'finance'], 'A claim name is blank.'],
    ['a blank name', [' '], 'A claim name is blank.'],
    ['a number for a name', [7], 'A claim name is blank.'],
    ['a name with white space', ['job title'], 'A claim name has white space.'],
    ['a value that is undefined', ['department', undefined], 'A value of a claim is blank, or is no number.'],
    ['a value that is null', ['department', null], 'A value of a claim is blank, or is no number.'],
    ['a blank value', ['department', 'finance', ' '], 'A value of a claim is blank, or is no number.'],
    ['a number that is none', ['level', NaN], 'A value of a claim is blank, or is no number.'],
    ['a list of values', ['department', ['finance']], 'A value of a claim is blank, or is no number.'],
  ])('refuses %s', (_, given, message) => {
    const claim = requires.claim as (...given: readonly unknown[]) => unknown;
    expect(() => claim(...given)).toThrow(ConfigurationError);
    expect(() => claim(...given)).toThrow(message);
  });
});

describe('requires.check', () => {
  it('takes a function', () => {
    const check = () => true;
    expect(requires.check(check).demands).toEqual([{ kind: 'check', check }]);
    expect(Object.isFrozen(requires.check(check).demands[0])).toBe(true);
  });
});

describe('requires', () => {
  it('makes one frozen requirement of each call', () => {
    expect([requires.any(), requires.scope('a', 'b'), requires.role('Admin'), requires.notGuest()]).toEqual([
      { scheme: { kind: 'any' }, demands: [] },
      { scheme: undefined, demands: [{ kind: 'scope', anyOf: ['a', 'b'] }] },
      { scheme: undefined, demands: [{ kind: 'role', anyOf: ['Admin'] }] },
      { scheme: undefined, demands: [{ kind: 'not_guest' }] },
    ]);
    for (const requirement of [requires.entra(), requires.b2c({ policy: 'B2C_1_susi' }), requires.notGuest()]) {
      const parts = [requirement, requirement.scheme, requirement.scheme?.policies, requirement.demands];
      expect([...parts, ...requirement.demands].every((part) => Object.isFrozen(part))).toBe(true);
    }
  });
});
