import { describe, expect, it } from 'vitest';
import { isDue, tokenSince, usableMs } from '../../src/downstream/token-life.js';
import { minute, start } from '../support/clock.js';

const since = (expiresInSeconds: number, refreshInSeconds?: number) =>
  tokenSince(start, { token: 'a', expiresInSeconds, refreshInSeconds });

describe('a token for another API', () => {
  it('expires as the authority answered, by the clock of this process when it asked', () => {
    expect(since(3600)).toEqual({ token: 'a', expiresAtMs: start + 60 * minute, refreshAtMs: start + 55 * minute });
  });

  it('is used until a minute before it expires', () => {
    const token = since(3600);
    expect(usableMs(token, start)).toBe(59 * minute);
    expect(usableMs(token, start + 59 * minute - 1)).toBe(1);
    expect(usableMs(token, start + 59 * minute)).toBe(0);
  });

  it('is renewed in its last five minutes', () => {
    const token = since(3600);
    expect(isDue(token, start + 55 * minute - 1)).toBe(false);
    expect(isDue(token, start + 55 * minute)).toBe(true);
  });

  it('is renewed when the authority advises it, and never later than in its last five minutes', () => {
    expect(since(86_400, 43_200).refreshAtMs).toBe(start + 43_200_000);
    expect(since(3600, 3600).refreshAtMs).toBe(start + 55 * minute);
  });

  it.each([
    [359, 179.5],
    [360, 60],
    [361, 61],
    [120, 60],
  ])('that lives %i s is renewed after %d s', (lifeSeconds, renewedAfterSeconds) => {
    expect(since(lifeSeconds).refreshAtMs).toBe(start + renewedAfterSeconds * 1000);
  });

  it('that lives less than six minutes is renewed earlier where the authority advises it', () => {
    expect(since(300, 30).refreshAtMs).toBe(start + 30_000);
    expect(since(300, 290).refreshAtMs).toBe(start + 150_000);
  });
});
