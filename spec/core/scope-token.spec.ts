import { describe, expect, it } from 'vitest';
import { isScopeToken } from '../../src/core/scope-token.js';

describe('isScopeToken', () => {
  it.each(['access_as_user', 'Reports.Read', '!#[]~', 'api://app/access'])('accepts %s', (text) => {
    expect(isScopeToken(text)).toBe(true);
  });

  it.each(['', 'a b', 'a"b', 'a\\b', 'a\n', '\u007f', 'é'])('refuses %j', (text) => {
    expect(isScopeToken(text)).toBe(false);
  });
});
