import { describe, expect, it } from 'vitest';
import type { AccessTokenClaims } from '../../../src/core/access-token-claims.js';
import {
  checkTime,
  clientOf,
  hasCaseTwin,
  hasRegisteredClaims,
  rolesOf,
  scopesOf,
  validTimeOf,
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

describe('checkTime', () => {
  const check = (claims: object, nowSeconds: number, toleranceSeconds: number) => {
    checkTime(validTimeOf(claimsOf({ exp: 2_000, ...claims })), nowSeconds, toleranceSeconds);
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
    [5, NaN],
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

describe('hasCaseTwin', () => {
  it.each([{ tid: 1, TID: 2 }, { Tid: 1 }, { tid: 1, tiD: 1 }])('finds one in %j', (claims) => {
    expect(hasCaseTwin(claims, 'tid')).toBe(true);
  });

  it.each([{}, { tid: 1 }, { tid: 1, tid_: 2, xtid: 3, sid: 4 }])('finds none in %j', (claims) => {
    expect(hasCaseTwin(claims, 'tid')).toBe(false);
  });
});
