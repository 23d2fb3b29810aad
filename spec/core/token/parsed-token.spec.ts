import { describe, expect, it, vi } from 'vitest';
import { InvalidTokenError } from '../../../src/core/errors.js';
import { KnownHeaders, parseToken, readToken } from '../../../src/core/token/parsed-token.js';
import { refuses, type RefusalName } from '../../support/refusals.js';

const encode = (text: string) => Buffer.from(text).toString('base64url');
const json = (value: unknown) => encode(JSON.stringify(value));

const header = json({ alg: 'RS256', typ: 'JWT', kid: 'first' });
const payload = json({ iss: 'https://login.example' });
const signature = encode('signature');
const parse = (...parts: readonly string[]) => parseToken(parts.join('.'), new KnownHeaders());

describe('parseToken', () => {
  it('gives the parts of a token', () => {
    expect(parse(header, payload, signature)).toEqual({
      signingInput: `${header}.${payload}`,
      signature: Buffer.from('signature'),
      header,
      kid: 'first',
      payload: { iss: 'https://login.example' },
    });
  });

  it('takes an empty signature, which no key verifies', () => {
    expect(parse(header, payload, '')).toMatchObject({ signature: Buffer.alloc(0) });
  });

  it.each<[string, readonly string[]]>([
    ['one part', [header]],
    ['two parts', [header, payload]],
    ['four parts', [header, payload, signature, '']],
    ['an empty header', ['', payload, signature]],
    ['a header that is no base64url', ['*', payload, signature]],
    ['a header that is no JSON', [encode('{'), payload, signature]],
    ['a header that is a list', [json([]), payload, signature]],
    ['an empty payload', [header, '', signature]],
    ['a payload with padding', [header, `${encode('{}')}=`, signature]],
    ['a payload that is no JSON', [header, encode('{'), signature]],
    ['a payload that is no UTF-8', [header, Buffer.from('{"a":"\xff"}', 'latin1').toString('base64url'), signature]],
    ['a payload with a member that stands twice', [header, encode('{"a":1,"a":1}'), signature]],
    ['a signature that is no base64url', [header, payload, 'a+b/']],
  ])('refuses as malformed: %s', async (_, parts) => {
    await refuses(() => parse(...parts), 'malformed');
  });

  const wrongHeaders: readonly [RefusalName, string][] = [
    ['malformed', encode('{')],
    ['malformed', json({ alg: 'RS256', kid: 'first', crit: ['exp'] })],
    ['algorithm', json({ alg: 'none', kid: 'first' })],
    ['token_type', json({ alg: 'RS256', typ: 'pop', kid: 'first' })],
    ['key', json({ alg: 'RS256' })],
  ];

  it.each(wrongHeaders)('refuses as %s for a header, and reads no payload then', async (name, wrong) => {
    const read = vi.spyOn(JSON, 'parse');
    try {
      await refuses(() => parse(wrong, payload, signature), name);
      expect(read.mock.calls.map(([text]) => text)).toEqual([Buffer.from(wrong, 'base64url').toString()]);
    } finally {
      read.mockRestore();
    }
  });

  it.each(wrongHeaders)('refuses as %s for a header, whatever else is malformed', async (name, wrong) => {
    await refuses(() => parse(wrong, encode('{'), '*'), name);
  });
});

describe('KnownHeaders', () => {
  const headerOf = (kid: string) => json({ alg: 'RS256', kid });

  it('gives the kid of a header it does not know, and goes on not knowing it', () => {
    const known = new KnownHeaders();
    const read = vi.spyOn(JSON, 'parse');
    try {
      expect([known.kidOf(header), known.kidOf(header)]).toEqual(['first', 'first']);
      expect(read).toHaveBeenCalledTimes(2);
    } finally {
      read.mockRestore();
    }
  });

  it('does not read a header again that it knows', () => {
    const known = new KnownHeaders();
    known.add({ header, kid: 'first' });
    const read = vi.spyOn(JSON, 'parse');
    try {
      expect(known.kidOf(header)).toBe('first');
      expect(read).not.toHaveBeenCalled();
    } finally {
      read.mockRestore();
    }
  });

  it('forgets the header that was not used for the longest time where there are more than 100', () => {
    const known = new KnownHeaders();
    // None of these can be read: only what is remembered gives a kid.
    const unreadable = Array.from({ length: 101 }, (_, n) => `header ${String(n)}`);
    unreadable.forEach((text, n) => {
      known.add({ header: text, kid: `kid ${String(n)}` });
    });
    expect(() => known.kidOf('header 0')).toThrow(InvalidTokenError);
    expect(unreadable.slice(1).map((text) => known.kidOf(text))).toEqual(
      Array.from({ length: 100 }, (_, n) => `kid ${String(n + 1)}`),
    );
  });

  it('tells headers apart', () => {
    const known = new KnownHeaders();
    known.add({ header: headerOf('a'), kid: 'a' });
    expect([known.kidOf(headerOf('a')), known.kidOf(headerOf('b'))]).toEqual(['a', 'b']);
  });
});

describe('readToken', () => {
  it.each<[string, string, unknown]>([
    [
      'both parts',
      `${header}.${payload}.${signature}`,
      { header: { kid: 'first' }, payload: { iss: 'https://login.example' } },
    ],
    ['the payload alone where the header cannot be read', `*.${payload}`, { header: undefined, payload: {} }],
    [
      'the header alone where the payload cannot be read',
      `${header}.*`,
      { header: { kid: 'first' }, payload: undefined },
    ],
    ['nothing of text that is no token', 'nonsense', { header: undefined, payload: undefined }],
    ['nothing of no text', '', { header: undefined, payload: undefined }],
  ])('gives %s', (_, text, expected) => {
    expect(readToken(text)).toMatchObject(expected as object);
  });

  it.each(['', '.', '..', 'a.b.c', 'no-token', `${encode('[]')}.e30`])(
    'leaves out the header that cannot be read of %j',
    (text) => {
      expect(readToken(text).header).toBeUndefined();
    },
  );

  it('reads header and payload, whoever signed them', () => {
    const claims = { oid: 'oid', jti: 'jti' };
    expect(readToken(`${json({ alg: 'none' })}.${json(claims)}.`)).toEqual({
      header: { alg: 'none' },
      payload: claims,
    });
  });
});
