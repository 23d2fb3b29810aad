import type { AccessTokenClaims } from '../core/access-token-claims.js';
import { currentRequest } from '../core/access/current-request.js';
import { deepFreeze } from '../core/json.js';

/**
 * Runs code as though a verified request carried these claims: protected methods can be called, and `@TokenClaims()`
 * parameters and the helpers are given the claims. Whether the claims would satisfy a method's decorators is not judged.
 *
 * @param claims - what the token would say; copied and frozen
 * @returns what `fn` returns
 * @example
 * ```ts
 * import { runAs } from 'microsoft-identity-decorators/testing';
 *
 * const report = await runAs({ scp: 'access_as_user' }, () => controller.report('Oslo'));
 * ```
 */
export function runAs<T>(claims: Readonly<Record<string, unknown>>, fn: () => T): T {
  const verified = deepFreeze(structuredClone(claims)) as AccessTokenClaims;
  return currentRequest.run({ claims: verified, authority: undefined, requirement: undefined }, fn);
}
