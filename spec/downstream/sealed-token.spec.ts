import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openToken, sealFor, sealToken, type SealedFor } from '../../src/downstream/sealed-token.js';

const owner: SealedFor = {
  assertion: 'header.payload-of-the-user.signature',
  clientId: '11111111-1111-4111-8111-111111111111',
  instance: 'https://login.microsoftonline.com',
  tenant: '22222222-2222-4222-8222-222222222222',
  scopes: ['https://graph.microsoft.com/User.Read', 'https://graph.microsoft.com/Mail.Read'],
};
const token = { token: 'the-token-for-graph', expiresAtMs: 3_600_000, refreshAtMs: 3_300_000 };

describe('sealFor', () => {
  it('gives the same name and key to every process, whatever the order of the scopes', () => {
    const { name, key } = sealFor(owner);
    const again = sealFor({ ...owner, scopes: [...owner.scopes].reverse() });
    expect([again.name, Buffer.from(again.key)]).toEqual([name, Buffer.from(key)]);
    expect(name).toMatch(/^[\w-]{43}$/);
    expect(key).toHaveLength(32);
  });

  it('gives another name and key where one part of the owner differs', () => {
    const others: Partial<SealedFor>[] = [
      { assertion: `${owner.assertion}x` },
      { clientId: '11111111-1111-4111-8111-111111111112' },
      { instance: 'https://login.microsoftonline.us' },
      { tenant: '22222222-2222-4222-8222-222222222223' },
      { scopes: owner.scopes.slice(1) },
      { scopes: [owner.scopes.join(' ')] },
    ];
    const seals = [owner, ...others.map((other) => ({ ...owner, ...other }))].map(sealFor);
    expect(new Set(seals.map(({ name }) => name)).size).toBe(seals.length);
    expect(new Set(seals.map(({ key }) => Buffer.from(key).toString('hex'))).size).toBe(seals.length);
  });

  it('keeps the parts apart, whatever they hold', () => {
    const part = fc.string({ maxLength: 3, unit: fc.constantFrom('"', ',', '[', '\\', 'a') });
    const parts = fc.record({ clientId: part, instance: part, tenant: part, scopes: fc.array(part, { maxLength: 2 }) });
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const differ =
          JSON.stringify([a.clientId, a.instance, a.tenant, [...a.scopes].sort()]) !==
          JSON.stringify([b.clientId, b.instance, b.tenant, [...b.scopes].sort()]);
        const assertion = 'a.b.c';
        expect(sealFor({ assertion, ...a }).name !== sealFor({ assertion, ...b }).name).toBe(differ);
      }),
      { numRuns: 200 },
    );
  });

  it('tells nothing of the owner', () => {
    const { name, key } = sealFor(owner);
    for (const text of [name, Buffer.from(key).toString('latin1'), Buffer.from(key).toString('base64')]) {
      for (const part of [owner.assertion, 'payload', owner.clientId, owner.tenant, 'graph']) {
        expect(text).not.toContain(part);
      }
    }
  });
});

describe('a sealed token', () => {
  const seal = sealFor(owner);

  it('opens with its own name and key', () => {
    expect(openToken(sealToken(token, seal), seal)).toEqual(token);
  });

  it('opens to what was sealed, whatever the token', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 200, unit: 'binary' }), (text) => {
        expect(openToken(sealToken({ ...token, token: text }, seal), seal)?.token).toBe(text);
      }),
      { numRuns: 100 },
    );
  });

  it('has another text each time, and the token in none', () => {
    const texts = [sealToken(token, seal), sealToken(token, seal)];
    expect(texts[0]).not.toBe(texts[1]);
    for (const text of texts) {
      const bytes = Buffer.from(text.slice('v1.'.length), 'base64').toString('latin1');
      for (const part of ['the-token', 'expiresAt', '3600000', 'payload']) {
        expect(`${text} ${bytes}`).not.toContain(part);
      }
    }
  });

  it('does not open with the key of another, nor under the name of another', () => {
    const other = sealFor({ ...owner, assertion: 'another' });
    const text = sealToken(token, seal);
    expect(openToken(text, other)).toBeUndefined();
    expect(openToken(text, { name: other.name, key: seal.key })).toBeUndefined();
    expect(openToken(text, { name: seal.name, key: other.key })).toBeUndefined();
  });

  it('opens no text that is longer than any token', () => {
    const long = { ...token, token: 'a'.repeat(4 * 1024 * 1024) };
    expect(openToken(sealToken(long, seal), seal)).toBeUndefined();
  });

  it('does not open where one bit of it is changed', () => {
    const sealed = Buffer.from(sealToken(token, seal).slice('v1.'.length), 'base64');
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const damaged = Buffer.from(sealed);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(openToken(`v1.${damaged.toString('base64')}`, seal)).toBeUndefined();
    }
  });

  it('does not open where it is cut short', () => {
    const text = sealToken(token, seal);
    for (let length = 0; length < text.length - 4; length++)
      expect(openToken(text.slice(0, length), seal)).toBeUndefined();
  });

  it.each([
    '',
    'v1.',
    'v1',
    'v2.AAAA',
    'v1.not base64 at all',
    '{}',
    'null',
    '[object Object]',
    JSON.stringify(token),
    `v1.${Buffer.alloc(28).toString('base64')}`,
    `v1.${'A'.repeat(100_000)}`,
  ])('is not %j', (text) => {
    expect(openToken(text, seal)).toBeUndefined();
  });

  it.each([
    { ...token, token: 1 },
    { ...token, token: undefined },
    { ...token, expiresAtMs: '3600000' },
    { ...token, refreshAtMs: null },
    { ...token, expiresAtMs: NaN },
  ])('does not open to another shape: %j', (shape) => {
    expect(openToken(sealToken(shape as unknown as typeof token, seal), seal)).toBeUndefined();
  });
});
