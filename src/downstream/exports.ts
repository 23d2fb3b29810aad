/** What every entry point exports for calls of other APIs. */
export { asApplication, onBehalfOf, type ApplicationOptions, type DownstreamHelpers } from './on-behalf-of.js';
export { type UnnamedApiOptions } from './called-api.js';
export { DownstreamApi, type DownstreamAccessToken, type DownstreamInit } from './downstream-api.js';
export {
  ConsentRequiredError,
  DownstreamError,
  InteractionRequiredError,
  TokenUnavailableError,
  type DownstreamResponse,
} from './errors.js';
export type {
  ClientCredential,
  DownstreamApiOptions,
  DownstreamOptions,
} from '../core/configuration/downstream-options.js';
export type { TokenStore } from '../core/configuration/token-store.js';
