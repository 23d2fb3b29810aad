/**
 * Decorators that protect NestJS APIs with Microsoft identity.
 *
 * @module microsoft-identity-decorators/nestjs
 */
import type { IdentityOptions } from './core/configuration/options.js';
import { boundHostIdentityFor, hostDecoratorsFor, type BoundIdentity } from './hosts/host-decorators.js';
import { nestjs } from './hosts/nestjs/binding.js';

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
} = hostDecoratorsFor(nestjs);

/**
 * Creates a configuration beside that of the process, with decorators and helpers that are bound to it: for an API that serves
 * two registrations.
 *
 * @throws ConfigurationError naming the option, what it got and what it takes
 * @example
 * ```ts
 * import { createMicrosoftIdentity } from 'microsoft-identity-decorators/nestjs';
 *
 * export const partners = createMicrosoftIdentity({
 *   tenantId: '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2',
 *   clientId: 'de2656e6-585f-4684-8e65-3ce50a7770a8',
 * });
 * // and on a method: @partners.RequiresAuth()
 * ```
 */
export const createMicrosoftIdentity: (options: IdentityOptions) => BoundIdentity = boundHostIdentityFor(nestjs);

export {
  MICROSOFT_IDENTITY,
  MicrosoftIdentityModule,
  type MicrosoftIdentityAsyncOptions,
} from './hosts/nestjs/module.js';
export { operationRoutes } from './hosts/nestjs/operation-routes.js';
export { MicrosoftIdentityGuard, type MicrosoftIdentityGuardOptions } from './hosts/nestjs/guard.js';
export { withAuthInfo, type McpAuthInfo } from './hosts/mcp.js';
export type { Middleware } from './hosts/node-middleware.js';
export { resourceMetadata } from './hosts/resource-metadata.js';
export * from './hosts/every-entry.js';
