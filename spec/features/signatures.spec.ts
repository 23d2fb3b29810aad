/** Signatures, judged by jose beside the gate: over the same bytes both must come to the same verdict. */
import {
  constants,
  createHash,
  generateKeyPairSync,
  privateEncrypt,
  publicDecrypt,
  sign,
  type KeyObject,
} from 'node:crypto';
import fc from 'fast-check';
import { compactVerify } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Authenticator } from '../../src/core/access/requirement.js';
import { InvalidTokenError } from '../../src/core/errors.js';
import { createIdentity } from '../../src/core/identity.js';
import { start } from '../support/clock.js';

const tenantId = 'a5c1e0d2-7b34-4f68-9c0d-1e2f3a4b5c6d';
const clientId = 'c7e3a2f4-9d56-4b8a-9e2f-3a4b5c6d7e8f';
const origin = 'https://login.microsoftonline.com';
const nowSeconds = start / 1000;

const pairOf = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });
const pairs = { 'key-2048': pairOf(2048), 'key-3072': pairOf(3072), 'key-4096': pairOf(4096) };
const stranger = pairOf(2048);
type Kid = keyof typeof pairs;
const kids = Object.keys(pairs) as Kid[];

const documents: Readonly<Record<string, unknown>> = {
  [`${origin}/${tenantId}/v2.0/.well-known/openid-configuration`]: {
    issuer: `${origin}/${tenantId}/v2.0`,
    jwks_uri: `${origin}/${tenantId}/discovery/v2.0/keys`,
  },
  [`${origin}/${tenantId}/discovery/v2.0/keys`]: {
    keys: kids.map((kid) => ({ ...pairs[kid].publicKey.export({ format: 'jwk' }), kid, use: 'sig' })),
  },
};

let identity: Authenticator;

beforeAll(async () => {
  identity = createIdentity({
    tenantId,
    clientId,
    now: () => start,
    fetch: (url) => Promise.resolve(Response.json(documents[url instanceof Request ? url.url : url.toString()])),
  });
  await identity.ready();
});

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

function signingInputOf(kid: Kid, claims: object = {}): string {
  const payload = { iss: `${origin}/${tenantId}/v2.0`, aud: clientId, tid: tenantId, azp: clientId, scp: 'read' };
  const times = { iat: nowSeconds, nbf: nowSeconds, exp: nowSeconds + 3600 };
  return `${encode({ alg: 'RS256', typ: 'JWT', kid })}.${encode({ ...payload, ...times, ...claims })}`;
}

/** Whether the gate lets a token in; every refusal is for its signature. */
async function passes(token: string): Promise<boolean> {
  try {
    await identity.authenticate({ headers: { authorization: `Bearer ${token}` } }, { scheme: undefined, demands: [] });
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidTokenError);
    expect(error).toMatchObject({ status: 401, code: 'invalid_token', reason: 'signature' });
    return false;
  }
}

const passesJose = (token: string, kid: Kid) =>
  compactVerify(token, pairs[kid].publicKey, { algorithms: ['RS256'] }).then(
    () => true,
    () => false,
  );

async function verdictOn(kid: Kid, input: string, signature: Buffer): Promise<boolean> {
  const token = `${input}.${signature.toString('base64url')}`;
  const [ours, reference] = await Promise.all([passes(token), passesJose(token, kid)]);
  expect(ours).toBe(reference);
  return ours;
}

const rs256 = (input: string, key: KeyObject) => sign('sha256', Buffer.from(input), key);

/** The block under a signature, EMSA-PKCS1-v1_5 (RFC 8017 §9.2). */
const blockOf = (kid: Kid, signature: Buffer) =>
  publicDecrypt({ key: pairs[kid].publicKey, padding: constants.RSA_NO_PADDING }, signature);
const signatureOf = (kid: Kid, block: Buffer) =>
  privateEncrypt({ key: pairs[kid].privateKey, padding: constants.RSA_NO_PADDING }, block);

const toNumber = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`);
function toBytes(value: bigint, length: number): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(Math.max(length * 2, hex.length + (hex.length % 2)), '0'), 'hex');
}
const modulusOf = (kid: Kid) =>
  toNumber(Buffer.from(String(pairs[kid].publicKey.export({ format: 'jwk' }).n), 'base64url'));

describe.each(kids)('a signature of %s', (kid) => {
  const { privateKey } = pairs[kid];
  const size = Number(kid.slice('key-'.length)) / 8;

  it('passes where it is RS256, for jose and here', async () => {
    const input = signingInputOf(kid);
    expect(await verdictOn(kid, input, rs256(input, privateKey))).toBe(true);
  });

  it('passes where it is made anew from its own block', async () => {
    const input = signingInputOf(kid);
    const signature = rs256(input, privateKey);
    expect(await verdictOn(kid, input, signatureOf(kid, blockOf(kid, signature)))).toBe(true);
  });

  const pss = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  it.each<[string, (input: string) => Buffer]>([
    ['of nothing', () => Buffer.alloc(0)],
    ['of zeros', () => Buffer.alloc(size)],
    ['of the number one', () => toBytes(1n, size)],
    ['of the modulus', () => toBytes(modulusOf(kid), size)],
    ['of the modulus less one', () => toBytes(modulusOf(kid) - 1n, size)],
    ['of ones', () => Buffer.alloc(size, 0xff)],
    ['of a stranger', (input) => rs256(input, stranger.privateKey)],
    ['of PS256', (input) => sign('sha256', Buffer.from(input), pss)],
    ['of RS1', (input) => sign('sha1', Buffer.from(input), privateKey)],
    ['of RS384', (input) => sign('sha384', Buffer.from(input), privateKey)],
    ['of RS512', (input) => sign('sha512', Buffer.from(input), privateKey)],
    ['over another payload', () => rs256(signingInputOf(kid, { scp: 'write' }), privateKey)],
    ['over the payload alone', (input) => rs256(input.split('.')[1] ?? '', privateKey)],
    ['with a zero before it', (input) => Buffer.concat([Buffer.alloc(1), rs256(input, privateKey)])],
    ['with a zero after it', (input) => Buffer.concat([rs256(input, privateKey), Buffer.alloc(1)])],
    ['without its last byte', (input) => rs256(input, privateKey).subarray(0, -1)],
    ['twice over', (input) => Buffer.concat([rs256(input, privateKey), rs256(input, privateKey)])],
    ['larger by the modulus', (input) => toBytes(toNumber(rs256(input, privateKey)) + modulusOf(kid), size)],
    [
      'of the digest without its algorithm',
      (input) => privateEncrypt(privateKey, createHash('sha256').update(input).digest()),
    ],
    [
      'whose padding is short, with something after the digest',
      (input) => {
        const block = blockOf(kid, rs256(input, privateKey));
        const digestInfo = block.subarray(block.indexOf(0, 2));
        const filled = Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(8, 0xff), digestInfo, Buffer.alloc(size)]);
        return signatureOf(kid, filled.subarray(0, size));
      },
    ],
    [
      'whose padding is that of an encryption',
      (input) => {
        const block = Buffer.from(blockOf(kid, rs256(input, privateKey)));
        block[1] = 2;
        return signatureOf(kid, block);
      },
    ],
    [
      'whose padding has a hole',
      (input) => {
        const block = Buffer.from(blockOf(kid, rs256(input, privateKey)));
        block[10] = 0xfe;
        return signatureOf(kid, block);
      },
    ],
  ])('is refused %s, for jose and here', async (_, signatureFor) => {
    const input = signingInputOf(kid);
    expect(await verdictOn(kid, input, rs256(input, privateKey))).toBe(true);
    expect(await verdictOn(kid, input, signatureFor(input))).toBe(false);
  });

  it('is refused once any bit of it is another, for jose and here', () =>
    fc.assert(
      fc.asyncProperty(fc.nat({ max: size - 1 }), fc.nat({ max: 7 }), async (index, bit) => {
        const input = signingInputOf(kid);
        const signature = rs256(input, privateKey);
        signature.writeUInt8(signature.readUInt8(index) ^ (1 << bit), index);
        expect(await verdictOn(kid, input, signature)).toBe(false);
      }),
      { numRuns: 100 },
    ));

  it('is refused where it is of any bytes, for jose and here', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: size + 8 }), async (bytes) => {
        expect(await verdictOn(kid, signingInputOf(kid), Buffer.from(bytes))).toBe(false);
      }),
      { numRuns: 100 },
    ));
});
