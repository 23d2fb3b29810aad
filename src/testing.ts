/**
 * For tests: a local issuer that publishes documents like Microsoft's, and a function that calls protected methods.
 *
 * @module microsoft-identity-decorators/testing
 */
export { startTestIssuer } from './testing/test-issuer.js';
export { tokenError } from './testing/token-error.js';
export { runAs, type RunAsOptions } from './testing/run-as.js';
export type { DownstreamFake } from './core/access/current-request.js';
export type { ClientAuthentication } from './testing/client-authentication.js';
export type { Fault } from './testing/fault.js';
export type { Person, SignInSettings } from './testing/people.js';
export type {
  IssuerRequests,
  KeyRotation,
  TestIssuer,
  TestIssuerSettings,
  TokenOverrides,
} from './testing/test-issuer.js';
export type { ReceivedTokenRequest, UserPolicy, UserPolicyQuestion } from './testing/token-endpoint.js';
export type { TokenErrorDetails } from './testing/token-error.js';
