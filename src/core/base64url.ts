/** Which bytes does a base64url text stand for? */

/**
 * The bytes of a base64url text, or undefined where the text is not the one canonical form of them: other characters,
 * padding or unused bits that are not zero. So two texts never stand for the same bytes (RFC 4648 §3.5).
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
