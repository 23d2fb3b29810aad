/**
 * A user's token for another API, as it lies in the shared store: under a name that tells nothing of the user, and
 * encrypted with a key that only a holder of the user's own token can derive.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { parseJsonObject } from '../core/json.js';
import type { DownstreamToken } from './token-life.js';

/** What a token in the store belongs to. Where one of these differs, name and key differ. */
export interface SealedFor {
  /** The token that the user's client presented. */
  readonly assertion: string;
  readonly clientId: string;
  readonly instance: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
}

/** Under which name a token is kept, and the key that seals it. */
export interface Seal {
  readonly name: string;
  readonly key: Uint8Array;
}

const version = 'v1';
const prefix = `${version}.`;
const nameBytes = 32;
const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
const cipher = 'aes-256-gcm';
/** An answer of the authority has 1 MiB at most. Escaped as JSON and in base64, a token in it is shorter than this. */
const longestText = 4 * 1024 * 1024;

/** The name and the key of a user's token, derived from the token that the user presented (HKDF, RFC 5869). */
export function sealFor({ assertion, clientId, instance, tenant, scopes }: SealedFor): Seal {
  // JSON keeps the parts apart: no two lists of parts have the same text.
  const info = JSON.stringify([version, clientId, instance, tenant, [...scopes].sort()]);
  const derived = Buffer.from(hkdfSync('sha256', assertion, '', info, nameBytes + keyBytes));
  return { name: derived.toString('base64url', 0, nameBytes), key: derived.subarray(nameBytes) };
}

/** The text of a token for the store. */
export function sealToken({ token, expiresAtMs, refreshAtMs }: DownstreamToken, { name, key }: Seal): string {
  const iv = randomBytes(ivBytes);
  const sealing = createCipheriv(cipher, key, iv);
  // A value that was moved to another name does not open.
  sealing.setAAD(Buffer.from(name));
  const text = JSON.stringify({ token, expiresAt: expiresAtMs, refreshAt: refreshAtMs });
  const sealed = Buffer.concat([iv, sealing.update(text, 'utf8'), sealing.final(), sealing.getAuthTag()]);
  return prefix + sealed.toString('base64');
}

function decrypt(sealed: Buffer, { name, key }: Seal): string {
  const opening = createDecipheriv(cipher, key, sealed.subarray(0, ivBytes), { authTagLength: tagBytes });
  opening.setAAD(Buffer.from(name));
  opening.setAuthTag(sealed.subarray(-tagBytes));
  return opening.update(sealed.subarray(ivBytes, -tagBytes), undefined, 'utf8') + opening.final('utf8');
}

/** The token of a text from the store. Undefined where the text is none that was sealed for this name with this key. */
export function openToken(text: string, seal: Seal): DownstreamToken | undefined {
  if (!text.startsWith(prefix) || text.length > longestText) return undefined;
  const sealed = Buffer.from(text.slice(prefix.length), 'base64');
  if (sealed.length < ivBytes + tagBytes) return undefined;
  let plain: string;
  try {
    plain = decrypt(sealed, seal);
  } catch {
    // Node throws where the tag does not fit: the value was damaged, or another key sealed it.
    return undefined;
  }
  const { token, expiresAt, refreshAt } = parseJsonObject(plain) ?? {};
  if (typeof token !== 'string' || typeof expiresAt !== 'number' || typeof refreshAt !== 'number') return undefined;
  return { token, expiresAtMs: expiresAt, refreshAtMs: refreshAt };
}
