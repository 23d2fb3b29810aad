/** The claims challenge: Conditional Access authentication contexts, continuous access evaluation. */
import type { ChallengedCaller } from '../challenge.js';
import { AuthError, brandAs, ConfigurationError, insufficientScopeDescriptions } from '../errors.js';
import { understandsClaimsChallenges } from '../token/claims.js';

/** What a claims request asks of one claim (OpenID Connect Core §5.5.1). */
export interface ClaimDemand {
  readonly essential?: boolean;
  readonly value?: string;
  readonly values?: readonly string[];
}

/** A claims request (OpenID Connect Core §5.5) for the access token. */
export interface ClaimsRequest {
  readonly access_token: Readonly<Record<string, ClaimDemand | null>>;
}

function encode(request: ClaimsRequest): string {
  const members: unknown = (request as Partial<ClaimsRequest> | null | undefined)?.access_token;
  const isObject = typeof members === 'object' && members !== null && !Array.isArray(members);
  // JSON leaves out a member that is undefined.
  if (!isObject || Object.values(members).every((demand) => demand === undefined)) {
    throw new ConfigurationError('ClaimsChallengeError takes { access_token: { … } }, with at least one claim.');
  }
  return Buffer.from(JSON.stringify({ access_token: members })).toString('base64');
}

const insufficientClaims = 'This request needs an access token with more claims.';

function challengeTo(caller: ChallengedCaller | undefined, claims: string) {
  const { realm, authorizationUri } = caller?.authority ?? {};
  const challenge = { realm, authorization_uri: authorizationUri, error: 'insufficient_claims', claims };
  return { code: 'insufficient_claims', status: 401, reason: undefined, challenge };
}

/** A client that did not declare the capability `cp1` does not understand a claims challenge. */
function answerTo(caller: ChallengedCaller | undefined, claims: string) {
  if (caller === undefined || understandsClaimsChallenges(caller.claims)) return challengeTo(caller, claims);
  const description = insufficientScopeDescriptions.auth_context;
  const challenge = { error: 'insufficient_scope', error_description: description };
  return { code: 'insufficient_scope', status: 403, reason: 'auth_context', description, challenge };
}

/**
 * 401 `insufficient_claims`: the client has to come back with a token that carries the claims asked for here.
 *
 * A client that did not declare the capability `cp1` does not understand this answer. The gate that refuses the request
 * answers it with 403 `insufficient_scope`, and tells any other client which authority to ask.
 *
 * @see {@link https://learn.microsoft.com/entra/identity-platform/claims-challenge Claims challenges}
 * @example
 * ```ts
 * throw new ClaimsChallengeError({ access_token: { acrs: { essential: true, value: 'c1' } } });
 * ```
 */
export class ClaimsChallengeError extends AuthError {
  static {
    brandAs(this, 'ClaimsChallengeError');
  }

  /** `auth_context` where the client does not understand claims challenges. */
  declare readonly reason: 'auth_context' | undefined;

  /**
   * @param request - the claims that the next token must carry
   * @param caller - whom to answer; default: the caller of the request that is refused
   * @throws ConfigurationError where no claim is asked for
   */
  constructor(request: ClaimsRequest, caller?: ChallengedCaller) {
    const claims = encode(request);
    super(insufficientClaims, (addressee) => answerTo(caller ?? addressee, claims));
  }
}

/**
 * The claims challenge with which an authority answers a token request: a {@link ClaimsChallengeError} that is 401 for every
 * client. Few APIs ask for the claim `xms_cc`, and without the claims request a client cannot get the token that is needed.
 *
 * @see {@link https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow#error-response-example On-behalf-of: error response}
 */
class AuthorityClaimsChallenge extends AuthError {
  static {
    // By its brand it is an instance of ClaimsChallengeError.
    brandAs(this, 'ClaimsChallengeError');
  }

  declare readonly reason: undefined;

  constructor(claims: string, options: { readonly message?: string }) {
    const encoded = Buffer.from(claims).toString('base64');
    super(insufficientClaims, (addressee) => challengeTo(addressee, encoded), options);
  }
}

/**
 * The error for an authority's answer that carries a claims request: an instance of {@link ClaimsChallengeError}.
 *
 * @param claims - the claims request as the authority wrote it; it is passed on byte for byte
 * @param options.message - what the developer sees in place of the text for the caller
 */
export function claimsChallengeOfAuthority(claims: string, options: { readonly message?: string } = {}): AuthError {
  return new AuthorityClaimsChallenge(claims, options);
}

/** The claims request for one authentication context. */
export function authContextRequest(id: string): ClaimsRequest {
  return { access_token: { acrs: { essential: true, value: id } } };
}
