import { describe, expect, it } from 'vitest';
import { isGuid } from '../../src/core/guid.js';

const guid = '0a1b2c3d-4e5f-6789-abcd-ef0123456789';

describe('isGuid', () => {
  it.each([guid, '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'])(
    'takes %s',
    (text) => {
      expect(isGuid(text)).toBe(true);
    },
  );

  it.each([
    ['nothing', ''],
    ['upper case', guid.toUpperCase()],
    ['one letter in upper case', guid.replace('a', 'A')],
    ['braces', `{${guid}}`],
    ['no hyphens', guid.replaceAll('-', '')],
    ['a hyphen out of place', '0a1b2c3-d4e5f-6789-abcd-ef0123456789'],
    ['a letter that is no hexadecimal digit', guid.replace('f', 'g')],
    ['a digit too few', guid.slice(1)],
    ['a digit too many', `${guid}0`],
    ['a space before', ` ${guid.slice(1)}`],
    ['a line break after', `${guid.slice(1)}\n`],
    ['digits of another script', guid.replace('0', '٠')],
    ['the characters just beside the digits', guid.replace('0', '/')],
    ['the characters just beside the letters', guid.replace('a', '`')],
  ])('refuses %s', (_, text) => {
    expect(isGuid(text)).toBe(false);
  });
});
