import { describe, expect, it } from 'vitest';
import { retryAfterSeconds } from '../../src/downstream/retry-after.js';

const now = Date.parse('2026-01-01T00:00:00Z');

describe('retryAfterSeconds', () => {
  it.each<[string | null | undefined, number | undefined]>([
    ['7', 7],
    [' 7 ', 7],
    ['0', 1],
    ['301', 300],
    ['9'.repeat(400), 300],
    ['Thu, 01 Jan 2026 00:00:07 GMT', 7],
    ['Thu, 01 Jan 2026 01:00:00 GMT', 300],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 1],
    ['7.5', undefined],
    ['-7', undefined],
    ['', undefined],
    ['soon', undefined],
    [null, undefined],
    [undefined, undefined],
  ])('reads %j as %j', (value, seconds) => {
    expect(retryAfterSeconds(value, now)).toBe(seconds);
  });
});
