/** A verified request of a test, without HTTP. */
import { types } from 'node:util';
import type { AccessTokenClaims } from '../core/access-token-claims.js';
import { currentRequest, type VerifiedContext } from '../core/access/current-request.js';
import { address, AuthError } from '../core/errors.js';
import { deepFreeze, withOwnMembers } from '../core/json.js';

/**
 * Runs code as if a verified request carried these claims: protected methods can be called, and `@TokenClaims()` parameters
 * and the helpers get the claims. It does not check whether the claims satisfy the decorators of a method.
 *
 * @param claims - the claims of the token; copied and frozen
 * @returns what `fn` returns
 * @throws what `fn` throws; an AuthError is addressed to the caller whose claims these are, as by a gate
 * @example
 * ```ts
 * import { runAs } from 'microsoft-identity-decorators/testing';
 *
 * const report = await runAs({ scp: 'access_as_user' }, () => controller.report('Oslo'));
 * ```
 */
export function runAs<T>(claims: Readonly<Record<string, unknown>>, fn: () => T): T {
  const verified = deepFreeze(withOwnMembers(structuredClone(claims))) as AccessTokenClaims;
  const caller: VerifiedContext = { claims: verified, authority: undefined, requirement: undefined };
  const fail = (error: unknown): never => {
    if (error instanceof AuthError) error[address]({ caller });
    throw error;
  };
  try {
    const result = currentRequest.run(caller, fn);
    // Any other thenable may start its work in `then`: only whoever awaits it calls that.
    return types.isPromise(result) ? (result.catch(fail) as T) : result;
  } catch (error) {
    return fail(error);
  }
}
