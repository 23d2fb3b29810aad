/**
 * Calls of other APIs, on behalf of the caller or as this application itself. Imports no framework.
 *
 * @module microsoft-identity-decorators/downstream
 */
export * from './downstream/exports.js';
export { ClaimsChallengeError } from './core/access/claims-challenge.js';
export {
  AuthError,
  ConfigurationError,
  InsufficientScopeError,
  InvalidTokenError,
  MissingTokenError,
} from './core/errors.js';
export { redisTokenStore, type RedisClient } from './downstream/redis-token-store.js';
