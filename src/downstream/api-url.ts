/** The URL of a call: below the `baseUrl` of its API, or refused. Pure. */
import { ConfigurationError } from '../core/errors.js';
import { parseUrl } from '../core/url.js';

/** The API that is called. */
export interface CalledApi {
  readonly name: string;
  /** Without a slash at its end. Undefined: the API has tokens only. */
  readonly baseUrl: string | undefined;
}

const lastControlCharacter = 127;
const firstPrintable = 32;
// Each round reads the whole path, and the path may come from a caller.
const mostEncodings = 8;

/** `URL` removes tabs and line breaks wherever they are: `ht<tab>tps:` would become a scheme. */
function holdsControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < firstPrintable || code === lastControlCharacter) return true;
  }
  return false;
}

/** A path as servers read it that decode once or more often, and take `\` for a slash. Undefined: it does not end. */
function decoded(path: string): string | undefined {
  let read = path;
  for (let round = 0; round < mostEncodings; round++) {
    const once = read.replace(/%[0-7][\da-f]/gi, (code) => String.fromCharCode(parseInt(code.slice(1), 16)));
    if (once === read) return read.replaceAll('\\', '/');
    read = once;
  }
  return undefined;
}

/** Whether a segment of a path means the same directory or the one above: `..`, and `..;x` as Java servers read it. */
function isDotSegment(segment: string): boolean {
  const [name = ''] = segment.split(';', 1);
  return ['.', '..'].includes(name.trim());
}

/** Why a path is refused; undefined where it stays below the base URL. */
function problemWith(path: string): string | undefined {
  if (holdsControlCharacter(path)) return 'it holds a control character';
  const [location = ''] = path.split(/[?#]/, 1);
  if (location.includes('\\')) return 'it holds a backslash';
  const read = decoded(location);
  if (read === undefined) return 'it is encoded again and again';
  if (holdsControlCharacter(read)) return 'it holds an encoded control character';
  if (/^\s*\/\s*\//.test(location)) return 'it starts with two slashes';
  if (/^\/?[a-z][a-z\d+.-]*:\//i.test(location) || /^[a-z][a-z\d+.-]*:/i.test(location)) return 'it is a URL';
  if (read.split('/').some(isDotSegment)) return "it holds a segment '.' or '..'";
  return undefined;
}

/**
 * The URL of a call. A path starts with a slash or does without; it may have a query and a fragment.
 *
 * @param path - empty, or a query alone: the base URL itself
 * @throws ConfigurationError where the path leads, or may lead, out of the base URL; nothing of the path is shown
 */
export function apiUrl({ name, baseUrl }: CalledApi, path: unknown): string {
  if (typeof path !== 'string') {
    throw new ConfigurationError(
      `A call of the API ${name} takes a path below its baseUrl, such as '/me', as a string. ` +
        'A URL or a Request object is not taken: its token could be sent to another host.',
    );
  }
  if (baseUrl === undefined) {
    throw new ConfigurationError(`The API ${name} has no baseUrl, so only its token methods work. Give it a baseUrl.`);
  }
  const refuse = (problem: string): never => {
    throw new ConfigurationError(
      `A path of the API ${name} must stay below its baseUrl: ${problem}. ` +
        'Encode values that become part of a path with encodeURIComponent.',
    );
  };
  const problem = problemWith(path);
  if (problem !== undefined) return refuse(problem);
  const isBaseItself = path === '' || path.startsWith('?') || path.startsWith('#');
  const text = isBaseItself || path.startsWith('/') ? `${baseUrl}${path}` : `${baseUrl}/${path}`;
  const base = new URL(baseUrl);
  const url = URL.canParse(text) ? new URL(text) : refuse('it is no path');
  // What is sent is what was parsed, so this is the rule. The checks before it refuse what other parsers read differently.
  const prefix = base.pathname.replace(/\/$/, '');
  const isBelow = url.pathname === prefix || url.pathname.startsWith(`${prefix}/`) || url.pathname === base.pathname;
  const isSameOrigin = url.origin === base.origin && url.username === '' && url.password === '';
  return isSameOrigin && isBelow ? url.href : refuse('it leads to another place');
}

/**
 * The origin of a URL, where every parser reads the same one. Undefined for user information, and for a backslash next to the
 * host: `URL` ends the host there, others take what is before it for the name of a user. What follows the host is of any
 * length.
 */
export function originOf(url: unknown): string | undefined {
  const start = typeof url === 'string' ? /^https?:\/\/[^/?#\\@]+(?=[/?#]|$)/i.exec(url)?.[0] : undefined;
  return parseUrl(start)?.origin;
}
