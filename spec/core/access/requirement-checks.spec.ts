import { describe, expect, it } from 'vitest';
import type { AccessTokenClaims } from '../../../src/core/access-token-claims.js';
import { ClaimsChallengeError } from '../../../src/core/access/claims-challenge.js';
import type { Callers } from '../../../src/core/access/demand-names.js';
import {
  checkDemands,
  checkFurtherRequirement,
  checkPolicy,
  checkScopes,
} from '../../../src/core/access/requirement-checks.js';
import { anyOf, requires, type Demand, type Requirement } from '../../../src/core/access/requirement.js';
import type { GroupsResolver } from '../../../src/core/configuration/settings.js';
import { ConfigurationError, InsufficientScopeError } from '../../../src/core/errors.js';
import { callerKindOf } from '../../../src/core/token/caller-kind.js';
import type { VerifiedToken } from '../../../src/core/token/verified-token.js';
import { errorOf, refuses } from '../../support/refusals.js';

const claimsOf = (claims: object) => claims as AccessTokenClaims;
const authority = { realm: 'realm', authorizationUri: 'https://login.example/authorize' };
function tokenOf(claims: object, policy?: string): VerifiedToken {
  const kind = policy === undefined ? 'entra' : 'b2c';
  const callerKind = callerKindOf(claimsOf(claims), { b2c: undefined }, kind);
  return { kind, claims: claimsOf(claims), callerKind, policy, authority };
}

const demandOf = ({ demands: [demand] }: Requirement): Demand => demand ?? expect.fail('nothing is demanded');

/** Holds claims against demands alone. */
const check = (claims: object, ...demands: readonly Demand[]) =>
  checkDemands({ scheme: undefined, demands }, { token: tokenOf(claims) });

/** The refusals of a caller, written out. */
const descriptions = {
  caller: 'This kind of caller is not accepted.',
  guest: 'Guests of the tenant are not accepted.',
  group: 'The caller is in none of the groups this request needs.',
  groups_overage: 'The access token does not say which groups the caller is in.',
} as const;

async function refusesCaller(run: () => unknown, reason: keyof typeof descriptions): Promise<void> {
  const error = await errorOf(run);
  expect(error).toBeInstanceOf(InsufficientScopeError);
  expect(error).toMatchObject({ code: 'insufficient_scope', reason, status: 403 });
  expect((error as InsufficientScopeError).headers).toEqual({
    'WWW-Authenticate': `Bearer error="insufficient_scope", error_description="${descriptions[reason]}"`,
    'Cache-Control': 'no-store',
  });
}

describe('a demand for scopes or roles', () => {
  it.each<[string, 'scope' | 'role', readonly string[], object]>([
    ['the one scope', 'scope', ['a'], { scp: 'a' }],
    ['the scope among others', 'scope', ['b'], { scp: 'a b c' }],
    ['any of the scopes', 'scope', ['x', 'c'], { scp: 'a b c' }],
    ["the scope in an application's roles", 'scope', ['a'], { roles: ['a'] }],
    ["the scope in an agent's roles, its scp a slash", 'scope', ['a'], { roles: ['a'], scp: '/' }],
    ["the scope in an agent's roles, its scp empty", 'scope', ['a'], { roles: ['a'], scp: '' }],
    ['the scope in the roles of an application that says so', 'scope', ['a'], { idtyp: 'app', roles: ['a'] }],
    ['the scope of a person who says so', 'scope', ['a'], { idtyp: 'user', scp: 'a' }],
    ["the role in a person's roles, of a token without scopes", 'role', ['a'], { idtyp: 'user', roles: ['a'] }],
    ["the role in a person's roles", 'role', ['a'], { roles: ['a'], scp: 'b' }],
    ["the role in an application's roles", 'role', ['a'], { roles: ['b', 'a'] }],
  ])('is content with %s', (_, kind, names, claims) => {
    expect(check(claims, anyOf(kind, names))).toBeUndefined();
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
    ['the scope of an application whose token has one', ['a'], { idtyp: 'app', scp: 'a', roles: ['b'] }],
    ['the slash of an agent', ['/'], { scp: '/', roles: ['b'] }],
    ['nothing', ['a'], {}],
    ["a person's roles, of a token without scopes", ['a'], { idtyp: 'user', roles: ['a'] }],
    ["a person's roles, its scp empty", ['a'], { idtyp: 'user', scp: '', roles: ['a'] }],
    ["a person's roles, its scp a slash", ['a'], { idtyp: 'user', scp: '/', roles: ['a'] }],
    ['the roles of a caller that is neither', ['a'], { idtyp: 'device', roles: ['a'] }],
    ['the roles where idtyp is in another case', ['a'], { idtyp: 'App', roles: ['a'] }],
    ['the roles where idtyp is null', ['a'], { idtyp: null, roles: ['a'] }],
    ['the roles where idtyp is a list', ['a'], { idtyp: ['app'], roles: ['a'] }],
    ['the roles where scp is a blank', ['a'], { scp: ' ', roles: ['a'] }],
    ['the roles where scp is null', ['a'], { scp: null, roles: ['a'] }],
    ['the roles where scp is a list', ['a'], { scp: [], roles: ['a'] }],
  ])('asks for a scope that is not in %s, and names it', async (_, names, claims) => {
    await refuses(() => check(claims, anyOf('scope', names)), 'scope', names.join(' '));
  });

  it.each<[string, object]>([
    ['another role', { roles: ['User'] }],
    ['another case', { roles: ['admin'] }],
    ['a scope of that name', { scp: 'Admin', roles: ['User'] }],
    ['a role that holds the name', { roles: ['Admin User'] }],
    ['roles as a text', { roles: 'Admin' }],
    ['nothing', {}],
  ])('asks for a role that is not in %s, without naming it', async (_, claims) => {
    await refuses(() => check(claims, anyOf('role', ['Admin'])), 'role');
  });
});

describe('checkDemands and checkPolicy', () => {
  const requirement = (...demands: Requirement['demands']): Requirement => ({ scheme: undefined, demands });

  it('is content with any verified token where nothing is demanded', () => {
    expect(checkDemands(requirement(), { token: tokenOf({}) })).toBeUndefined();
  });

  it('wants every demand to hold, and names the one that does not', async () => {
    const all = requirement(anyOf('scope', ['a', 'b']), anyOf('scope', ['c', 'd']), anyOf('role', ['Admin']));
    const held = (claims: object) => checkDemands(all, { token: tokenOf(claims) });
    expect(held({ scp: 'a c', roles: ['Admin'] })).toBeUndefined();
    await refuses(() => held({ scp: 'c', roles: ['Admin'] }), 'scope', 'a b');
    await refuses(() => held({ scp: 'a', roles: ['Admin'] }), 'scope', 'c d');
    await refuses(() => held({ scp: 'a c', roles: [] }), 'role');
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

describe('a demand of an unknown kind', () => {
  it('refuses any token, and tells the developer', () => {
    const unknown = { kind: 'next_version' } as unknown as Demand;
    expect(() => check({ scp: 'a' }, anyOf('scope', ['a']))).not.toThrow();
    const requirement = { at: 'Orders.list', scheme: undefined, demands: [anyOf('scope', ['a']), unknown] };
    expect(() => checkDemands(requirement, { token: tokenOf({ scp: 'a' }) })).toThrow(
      new ConfigurationError(
        'Orders.list has a demand of another version of microsoft-identity-decorators. Load only one version.',
      ),
    );
    expect(() => check({ scp: 'a' }, unknown)).toThrow(
      new ConfigurationError(
        'A route has a demand of another version of microsoft-identity-decorators. Load only one version.',
      ),
    );
  });
});

describe('checkScopes', () => {
  it('is content with one of the scopes, or with a role of an application', () => {
    expect(() => {
      checkScopes(['a', 'b'], claimsOf({ scp: 'b' }));
      checkScopes(['a'], claimsOf({ roles: ['a'] }));
    }).not.toThrow();
  });

  it('refuses other scopes, and the roles of a person', async () => {
    for (const claims of [{ scp: 'b' }, { scp: 'b', roles: ['a'] }, { idtyp: 'user', roles: ['a'] }]) {
      await refuses(
        () => {
          checkScopes(['a'], claimsOf(claims));
        },
        'scope',
        'a',
      );
    }
  });

  it.each([[[]], [['']], [['a b']], [['api://report/a']]])('refuses the names %j', (names) => {
    expect(() => {
      checkScopes(names, claimsOf({ scp: names.join(' ') }));
    }).toThrow(ConfigurationError);
  });
});

describe('a further requirement', () => {
  const entraToken = tokenOf({ scp: 'a', hasgroups: true });
  const b2cToken = tokenOf({ scp: 'a' }, 'B2C_1_susi');
  const further = (token: VerifiedToken, scheme: Requirement['scheme'], ...demands: readonly Demand[]) =>
    checkFurtherRequirement({ scheme, demands }, { token }, undefined);

  it.each<[string, VerifiedToken, Requirement['scheme']]>([
    ['no scheme, of Entra ID', entraToken, undefined],
    ['no scheme, of B2C', b2cToken, undefined],
    ['any scheme, of Entra ID', entraToken, { kind: 'any' }],
    ['any scheme, of B2C', b2cToken, { kind: 'any' }],
    ['its own scheme, of Entra ID', entraToken, { kind: 'entra' }],
    ['its own scheme, of B2C', b2cToken, { kind: 'b2c' }],
    ['its own policy', b2cToken, { kind: 'b2c', policies: ['B2C_1_edit', 'b2c_1_SUSI'] }],
  ])('takes a token for %s', (_, token, scheme) => {
    expect(further(token, scheme, anyOf('scope', ['a']))).toBeUndefined();
  });

  it('refuses a token of the other authority, before it looks at any demand', async () => {
    const missing = anyOf('scope', ['missing']);
    await refuses(() => further(entraToken, { kind: 'b2c' }, missing), 'policy');
    await refuses(() => further(b2cToken, { kind: 'entra' }, missing), 'issuer');
  });

  it('refuses a token of another policy, before it looks at any demand', async () => {
    const scheme = { kind: 'b2c', policies: ['B2C_1_edit'] } as const;
    await refuses(() => further(b2cToken, scheme, anyOf('scope', ['missing'])), 'policy');
  });

  it('refuses a token that lacks a demand, or whose caller is not accepted', async () => {
    await refuses(() => further(entraToken, undefined, anyOf('scope', ['b'])), 'scope', 'b');
    await refusesCaller(() => further(entraToken, { kind: 'entra', callers: 'app' }), 'caller');
  });

  it('asks for the groups of its caller, unless they were looked up before', async () => {
    const requirement: Requirement = { scheme: undefined, demands: [anyOf('group', ['staff'])] };
    const resolve: GroupsResolver = () => Promise.resolve(['staff']);
    await expect(checkFurtherRequirement(requirement, { token: entraToken }, resolve)).resolves.toEqual(['staff']);
    await refusesCaller(() => checkFurtherRequirement(requirement, { token: entraToken }, undefined), 'groups_overage');
    const never: GroupsResolver = () => expect.fail('groups were asked for');
    const known = { token: entraToken, groups: ['staff'] };
    expect(checkFurtherRequirement(requirement, known, never)).toEqual(['staff']);
  });
});

describe('callers', () => {
  const held = (callers: Callers | undefined, claims: object) =>
    checkDemands({ scheme: { kind: 'entra', callers }, demands: [] }, { token: tokenOf(claims) });

  // What each kind of token passes: routes for people, and routes for applications.
  it.each<[string, object, boolean, boolean]>([
    ['a person, by scp', { scp: 'a' }, true, false],
    ['a person, by idtyp', { idtyp: 'user' }, true, false],
    ['a person, by both', { idtyp: 'user', scp: 'a' }, true, false],
    ['a person, by idtyp, with roles alone', { idtyp: 'user', roles: ['a'] }, true, false],
    ['an application, without scp', { roles: ['a'] }, false, true],
    ['an application, its scp empty', { scp: '', roles: ['a'] }, false, true],
    ['an application, its scp a slash', { scp: '/', roles: ['a'] }, false, true],
    ['an application, by idtyp', { idtyp: 'app', roles: ['a'] }, false, true],
    ['an application, by idtyp, whatever scp says', { idtyp: 'app', scp: 'a' }, false, true],
    ['no application, its scp a blank', { scp: ' ', roles: ['a'] }, true, false],
    ['no application, its scp null', { scp: null, roles: ['a'] }, true, false],
    ['neither, its idtyp another word', { idtyp: 'device', scp: 'a' }, false, false],
    ['neither, its idtyp in another case', { idtyp: 'User', scp: 'a' }, false, false],
    ['neither, its idtyp empty', { idtyp: '', scp: 'a' }, false, false],
    ['neither, its idtyp null', { idtyp: null, scp: 'a' }, false, false],
    ['neither, its idtyp true', { idtyp: true, roles: ['a'] }, false, false],
    ['neither, its idtyp a list', { idtyp: ['user', 'app'], scp: 'a' }, false, false],
  ])('takes for what it is: %s', async (_, claims, isUser, isApp) => {
    for (const callers of ['any', undefined] as const) expect(held(callers, claims)).toBeUndefined();
    for (const [callers, passes] of [
      ['user', isUser],
      ['app', isApp],
    ] as const) {
      if (passes) expect(held(callers, claims)).toBeUndefined();
      else await refusesCaller(() => held(callers, claims), 'caller');
    }
  });

  it('are looked at before any demand', async () => {
    const demands = [anyOf('scope', ['missing']), demandOf(requires.authContext('c1'))];
    await refusesCaller(
      () => checkDemands({ scheme: { kind: 'entra', callers: 'app' }, demands }, { token: tokenOf({ scp: 'a' }) }),
      'caller',
    );
  });
});

describe('a demand for a scope or an app permission', () => {
  const demand = demandOf(requires.scopeOrAppPermission({ scope: ['a', 'b'], appPermission: ['A.All', 'B.All'] }));

  it.each<[string, object]>([
    ['a scope of a person', { scp: 'b' }],
    ['a scope of a person who says so', { idtyp: 'user', scp: 'x a' }],
    ['an app permission of an application', { roles: ['B.All'] }],
    ['an app permission of an application that says so', { idtyp: 'app', roles: ['x', 'A.All'] }],
    ['an app permission of an agent', { scp: '/', roles: ['A.All'] }],
  ])('is content with %s', (_, claims) => {
    expect(check(claims, demand)).toBeUndefined();
  });

  it.each<[string, object]>([
    ['a role of a person', { scp: 'x', roles: ['A.All'] }],
    ['a role of a person, its name that of the scope', { scp: 'x', roles: ['a'] }],
    ['a role of a person whose token has no scope', { idtyp: 'user', roles: ['A.All', 'a'] }],
    ['a role of a caller that is neither', { idtyp: 'device', roles: ['A.All'] }],
    ['an app permission among the scopes', { scp: 'A.All' }],
    ['a role beside a blank scp', { scp: ' ', roles: ['A.All'] }],
  ])('asks a person for a scope, and is not content with %s', async (_, claims) => {
    await refuses(() => check(claims, demand), 'scope', 'a b');
  });

  it.each<[string, object]>([
    ['a role by the name of the scope', { roles: ['a'] }],
    ['a scope', { idtyp: 'app', scp: 'a' }],
    ['an app permission among the scopes', { idtyp: 'app', scp: 'A.All' }],
    ['a role in another case', { roles: ['a.all'] }],
    ['no role', {}],
  ])('asks an application for an app permission, and is not content with %s', async (_, claims) => {
    await refuses(() => check(claims, demand), 'role');
  });
});

describe('a demand for a person who is not a guest', () => {
  const tid = '11111111-2222-4333-8444-555555555555';
  const otherTid = '99999999-2222-4333-8444-555555555555';
  const iss = `https://login.microsoftonline.com/${tid}/v2.0`;
  const member = { iss, tid, scp: 'a' };
  const demand = demandOf(requires.notGuest());

  it.each<[string, object]>([
    ['neither acct nor idp', {}],
    ['acct 0', { acct: 0 }],
    ["acct '0'", { acct: '0' }],
    ['acct 0, whatever idp says', { acct: 0, idp: 'live.com' }],
    ['idp equal to iss', { idp: iss }],
    ['the v1.0 issuer of its tenant for idp', { idp: `https://sts.windows.net/${tid}/` }],
    ['idp equal to iss, and no tid', { idp: iss, tid: undefined }],
    ['another idp, and an application', { idp: 'live.com', scp: undefined, roles: ['a'] }],
    ['acct 1, and an application', { acct: 1, idtyp: 'app' }],
  ])('takes one with %s', (_, claims) => {
    expect(check({ ...member, ...claims }, demand)).toBeUndefined();
  });

  it.each<[string, object]>([
    ['acct 1', { acct: 1 }],
    ["acct '1'", { acct: '1' }],
    ['acct 1, whatever idp says', { acct: 1, idp: iss }],
    ['acct true', { acct: true }],
    ['acct false', { acct: false }],
    ['acct null', { acct: null }],
    ["acct ''", { acct: '' }],
    ["acct '00'", { acct: '00' }],
    ['acct 2', { acct: 2 }],
    ['acct [0]', { acct: [0] }],
    ['the v1.0 issuer of another tenant for idp', { idp: `https://sts.windows.net/${otherTid}/` }],
    ['the v2.0 issuer of another tenant for idp', { idp: iss.replace(tid, otherTid) }],
    ['an issuer of its own that names our tenant for idp', { idp: `https://idp.example/${tid}/` }],
    ['live.com for idp', { idp: 'live.com' }],
    ['mail for idp', { idp: 'mail' }],
    ['the bare tenant for idp', { idp: tid }],
    [
      'an issuer of Microsoft without a tenant for idp, and no tid',
      { idp: `${new URL(iss).origin}/v2.0`, tid: undefined },
    ],
    ['an empty idp', { idp: '' }],
    ['idp null', { idp: null }],
    ['a list for idp', { idp: [iss] }],
    ['the v1.0 issuer for idp, and no tid', { idp: `https://sts.windows.net/${tid}/`, tid: undefined }],
    ['another idp without a tenant, and no tid', { idp: 'live.com', tid: undefined }],
    ['acct 1, and an idtyp of neither kind', { acct: 1, idtyp: 'device' }],
  ])('refuses one with %s', async (_, claims) => {
    expect(check(member, demand)).toBeUndefined();
    await refusesCaller(() => check({ ...member, ...claims }, demand), 'guest');
  });
});

describe('a demand for groups', () => {
  const staff = 'abcdefab-0000-4000-8000-000000000001';
  const guards = 'abcdefab-0000-4000-8000-000000000002';
  const demand = anyOf('group', [staff, 'CONTOSO\\Domain Users']);
  const never: GroupsResolver = () => expect.fail('groups were asked for');
  const held = (claims: object, resolve?: GroupsResolver, ...demands: readonly Demand[]) =>
    checkDemands(
      { scheme: undefined, demands: demands.length > 0 ? demands : [demand] },
      { token: tokenOf({ scp: 'a', ...claims }) },
      resolve,
    );

  it.each<[string, object]>([
    ['the group', { groups: [staff] }],
    ['the group among others', { groups: [guards, staff] }],
    ['the group in upper case', { groups: [staff.toUpperCase()] }],
    ['the group by its name', { groups: ['CONTOSO\\Domain Users'] }],
    ['the group beside what is no text', { groups: [1, null, { id: guards }, staff] }],
    ['the group, whatever hasgroups says', { groups: [staff], hasgroups: true }],
    ['the group, whatever _claim_names says', { groups: [staff], _claim_names: { groups: 'src1' } }],
  ])('is content with %s, and asks nobody', (_, claims) => {
    expect(held(claims, never)).toBeUndefined();
    expect(held(claims)).toBeUndefined();
  });

  it.each<[string, object]>([
    ['another group', { groups: [guards] }],
    ['no group', { groups: [] }],
    ['no groups claim', {}],
    ['a text', { groups: staff }],
    ['a list in a list', { groups: [[staff]] }],
    ['an object that names it', { groups: [{ id: staff }] }],
    ['a part of it', { groups: [staff.slice(0, -1)] }],
    ['a name in another case', { groups: ['contoso\\domain users'] }],
    ['a scope of that name', { scp: staff }],
    ['a role of that name', { roles: [staff] }],
    ['a directory role of that name', { wids: [staff] }],
    ['hasgroups of false', { hasgroups: false }],
    ['hasgroups of another text', { hasgroups: 'True' }],
    ['hasgroups of 1', { hasgroups: 1 }],
    ['_claim_names without groups', { _claim_names: { wids: 'src1' } }],
    ['_claim_names as a text', { _claim_names: 'groups' }],
    ['_claim_names as a list', { _claim_names: ['groups'] }],
    ['_claim_names of null', { _claim_names: null }],
    ['_claim_sources alone', { _claim_sources: { src1: { endpoint: 'https://graph.example' } } }],
    ['another group, whatever hasgroups says', { groups: [guards], hasgroups: true }],
    ['another group, whatever _claim_names says', { groups: [guards], _claim_names: { groups: 'src1' } }],
  ])('is not content with %s, and asks nobody', async (_, claims) => {
    await refusesCaller(() => held(claims, never), 'group');
    await refusesCaller(() => held(claims), 'group');
  });

  const overages: [string, object][] = [
    ['hasgroups', { hasgroups: true }],
    ["hasgroups of 'true'", { hasgroups: 'true' }],
    ['_claim_names', { _claim_names: { groups: 'src1' } }],
    ['both', { hasgroups: true, _claim_names: { groups: 'src1' } }],
    ['_claim_names beside a text for groups', { groups: staff, _claim_names: { groups: 'src1' } }],
  ];

  describe.each(overages)('with too many groups, by %s', (_, claims) => {
    it('is refused where there is nobody to ask', async () => {
      await refusesCaller(() => held(claims), 'groups_overage');
    });

    it.each([[[staff]], [[guards, staff.toUpperCase()]], [['CONTOSO\\Domain Users']]])(
      'is content with the answer %j',
      async (answer) => {
        const asked: unknown[] = [];
        const resolve: GroupsResolver = (given) => {
          asked.push(given['scp']);
          return Promise.resolve(answer);
        };
        await expect(held(claims, resolve)).resolves.toEqual(answer);
        expect(asked).toEqual(['a']);
      },
    );

    it.each([[[]], [[guards]], [['contoso\\domain users']]])('is not content with the answer %j', async (answer) => {
      await refusesCaller(() => held(claims, () => Promise.resolve(answer)), 'group');
    });

    it('lets nobody in where the answer does not come', async () => {
      const failure = new ConfigurationError('Graph is away.');
      expect(await errorOf(() => held(claims, () => Promise.reject(failure)))).toBe(failure);
    });
  });

  it('asks once for several demands, of which each must hold', async () => {
    let asked = 0;
    const answering =
      (...groups: readonly string[]): GroupsResolver =>
      () => {
        asked++;
        return Promise.resolve(groups);
      };
    const both = [demand, anyOf('group', [guards])];
    await expect(held({ hasgroups: true }, answering(staff, guards), ...both)).resolves.toEqual([staff, guards]);
    expect(asked).toBe(1);
    await refusesCaller(() => held({ hasgroups: true }, answering(staff), ...both), 'group');
    await refusesCaller(() => held({ hasgroups: true }, answering(guards), ...both), 'group');
    expect(held({ groups: [guards, staff] }, never, ...both)).toBeUndefined();
    await refusesCaller(() => held({ groups: [staff] }, never, ...both), 'group');
  });

  it('is looked at last: nobody is asked about a caller that is refused anyway', async () => {
    const claims = { hasgroups: true };
    await refuses(() => held(claims, never, demand, anyOf('scope', ['b'])), 'scope', 'b');
    await refuses(() => held(claims, never, demand, anyOf('role', ['b'])), 'role');
    expect(await errorOf(() => held(claims, never, demand, demandOf(requires.authContext('c1'))))).toBeInstanceOf(
      ClaimsChallengeError,
    );
  });

  it('asks nobody where no group is demanded', () => {
    expect(held({ hasgroups: true }, never, anyOf('scope', ['a']))).toBeUndefined();
  });
});

describe('a demand for an authentication context', () => {
  it.each<[string, unknown]>([
    ['alone', ['c1']],
    ['among others', ['p1', 'c10', 'c1']],
    ['as a text', 'c1'],
  ])('is content with acrs that hold it %s', (_, acrs) => {
    expect(check({ scp: 'a', acrs }, demandOf(requires.authContext('c1')))).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['missing', undefined],
    ['null', null],
    ['empty', []],
    ['an empty text', ''],
    ['another', ['c2']],
    ['in another case', ['C1']],
    ['part of a longer one', ['c10']],
    ['part of a text', 'c1 c2'],
    ['a list in a list', [['c1']]],
    ['an object', { c1: true }],
    ['true', true],
  ])('is not content with acrs that are %s', async (_, acrs) => {
    const error = await errorOf(() => check({ scp: 'a', acrs, xms_cc: ['cp1'] }, demandOf(requires.authContext('c1'))));
    expect(error).toBeInstanceOf(ClaimsChallengeError);
    expect(error).toMatchObject({ code: 'insufficient_claims', status: 401 });
    expect((error as ClaimsChallengeError).headers['WWW-Authenticate']).toContain('realm="realm"');
  });

  it('is not content with acr, the authentication context class', async () => {
    expect(await errorOf(() => check({ scp: 'a', acr: 'c1' }, demandOf(requires.authContext('c1'))))).toBeInstanceOf(
      ClaimsChallengeError,
    );
  });
});

describe('a demand for a claim', () => {
  it.each<[string, Parameters<typeof requires.claim>, object]>([
    ['the value', ['department', 'finance'], { department: 'finance' }],
    ['any of the values', ['department', 'legal', 'finance'], { department: 'finance' }],
    ['the value among the items of a list', ['wids', 'b'], { wids: ['a', 'b'] }],
    ['a number', ['level', 2], { level: 2 }],
    ['zero', ['acct', 0], { acct: 0 }],
    ['true', ['xms_edov', true], { xms_edov: true }],
    ['any value', ['department'], { department: 'finance' }],
    ['any item', ['wids'], { wids: [null, 'a'] }],
    ['any member', ['address'], { address: { country: 'NO' } }],
    ['zero where any value will do', ['acct'], { acct: 0 }],
    ['false where any value will do', ['xms_edov'], { xms_edov: false }],
  ])('is content with %s', (_, [claim, ...values], claims) => {
    expect(check(claims, demandOf(requires.claim(claim, ...values)))).toBeUndefined();
  });

  it.each<[string, Parameters<typeof requires.claim>, object]>([
    ['another value', ['department', 'finance'], { department: 'sales' }],
    ['another case', ['department', 'finance'], { department: 'Finance' }],
    ['a part of the value', ['department', 'finance'], { department: 'finance, Oslo' }],
    ['no such claim', ['department', 'finance'], {}],
    ['null', ['department', 'finance'], { department: null }],
    ['the value in a list in a list', ['wids', 'a'], { wids: [['a']] }],
    ['the number as a text', ['level', 2], { level: '2' }],
    ['the text as a number', ['level', '2'], { level: 2 }],
    ['true as a text', ['xms_edov', true], { xms_edov: 'true' }],
    ['the value in an object', ['address', 'NO'], { address: { country: 'NO' } }],
    ['no claim where any value will do', ['department'], {}],
    ['null where any value will do', ['department'], { department: null }],
    ['an empty text', ['department'], { department: '' }],
    ['a blank text', ['department'], { department: ' ' }],
    ['an empty list', ['wids'], { wids: [] }],
    ['a list of nothing', ['wids'], { wids: [null, '', []] }],
    ['an empty object', ['address'], { address: {} }],
    ['what every object has', ['constructor'], {}],
  ])('is not content with %s', async (_, [claim, ...values], claims) => {
    await refuses(() => check(claims, demandOf(requires.claim(claim, ...values))), 'check');
  });
});
