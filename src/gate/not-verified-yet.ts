/** Code that asks for the caller of a request whose token no gate verified, or outside of that request. */
import { AuthError, ConfigurationError, MissingTokenError } from '../core/errors.js';
import { processWide } from '../core/process-wide.js';
import { bearerToken, type RequestHeaders } from '../core/token/credential.js';

/** Where a caller was asked for. */
interface Asked {
  /** The decorator of a parameter: `@OnBehalfOf() of Orders.list`. Undefined: a helper. */
  readonly decorator: string | undefined;
  /** The handler in which a helper asked, where it is known: `Orders.list`. */
  handler?: string | undefined;
}

const asked = processWide('asked-for-callers', () => new WeakMap<object, Asked>());

/**
 * The error of a helper, or of what fills a parameter, that finds no verified token. Where this library does not answer it,
 * a framework may send the message: it is true of a request with a token too.
 *
 * @param when - what needed the caller
 * @param decorator - of a parameter
 */
export function noCallerYet(when = 'its claims were asked for', decorator?: string): MissingTokenError {
  const error = new MissingTokenError({ message: `No access token was verified when ${when}.` });
  asked.set(error, { decorator });
  return error;
}

/**
 * Notes in which handler an error was thrown, for the developer.
 *
 * @param nameOf - runs for the error of a helper alone; undefined where the handler is not known
 */
export function noteHandlerOf(error: unknown, nameOf: (() => string) | undefined): void {
  const found = error instanceof MissingTokenError ? asked.get(error) : undefined;
  if (found !== undefined) found.handler ??= nameOf?.();
}

function presentsToken(request: RequestHeaders, tokenHeader: string | undefined): boolean {
  try {
    bearerToken(request, tokenHeader);
    return true;
  } catch (error) {
    return error instanceof AuthError && !(error instanceof MissingTokenError);
  }
}

/** What to change, for the developer. */
export const remedy =
  'A helper such as getTokenClaims(), validateScope() or onBehalfOf() found no verified token: it ran before the gate of the route, on a ' +
  'route without a gate, or outside of the request. Call it in the handler or in what that calls, not in a middleware before the gate or ' +
  'in the constructor of a request-scoped provider. If the route has no gate, put @RequiresAuth() or requiresAuth() on it. ' +
  'Where the context of the request is lost, pass the request: getTokenClaims(request).';

function remedyFor({ decorator, handler }: Asked): string {
  if (decorator !== undefined) {
    return `${decorator} found no verified token: the method has no gate. Put @RequiresAuth() on it or on its class.`;
  }
  return handler === undefined ? remedy : `${handler}: ${remedy.replace('A', 'a')}`;
}

/**
 * The answer to a request with a token, where code of the application asked for its caller too early: an error of the API.
 * A token that is not verified may be a good one. The caller is neither told that it is missing, nor to get another.
 *
 * @param tokenHeader - the option of that name
 * @returns undefined for any other error, and for a request without a token: what it was told is true
 */
export function askedTooEarly(
  error: unknown,
  request: RequestHeaders,
  tokenHeader: string | undefined,
): ConfigurationError | undefined {
  const found = error instanceof MissingTokenError ? asked.get(error) : undefined;
  if (found === undefined || !presentsToken(request, tokenHeader)) return undefined;
  return new ConfigurationError(remedyFor(found), { cause: error });
}
