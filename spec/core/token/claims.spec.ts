import { describe, expect, it } from 'vitest';
import type { AccessTokenClaims } from '../../../src/core/access-token-claims.js';
import {
  callsAsApp,
  callsAsUser,
  checkTimes,
  clientOf,
  hasAudience,
  hasCaseTwin,
  hasRegisteredClaims,
  isAccessToken,
  rolesOf,
  scopesOf,
} from '../../../src/core/token/claims.js';
import { refuses } from '../../support/refusals.js';

const registered = {
  iss: 'https://login.example/v2.0',
  aud: 'api',
  exp: 2_000,
  nbf: 1_000,
  iat: 1_000,
  sub: 'subject',
  jti: 'id',
};
const claimsOf = (claims: object) => claims as AccessTokenClaims;

describe('hasRegisteredClaims', () => {
  it.each([
    ['all of them', registered],
    ['the required ones alone', { iss: 'i', aud: 'a', exp: 0 }],
    ['a list of audiences', { ...registered, aud: ['a', 'b'] }],
    ['times before the epoch', { ...registered, nbf: -1, iat: -1 }],
    ['others of any type', { ...registered, custom: { a: [null] } }],
  ])('takes %s', (_, claims) => {
    expect(hasRegisteredClaims(claims)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['iss', undefined],
    ['iss', null],
    ['iss', 1],
    ['iss', ['https://login.example/v2.0']],
    ['aud', undefined],
    ['aud', null],
    ['aud', 1],
    ['aud', {}],
    ['aud', []],
    ['aud', ['api', 1]],
    ['aud', [['api']]],
    ['exp', undefined],
    ['exp', null],
    ['exp', '2000'],
    ['exp', 2000.5],
    ['exp', Infinity],
    ['exp', NaN],
    ['exp', 2 ** 53],
    ['exp', [2000]],
    ['exp', true],
    ['nbf', null],
    ['nbf', '1000'],
    ['nbf', 1000.5],
    ['nbf', -Infinity],
    ['iat', null],
    ['iat', '1000'],
    ['iat', 1000.5],
    ['iat', {}],
    ['sub', null],
    ['sub', 1],
    ['jti', null],
    ['jti', 1],
  ])('refuses %s: %j', (name, value) => {
    expect(hasRegisteredClaims(registered)).toBe(true);
    expect(hasRegisteredClaims({ ...registered, [name]: value })).toBe(false);
  });
});

describe('checkTimes', () => {
  const check = (claims: object, nowSeconds: number, toleranceSeconds: number) => {
    checkTimes(claimsOf({ exp: 2_000, ...claims }), nowSeconds, toleranceSeconds);
  };

  it.each([
    [0, 1_999.999],
    [5, 2_004.999],
    [300, 2_299.999],
  ])('takes a token until it ends, with a tolerance of %i s at %d', (tolerance, now) => {
    expect(() => {
      check({}, now, tolerance);
    }).not.toThrow();
  });

  it.each([
    [0, 2_000],
    [5, 2_005],
    [300, 2_300],
    [5, 1e12],
  ])('refuses a token from the moment it ends, with a tolerance of %i s at %d', async (tolerance, now) => {
    await refuses(() => {
      check({}, now, tolerance);
    }, 'expired');
  });

  describe.each(['nbf', 'iat'])('%s', (claim) => {
    it.each([
      [0, 1_000],
      [5, 995],
      [300, 700],
    ])('lets a token start, with a tolerance of %i s at %d', (tolerance, now) => {
      expect(() => {
        check({ [claim]: 1_000 }, now, tolerance);
      }).not.toThrow();
    });

    it.each([
      [0, 999.999],
      [5, 994.999],
      [300, 699.999],
    ])('keeps a token from starting early, with a tolerance of %i s at %d', async (tolerance, now) => {
      await refuses(() => {
        check({ [claim]: 1_000 }, now, tolerance);
      }, 'not_yet_valid');
    });
  });

  it.each([
    ['nbf', { nbf: 1_000, iat: 500 }],
    ['iat', { nbf: 500, iat: 1_000 }],
  ])('goes by the later of the two where that is %s', async (_, claims) => {
    await refuses(() => {
      check(claims, 900, 0);
    }, 'not_yet_valid');
  });
});

describe('hasAudience', () => {
  const ours = ['client', 'api://client', 'https://api.example/'];

  it.each([
    ['the client id', 'client'],
    ['the App ID URI', 'api://client'],
    ['one trailing slash more', 'api://client/'],
    ['one trailing slash less', 'https://api.example'],
    ['a list with ours in it', ['other', 'client']],
    ['a list of ours alone', ['client']],
  ])('finds %s', (_, aud) => {
    expect(hasAudience(claimsOf({ aud }), ours)).toBe(true);
  });

  it.each([
    ['another API', 'other'],
    ['nothing', ''],
    ['a slash', '/'],
    ['an empty list', []],
    ['a list of others', ['other', 'api://other']],
    ['another case', 'API://CLIENT'],
    ['a part of ours', 'clien'],
    ['more than ours', 'client2'],
    ['a path below ours', 'api://client/other'],
    ['two trailing slashes more', 'api://client//'],
    ['a space', 'client '],
    ['ours, joined', 'client api://client'],
    ['another scheme', 'spn:client'],
  ])('does not find %s', (_, aud) => {
    expect(hasAudience(claimsOf({ aud }), ours)).toBe(false);
  });

  it('takes an empty audience for nobody', () => {
    expect(hasAudience(claimsOf({ aud: '' }), ['/', ...ours])).toBe(false);
    expect(hasAudience(claimsOf({ aud: 'client' }), [])).toBe(false);
  });
});

describe('scopesOf', () => {
  it.each<[unknown, readonly string[]]>([
    ['access_as_user', ['access_as_user']],
    ['a b', ['a', 'b']],
    ['a  b ', ['a', 'b']],
    ['A a', ['A', 'a']],
    ['a,b', ['a,b']],
    ['a\tb', ['a\tb']],
    ['', []],
    [' ', []],
    ['/', []],
    [undefined, []],
    [null, []],
    [1, []],
    [['a'], []],
    [{ a: 1 }, []],
  ])('reads %j as %j', (scp, scopes) => {
    expect(scopesOf({ scp })).toEqual(scopes);
  });
});

describe('rolesOf', () => {
  it.each<[unknown, readonly string[]]>([
    [['Admin'], ['Admin']],
    [
      ['Report Reader', 'a,b'],
      ['Report Reader', 'a,b'],
    ],
    [
      ['a', 1, null, ['b'], '', 'c'],
      ['a', 'c'],
    ],
    [[], []],
    ['Admin', []],
    [undefined, []],
    [null, []],
    [{ 0: 'Admin', length: 1 }, []],
  ])('reads %j as %j', (roles, expected) => {
    expect(rolesOf({ roles })).toEqual(expected);
  });
});

describe('clientOf', () => {
  it.each<[object, string | undefined]>([
    [{ azp: 'v2-client' }, 'v2-client'],
    [{ appid: 'v1-client' }, 'v1-client'],
    [{ azp: 'v2-client', appid: 'v1-client' }, 'v2-client'],
    [{}, undefined],
    [{ azp: '' }, undefined],
    [{ azp: 1 }, undefined],
    [{ azp: ['client'] }, undefined],
    [{ azp: '', appid: 'v1-client' }, undefined],
  ])('reads %j as %s', (claims, client) => {
    expect(clientOf(claimsOf(claims))).toBe(client);
  });
});

describe('isAccessToken', () => {
  const delegated = { azp: 'client', scp: 'access_as_user' };
  const appOnly = { azp: 'client', roles: ['access_as_app'] };

  it.each<[string, object]>([
    ['a delegated token', delegated],
    ['a delegated token of v1.0', { appid: 'client', scp: 'access_as_user' }],
    ['a delegated token with roles', { ...delegated, roles: ['Admin'] }],
    ['a delegated token with a nonce, as B2C issues it', { ...delegated, nonce: 'nonce' }],
    ['an app-only token', appOnly],
    ['an app-only token of v1.0', { appid: 'client', roles: ['access_as_app'] }],
    ['an app-only token whose scp is empty', { ...appOnly, scp: '' }],
    ['an app-only token whose scp is a slash', { ...appOnly, scp: '/' }],
    ['an app-only token with one role that is text', { ...appOnly, roles: [1, 'access_as_app'] }],
    ['an app-only token whose oid and sub are equal', { ...appOnly, oid: 'service', sub: 'service' }],
    ['an app-only token without oid', { ...appOnly, sub: 'service' }],
    ['an app-only token without sub', { ...appOnly, oid: 'service' }],
    ['an app-only token of a federated credential', { ...appOnly, oid: 'service', sub: '/eid1/c/pub/t/a/a/b/sc/c/d' }],
    ['an app-only token that idtyp names, of an agent', { ...appOnly, idtyp: 'app', oid: 'agent', sub: 'blueprint' }],
  ])('takes %s', (_, claims) => {
    expect(isAccessToken(claimsOf(claims))).toBe(true);
  });

  it.each<[string, object, object]>([
    ['without a scope', delegated, { scp: undefined }],
    ['whose scp is empty', delegated, { scp: '' }],
    ['whose scp is a slash', delegated, { scp: '/' }],
    ['whose scp is a space', delegated, { scp: ' ' }],
    ['whose scp is a tab', delegated, { scp: '\t' }],
    ['whose scp is a list', delegated, { scp: ['access_as_user'] }],
    ['whose scp is a number', delegated, { scp: 1 }],
    ['whose scp is null', delegated, { scp: null }],
    ['whose scp is an object', delegated, { scp: {} }],
    ['whose scp is true', delegated, { scp: true }],
    ['whose scp is a list, beside roles', { ...delegated, roles: ['Admin'] }, { scp: ['access_as_user'] }],
    ['whose scp is blank, beside roles', { ...delegated, roles: ['Admin'] }, { scp: ' ' }],
    ['with at_hash', delegated, { at_hash: 'hash' }],
    ['with c_hash', delegated, { c_hash: 'hash' }],
    ['with an empty at_hash', delegated, { at_hash: '' }],
    ['without a client', delegated, { azp: undefined }],
    ['whose client is empty', delegated, { azp: '' }],
    ['whose client is no text', delegated, { azp: 1 }],
    ['with a nonce and no scope', appOnly, { nonce: 'nonce' }],
    ['with a nonce and an empty scope', { ...appOnly, scp: '' }, { nonce: 'nonce' }],
    ['with a nonce and a slash for a scope', { ...appOnly, scp: '/' }, { nonce: 'nonce' }],
    ['without roles', appOnly, { roles: undefined }],
    ["that is a person's, without a scope", { ...appOnly, oid: 'a', sub: 'a' }, { sub: 'pairwise' }],
    ["that is a person's, with an empty scope", { ...appOnly, scp: '', oid: 'a', sub: 'a' }, { sub: 'pairwise' }],
    [
      "that is a person's of B2C",
      { ...appOnly, oid: 'a', sub: 'a' },
      { sub: 'Not supported currently. Use oid claim.' },
    ],
    ['whose roles are empty', appOnly, { roles: [] }],
    ['whose roles are one text', appOnly, { roles: 'access_as_app' }],
    ['whose roles are no text', appOnly, { roles: [1, null] }],
    ['whose roles are an object', appOnly, { roles: { 0: 'access_as_app' } }],
  ])('refuses a token %s', (_, accepted, spoilt) => {
    expect(isAccessToken(claimsOf(accepted))).toBe(true);
    expect(isAccessToken(claimsOf({ ...accepted, ...spoilt }))).toBe(false);
  });
});

describe('who calls', () => {
  const person = { oid: 'a', sub: 'pairwise' };

  it.each<[string, object, readonly [app: boolean, user: boolean]]>([
    ['a scope', { ...person, scp: 'read' }, [false, true]],
    ['a scope, and equal oid and sub', { oid: 'a', sub: 'a', scp: 'read' }, [false, true]],
    ['no scope', {}, [true, false]],
    ['no scope, and equal oid and sub', { oid: 'a', sub: 'a' }, [true, false]],
    ['no scope, and oid and sub that differ', person, [false, true]],
    ['an empty scope, and oid and sub that differ', { ...person, scp: '' }, [false, true]],
    ['no scope, and the sub of a federated credential', { oid: 'a', sub: '/eid1/c/pub/t/a' }, [true, false]],
    ['idtyp app, and oid and sub that differ', { ...person, idtyp: 'app' }, [true, false]],
    ['idtyp user, and equal oid and sub', { oid: 'a', sub: 'a', idtyp: 'user' }, [false, true]],
    ['an unknown idtyp', { ...person, idtyp: 'device' }, [false, false]],
  ])('is known by %s', (_, claims, [app, user]) => {
    expect([callsAsApp(claims), callsAsUser(claims)]).toEqual([app, user]);
  });
});

describe('hasCaseTwin', () => {
  it.each([{ tid: 1, TID: 2 }, { Tid: 1 }, { tid: 1, tiD: 1 }])('finds one in %j', (claims) => {
    expect(hasCaseTwin(claims, 'tid')).toBe(true);
  });

  it.each([{}, { tid: 1 }, { tid: 1, tid_: 2, xtid: 3, sid: 4 }])('finds none in %j', (claims) => {
    expect(hasCaseTwin(claims, 'tid')).toBe(false);
  });
});
