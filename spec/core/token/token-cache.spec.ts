import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SigningKey } from '../../../src/core/keys/key-set-document.js';
import { bytesOf, digestOf, TokenCache, type CachedToken } from '../../../src/core/token/token-cache.js';

/** The digest of a short name. Digests that begin alike are looked for in the same place, and here those of every other name do. */
const named = (name: string) =>
  (name.charCodeAt(name.length - 1) % 2 === 0 ? 'even' : 'odd-').concat(name.padStart(40, '/'));

/** An entry whose key is trusted for as long as the test says so. */
function entryOf(name: string, bytes = 1) {
  const trust = { isGiven: true };
  const key = { kid: name } as SigningKey;
  const entry: unknown = {
    digest: named(name),
    movedBy: 0,
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
    expect(cache.get(named('a'), 0)).toBeUndefined();
    cache.set(entry);
    expect(cache.get(named('a'), 0)).toBe(entry);
    expect(cache.get(named('b'), 0)).toBeUndefined();
  });

  it('drops the entry that was not asked for the longest when it is full', () => {
    const cache = new TokenCache(2, Infinity);
    const [a, b, c] = [entryOf('a').entry, entryOf('b').entry, entryOf('c').entry];
    cache.set(a);
    cache.set(b);
    expect(cache.get(named('a'), 0)).toBe(a);
    cache.set(c);
    expect([cache.get(named('a'), 0), cache.get(named('b'), 0), cache.get(named('c'), 0)]).toEqual([a, undefined, c]);
  });

  it('drops the entries that were not asked for the longest when they take too much memory', () => {
    const cache = new TokenCache(10, 100);
    const [a, b, c] = [entryOf('a', 40).entry, entryOf('b', 40).entry, entryOf('c', 60).entry];
    cache.set(a);
    cache.set(b);
    expect([cache.bytes, cache.get(named('a'), 0)]).toEqual([80, a]);
    cache.set(c);
    expect([cache.get(named('a'), 0), cache.get(named('b'), 0), cache.get(named('c'), 0), cache.bytes]).toEqual([
      a,
      undefined,
      c,
      100,
    ]);
    cache.set(entryOf('c', 50).entry);
    expect(cache.bytes).toBe(90);
  });

  it('does not keep an entry that takes more than all may take, and drops none for it', () => {
    const cache = new TokenCache(10, 100);
    cache.set(entryOf('a', 100).entry);
    cache.set(entryOf('b', 101).entry);
    expect([cache.get(named('a'), 0) !== undefined, cache.get(named('b'), 0), cache.bytes]).toEqual([
      true,
      undefined,
      100,
    ]);
  });

  it('keeps 10,000 tokens of 200 groups each under 64 MiB', () => {
    const bound = 64 * 1024 * 1024;
    const cache = new TokenCache(10_000, bound);
    const token = `header.${'x'.repeat(11_400)}.signature`;
    for (let n = 0; n < 10_000; n++) cache.set(entryOf(String(n), bytesOf(token)).entry);
    expect(cache.bytes).toBeLessThanOrEqual(bound);
    expect(cache.bytes).toBeGreaterThan(bound - bytesOf(token));
    expect([cache.get(named('0'), 0), cache.get(named('9999'), 0) !== undefined]).toEqual([undefined, true]);
  });

  it('never holds more than its bound', () => {
    const cache = new TokenCache(10, Infinity);
    for (let n = 0; n < 1_000; n++) cache.set(entryOf(String(n)).entry);
    const held = Array.from({ length: 1_000 }, (_, n) => cache.get(named(String(n)), 0)).filter(
      (entry) => entry !== undefined,
    );
    expect(held).toHaveLength(10);
  });

  it('drops an entry for good with the key that signed it', () => {
    const cache = new TokenCache(2, Infinity);
    const { entry, trust } = entryOf('a');
    cache.set(entry);
    trust.isGiven = false;
    expect(cache.get(named('a'), 0)).toBeUndefined();
    trust.isGiven = true;
    expect(cache.get(named('a'), 0)).toBeUndefined();
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
            cache.set(present.made.entry);
          }
          const trusted = present?.made.trust.isGiven === true ? present : undefined;
          expect(cache.get(named(name), 0)).toBe(trusted?.made.entry);
          held = [...held.filter((one) => one !== known), ...(trusted === undefined ? [] : [trusted])].slice(-bound);
        }
      }),
    );
  });

  it('holds the seven eighths of its bound that were asked for last, in whatever order tokens come', () => {
    const bound = 32;
    const asked = fc.array(fc.integer({ min: 0, max: 2 * bound }), { maxLength: 1_000, size: 'max' });
    fc.assert(
      fc.property(asked, (sequence) => {
        const cache = new TokenCache(bound, Infinity);
        // The one asked for last comes first.
        let lately: CachedToken[] = [];
        for (const n of sequence) {
          const known = lately.findIndex(({ digest }) => digest === named(String(n)));
          const entry = lately[known] ?? entryOf(String(n)).entry;
          const held = cache.get(entry.digest, 0);
          if (known === -1) expect(held).toBeUndefined();
          else if (known < (bound * 7) / 8) expect(held).toBe(entry);
          if (held === undefined) cache.set(entry);
          lately = [entry, ...lately.filter((one) => one !== entry)];
        }
        expect(lately.filter(({ digest }) => cache.get(digest, 0) !== undefined).length).toBeLessThanOrEqual(bound);
      }),
    );
  });

  it('does not keep an entry in memory that it dropped', async () => {
    const cache = new TokenCache(1, Infinity);
    const add = (name: string) => {
      const { entry } = entryOf(name);
      cache.set(entry);
      expect(cache.get(entry.digest, 0)).toBe(entry);
      return new WeakRef(entry);
    };
    const dropped = add('a');
    add('b');
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    // What a WeakRef was made of stays until the turn of the event loop ends.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    expect(dropped.deref()).toBeUndefined();
    expect(cache.get(named('b'), 0)).toBeDefined();
  });

  it('holds nothing where it is turned off', () => {
    const cache = new TokenCache(0, Infinity);
    cache.set(entryOf('a').entry);
    expect(cache.get(named('a'), 0)).toBeUndefined();
  });
});
