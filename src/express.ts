/**
 * Middleware and decorators that protect plain Express APIs with Microsoft identity.
 *
 * @module microsoft-identity-decorators/express
 */
import { expressDecoratorsFor, middlewaresFor } from './decorators/express.js';

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
} = expressDecoratorsFor();

export const {
  requiresAuth,
  requiresB2cAuth,
  requiresAnyAuth,
  requiresScope,
  requiresRole,
  requiresScopeOrAppPermission,
  requiresGroup,
  denyGuests,
  requiresAuthContext,
} = middlewaresFor();

export { createMicrosoftIdentity, resourceMetadata } from './decorators/express.js';
export type { ExpressIdentity, Middleware, Middlewares } from './decorators/express.js';
export * from './decorators/common.js';
export { authErrorHandler, expressAuthentication } from './decorators/tsoa.js';
