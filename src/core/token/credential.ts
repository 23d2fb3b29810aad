/** Reads the bearer token of a request (RFC 6750 §2.1) from one header, Authorization by default, and from no other place. */
import { invalidRequest, invalidToken, missingToken } from '../gate-refusals.js';
import { ownMember } from '../json.js';

/** The headers of a Fetch request. */
export interface FetchHeaders {
  /** The value of a header. If it was sent several times, its values are joined by commas. */
  get(name: string): string | null;
}

/** Headers as Node has them: by their names in lower case. */
export type NodeHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The part of a request that is read. Node's `IncomingMessage` and the `Request` of Fetch have it, and so does a plain
 * object with `headers`.
 */
export interface RequestHeaders {
  readonly headers: FetchHeaders | NodeHeaders;
  /** All header lines as received: names and values in turn. `headers` does not show a second Authorization header. */
  readonly rawHeaders?: readonly string[] | undefined;
}

/** The most characters a token may have; Node allows a request 16 KiB of headers by default. */
export const longestToken = 16 * 1024;

const scheme = 'bearer';
const space = 32;

const authorization = 'authorization';

/** Of Authorization Node keeps the first line; lines of other headers it joins. Only the raw header lines show them. */
function repeats(rawHeaders: readonly string[], header: string): boolean {
  let ofLength = 0;
  let named = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.length === header.length) ofLength++;
  }
  // In nearly every request it is one. To compare names without their letter case costs a new string for each.
  if (ofLength < 2) return false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === header) named++;
  }
  return named > 1;
}

export const isFetchHeaders = (headers: RequestHeaders['headers']): headers is FetchHeaders =>
  typeof headers.get === 'function';

/** No bearer token has a comma. Which of two headers counts would be a guess. */
function refuseJoined(value: string, tokenHeader: string | undefined): string {
  if (value.includes(',')) throw invalidRequest(tokenHeader);
  return value;
}

/**
 * The value of the header that the token is read from.
 *
 * @param tokenHeader - the header that is read in place of Authorization, in lower case
 * @returns an empty text if there is no such header
 * @throws InvalidRequestError if there are two, or a value of Fetch has a comma, which joins two
 */
export function credentialIn({ headers, rawHeaders }: RequestHeaders, tokenHeader?: string): string {
  const header = tokenHeader ?? authorization;
  if (rawHeaders !== undefined && repeats(rawHeaders, header)) throw invalidRequest(tokenHeader);
  if (isFetchHeaders(headers)) return refuseJoined(headers.get(header) ?? '', tokenHeader);
  // Its own: another flaw of the process may have put one on the prototype of all objects.
  const value = ownMember(headers, header);
  if (value === undefined) return '';
  if (typeof value !== 'string' && value.length > 1) throw invalidRequest(tokenHeader);
  const line = typeof value === 'string' ? value : (value[0] ?? '');
  // Without the raw lines it is unknown whether Node joined two: it does so for every header but a few.
  return tokenHeader === undefined || rawHeaders !== undefined ? line : refuseJoined(line, tokenHeader);
}

/** RFC 9110 §5.6.2: the characters of which a scheme name consists. */
function isTokenCharacter(code: number): boolean {
  if ((code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)) return true;
  return code > 32 && code < 127 && "!#$%&'*+-.^_`|~".includes(String.fromCharCode(code));
}

/**
 * Where the token begins in the value of a header.
 *
 * @throws MissingTokenError if there is none, or the value has another scheme
 * @throws InvalidTokenError (`malformed`) if no space follows the scheme
 */
function startOfToken(value: string, tokenHeader: string | undefined): number {
  const end = scheme.length;
  const isNamed = value.startsWith('Bearer') || value.slice(0, end).toLowerCase() === scheme;
  const isBearer = isNamed && !isTokenCharacter(value.charCodeAt(end));
  if (!isBearer) {
    // Another header than Authorization has no schemes, and proxies that add one write the token alone.
    if (tokenHeader !== undefined && value !== '' && !value.includes(' ')) return 0;
    throw missingToken();
  }
  let start = end;
  while (value.charCodeAt(start) === space) start++;
  if (start === end) throw invalidToken('malformed');
  return start;
}

/**
 * The token in the value of a header. No regular expression is run on it: V8 keeps the last input of one in memory.
 *
 * @param tokenHeader - as for {@link credentialIn}
 * @returns the text after the scheme, of at most 16 KiB; the verifier checks its form
 * @throws MissingTokenError if the value is empty, or has another scheme
 * @throws InvalidTokenError (`malformed`) if no space or no text follows the scheme, or the text is too long
 */
export function tokenIn(value: string, tokenHeader?: string): string {
  const token = value.slice(startOfToken(value, tokenHeader));
  if (token === '' || token.length > longestToken) throw invalidToken('malformed');
  return token;
}

/**
 * The bearer token of a request, from its one header.
 *
 * @throws InvalidRequestError as {@link credentialIn} does
 * @throws MissingTokenError or InvalidTokenError as {@link tokenIn} does
 */
export function bearerToken(request: RequestHeaders, tokenHeader?: string): string {
  return tokenIn(credentialIn(request, tokenHeader), tokenHeader);
}

/** A request with a token and no other header. */
export const requestWith = (token: string, tokenHeader = authorization) => ({
  headers: { [tokenHeader]: `Bearer ${token}` },
});
