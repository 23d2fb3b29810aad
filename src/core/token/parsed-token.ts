/** A token taken apart: its text, header and payload, all unverified. */
import { isUtf8 } from 'node:buffer';
import type { UnverifiedClaims } from '../access-token-claims.js';
import { decodeBase64url } from '../base64url.js';
import { InvalidTokenError } from '../errors.js';
import { parseJsonObject } from '../json.js';
import type { Lru } from './token-cache.js';

/** A token taken apart, nothing of it believed. */
export interface ParsedToken {
  /** The name it goes by in memory. */
  readonly digest: string;
  /** What the signature is over (RFC 7515 §5.2): header and payload as they stand in the token. */
  readonly signingInput: string;
  readonly signature: Buffer;
  /** The header as it stands in the token, where it was not known yet. */
  readonly newHeader: string | undefined;
  readonly kid: string;
  readonly payload: UnverifiedClaims;
}

/** Looks at an unverified token: good for advice to a developer, never for a decision. */
export interface SeenToken {
  readonly header: UnverifiedClaims | undefined;
  readonly payload: UnverifiedClaims | undefined;
}

/** One part of a token, read as JSON. Only canonical base64url is read: caches know a token by a digest of its text. */
function readPart(part: string): UnverifiedClaims | undefined {
  const bytes = decodeBase64url(part);
  return bytes !== undefined && isUtf8(bytes) ? parseJsonObject(bytes.toString('utf8')) : undefined;
}

/** The kid of a header that is fit in every other respect. */
function kidOf(header: UnverifiedClaims | undefined): string {
  if (header === undefined) throw new InvalidTokenError('malformed');
  // RFC 7515 §4.1.11, RFC 7797 §6: extensions that must be understood, of which none is.
  if (header['crit'] !== undefined || header['b64'] !== undefined) throw new InvalidTokenError('malformed');
  // RFC 8725 §3.1: the algorithm is ours to choose.
  if (header['alg'] !== 'RS256') throw new InvalidTokenError('algorithm');
  const { typ, kid } = header;
  if (typ !== undefined && typ !== 'JWT' && typ !== 'at+jwt') throw new InvalidTokenError('token_type');
  if (typeof kid !== 'string' || kid === '') throw new InvalidTokenError('key');
  return kid;
}

/**
 * Takes a token apart.
 *
 * @param knownHeaders - header texts that were found good before, with their kid
 */
export function parseToken(text: string, digest: string, knownHeaders: Lru<string>): ParsedToken {
  const first = text.indexOf('.');
  const second = text.indexOf('.', first + 1);
  if (first === -1 || second === -1 || text.includes('.', second + 1)) throw new InvalidTokenError('malformed');
  const header = text.slice(0, first);
  const payload = readPart(text.slice(first + 1, second));
  const signature = decodeBase64url(text.slice(second + 1));
  if (payload === undefined || signature === undefined) throw new InvalidTokenError('malformed');
  const knownKid = knownHeaders.get(header);
  return {
    digest,
    signingInput: text.slice(0, second),
    signature,
    newHeader: knownKid === undefined ? header : undefined,
    kid: knownKid ?? kidOf(readPart(header)),
    payload,
  };
}

/** What a token says, nothing of it believed: for advice to a developer. Whatever cannot be read is left out. */
export function readToken(text: string): SeenToken {
  const [header = ''] = text.split('.', 1);
  return { header: readPart(header), payload: readPayload(text) };
}

export function readPayload(text: string): UnverifiedClaims | undefined {
  const [, payload = ''] = text.split('.', 2);
  return readPart(payload);
}
