/**
 * The checks of a request, in their order:
 * credential, header, key, signature, claims, tenant or policy, client, demands.
 *
 * The issuer that a token names is compared before the key is looked for, and checked among the claims.
 */
import type { UnverifiedClaims } from './access-token-claims.js';
import { askApplication } from './access/application-check.js';
import { checkDemands, checkPolicy } from './access/requirement-checks.js';
import type { Caller, Requirement } from './access/requirement.js';
import { andThen, isThenable } from './awaited.js';
import type { Settings } from './configuration/settings.js';
import { invalidToken } from './gate-refusals.js';
import { ownMember } from './json.js';
import { checkClient } from './token/allowed-clients.js';
import { askAboutTenant } from './token/allowed-tenants.js';
import { callerKindOf, rememberB2cCaller } from './token/caller-kind.js';
import { checkClaims } from './token/claims.js';
import { bearerToken, type RequestHeaders } from './token/credential.js';
import { parseToken, type KnownHeaders } from './token/parsed-token.js';
import { findSigner } from './token/signature.js';
import type { SignatureThread } from './token/signature-thread.js';
import { isAccessToken } from './token/token-kind.js';
import type { TrustedIssuer, TrustedIssuers } from './token/trusted-issuers.js';
import type { SignedToken, Verification } from './token/verified-token.js';
import type { Verifier } from './token/verifier.js';

/**
 * Checks a request: its credential, its token, and whether the token satisfies the requirement.
 *
 * @param verifier - calls {@link verifyToken} for a token that it does not remember
 * @param earlier - how an earlier check of this request let it in
 * @param handed - the request as handlers of the host get it
 */
export function checkRequest(
  request: RequestHeaders,
  requirement: Requirement,
  verifier: Verifier,
  settings: Settings,
  earlier?: Caller,
  handed: unknown = request,
): Verification | Promise<Verification> {
  // credential
  const text = bearerToken(request, settings.tokenHeader);
  // header, key, signature, claims: verifyToken below
  const verified = verifier.verify(text);
  return isThenable(verified)
    ? andThen(verified, (later) => checkTenant(later, requirement, settings, earlier, handed))
    : checkTenant(verified, requirement, settings, earlier, handed);
}

// The steps after the verification are functions of their own, and not closures: they are made for every request.

function checkTenant(
  verification: Verification,
  requirement: Requirement,
  settings: Settings,
  earlier: Caller | undefined,
  handed: unknown,
): Verification | Promise<Verification> {
  // policy
  checkPolicy(requirement, verification.token);
  // tenant
  const asked = askAboutTenant(verification.token, settings.entra);
  return asked === undefined
    ? checkCaller(verification, requirement, settings, earlier, handed)
    : andThen(asked, () => checkCaller(verification, requirement, settings, earlier, handed));
}

function checkCaller(
  verification: Verification,
  requirement: Requirement,
  settings: Settings,
  earlier: Caller | undefined,
  handed: unknown,
): Verification | Promise<Verification> {
  const { token, outcome, digest } = verification;
  const { resolveGroups, claimCheck } = settings;
  // client
  checkClient(token, settings);
  // demands, those of the application last
  const caller = earlier?.token === token ? earlier : verification;
  const groups = checkDemands(requirement, caller, resolveGroups, handed);
  // the application's own check, once for each request
  const ownCheck = caller === earlier ? undefined : claimCheck;
  if (groups === undefined && ownCheck === undefined) return verification;
  return andThen(groups, (found) => {
    const passed = found === undefined ? verification : { token, outcome, digest, groups: found };
    if (ownCheck === undefined) return passed;
    return andThen(askApplication(ownCheck, token.claims, handed, 'initialize({ claimCheck })'), () => passed);
  });
}

/** Verifies a token: the checks that are the same for every route, and are made once for each token. */
export function verifyToken(
  text: string,
  issuers: TrustedIssuers,
  knownHeaders: KnownHeaders,
  thread: SignatureThread,
  settings: Settings,
): SignedToken | Promise<SignedToken> {
  // header
  const parsed = parseToken(text, knownHeaders);
  const issuer = issuers.issuerOf(parsed.payload);
  const { issuerKeys, check, policy, authority } = issuer;
  // issuer: a token of another one is refused before a key is looked for
  return andThen(checkNamedIssuer(parsed.payload, issuer), () =>
    // key
    andThen(issuerKeys.find(parsed.kid), (found) => {
      if (found === undefined) throw invalidToken('key');
      // signature
      return andThen(findSigner(parsed, found.keys, thread), (key) => {
        // claims
        const claims = checkClaims(parsed.payload, issuers.audiences, settings);
        // claims: issuer and tenant
        return andThen(check(claims, key, found.issuer), () => {
          // claims: an access token
          if (!isAccessToken(claims)) throw invalidToken('token_type');
          knownHeaders.add(parsed);
          const { kind } = issuers;
          const callerKind = callerKindOf(claims, settings, kind);
          const token = Object.freeze({ kind, claims, callerKind, policy, authority });
          if (kind === 'b2c') rememberB2cCaller(claims, callerKind);
          return { token, key, issuerKeys };
        });
      });
    }),
  );
}

/** A token without an issuer names none, and is refused as malformed once its signature is verified. */
function checkNamedIssuer(claims: UnverifiedClaims, { isNamedBy }: TrustedIssuer): void | Promise<void> {
  const iss = ownMember(claims, 'iss');
  if (typeof iss !== 'string') return undefined;
  return andThen(isNamedBy(iss), (isNamed) => {
    if (!isNamed) throw invalidToken('issuer');
  });
}
