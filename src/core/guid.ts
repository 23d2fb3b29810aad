/** The characters of a GUID. */
export const guidLength = 36;

function isLowerHex(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 97 && code <= 102);
}

/**
 * Whether a text is a GUID in the one form Entra writes: lower case, hyphenated, no braces.
 *
 * Written out because a regular expression keeps the last text it ran on reachable, and this one runs on claims.
 */
export function isGuid(text: string): boolean {
  if (text.length !== guidLength) return false;
  for (let index = 0; index < guidLength; index++) {
    const isHyphenPlace = index === 8 || index === 13 || index === 18 || index === 23;
    const code = text.charCodeAt(index);
    if (isHyphenPlace ? code !== 45 : !isLowerHex(code)) return false;
  }
  return true;
}
