/** The helpers: the verified claims of a request, for code that does not get them as a parameter. */
import type { AccessTokenClaims } from '../core/access-token-claims.js';
import {
  currentRequest,
  verifiedRequests,
  type AdmittedRequest,
  type VerifiedContext,
} from '../core/access/current-request.js';
import { checkScopes } from '../core/access/requirement-checks.js';
import { anyOf } from '../core/access/requirement.js';
import { ConfigurationError, MissingTokenError } from '../core/errors.js';
import { tenantOfIssuer } from '../core/issuers/issuer.js';
import { callerKindBy, mayBeUser } from '../core/token/caller-kind.js';
import { admissionOf } from './admission.js';
import { requestsIn } from './held-requests.js';
import { noCallerYet } from './not-verified-yet.js';
import { addressedTo } from './refusal.js';

/** What was verified of a request of any host; undefined if its token was not. */
export function verifiedContextOf(request: object): VerifiedContext | undefined {
  const known = verifiedRequests.get(request);
  if (known !== undefined) return known;
  const verified = requestsIn(request).find((held) => verifiedRequests.get(held) !== undefined);
  return verified && verifiedRequests.get(verified);
}

/**
 * The request of a host that its gate let in, or that the host's object holds.
 *
 * @throws MissingTokenError if its token was not verified
 */
export function admittedRequestIn(request: object): { readonly request: object; readonly admission: AdmittedRequest } {
  for (const held of requestsIn(request)) {
    const admission = admissionOf(held);
    if (admission !== undefined) return { request: held, admission };
  }
  throw new MissingTokenError();
}

/** The verified claims of a request; undefined if its token was not verified. */
export function verifiedClaimsOf(request: object): AccessTokenClaims | undefined {
  return verifiedContextOf(request)?.claims;
}

function callerOf(request: object | undefined): VerifiedContext {
  const context = request === undefined ? currentRequest.getStore() : verifiedContextOf(request);
  if (context === undefined) throw noCallerYet();
  return context;
}

/**
 * The verified claims of the current request. The context follows the call: in a batch, or a load that several requests
 * share, it is the request that started it. Pass the request there.
 *
 * @param request - the host's request; default: the request that the running code belongs to
 * @returns the claims, frozen
 * @throws MissingTokenError if there is no request, or its token was not verified
 */
export function getTokenClaims(request?: object): AccessTokenClaims {
  return callerOf(request).claims;
}

/**
 * Checks that the token of the current request carries a scope. An app-only token needs a role of that name; in B2C an
 * application permission, which is in `scp`.
 *
 * @param scope - the short name of a scope, or several names of which the token needs one
 * @param request - the host's request; default: the request that the running code belongs to
 * @throws MissingTokenError if there is no request, or its token was not verified
 * @throws InsufficientScopeError if the token does not carry the scope
 * @throws ConfigurationError if the name is blank or a full URI
 */
export function validateScope(scope: string | readonly string[], request?: object): void {
  // A wrong name is an error for every caller, so it comes before any check of the token.
  const demand = anyOf('scope', typeof scope === 'string' ? [scope] : scope);
  const caller = callerOf(request);
  try {
    checkScopes(demand.anyOf, caller.claims);
  } catch (error) {
    // A handler of Express without a decorator has no gate that addresses what it throws.
    throw addressedTo(caller, error);
  }
}

/** Refuses a request in the place of claims. It has neither a scope nor a person, so it would count as an application. */
function claimsGiven(claims: AccessTokenClaims, helper: string): AccessTokenClaims {
  if (!('headers' in claims) || Object.hasOwn(claims, 'iss')) return claims;
  throw new ConfigurationError(
    `${helper}() takes verified claims. For those of a request: ${helper}(getTokenClaims(request)).`,
  );
}

/**
 * Whether an application calls on its own behalf, without a person. `idtyp` decides if the token has that claim; otherwise
 * a token without a scope is an application's, unless `oid` and `sub` are there and differ: then it is a person's.
 *
 * A B2C token has no `idtyp`, and a daemon has its permissions in `scp`. There the option `b2c.daemonClients` decides.
 * Without it the result is `false` for people and daemons alike. Give the claims as this library returned them: of a copy
 * the option is not known.
 *
 * @param claims - verified claims; default: those of the current request
 * @throws MissingTokenError if none are given, and there is no request or its token was not verified
 * @throws ConfigurationError if a request is given
 */
export function isAppOnly(claims: AccessTokenClaims = getTokenClaims()): boolean {
  return callerKindBy(claimsGiven(claims, 'isAppOnly')) === 'app';
}

/**
 * The key under which to store a person's data: `<tid>.<oid>`. It is unique to the person and never changes.
 *
 * Of B2C, a daemon is known by the option `b2c.daemonClients`. Without it, a daemon whose token has an `oid` has a key too, which
 * is no person's.
 *
 * @param claims - verified claims; default: those of the current request
 * @returns undefined if an application calls, or if the token does not identify the person
 * @throws MissingTokenError if none are given, and there is no request or its token was not verified
 * @throws ConfigurationError if a request is given
 */
export function userKey(claims: AccessTokenClaims = getTokenClaims()): string | undefined {
  claimsGiven(claims, 'userKey');
  const tenant: unknown = claims.tid ?? tenantOfIssuer(claims.iss);
  const person: unknown = claims.oid;
  if (!mayBeUser(callerKindBy(claims)) || typeof tenant !== 'string' || typeof person !== 'string' || person === '')
    return undefined;
  return `${tenant}.${person}`;
}
