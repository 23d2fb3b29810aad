/**
 * Decorators that protect routing-controllers APIs with Microsoft identity.
 *
 * @module microsoft-identity-decorators
 */
import { decoratorsFor } from './decorators/decorators.js';
import { routingControllers } from './decorators/routing-controllers.js';

export const { RequiresAuth, RequiresB2cAuth, ValidateScope, RequiresRole, AllowAnonymous, TokenClaims } =
  decoratorsFor(routingControllers);

export { initialize } from './decorators/initialize.js';
export { getTokenClaims, validateScope } from './decorators/current-request.js';
export { AccessTokenClaims } from './core/claims.js';
export {
  AuthError,
  ConfigurationError,
  InsufficientScopeError,
  InvalidRequestError,
  InvalidTokenError,
  IssuerUnavailableError,
  MissingTokenError,
} from './core/errors.js';
export type { ErrorBody, InsufficientScopeReason, InvalidTokenReason } from './core/errors.js';
export type { MicrosoftIdentity } from './core/identity.js';
export type { B2cOptions, IdentityOptions } from './core/options.js';
export type { ClaimsDecorator, RequirementDecorator } from './decorators/decorators.js';
