import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SigningKey } from '../../../src/core/keys/key-set-document.js';
import { bytesOf, digestOf, TokenCache, type CachedToken } from '../../../src/core/token/token-cache.js';

/** An entry whose key is trusted for as long as the test says so. */
function entryOf(kid: string, bytes = 1) {
  const trust = { isGiven: true };
  const key = { kid } as SigningKey;
  const entry: unknown = {
    token: { kind: 'entra', claims: {}, policy: undefined },
    key,
    bytes,
    issuerKeys: { trusts: (asked: SigningKey) => trust.isGiven && asked === key },
  };
  return { entry: entry as CachedToken, trust };
}

describe('digestOf', () => {
  it('is the SHA-256 of the token, and does not hold the token', () => {
    const token = 'header.payload.signature';
    const digest = digestOf(token);
    expect(Buffer.from(digest, 'base64')).toEqual(createHash('sha256').update(token).digest());
    expect(digest).not.toContain('payload');
  });

  it('tells tokens apart that differ in one character', () => {
    expect(digestOf('a.b.c')).not.toBe(digestOf('a.b.C'));
    expect(digestOf('a.b.c')).toBe(digestOf('a.b.c'));
  });
});

describe('TokenCache', () => {
  it('gives what was put in', () => {
    const cache = new TokenCache(2, Infinity);
    const { entry } = entryOf('a');
    expect(cache.get('a', 0)).toBeUndefined();
    cache.set('a', entry);
    expect(cache.get('a', 0)).toBe(entry);
    expect(cache.get('b', 0)).toBeUndefined();
  });

  it('drops the entry that was not asked for the longest when it is full', () => {
    const cache = new TokenCache(2, Infinity);
    const [a, b, c] = [entryOf('a').entry, entryOf('b').entry, entryOf('c').entry];
    cache.set('a', a);
    cache.set('b', b);
    expect(cache.get('a', 0)).toBe(a);
    cache.set('c', c);
    expect([cache.get('a', 0), cache.get('b', 0), cache.get('c', 0)]).toEqual([a, undefined, c]);
  });

  it('drops the entries that were not asked for the longest when they take too much memory', () => {
    const cache = new TokenCache(10, 100);
    const [a, b, c] = [entryOf('a', 40).entry, entryOf('b', 40).entry, entryOf('c', 60).entry];
    cache.set('a', a);
    cache.set('b', b);
    expect([cache.bytes, cache.get('a', 0)]).toEqual([80, a]);
    cache.set('c', c);
    expect([cache.get('a', 0), cache.get('b', 0), cache.get('c', 0), cache.bytes]).toEqual([a, undefined, c, 100]);
    cache.set('c', entryOf('c', 50).entry);
    expect(cache.bytes).toBe(90);
  });

  it('does not keep an entry that takes more than all may take, and drops none for it', () => {
    const cache = new TokenCache(10, 100);
    cache.set('a', entryOf('a', 100).entry);
    cache.set('b', entryOf('b', 101).entry);
    expect([cache.get('a', 0) !== undefined, cache.get('b', 0), cache.bytes]).toEqual([true, undefined, 100]);
  });

  it('keeps 10,000 tokens of 200 groups each under 64 MiB', () => {
    const bound = 64 * 1024 * 1024;
    const cache = new TokenCache(10_000, bound);
    const token = `header.${'x'.repeat(11_400)}.signature`;
    for (let n = 0; n < 10_000; n++) cache.set(String(n), entryOf(String(n), bytesOf(token)).entry);
    expect(cache.bytes).toBeLessThanOrEqual(bound);
    expect(cache.bytes).toBeGreaterThan(bound - bytesOf(token));
    expect([cache.get('0', 0), cache.get('9999', 0) !== undefined]).toEqual([undefined, true]);
  });

  it('never holds more than its bound', () => {
    const cache = new TokenCache(10, Infinity);
    for (let n = 0; n < 1_000; n++) cache.set(String(n), entryOf(String(n)).entry);
    const held = Array.from({ length: 1_000 }, (_, n) => cache.get(String(n), 0)).filter(
      (entry) => entry !== undefined,
    );
    expect(held).toHaveLength(10);
  });

  it('drops an entry for good with the key that signed it', () => {
    const cache = new TokenCache(2, Infinity);
    const { entry, trust } = entryOf('a');
    cache.set('a', entry);
    trust.isGiven = false;
    expect(cache.get('a', 0)).toBeUndefined();
    trust.isGiven = true;
    expect(cache.get('a', 0)).toBeUndefined();
  });

  it('holds those that were asked for last, in whatever order tokens come, go and lose their key', () => {
    const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    const steps = fc.array(fc.tuple(fc.constantFrom('set', 'get', 'lose its key'), names), {
      maxLength: 200,
      size: 'max',
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), steps, (bound, sequence) => {
        const cache = new TokenCache(bound, Infinity);
        // The one asked for last comes last.
        let held: { readonly name: string; readonly made: ReturnType<typeof entryOf> }[] = [];
        for (const [step, name] of sequence) {
          const known = held.find((one) => one.name === name);
          if (step === 'lose its key' && known !== undefined) known.made.trust.isGiven = false;
          let present = known;
          if (step === 'set') {
            present = { name, made: entryOf(name) };
            cache.set(name, present.made.entry);
          }
          const trusted = present?.made.trust.isGiven === true ? present : undefined;
          expect(cache.get(name, 0)).toBe(trusted?.made.entry);
          held = [...held.filter((one) => one !== known), ...(trusted === undefined ? [] : [trusted])].slice(-bound);
        }
      }),
    );
  });

  it('holds nothing where it is turned off', () => {
    const cache = new TokenCache(0, Infinity);
    cache.set('a', entryOf('a').entry);
    expect(cache.get('a', 0)).toBeUndefined();
  });
});
