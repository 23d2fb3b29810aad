/**
 * A local issuer shaped like Microsoft's, and a way to call protected methods, for tests.
 *
 * @module microsoft-identity-decorators/testing
 */
export { startTestIssuer } from './testing/test-issuer.js';
export { runAs } from './testing/run-as.js';
export type { Fault, IssuerRequests, TestIssuer, TestIssuerSettings, TokenOverrides } from './testing/test-issuer.js';
