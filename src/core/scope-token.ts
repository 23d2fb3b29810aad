/** Is a text one scope, as OAuth 2.0 writes it? */

/**
 * Whether a text is one scope: visible ASCII characters without `"` and `\`, so that it also fits into a quoted
 * parameter of a challenge.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-3.3 RFC 6749 §3.3}
 */
export const isScopeToken = (text: string) => /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(text);
