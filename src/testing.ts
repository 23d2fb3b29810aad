/**
 * For tests: a local issuer that publishes documents like Microsoft's, and a function that calls protected methods.
 *
 * @module microsoft-identity-decorators/testing
 */
export { startTestIssuer } from './testing/test-issuer.js';
export { runAs } from './testing/run-as.js';
export type { Fault, IssuerRequests, TestIssuer, TestIssuerSettings, TokenOverrides } from './testing/test-issuer.js';
