/** The demand for a token that says more: Conditional Access authentication contexts, continuous access evaluation. */
import { AuthError, bearerChallenge, brandAs, ConfigurationError, insufficientScopeDescriptions } from '../errors.js';
import { understandsClaimsChallenges } from '../token/claims.js';
import { currentRequest, type ChallengedCaller } from './current-request.js';

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
  // A member that is undefined is none: JSON leaves it out.
  if (!isObject || Object.values(members).every((demand) => demand === undefined)) {
    throw new ConfigurationError('ClaimsChallengeError takes { access_token: { … } }, with at least one claim.');
  }
  return Buffer.from(JSON.stringify({ access_token: members })).toString('base64');
}

/** The answer to a caller whose client would understand the challenge, and to one whose client would not. */
function answerTo(caller: ChallengedCaller | undefined, claims: string) {
  if (caller !== undefined && !understandsClaimsChallenges(caller.claims)) {
    const description = insufficientScopeDescriptions.auth_context;
    const headers = bearerChallenge({ error: 'insufficient_scope', error_description: description });
    return { description, answer: { code: 'insufficient_scope', status: 403, headers } };
  }
  const description = 'This request needs an access token with more claims.';
  const { realm, authorizationUri } = caller?.authority ?? {};
  const headers = bearerChallenge({
    ...(realm !== undefined && { realm }),
    ...(authorizationUri !== undefined && { authorization_uri: authorizationUri }),
    error: 'insufficient_claims',
    claims,
  });
  return { description, answer: { code: 'insufficient_claims', status: 401, headers } };
}

/**
 * 401 `insufficient_claims`: the client is to come back with a token that carries what is asked for here.
 *
 * A client that did not declare the capability `cp1` would not understand; it gets 403 `insufficient_scope`. Which of
 * the two it is, and where the client is sent, is read from the request that the running code belongs to.
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

  /** `auth_context` where the client would not understand, and is told no more than that. */
  readonly reason: 'auth_context' | undefined;

  /**
   * @param request - the claims that the next token must carry
   * @param caller - whom to answer; default: who is calling the running code
   * @throws ConfigurationError where no claim is asked for
   */
  constructor(request: ClaimsRequest, caller: ChallengedCaller | undefined = currentRequest.getStore()) {
    const { description, answer } = answerTo(caller, encode(request));
    super(description, answer);
    this.reason = answer.status === 403 ? 'auth_context' : undefined;
  }
}

/** The claims request for one authentication context. */
export function authContextRequest(id: string): ClaimsRequest {
  return { access_token: { acrs: { essential: true, value: id } } };
}
