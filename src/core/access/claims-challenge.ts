/** The claims challenge: Conditional Access authentication contexts, continuous access evaluation. */
import { problemWithOptions } from '../call-arguments.js';
import type { ChallengedCaller } from '../challenge.js';
import { AuthError, brandAs, ConfigurationError, insufficientScopeDescriptions } from '../errors.js';
import { parseJsonObject } from '../json.js';
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

/** How a {@link ClaimsChallengeError} is answered. */
export interface ClaimsChallengeOptions {
  /**
   * What a client gets that did not declare the capability `cp1`. `refuse` (the default): 403 `insufficient_scope`.
   * `challenge`: the challenge that other clients get, where yours handle it without the capability, or your API does not
   * ask for the claim `xms_cc`.
   */
  readonly clientsWithoutCp1?: 'refuse' | 'challenge' | undefined;
  /** Whom to answer. Default: the caller of the request that is refused. */
  readonly caller?: ChallengedCaller | undefined;
}

// In base64 this is a third longer. Proxies and clients accept headers of 8 KiB in all.
const longestClaimsRequest = 4096;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** OpenID Connect Core §5.5.1: null, or an object. It may have further members. */
function isDemand(demand: unknown): boolean {
  if (demand === null) return true;
  if (!isObject(demand)) return false;
  const { essential, values } = demand;
  const hasTypes =
    ['undefined', 'boolean'].includes(typeof essential) && (values === undefined || Array.isArray(values));
  return hasTypes && !('value' in demand && 'values' in demand);
}

/** The JSON text of a claims request; undefined where it is none. JSON leaves out a member that is undefined. */
function textOf(request: unknown): string | undefined {
  if (typeof request === 'string') return request;
  if (!isObject(request) || !isObject(request['access_token'])) return undefined;
  try {
    return JSON.stringify({ access_token: request['access_token'] });
  } catch {
    // It holds itself, or a BigInt.
    return undefined;
  }
}

function encode(request: ClaimsRequest | string): string {
  const text = textOf(request);
  const bytes = Buffer.from(text ?? '');
  const members = bytes.length > longestClaimsRequest ? undefined : parseJsonObject(String(text))?.['access_token'];
  const demands = isObject(members) ? Object.values(members) : [];
  if (demands.length === 0) {
    throw new ConfigurationError(
      'ClaimsChallengeError takes { access_token: { … } }, with at least one claim, or its JSON text, of at most 4 KiB.',
    );
  }
  if (!demands.every(isDemand)) {
    throw new ConfigurationError(
      'ClaimsChallengeError: of a claim null is asked, or { essential?: boolean, value?, values?: […] }, not value and values.',
    );
  }
  return bytes.toString('base64');
}

function isForEveryClient(options: ClaimsChallengeOptions): boolean {
  const problem = problemWithOptions(options, ['clientsWithoutCp1', 'caller']);
  if (problem !== undefined) throw new ConfigurationError(`ClaimsChallengeError: ${problem}.`);
  const { clientsWithoutCp1 = 'refuse' } = options;
  if (!['refuse', 'challenge'].includes(clientsWithoutCp1)) {
    throw new ConfigurationError("ClaimsChallengeError: clientsWithoutCp1 takes 'refuse' or 'challenge'.");
  }
  return clientsWithoutCp1 === 'challenge';
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
 * answers it with 403 `insufficient_scope`, unless an option says otherwise, and tells any other client which authority to
 * ask.
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
   * @param request - the claims that the next token must carry: an object, or JSON text such as `claims` of an error of
   *   MSAL, which is passed on byte for byte
   * @param options - see {@link ClaimsChallengeOptions}
   * @throws ConfigurationError where no claim is asked for, the request is no claims request or over 4 KiB, or an option is
   *   wrong
   */
  constructor(request: ClaimsRequest | string, options: ClaimsChallengeOptions = {}) {
    const claims = encode(request);
    const answer = isForEveryClient(options) ? challengeTo : answerTo;
    super(insufficientClaims, (addressee) => answer(options.caller ?? addressee, claims));
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
