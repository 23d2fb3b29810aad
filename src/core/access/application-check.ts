/** A check of the application's own: `@ClaimCheck()`, and the option `claimCheck`. Here it is asked. */
import type { AccessTokenClaims } from '../access-token-claims.js';
import { isThenable, whenSettled } from '../awaited.js';
import type { ApplicationCheck } from '../configuration/options.js';
import { ConfigurationError, InsufficientScopeError } from '../errors.js';
import { processWide } from '../process-wide.js';

const checks = processWide('application-checks', () => ({ areDemanded: false }));

/** Whether a decorator or a middleware anywhere demands a check: a request is then kept at hand for it. */
export const areChecksDemanded = () => checks.areDemanded;

/** Notes that a decorator or a middleware demands a check. */
export function noteCheck(): void {
  checks.areDemanded = true;
}

/**
 * Asks a check of the application.
 *
 * @param at - where the check was given, for messages
 * @returns a promise only if the check returns one
 * @throws InsufficientScopeError `check`
 * @throws ConfigurationError if the check throws or rejects
 */
export function askApplication(
  check: ApplicationCheck,
  claims: AccessTokenClaims,
  request: unknown,
  at: string,
): void | Promise<void> {
  let answer: unknown;
  try {
    answer = check(claims, request);
  } catch (cause) {
    return checkFailed(at, cause);
  }
  if (isThenable(answer)) return whenSettled(answer, requireTrue, (cause) => checkFailed(at, cause));
  requireTrue(answer);
  return undefined;
}

/** The message has no text of the error, which may have claims in it. */
function checkFailed(at: string, cause: unknown): never {
  const thrown = cause instanceof Error ? cause.name : typeof cause;
  throw new ConfigurationError(`The check of ${at} threw an error (${thrown}). A check returns true or false.`, {
    cause,
  });
}

/** No other value, however truthy, lets a request pass. */
function requireTrue(answer: unknown): void {
  if (answer !== true) throw new InsufficientScopeError('check');
}
