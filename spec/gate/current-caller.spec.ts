import { describe, expect, it } from 'vitest';
import {
  ConfigurationError,
  getTokenClaims,
  isAppOnly,
  MissingTokenError,
  userKey,
  validateScope,
} from '../../src/index.js';
import { runAs } from '../../src/testing.js';

describe('a helper outside of a request', () => {
  it('throws MissingTokenError', () => {
    expect(() => getTokenClaims()).toThrow(MissingTokenError);
    expect(() => {
      validateScope('read');
    }).toThrow(MissingTokenError);
    expect(() => getTokenClaims({ headers: { authorization: 'Bearer x' } })).toThrow(MissingTokenError);
  });

  it.each([[''], [' '], ['two words'], ['api://id/access_as_user'], [[]]])('refuses the scope %j', (scope) => {
    expect(() => {
      validateScope(scope);
    }).toThrow(ConfigurationError);
  });
});

describe('a helper that is given something else', () => {
  it.each([
    ['a request', { headers: {} }] as const,
    ['an inherited header', Object.create({ headers: {} }) as object] as const,
  ])('refuses %s in the place of claims: it would count as an application', (_, request) => {
    const given = request as Parameters<typeof isAppOnly>[0];
    expect(() => isAppOnly(given)).toThrow(
      'isAppOnly() takes verified claims. For those of a request: isAppOnly(getTokenClaims(request)).',
    );
    expect(() => userKey(given)).toThrow(ConfigurationError);
  });

  it('refuses a scope that is no name and no list', () => {
    expect(() => {
      validateScope(undefined as unknown as string);
    }).toThrow('A scope takes its name, or a list of names.');
    expect(() => {
      validateScope(new Set(['read']) as unknown as string);
    }).toThrow(ConfigurationError);
  });
});

describe('userKey', () => {
  const person = { tid: 'tenant', oid: 'person', scp: 'read' };

  it.each([
    ['a person', person, 'tenant.person'],
    ['an application', { ...person, idtyp: 'app' }, undefined],
    ['neither a person nor an application', { ...person, idtyp: 'device' }, undefined],
  ])('for %s', (_, claims, key) => {
    expect(runAs(claims, () => userKey())).toBe(key);
  });
});
