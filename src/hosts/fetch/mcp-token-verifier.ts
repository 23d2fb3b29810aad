/** The verifier of tokens that the SDK of the Model Context Protocol takes. */
import type { Requirement } from '../../core/access/requirement.js';
import type { Refusal } from '../../core/errors.js';
import { requestWith } from '../../core/token/credential.js';
import { authenticate } from '../../gate/admission.js';
import { identityFor } from '../../gate/identity-in-force.js';
import { refusalOf } from '../../gate/refusal.js';
import { authInfoOf, type McpAuthInfo } from '../mcp.js';

/** The `OAuthTokenVerifier` of the MCP SDK. */
export interface McpTokenVerifier {
  /**
   * Verifies an access token.
   *
   * @throws InvalidTokenError or InsufficientScopeError of the MCP SDK, with the refusal as `cause`; any other refusal, and
   *   each one where the SDK is not installed, as it is
   */
  verifyAccessToken(token: string): Promise<McpAuthInfo>;
}

const sdkErrors = new Map([
  [401, 'InvalidTokenError'],
  [403, 'InsufficientScopeError'],
] as const);

/** The SDK answers 401 and 403 for errors of its own classes alone. Every other error becomes a 500. */
async function forSdk(refusal: Refusal): Promise<Error> {
  const name = sdkErrors.get(refusal.status as 401);
  if (name === undefined) return refusal;
  let sdk: typeof import('@modelcontextprotocol/sdk/server/auth/errors.js');
  try {
    sdk = await import('@modelcontextprotocol/sdk/server/auth/errors.js');
  } catch {
    // Without the SDK another caller asked, which gets the refusal itself.
    return refusal;
  }
  return Object.assign(new sdk[name](refusal.toJSON().error_description ?? ''), { cause: refusal });
}

/** A verifier that holds tokens against a requirement. */
export function verifierBy(requirement: Requirement): McpTokenVerifier {
  return {
    async verifyAccessToken(token) {
      const request = requestWith(token, identityFor(requirement)?.settings.tokenHeader);
      try {
        const { token: verified } = await authenticate(request, requirement);
        const identity = identityFor(requirement);
        if (identity === undefined) throw new Error('A token was verified by no configuration.');
        return authInfoOf(token, verified.claims, identity);
      } catch (error) {
        throw await forSdk(refusalOf(error, requirement, request).refusal);
      }
    },
  };
}
