/**
 * Middleware and decorators that protect plain Express APIs with Microsoft identity.
 *
 * @module microsoft-identity-decorators/express
 */
import { expressDecoratorsFor } from './hosts/express/binding.js';
import { middlewaresFor } from './hosts/express/middlewares.js';

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
  RequiresClaim,
  ClaimCheck,
  AllowAnonymous,
  TokenClaims,
  OnBehalfOf,
  AsApplication,
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
  requiresClaim,
  claimCheck,
} = middlewaresFor();

export { createMicrosoftIdentity } from './hosts/express/binding.js';
export { withAuthInfo, type McpAuthInfo } from './hosts/mcp.js';
export { resourceMetadata } from './hosts/resource-metadata.js';
export type { ExpressIdentity } from './hosts/express/binding.js';
export type { Middlewares } from './hosts/express/middlewares.js';
export type { Middleware } from './hosts/node-middleware.js';
export * from './hosts/every-entry.js';
export { authErrorHandler, expressAuthentication } from './hosts/tsoa.js';
