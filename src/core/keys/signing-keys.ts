/** From a published key set to the keys that may check a signature. */
import { KeyObject } from 'node:crypto';
import { decodeBase64url } from '../base64url.js';
import { importJWK } from '../jose.js';

/** A public key of an issuer, and whom it says it speaks for. */
export interface SigningKey {
  readonly kid: string;
  readonly key: KeyObject;
  /** The issuer, or issuer template, that the key itself names. Entra's v2.0 keys do. */
  readonly issuer: string | undefined;
  /** The cloud that the key itself names. */
  readonly cloudInstanceName: string | undefined;
  /** Equal for equal keys, so that a key keeps its identity from one key set to the next. */
  readonly fingerprint: string;
}

const mostKeys = 200;
const leastModulusBits = 2048;
const mostModulusBits = 8192;
const leastExponent = 65537n;
const mostExponentBytes = 8;
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

type Member = Readonly<Record<string, unknown>>;

/** A positive integer in the only base64url form RFC 7518 §2 allows for it. */
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

/** A text that says something, or undefined. */
export const textOrNothing = (value: unknown) => (typeof value === 'string' && value.trim() !== '' ? value : undefined);
const isAbsentOr = (value: unknown, expected: string) => value === undefined || value === expected;

/** The parts of a member that matter, or undefined where it must not check signatures. */
function readMember(
  member: unknown,
): (Omit<SigningKey, 'key'> & { readonly n: string; readonly e: string }) | undefined {
  if (typeof member !== 'object' || member === null) return undefined;
  const { kid, kty, use, alg, n, e, issuer, cloud_instance_name } = member as Member;
  if (typeof kid !== 'string' || kid === '' || kty !== 'RSA') return undefined;
  if (!isAbsentOr(use, 'sig') || !isAbsentOr(alg, 'RS256')) return undefined;
  // A key set that gives a private key away gives away who may sign.
  if (privateMembers.some((name) => name in member)) return undefined;
  // A key bound to an issuer in a way that cannot be read is bound to nobody.
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
 * The usable keys of a key set. A member that is malformed or unfit is left out, and does its neighbours no harm.
 *
 * @param known - keys already imported, by fingerprint
 * @throws Error where the document is no key set, holds too many keys, or not one that is usable
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
    // Only the public numbers are handed on: whatever else the member holds has no say.
    const key = await importJWK({ kty: 'RSA', n, e }, 'RS256');
    return key instanceof Uint8Array ? undefined : Object.freeze({ ...rest, key: KeyObject.from(key) });
  } catch {
    // Numbers that pass for a key but make none: unfit like any other malformed member.
    return undefined;
  }
}
