/**
 * Functions and decorators that protect handlers of Fetch requests with Microsoft identity: Hono, Next.js, Bun, Azure
 * Functions, and any other host.
 *
 * @module microsoft-identity-decorators/fetch
 */
import { fetchDecoratorsFor } from './hosts/fetch/binding.js';
import { fetchFunctionsFor } from './hosts/fetch/functions.js';

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
} = fetchDecoratorsFor();

export const { authenticate, protect, mcpTokenVerifier } = fetchFunctionsFor();

export { createMicrosoftIdentity } from './hosts/fetch/binding.js';
export { resourceMetadata } from './hosts/fetch/resource-metadata.js';
export { mcpAuthInfo, type McpAuthInfo } from './hosts/mcp.js';
export type { McpTokenVerifier } from './hosts/fetch/mcp-token-verifier.js';
export { toResponse } from './hosts/fetch/response.js';
export type { FetchIdentity } from './hosts/fetch/binding.js';
export type { Authenticate, AuthenticateBy, FetchFunctions, Protect } from './hosts/fetch/functions.js';
export type { RequestSource } from './hosts/fetch/request-source.js';
export type { FetchHeaders, NodeHeaders } from './core/token/credential.js';
export type { RequirementOptions } from './core/access/requirement-object.js';
export * from './hosts/every-entry.js';
