/** Code that asks for the caller of a request whose token no gate verified, or outside of that request. */
import { AuthError, ConfigurationError, MissingTokenError } from '../core/errors.js';
import { processWide } from '../core/process-wide.js';
import { bearerToken, type RequestHeaders } from '../core/token/credential.js';

const asked = processWide('asked-for-callers', () => new WeakSet<object>());

/**
 * The error of a helper that finds no verified token. Where this library does not answer it, a framework may send the
 * message: it is true of a request with a token too.
 */
export function noCallerYet(): MissingTokenError {
  const error = new MissingTokenError({ message: 'No access token was verified when its claims were asked for.' });
  asked.add(error);
  return error;
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
  'A helper such as getTokenClaims() or validateScope() found no verified token: it ran before the gate of the route, on a ' +
  'route without a gate, or outside of the request. Call it in the handler or in what that calls, not in a middleware before the gate or ' +
  'in the constructor of a request-scoped provider. Where the context of the request is lost, pass the request: getTokenClaims(request).';

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
  if (!(error instanceof MissingTokenError) || !asked.has(error)) return undefined;
  if (!presentsToken(request, tokenHeader)) return undefined;
  return new ConfigurationError(remedy, { cause: error });
}
