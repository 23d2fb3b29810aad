/** Is a text a URL, and may we call it: over https, or over plain http on this machine? */
import { isVisibleAscii } from './visible-ascii.js';

/** No issuer, and no URL of a document, comes near it. */
const mostCharacters = 512;

function parse(text: string): Readonly<URL> | undefined {
  if (text.length > mostCharacters || !isVisibleAscii(text)) return undefined;
  return URL.canParse(text) ? new URL(text) : undefined;
}

let last: { readonly text: string; readonly url: Readonly<URL> | undefined } = { text: '', url: undefined };

/**
 * The URL of a text; undefined for one that is none. The checks of one token ask several times for the same text.
 *
 * Texts come from tokens before their signature is verified. Node takes 0.1 s to read a host of 4,000 letters that are not
 * ASCII, and 0.4 ms to read one of 500 letters that is encoded as ASCII. So the bounds come first.
 */
export function parseUrl(text: unknown): Readonly<URL> | undefined {
  if (typeof text !== 'string') return undefined;
  if (text !== last.text) last = { text, url: parse(text) };
  return last.url;
}

/** Whether a host is this machine itself: the only one to which plain http is allowed. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** Whether a URL is https, or http on this machine. */
export const isSecure = ({ protocol, hostname }: URL) =>
  protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
