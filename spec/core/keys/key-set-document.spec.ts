import { describe, expect, it } from 'vitest';
import { readSigningKeys, type SigningKey } from '../../../src/core/keys/key-set-document.js';
import { publicJwk } from '../../support/public-jwk.js';

const good = publicJwk('good');
const neighbour = publicJwk('neighbour');
const nothingKnown = () => undefined;
const read = (keys: readonly unknown[]) => readSigningKeys({ keys }, nothingKnown);
const kidsOf = (keys: readonly SigningKey[]) => keys.map(({ kid }) => kid);

/** A modulus of so many bits. Only its length is sound. */
function modulusOf(bits: number): string {
  const bytes = Buffer.alloc(Math.ceil(bits / 8), 0xff);
  bytes[0] = 0xff >> (bytes.length * 8 - bits);
  return bytes.toString('base64url');
}

describe('readSigningKeys', () => {
  it.each<[string, object]>([
    ['as B2C publishes it', { nbf: 1_493_763_266 }],
    ['as v1.0 documents publish it', { x5t: 'good', x5c: ['MIIB'] }],
    ['with alg RS256', { alg: 'RS256' }],
    ['without use', { use: undefined }],
    ['whose key_ops holds verify', { key_ops: ['verify'] }],
    ['whose key_ops holds verify and others', { key_ops: ['encrypt', 'verify'] }],
    ['with an exponent of 65539', { e: 'AQAD' }],
    ['with members it does not know', { x5u: 'https://keys.example', ext: true }],
    ['with a modulus of 2048 bits and no less', { n: modulusOf(2048) }],
    ['with a modulus of 4096 bits', { n: modulusOf(4096) }],
    ['with a modulus of 8192 bits and no more', { n: modulusOf(8192) }],
    ['with an exponent of 8 bytes and no more', { e: 'AQAAAAAAAAE' }],
  ])('takes a key %s', async (_, member) => {
    const [key] = await read([{ ...good, ...member }]);
    expect(key).toMatchObject({ kid: 'good', issuer: undefined, cloudInstanceName: undefined });
    expect(key?.key).toMatchObject({ type: 'public', asymmetricKeyType: 'rsa' });
    expect(Object.isFrozen(key)).toBe(true);
  });

  it('keeps whom a key says it speaks for', async () => {
    const issuer = 'https://login.microsoftonline.com/{tenantid}/v2.0';
    const [key] = await read([{ ...good, issuer, cloud_instance_name: 'microsoftonline.com' }]);
    expect(key).toMatchObject({ issuer, cloudInstanceName: 'microsoftonline.com' });
  });

  it.each<[string, object]>([
    ['no kid', { kid: undefined }],
    ['an empty kid', { kid: '' }],
    ['a kid that is no text', { kid: 7 }],
    ['another type', { kty: 'EC' }],
    ['a type in lower case', { kty: 'rsa' }],
    ['no type', { kty: undefined }],
    ['a symmetric type', { kty: 'oct', k: 'AAAA' }],
    ['use enc', { use: 'enc' }],
    ['an empty use', { use: '' }],
    ['a use of null', { use: null }],
    ['key_ops without verify', { key_ops: ['encrypt', 'wrapKey'] }],
    ['key_ops in another letter case', { key_ops: ['Verify'] }],
    ['empty key_ops', { key_ops: [] }],
    ['key_ops that is a text', { key_ops: 'verify' }],
    ['key_ops of null', { key_ops: null }],
    ['alg RS512', { alg: 'RS512' }],
    ['alg PS256', { alg: 'PS256' }],
    ['alg SHA256', { alg: 'SHA256' }],
    ['an alg of null', { alg: null }],
    ...['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].map((name): [string, object] => [
      `the private member ${name}`,
      { [name]: 'AQAB' },
    ]),
    ['a private member of null', { d: null }],
    ['a modulus of 2047 bits', { n: modulusOf(2047) }],
    ['a modulus of 1024 bits', { n: publicJwk('weak', 1024).n }],
    ['a modulus of 8193 bits', { n: modulusOf(8193) }],
    ['a modulus of 16384 bits', { n: modulusOf(16384) }],
    ['no modulus', { n: undefined }],
    ['an empty modulus', { n: '' }],
    ['a modulus that is no text', { n: 7 }],
    ['a modulus of zeros', { n: Buffer.alloc(256).toString('base64url') }],
    [
      'a modulus with a zero byte before it',
      { n: Buffer.concat([Buffer.alloc(1), Buffer.from(good.n, 'base64url')]).toString('base64url') },
    ],
    ['a modulus in padded base64', { n: `${good.n}==` }],
    [
      'a modulus in the alphabet of plain base64',
      { n: Buffer.alloc(256, 0xff).toString('base64').replaceAll('=', '') },
    ],
    ['a modulus with a space in it', { n: `${good.n.slice(0, 10)} ${good.n.slice(10)}` }],
    ['a modulus with a line break after it', { n: `${good.n}\n` }],
    [
      'a modulus with unused bits set',
      { n: `${good.n.slice(0, -1)}${String.fromCharCode(good.n.charCodeAt(341) + 1)}` },
    ],
    ['an even exponent', { e: 'AQAA' }],
    ['a larger even exponent', { e: 'AQAC' }],
    ['an exponent of 1', { e: 'AQ' }],
    ['an exponent of 3', { e: 'Aw' }],
    ['an exponent of 17', { e: 'EQ' }],
    ['an exponent of 9 bytes', { e: 'AQAAAAAAAAAB' }],
    ['an exponent of 65535', { e: '__8' }],
    ['an exponent with a zero byte before it', { e: 'AAEAAQ' }],
    ['an exponent in padded base64', { e: 'AQAB=' }],
    ['an exponent of zero', { e: 'AA' }],
    ['an exponent as a number', { e: 65537 }],
    ['no exponent', { e: undefined }],
    ['an issuer that is a number', { issuer: 7 }],
    ['an issuer that is null', { issuer: null }],
    ['an issuer that is a list', { issuer: ['https://login.microsoftonline.com/{tenantid}/v2.0'] }],
    ['an empty issuer', { issuer: '' }],
    ['a blank issuer', { issuer: ' ' }],
  ])('leaves out a key with %s, and keeps its neighbour', async (_, member) => {
    expect(kidsOf(await read([good, neighbour]))).toEqual(['good', 'neighbour']);
    expect(kidsOf(await read([{ ...good, ...member }, neighbour]))).toEqual(['neighbour']);
  });

  it.each([[null], [7], ['key'], [[]], [{}], [true]])('leaves out %j, and keeps its neighbours', async (member) => {
    expect(kidsOf(await read([good, member, neighbour]))).toEqual(['good', 'neighbour']);
  });

  it('keeps both keys of a kid that stands twice', async () => {
    const keys = await read([good, { ...neighbour, kid: 'good' }]);
    expect(kidsOf(keys)).toEqual(['good', 'good']);
    expect(new Set(keys.map(({ fingerprint }) => fingerprint)).size).toBe(2);
  });

  it('tells apart keys that differ in kid, numbers or whom they speak for, and no others', async () => {
    const members = [
      good,
      { ...good, kid: 'other' },
      { ...good, n: neighbour.n },
      { ...good, e: 'AQAD' },
      { ...good, issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0' },
      { ...good, cloud_instance_name: 'microsoftonline.us' },
    ];
    const fingerprints = (await read(members)).map(({ fingerprint }) => fingerprint);
    expect(new Set(fingerprints).size).toBe(members.length);
    const [again] = await read([{ ...good, x5t: 'x', alg: 'RS256' }]);
    expect(again?.fingerprint).toBe(fingerprints[0]);
  });

  it('gives a key that is known already, and not a new one in its place', async () => {
    const [known] = await read([good]);
    const keys = await readSigningKeys({ keys: [good, neighbour] }, (fingerprint) =>
      fingerprint === known?.fingerprint ? known : undefined,
    );
    expect(keys[0]).toBe(known);
    expect(keys[1]?.kid).toBe('neighbour');
  });

  it('takes 200 keys, and refuses 201', async () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => ({ ...good, kid: String(index) }));
    expect(await read(many(200))).toHaveLength(200);
    await expect(read(many(201))).rejects.toThrow('more than 200 keys');
    await expect(read([...many(1), ...Array.from({ length: 200 }, () => null)])).rejects.toThrow('more than 200 keys');
  });

  it.each([
    ['an empty list', { keys: [] }],
    ['nothing usable', { keys: [{ ...good, use: 'enc' }, null] }],
  ])('refuses a key set with %s', async (_, document) => {
    await expect(readSigningKeys(document, nothingKnown)).rejects.toThrow('no usable key');
  });

  it.each<[string, unknown]>([
    ['no list', {}],
    ['a list of another name', { Keys: [good] }],
    ['an object of keys', { keys: { 0: good } }],
    ['keys of null', { keys: null }],
    ['null', null],
    ['a list', [good]],
    ['text', 'keys'],
    ['a number', 7],
  ])('refuses a document that is, or holds, %s', async (_, document) => {
    await expect(readSigningKeys(document, nothingKnown)).rejects.toThrow('no list of keys');
  });
});
