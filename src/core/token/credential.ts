/** Reads the bearer token of a request (RFC 6750 §2.1) from its Authorization header, and from no other place. */
import { InvalidRequestError, InvalidTokenError, MissingTokenError } from '../errors.js';
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

/** Node keeps the first Authorization header and drops all others. Only the raw header lines show them. */
function repeatsAuthorization(rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 13 && name.toLowerCase() === 'authorization') count++;
  }
  return count > 1;
}

export const isFetchHeaders = (headers: RequestHeaders['headers']): headers is FetchHeaders =>
  typeof headers.get === 'function';

function fetchAuthorization(headers: FetchHeaders): string {
  const value = headers.get('authorization') ?? '';
  // No bearer token has a comma. Which of two headers counts would be a guess.
  if (value.includes(',')) throw new InvalidRequestError();
  return value;
}

function authorizationHeader({ headers, rawHeaders }: RequestHeaders): string {
  if (rawHeaders !== undefined && repeatsAuthorization(rawHeaders)) throw new InvalidRequestError();
  if (isFetchHeaders(headers)) return fetchAuthorization(headers);
  // Its own: another flaw of the process may have put one on the prototype of all objects.
  const value = ownMember(headers, 'authorization');
  if (value === undefined || typeof value === 'string') return value ?? '';
  if (value.length > 1) throw new InvalidRequestError();
  return value[0] ?? '';
}

/** RFC 9110 §5.6.2: the characters of which a scheme name consists. */
function isTokenCharacter(code: number): boolean {
  if ((code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)) return true;
  return code > 32 && code < 127 && "!#$%&'*+-.^_`|~".includes(String.fromCharCode(code));
}

/**
 * The bearer token of a request. No regular expression is run on it: V8 keeps the last input of one in memory.
 *
 * @returns the text after the scheme, of at most 16 KiB; the verifier checks its form
 * @throws MissingTokenError if there is no Authorization header, an empty one, or one of another scheme
 * @throws InvalidRequestError if there are two, or a value of Fetch has a comma, which joins two
 * @throws InvalidTokenError (`malformed`) if no space or no text follows the scheme, or the text is too long
 */
export function bearerToken(request: RequestHeaders): string {
  const value = authorizationHeader(request);
  const end = scheme.length;
  const isBearer = value.slice(0, end).toLowerCase() === scheme && !isTokenCharacter(value.charCodeAt(end));
  if (!isBearer) throw new MissingTokenError();
  let start = end;
  while (value.charCodeAt(start) === space) start++;
  const token = value.slice(start);
  if (start === end || token === '' || token.length > longestToken) throw new InvalidTokenError('malformed');
  return token;
}
