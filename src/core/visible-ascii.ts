/** Is a text one that a header or a URL can carry? */

/**
 * Whether a text is visible ASCII characters alone, and at least one: what a header of
 * RFC 6750 §2.1 and a URL of RFC 3986 §2 consist of.
 *
 * Written out because a regular expression keeps the last text it ran on reachable, and this one runs on tokens.
 */
export function isVisibleAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x21 || code > 0x7e) return false;
  }
  return text !== '';
}
