import { describe, expect, it } from 'vitest';
import { bearerChallenge } from '../../src/core/challenge.js';

describe('bearerChallenge', () => {
  it('writes the parameters that are there, in their order', () => {
    expect(bearerChallenge({})).toBe('Bearer');
    expect(bearerChallenge({ error: 'invalid_token', scope: undefined, error_description: 'Expired.' })).toBe(
      'Bearer error="invalid_token", error_description="Expired."',
    );
  });

  it.each([
    ['a quote', 'a"b'],
    ['a backslash', 'a\\b'],
    ['a line break', 'a\r\nb'],
    ['letters that are not ASCII', 'aéb€'],
  ])('leaves out what could end the value or the header: %s', (_, value) => {
    expect(bearerChallenge({ error_description: value })).toBe('Bearer error_description="ab"');
  });
});
