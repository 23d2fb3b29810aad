/** The caller of a request, as the SDK of the Model Context Protocol hands it to the tools of a server. */
import type { IncomingMessage } from 'node:http';
import type { AccessTokenClaims } from '../core/access-token-claims.js';
import { heldScopes } from '../core/access/requirement-checks.js';
import type { Authenticator } from '../core/access/requirement.js';
import { namesOfScope } from '../core/issuers/resource-metadata.js';
import { callerKindBy } from '../core/token/caller-kind.js';
import { clientOf } from '../core/token/claims.js';
import { bearerToken, type RequestHeaders } from '../core/token/credential.js';
import { admittedRequestIn } from '../gate/current-caller.js';

/** The `AuthInfo` of the MCP SDK: what a tool gets as `authInfo`. */
export interface McpAuthInfo {
  /** The access token. Never send it on to another API. */
  token: string;
  /** The client application: `azp`, or `appid` in v1.0 tokens. */
  clientId: string;
  /**
   * The scopes of a person's token, or the roles of an application's, by their short names; and with the option
   * `resourceMetadata` by their full names too, for `requiredScopes` of the SDK.
   */
  scopes: string[];
  /** When the token ends, in seconds since the epoch. */
  expiresAt: number;
  /** The resource of the option `resourceMetadata`. */
  resource?: URL;
  extra: {
    /** The verified claims, frozen. */
    claims: AccessTokenClaims;
  };
}

/** What tools get of the caller whose token a configuration verified. */
export function authInfoOf(
  token: string,
  claims: AccessTokenClaims,
  { resourceMetadata }: Pick<Authenticator, 'resourceMetadata'>,
): McpAuthInfo {
  const scopes = heldScopes({ claims, callerKind: callerKindBy(claims) });
  const supported = resourceMetadata?.scopes_supported ?? [];
  return {
    token,
    clientId: clientOf(claims) ?? '',
    scopes: [...scopes, ...scopes.flatMap((scope) => namesOfScope(scope, supported))],
    expiresAt: claims.exp,
    ...(resourceMetadata && { resource: new URL(resourceMetadata.resource) }),
    extra: { claims },
  };
}

/**
 * What the tools of an MCP server get of the caller of a request: `authInfo` of `transport.handleRequest`.
 *
 * @param request - a request that its gate let in, or an object that holds it
 * @throws MissingTokenError if its token was not verified
 */
export function mcpAuthInfo(request: object): McpAuthInfo {
  const { request: admitted, admission } = admittedRequestIn(request);
  return authInfoOf(
    bearerToken(admitted as RequestHeaders, admission.identity.settings.tokenHeader),
    admission.claims,
    admission.identity,
  );
}

/**
 * Sets `auth` of a request of Node to what `transport.handleRequest` of the MCP SDK takes from there for its tools. Call it
 * after the gate.
 *
 * @returns the same request
 * @throws MissingTokenError if its token was not verified
 */
export function withAuthInfo(request: IncomingMessage): IncomingMessage & { auth: McpAuthInfo } {
  const value = mcpAuthInfo(request);
  return Object.defineProperty(request as IncomingMessage & { auth: McpAuthInfo }, 'auth', {
    value,
    enumerable: true,
    configurable: true,
  });
}
