/** What the header of a request holds in place of a token. No regular expression is run on it: V8 keeps the last input of one. */
import type { UnverifiedClaims } from '../core/access-token-claims.js';
import { credentialIn, longestToken, tokenIn, type RequestHeaders } from '../core/token/credential.js';
import { readToken, type SeenToken } from '../core/token/parsed-token.js';

/** What was seen of a request: unverified, for advice to a developer. */
export interface SeenCredential extends SeenToken {
  /** The value of the header that the token is read from. Undefined: there is more than one. */
  readonly credential?: string | undefined;
}

/** What can be seen of a request. */
export function seenIn(request: RequestHeaders, tokenHeader: string | undefined): SeenCredential {
  const nothing = { header: undefined, payload: undefined };
  let credential: string | undefined;
  try {
    credential = credentialIn(request, tokenHeader);
    return { credential, ...readToken(tokenIn(credential, tokenHeader)) };
  } catch {
    // There is no single token. The refusal is about that.
    return { credential, ...nothing };
  }
}

const scheme = 'bearer';
const startsWithScheme = (text: string) => text.slice(0, scheme.length).toLowerCase() === scheme;

/** What variables without a token become as a text, in JavaScript and in Python. */
const unsetTexts: ReadonlySet<string> = new Set(['undefined', 'null', 'nan', 'false', 'none']);
/** An object or a promise as a text, and the placeholders of Postman, of templates and of shells. */
const unsetStarts = ['[object ', '{{', '${', '$', '%'];
const isUnset = (text: string) =>
  unsetTexts.has(text.toLowerCase()) || unsetStarts.some((start) => text.startsWith(start));

const quotes = ['"', "'", '`', '<', '>', '%22', '%27'];
const isQuoted = (text: string) => quotes.some((quote) => text.startsWith(quote) || text.endsWith(quote));

const countOf = (character: string, text: string) => text.split(character).length - 1;

/** What can be seen of a token alone. */
export const seenToken = (token: string): SeenCredential => ({ credential: `Bearer ${token}`, ...readToken(token) });

/** Why a value of the header has no bearer token. */
export function mistakeOfScheme(
  value: string,
): 'no_token' | 'quoted_token' | 'unset_token' | 'other_scheme' | 'no_scheme' {
  if (value === '') return 'no_token';
  if (isQuoted(value)) return 'quoted_token';
  if (isUnset(value)) return 'unset_token';
  if (!value.includes(' ')) return 'no_scheme';
  return value.toLowerCase().startsWith(`${scheme} `) ? 'no_token' : 'other_scheme';
}

type TokenMistake =
  | 'long_token'
  | 'empty_token'
  | 'scheme_twice'
  | 'quoted_token'
  | 'unset_token'
  | 'cut_off_token'
  | 'opaque_token'
  | 'encrypted_token'
  | 'malformed';

/** Why the text after the scheme is no token of Microsoft's. */
export function mistakeOfToken(value: string, header: UnverifiedClaims | undefined): TokenMistake {
  const text = (startsWithScheme(value) ? value.slice(scheme.length) : value).trim();
  if (text.length > longestToken) return 'long_token';
  if (text === '' || text.toLowerCase() === scheme) return 'empty_token';
  if (startsWithScheme(text)) return 'scheme_twice';
  if (isQuoted(text)) return 'quoted_token';
  if (isUnset(text)) return 'unset_token';
  if (text.includes(' ') || text.includes(',')) return 'malformed';
  const dots = countOf('.', text);
  // RFC 7519 §3: a JWT begins with an object of JSON, which is `eyJ` in base64url, and has three parts.
  if (dots < 2 && text.startsWith('eyJ')) return 'cut_off_token';
  if (dots === 0) return 'opaque_token';
  // RFC 7516 §4.1.2: `enc` is in the header of each encrypted token.
  return dots === 4 && header?.['enc'] !== undefined ? 'encrypted_token' : 'malformed';
}
