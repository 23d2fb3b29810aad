/** A token taken apart: its text, header and payload, all unverified. */
import { isUtf8 } from 'node:buffer';
import { createLRU } from 'lru.min';
import type { UnverifiedClaims } from '../access-token-claims.js';
import { decodeBase64url } from '../base64url.js';
import { invalidToken } from '../gate-refusals.js';
import { parseJsonObject, parseOpenJsonObject } from '../json.js';

/** The parts of a token whose header is acceptable. Nothing is verified. */
export interface ParsedToken {
  /** The part that the signature covers (RFC 7515 §5.2): header and payload as they stand in the token. */
  readonly signingInput: string;
  readonly signature: Buffer;
  /** The header as it stands in the token. */
  readonly header: string;
  readonly kid: string;
  /** It is closed once its signature is verified: most tokens that are refused do not come so far. */
  readonly payload: UnverifiedClaims;
}

/** Header and payload of a token; undefined if they cannot be read. */
export interface SeenToken {
  readonly header: UnverifiedClaims | undefined;
  readonly payload: UnverifiedClaims | undefined;
}

const mostKnownHeaders = 100;

/** A slice of a string keeps the whole string in memory, which here is the token. A copy does not. */
function copyOf(slice: string): string {
  return Buffer.from(slice, 'latin1').toString('latin1');
}

/**
 * One part of a token, read as JSON, closed or not. Its base64url must be canonical: tokens are known by a digest of their
 * text.
 */
function readPart(part: string, parse: typeof parseJsonObject): UnverifiedClaims | undefined {
  const bytes = decodeBase64url(part);
  return bytes !== undefined && isUtf8(bytes) ? parse(bytes.toString('utf8')) : undefined;
}

/** Whether `typ` in a header may be that of an access token. */
export const isTypeOfAccessToken = (typ: unknown) => typ === undefined || typ === 'JWT' || typ === 'at+jwt';

/** The kid of a header, once all other members are checked. */
function kidOf(header: UnverifiedClaims | undefined): string {
  if (header === undefined) throw invalidToken('malformed');
  // RFC 7515 §4.1.11, RFC 7797 §6: extensions that a reader must understand. None is supported.
  if (header['crit'] !== undefined || header['b64'] !== undefined) throw invalidToken('malformed');
  // RFC 8725 §3.1: the recipient chooses the algorithms.
  if (header['alg'] !== 'RS256') throw invalidToken('algorithm');
  const { typ, kid } = header;
  if (!isTypeOfAccessToken(typ)) throw invalidToken('token_type');
  if (typeof kid !== 'string' || kid === '') throw invalidToken('key');
  return kid;
}

/** The headers of verified tokens, with their kid. As a rule all tokens that a key signs have the same header. */
export class KnownHeaders {
  /** Made for the first header: a configuration that verified no token yet needs none. */
  #kids: ReturnType<typeof createLRU<string, string>> | undefined;
  #last: Pick<ParsedToken, 'header' | 'kid'> = { header: '', kid: '' };

  /**
   * The kid of a header.
   *
   * @throws InvalidTokenError if the header is not acceptable
   */
  kidOf(header: string): string {
    // To compare with one text is faster than to look for it among several.
    if (header === this.#last.header && header !== '') return this.#last.kid;
    return this.#kids?.get(header) ?? kidOf(readPart(header, parseJsonObject));
  }

  add({ header, kid }: Pick<ParsedToken, 'header' | 'kid'>): void {
    if (header === this.#last.header) return;
    this.#kids ??= createLRU({ max: mostKnownHeaders });
    if (this.#kids.has(header)) return;
    const kept = { header: copyOf(header), kid };
    this.#kids.set(kept.header, kid);
    this.#last = kept;
  }
}

/**
 * Takes a token apart. The header is judged before the payload is parsed, so that garbage costs little.
 *
 * @throws InvalidTokenError `malformed`, or what is wrong with the header
 */
export function parseToken(text: string, knownHeaders: KnownHeaders): ParsedToken {
  const first = text.indexOf('.');
  const second = text.indexOf('.', first + 1);
  if (first === -1 || second === -1 || text.includes('.', second + 1)) throw invalidToken('malformed');
  const header = text.slice(0, first);
  const kid = knownHeaders.kidOf(header);
  const signature = decodeBase64url(text.slice(second + 1));
  const payload = signature && readPart(text.slice(first + 1, second), parseOpenJsonObject);
  if (signature === undefined || payload === undefined) throw invalidToken('malformed');
  return { signingInput: text.slice(0, second), signature, header, kid, payload };
}

/** The parts of a token that can be read. Unverified: for advice to a developer, never for a decision. */
export function readToken(text: string): SeenToken {
  const [header = '', payload = ''] = text.split('.', 2);
  return { header: readPart(header, parseJsonObject), payload: readPart(payload, parseJsonObject) };
}
