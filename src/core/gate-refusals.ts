/** The refusals of a request whose token does not pass, as the checks of the gate throw them. */
import {
  InvalidRequestError,
  InvalidTokenError,
  MissingTokenError,
  type AuthError,
  type InvalidTokenReason,
} from './errors.js';

/**
 * Creates an error without a stack. To take one costs more than all else of a refusal, and it would show the same lines of
 * this library each time.
 */
function withoutStack<E extends AuthError>(create: () => E): E {
  const { stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 0;
  } catch {
    // The application froze it.
    return create();
  }
  try {
    return create();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The request carries no token. */
export const missingToken = () => withoutStack(() => new MissingTokenError());

/**
 * The request presents its credentials twice.
 *
 * @param header - the header that carries the token; default: Authorization
 */
export const invalidRequest = (header: string | undefined) => withoutStack(() => new InvalidRequestError(header));

/** The token must not pass. */
export const invalidToken = (reason: InvalidTokenReason) => withoutStack(() => new InvalidTokenError(reason));
