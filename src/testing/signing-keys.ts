/** The keys of the local issuer, and the tokens that it signs with them. */
import { createPublicKey, generateKeyPair, randomBytes, randomUUID, sign, verify, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

/** A key pair, and the public key as a key set publishes it. */
export interface KeyPair {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: Readonly<Record<string, unknown>>;
}

export async function createKeyPair(): Promise<KeyPair> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return keyPairOf(privateKey, randomUUID());
}

export function keyPairOf(privateKey: KeyObject, kid: string): KeyPair {
  const { n, e } = createPublicKey(privateKey).export({ format: 'jwk' });
  return { kid, privateKey, publicJwk: { kty: 'RSA', use: 'sig', kid, n, e } };
}

/** Signs two texts, unchanged. */
export async function signText(key: KeyPair, header: string, payload: string): Promise<string> {
  const signed = `${Buffer.from(header).toString('base64url')}.${Buffer.from(payload).toString('base64url')}`;
  const signature = await promisify(sign)('sha256', Buffer.from(signed), key.privateKey);
  return `${signed}.${signature.toString('base64url')}`;
}

/** Signs claims as an RS256 token. Members of `header` are added to its header, or replace one of it. */
export function signToken(key: KeyPair, claims: object, header: object = {}): Promise<string> {
  return signText(key, JSON.stringify({ typ: 'JWT', alg: 'RS256', kid: key.kid, ...header }), JSON.stringify(claims));
}

/** The claim `uti` of a token, in the form that Entra gives it: no two tokens are alike, also within one second. */
export const tokenIdentifier = () => randomBytes(16).toString('base64url');

/** A token in its parts. Nothing of it is checked. */
export interface DecodedToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

function parseObject(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text ?? '', 'base64url').toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The parts of a token, or undefined where the text is none. */
export function decodeToken(text: string): DecodedToken | undefined {
  const [first, second, third, ...rest] = text.split('.');
  const header = parseObject(first);
  const claims = parseObject(second);
  if (header === undefined || claims === undefined || third === undefined || rest.length > 0) return undefined;
  const signed = Buffer.from(text.slice(0, text.lastIndexOf('.')));
  return { header, claims, signed, signature: Buffer.from(third, 'base64url') };
}

/** Whether one of the keys signed an RS256 token. */
export function isSignedByOneOf(keys: readonly KeyPair[], token: DecodedToken): boolean {
  const key = keys.find(({ kid }) => kid === token.header['kid']);
  if (key === undefined || token.header['alg'] !== 'RS256') return false;
  return verify('sha256', token.signed, createPublicKey(key.privateKey), token.signature);
}
