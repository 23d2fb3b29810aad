/**
 * Decorators that protect routing-controllers APIs with Microsoft identity.
 *
 * @module microsoft-identity-decorators
 */
import { decoratorsFor } from './decorators/decorators.js';
import { boundIdentityFor } from './decorators/initialize.js';
import { routingControllers } from './decorators/routing-controllers.js';

export const {
  RequiresAuth,
  RequiresB2cAuth,
  RequiresAnyAuth,
  ValidateScope,
  RequiresRole,
  RequiresScopeOrAppPermission,
  RequiresGroup,
  DenyGuests,
  RequiresAuthContext,
  AllowAnonymous,
  TokenClaims,
} = decoratorsFor(routingControllers);

/**
 * A configuration of its own beside that of the process, and decorators that hold tokens against it: for an API that
 * serves two registrations.
 *
 * @throws ConfigurationError naming the option, what it got and what it takes
 * @example
 * ```ts
 * import { createMicrosoftIdentity } from 'microsoft-identity-decorators';
 *
 * export const partners = createMicrosoftIdentity({
 *   tenantId: '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2',
 *   clientId: 'de2656e6-585f-4684-8e65-3ce50a7770a8',
 * });
 * // and on a method: @partners.RequiresAuth()
 * ```
 */
export const createMicrosoftIdentity = boundIdentityFor((identity) => decoratorsFor(routingControllers, identity));

export { currentUserChecker, type CheckedAction, type CheckerOptions } from './decorators/checkers.js';
export { authorizationChecker, operationRoutes, resourceMetadataController } from './decorators/routing-controllers.js';
export * from './decorators/common.js';
