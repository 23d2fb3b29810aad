/** What a route requires that neither has nor inherits a decorator: a valid token, where `requireAuth` is set. */
import type { Authenticator, Requirement } from '../core/access/requirement.js';
import { nameOfElement } from '../core/element-name.js';
import { identityInForce } from '../gate/identity-in-force.js';
import { allowsAnonymous, requirementOf } from './decorated-elements.js';

/**
 * A valid token of the only scheme that is configured.
 *
 * @param route - the method that is called
 */
export const validToken = (at: string, route: string): Requirement =>
  Object.freeze({ scheme: undefined, demands: Object.freeze([]), at, route });

/**
 * What a method requires without a decorator.
 *
 * @param identity - the configuration of the process; default: the one in force
 * @returns undefined if it has or inherits a decorator, or if nothing is required without one
 */
export function requirementOfUndecorated(
  prototype: object,
  method: PropertyKey,
  identity: Authenticator | undefined = identityInForce(),
): Requirement | undefined {
  if (identity?.settings.requireAuth !== true) return undefined;
  if (requirementOf(prototype, method) !== undefined || allowsAnonymous(prototype, method)) return undefined;
  const name = nameOfElement(prototype, method);
  return validToken(name, name);
}
