/** The claims that an API asks for in the challenge of a 401. Pure. */
import { parseJsonObject } from '../core/json.js';

// RFC 9110 §5.6.2, §5.6.4, §11.2. A value without quotes may be base64, so it is taken up to the next comma or space.
const separators = /[\s,]*/y;
const name = /[\w!#$%&'*+.^`|~-]+/y;
const assignment = /\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/y;
const token68 = /[ \t]+[\w.~+/-]+=*(?=[ \t]*(?:,|$))/y;

/** A match at a place of a text, and where it ends. */
function matchAt(
  pattern: RegExp,
  text: string,
  start: number,
): { readonly match: RegExpExecArray; end: number } | null {
  pattern.lastIndex = start;
  const match = pattern.exec(text);
  return match === null ? null : { match, end: pattern.lastIndex };
}

/** The value of a parameter of the first challenge of a scheme that has it. A header may hold several challenges. */
function parameterOf(header: string, scheme: string, parameter: string): string | undefined {
  let current = '';
  let index = 0;
  for (;;) {
    index = matchAt(separators, header, index)?.end ?? index;
    const word = matchAt(name, header, index);
    if (word === null) return undefined;
    index = word.end;
    const [text] = word.match;
    const value = current === '' ? null : matchAt(assignment, header, index);
    if (value === null) {
      current = text.toLowerCase();
      index = matchAt(token68, header, index)?.end ?? index;
      continue;
    }
    index = value.end;
    const [, quoted, plain] = value.match;
    if (current === scheme && text.toLowerCase() === parameter) return quoted?.replace(/\\(.)/g, '$1') ?? plain;
  }
}

/** The text of a claims request, from base64 or base64url; undefined where it is no JSON object. */
export function decodeClaims(encoded: string): string | undefined {
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  return parseJsonObject(text) === undefined ? undefined : text;
}

/**
 * The claims request in the `WWW-Authenticate` header of an API.
 *
 * @returns undefined where there is none
 * @see {@link https://learn.microsoft.com/entra/identity-platform/claims-challenge Claims challenges}
 */
export function challengedClaims(header: string | null): string | undefined {
  const encoded = header === null ? undefined : parameterOf(header, 'bearer', 'claims');
  return encoded === undefined ? undefined : decodeClaims(encoded);
}
