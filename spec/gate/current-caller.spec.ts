import { describe, expect, it } from 'vitest';
import { ConfigurationError, getTokenClaims, MissingTokenError, validateScope } from '../../src/index.js';

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
