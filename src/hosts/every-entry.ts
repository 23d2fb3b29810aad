/** What every host's entry point exports beside its decorators. */
export { initialize, optionsFromEnvironment } from '../gate/initialize.js';
export * from '../downstream/exports.js';
export { type BoundIdentity, type HostDecorators } from './host-decorators.js';
export { getTokenClaims, isAppOnly, userKey, validateScope } from '../gate/current-caller.js';
export { AccessTokenClaims, type ClaimName } from '../core/access-token-claims.js';
export {
  ClaimsChallengeError,
  type ClaimDemand,
  type ClaimsChallengeOptions,
  type ClaimsRequest,
} from '../core/access/claims-challenge.js';
export {
  AuthError,
  ConfigurationError,
  InsufficientScopeError,
  InvalidRequestError,
  InvalidTokenError,
  IssuerUnavailableError,
  MissingTokenError,
} from '../core/errors.js';
export type { ErrorBody, InsufficientScopeReason, InvalidTokenReason } from '../core/errors.js';
export type { DownstreamCallEvent, DownstreamEvent, Explanation, KeysEvent, RequestEvent } from '../core/channels.js';
export type { MicrosoftIdentity } from '../core/access/requirement.js';
export { Cloud } from '../core/microsoft-hosts.js';
export {
  type ApplicationCheck,
  type B2cOptions,
  type DiagnosticsOptions,
  type IdentityOptions,
  type ResourceMetadataOptions,
} from '../core/configuration/options.js';
export type { Callers, ClaimValue } from '../core/access/demand-names.js';
export type { ResourceMetadata } from '../core/issuers/resource-metadata.js';
export type { ClaimsDecorator, Decorators, RequirementDecorator } from '../decorators/decorators.js';
export { securitySchemes, type OAuth2SecurityScheme, type SecurityOptions } from '../openapi/security-schemes.js';
export { withSecurity, type DocumentOptions, type OpenApiDocument } from '../openapi/with-security.js';
export { type OperationRoute, type UnmatchedOperations } from '../openapi/operation-route.js';
