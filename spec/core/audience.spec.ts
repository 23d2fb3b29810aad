import { describe, expect, it } from 'vitest';
import type { AccessTokenClaims } from '../../src/core/access-token-claims.js';
import { hasAudience } from '../../src/core/audience.js';

const claimsOf = (claims: object) => claims as AccessTokenClaims;

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
