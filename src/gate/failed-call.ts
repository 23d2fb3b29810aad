/** Calls of other APIs that failed, as the developer reads of them. A regular expression would keep the last path it saw. */
import type { UnverifiedClaims } from '../core/access-token-claims.js';
import { processWide } from '../core/process-wide.js';

interface FailedCall {
  readonly method: string;
  readonly pathname: string;
}

/** The calls, by the errors that stand for them. The errors themselves are logged in production, where a path has no place. */
const failedCalls = processWide('failed-calls', () => new WeakMap<object, FailedCall>());

export function noteFailedCall(error: object, call: FailedCall): void {
  failedCalls.set(error, call);
}

const longestWord = 40;
const longestVersion = 8;

const isLetter = (character = '') => character.toLowerCase() !== character.toUpperCase();
const isDigit = (character: string) => character >= '0' && character <= '9';

/** Whether a segment is a word that the developer may have written: not an id, an address or a token. */
const isWord = (segment: string) =>
  segment.length <= longestWord &&
  Array.from(segment).every((character) => isLetter(character) || '-_.$'.includes(character));

const isVersion = (segment: string) =>
  segment.length <= longestVersion &&
  segment.startsWith('v') &&
  Array.from(segment.slice(1)).every((character) => isDigit(character) || character === '.');

/** Claims about the API and its permissions: their values are words that the developer chose. */
const claimsOfApi: ReadonlySet<string> = new Set(['iss', 'aud', 'scp', 'roles', 'ver', 'idtyp']);

/** Whether a text has a word that stands alone. */
function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    if (!isLetter(text[at - 1]) && !isLetter(text[at + word.length])) return true;
  }
  return false;
}

/** Whether a word is of the claims about the caller, such as a part of the name. */
function isOfCaller(word: string, claims: UnverifiedClaims): boolean {
  return Object.entries(claims).some(
    ([claim, value]) =>
      !claimsOfApi.has(claim) &&
      [value].flat().some((text) => typeof text === 'string' && hasWord(text.toLowerCase(), word)),
  );
}

/**
 * The call that an error stands for, without what may be a value in its path: `GET /v1.0/users/…/manager`. Undefined for any
 * other error.
 *
 * @param claims - those of the request, which may not be verified
 */
export function describeFailedCall(error: object, claims: UnverifiedClaims = {}): string | undefined {
  const call = failedCalls.get(error);
  if (call === undefined) return undefined;
  const isShown = (segment: string) =>
    isVersion(segment) || (isWord(segment) && (segment === '' || !isOfCaller(segment.toLowerCase(), claims)));
  const path = call.pathname.split('/').map((segment) => (isShown(segment) ? segment : '…'));
  return `The call was ${call.method} ${path.join('/')}. Values in the path are left out.`;
}
