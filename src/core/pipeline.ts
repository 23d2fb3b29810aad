/**
 * The checks of a request, in their order:
 * credential, header, key, signature, claims, tenant or policy, client, demands.
 */
import { checkClient, checkDemands, checkPolicy, checkTenant } from './access/authorization.js';
import type { Requirement } from './access/requirement.js';
import { andThen } from './awaited.js';
import type { Settings } from './configuration/settings.js';
import { InvalidTokenError } from './errors.js';
import { deepFreeze } from './json.js';
import { checkClaims, isAccessToken } from './token/claims.js';
import { bearerToken, type RequestHeaders } from './token/credential.js';
import { parseToken, type KnownHeaders } from './token/parsed-token.js';
import { findSigner } from './token/signature.js';
import type { TrustedIssuers } from './token/trusted-issuers.js';
import type { SignedToken, Verification } from './token/verified-token.js';
import type { Verifier } from './token/verifier.js';

/**
 * Checks a request: its credential, its token, and whether the token satisfies the requirement.
 *
 * @param verifier - calls {@link verifyToken} for a token that it does not remember
 */
export function checkRequest(
  request: RequestHeaders,
  requirement: Requirement,
  verifier: Verifier,
  { entra, allowedClients, resolveGroups }: Settings,
): Verification | Promise<Verification> {
  const text = bearerToken(request); // credential
  // header, key, signature, claims
  return andThen(verifier.verify(text), (verification) => {
    const { token } = verification;
    checkPolicy(requirement, token); // policy
    return andThen(checkTenant(token, entra), () => {
      checkClient(token, allowedClients); // client
      // demands; a check of the application's own belongs after them, as the last
      return andThen(checkDemands(requirement, token, resolveGroups), () => verification);
    });
  });
}

/** Verifies a token: the checks that are the same for every route, and are made once for each token. */
export function verifyToken(
  text: string,
  issuers: TrustedIssuers,
  knownHeaders: KnownHeaders,
  settings: Settings,
): SignedToken | Promise<SignedToken> {
  const parsed = parseToken(text, knownHeaders); // header
  const { keySet, check, policy, authority } = issuers.issuerOf(parsed.payload);
  // key
  return andThen(keySet.find(parsed.kid), (found) => {
    if (found === undefined) throw new InvalidTokenError('key');
    const key = findSigner(parsed, found.keys); // signature
    const claims = checkClaims(parsed.payload, issuers.audiences, settings); // claims
    // claims: issuer and tenant
    return andThen(check(claims, key, found.issuer), () => {
      if (!isAccessToken(claims)) throw new InvalidTokenError('token_type');
      knownHeaders.add(parsed);
      const token = Object.freeze({ kind: issuers.kind, claims: deepFreeze(claims), policy, authority });
      return { token, key, keySet };
    });
  });
}
