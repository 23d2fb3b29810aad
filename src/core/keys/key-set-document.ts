/** The keys of a published key set that may verify signatures. jose imports them; node:crypto verifies with them. */
import { KeyObject } from 'node:crypto';
import { decodeBase64url } from '../base64url.js';
import { importJWK } from '../jose.js';

/** A public key of an issuer, and the issuer and cloud that it is published for. */
export interface SigningKey {
  readonly kid: string;
  readonly key: KeyObject;
  /** The issuer, or issuer template, that the key itself names. Entra's v2.0 keys name one. */
  readonly issuer: string | undefined;
  /** The cloud that the key itself names. */
  readonly cloudInstanceName: string | undefined;
  /** The same for equal keys, so that a key in the next key set is recognized, and remains the same object. */
  readonly fingerprint: string;
}

const mostKeys = 200;
const leastModulusBits = 2048;
const mostModulusBits = 8192;
const leastExponent = 65537n;
const mostExponentBytes = 8;
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

type Member = Readonly<Record<string, unknown>>;

/** A positive integer, in the one base64url form that RFC 7518 §2 allows. */
function decodeUnsigned(value: unknown): Buffer | undefined {
  const bytes = typeof value === 'string' ? decodeBase64url(value) : undefined;
  return bytes !== undefined && bytes.length > 0 && bytes[0] !== 0 ? bytes : undefined;
}

function isStrongModulus(modulus: Buffer): boolean {
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  return bits >= leastModulusBits && bits <= mostModulusBits;
}

function isSoundExponent(exponent: Buffer): boolean {
  if (exponent.length > mostExponentBytes) return false;
  const value = BigInt(`0x${exponent.toString('hex')}`);
  return value >= leastExponent && value % 2n === 1n;
}

/** A text that is not blank, or undefined. */
export const textOrNothing = (value: unknown) => (typeof value === 'string' && value.trim() !== '' ? value : undefined);
const isAbsentOr = (value: unknown, expected: string) => value === undefined || value === expected;

/** RFC 7517 §4.3: if there is a list of operations, the key is for no others. */
const mayVerify = (operations: unknown) =>
  operations === undefined || (Array.isArray(operations) && operations.includes('verify'));

/** The relevant parts of a member of a key set; undefined if it must not verify signatures. */
function readMember(
  member: unknown,
): (Omit<SigningKey, 'key'> & { readonly n: string; readonly e: string }) | undefined {
  if (typeof member !== 'object' || member === null) return undefined;
  const { kid, kty, use, key_ops, alg, n, e, issuer, cloud_instance_name } = member as Member;
  if (typeof kid !== 'string' || kid === '' || kty !== 'RSA') return undefined;
  if (!isAbsentOr(use, 'sig') || !mayVerify(key_ops) || !isAbsentOr(alg, 'RS256')) return undefined;
  // With a private key that is published, anyone can sign.
  if (privateMembers.some((name) => name in member)) return undefined;
  // A key whose issuer cannot be read must not be used for any issuer.
  if (issuer !== undefined && textOrNothing(issuer) === undefined) return undefined;
  const modulus = decodeUnsigned(n);
  const exponent = decodeUnsigned(e);
  if (modulus === undefined || exponent === undefined) return undefined;
  if (!isStrongModulus(modulus) || !isSoundExponent(exponent)) return undefined;
  const bindings = { issuer: textOrNothing(issuer), cloudInstanceName: textOrNothing(cloud_instance_name) };
  const fingerprint = JSON.stringify([kid, n, e, bindings.issuer, bindings.cloudInstanceName]);
  return { kid, n: n as string, e: e as string, ...bindings, fingerprint };
}

/**
 * The usable keys of a key set. Members that are malformed or not usable are ignored.
 *
 * @param known - the key of a fingerprint, if it was imported before
 * @throws Error if the document is not a key set, holds too many keys, or holds no usable one
 */
export async function readSigningKeys(
  document: unknown,
  known: (fingerprint: string) => SigningKey | undefined,
): Promise<readonly SigningKey[]> {
  const members = (document as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(members)) throw new Error('The key set holds no list of keys.');
  if (members.length > mostKeys) throw new Error(`The key set holds more than ${String(mostKeys)} keys.`);
  const keys = await Promise.all(members.map((member) => importMember(member, known)));
  const usable = keys.filter((key) => key !== undefined);
  if (usable.length === 0) throw new Error('The key set holds no usable key.');
  return usable;
}

async function importMember(
  member: unknown,
  known: (fingerprint: string) => SigningKey | undefined,
): Promise<SigningKey | undefined> {
  const read = readMember(member);
  if (read === undefined) return undefined;
  const { n, e, ...rest } = read;
  const existing = known(read.fingerprint);
  if (existing !== undefined) return existing;
  try {
    // jose is given the public numbers alone, so that no other member can affect the key.
    const key = await importJWK({ kty: 'RSA', n, e }, 'RS256');
    return key instanceof Uint8Array ? undefined : Object.freeze({ ...rest, key: KeyObject.from(key) });
  } catch {
    // Numbers that are no RSA key: the member is malformed.
    return undefined;
  }
}
