import { describe, expect, it } from 'vitest';
import { decodeBase64url } from '../../src/core/base64url.js';

describe('decodeBase64url', () => {
  it.each([
    ['', ''],
    ['Zg', 'f'],
    ['Zm8', 'fo'],
    ['Zm9v', 'foo'],
    ['Pz8_', '???'],
    ['Pj4-', '>>>'],
  ])('decodes %j', (text, bytes) => {
    expect(decodeBase64url(text)?.toString()).toBe(bytes);
  });

  it.each([
    ['padding', 'Zg=='],
    ['unused bits that are not zero', 'Zh'],
    ['the alphabet of base64', 'Pz8/'],
    ['white space', 'Zm 9v'],
    ['a line break at the end', 'Zm9v\n'],
    ['a character too many', 'Zm9vZ'],
    ['other characters', 'Zm9v!'],
  ])('refuses %s', (_, text) => {
    expect(decodeBase64url(text)).toBeUndefined();
  });
});
