/** Code that asks for the caller of a request whose token no gate verified, or outside of that request. */
import { AuthError, ConfigurationError, MissingTokenError } from '../core/errors.js';
import { processWide } from '../core/process-wide.js';
import { bearerToken, type RequestHeaders } from '../core/token/credential.js';

/** Where a caller was asked for. */
interface Asked {
  /** Whether it was for a call of another API: that is answered as a call without a caller, whatever the request has. */
  readonly isForApi: boolean;
  /** The decorator of a parameter: `@OnBehalfOf() of Orders.list`. Undefined: a helper. */
  readonly decorator: string | undefined;
  /** The handler in which a helper asked, where it is known: `Orders.list`. */
  handler?: string | undefined;
}

const asked = processWide('asked-for-callers', () => new WeakMap<object, Asked>());

function noVerifiedToken(when: string, found: Asked): MissingTokenError {
  const error = new MissingTokenError({ message: `No access token was verified when ${when}.` });
  asked.set(error, found);
  return error;
}

/**
 * The error of a helper that finds no verified token. Where this library does not answer it, a framework may send the
 * message: it is true of a request with a token too.
 */
export const noCallerYet = () =>
  noVerifiedToken('its claims were asked for', { isForApi: false, decorator: undefined });

/**
 * The error of a call of another API for a caller whose token was not verified.
 *
 * @param when - what needed the caller
 * @param decorator - of the parameter; undefined: a helper
 */
export const noCallerForApi = (when: string, decorator: string | undefined) =>
  noVerifiedToken(when, { isForApi: true, decorator });

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

/** What code of the application did that asked for the caller of a request too early. */
export interface AskedTooEarly {
  /** What to change, for the developer. */
  readonly remedy: string;
  /**
   * The answer in place of the error: an error of the API. A token that is not verified may be a good one. The caller is neither told
   * that it is missing, nor to get another. Undefined: the error itself is the answer.
   */
  readonly answer: ConfigurationError | undefined;
}

/**
 * Whether an error arose because code of the application asked for the caller of a request with a token too early.
 *
 * @param tokenHeader - the option of that name
 * @returns undefined for any other error, and for a request without a token: what it was told is true
 */
export function askedTooEarly(
  error: unknown,
  request: RequestHeaders,
  tokenHeader: string | undefined,
): AskedTooEarly | undefined {
  const found = error instanceof MissingTokenError ? asked.get(error) : undefined;
  if (found === undefined || !presentsToken(request, tokenHeader)) return undefined;
  const remedy = remedyFor(found);
  return { remedy, answer: found.isForApi ? undefined : new ConfigurationError(remedy, { cause: error }) };
}
