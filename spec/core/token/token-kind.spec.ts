import { describe, expect, it } from 'vitest';
import type { AccessTokenClaims } from '../../../src/core/access-token-claims.js';
import { isAccessToken } from '../../../src/core/token/token-kind.js';

const claimsOf = (claims: object) => claims as AccessTokenClaims;

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
