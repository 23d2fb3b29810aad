/** What does an answer of the token endpoint mean: a token, or which error? Pure. */
import { claimsChallengeOfAuthority } from '../core/access/claims-challenge.js';
import { ConfigurationError, InvalidTokenError, type Refusal } from '../core/errors.js';
import { ownMember, parseJsonObject } from '../core/json.js';
import { aadstsRemedy } from '../gate/aadsts.js';
import type { AcquiredToken } from './acquire-token.js';
import { ConsentRequiredError, InteractionRequiredError, TokenUnavailableError } from './errors.js';
import { retryAfterSeconds } from './retry-after.js';
import { isVisibleAscii } from '../core/visible-ascii.js';

/** An answer of the token endpoint, as it came. */
export interface TokenAnswer {
  readonly status: number;
  readonly headers: Pick<Headers, 'get'>;
  readonly text: string;
}

/** For whom the token was asked. */
export interface AskedFor {
  /** The name of the API that is to be called. */
  readonly api: string;
  readonly scopes: readonly string[];
  readonly as: 'user' | 'application';
  /** Milliseconds since the epoch. */
  readonly now: number;
}

// Older endpoints write numbers as texts.
function secondsOf(value: unknown): number | undefined {
  const isDigits = typeof value === 'string' && /^\d{1,9}$/.test(value);
  const seconds = isDigits ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}

/** The token in an answer, or undefined where there is none that can be used. */
export function tokenIn({ status, text }: TokenAnswer): AcquiredToken | undefined {
  const body = status === 200 ? parseJsonObject(text) : undefined;
  if (body === undefined) return undefined;
  const token = ownMember(body, 'access_token');
  const type = ownMember(body, 'token_type');
  const expiresInSeconds = secondsOf(ownMember(body, 'expires_in'));
  const isBearer = typeof type === 'string' && type.toLowerCase() === 'bearer';
  if (!isBearer || typeof token !== 'string' || !isVisibleAscii(token) || expiresInSeconds === undefined)
    return undefined;
  return { token, expiresInSeconds, refreshInSeconds: secondsOf(ownMember(body, 'refresh_in')) };
}

/** The numbers of a refusal, the most significant first. */
function codesOf(body: Readonly<Record<string, unknown>>): readonly number[] {
  const listed = ownMember(body, 'error_codes');
  const codes = Array.isArray(listed) ? listed.filter((code): code is number => Number.isSafeInteger(code)) : [];
  if (codes.length > 0) return codes;
  const description = ownMember(body, 'error_description');
  const code =
    typeof description === 'string' && description.startsWith('AADSTS') ? parseInt(description.slice(6), 10) : NaN;
  return Number.isNaN(code) ? [] : [code];
}

/** Header lines have a limit on most hosts. A claims request of Entra has some hundred bytes. */
const longestClaimsRequest = 8 * 1024;

/** The claims request that the caller has to satisfy, or undefined. */
function challengeIn(body: Readonly<Record<string, unknown>>, { as }: AskedFor): string | undefined {
  // A token of the application depends on no user. A challenge would make the caller sign in again and again.
  if (as === 'application') return undefined;
  const claims = ownMember(body, 'claims');
  if (typeof claims !== 'string' || claims.length > longestClaimsRequest) return undefined;
  return parseJsonObject(claims) === undefined ? undefined : claims;
}

const expiredAssertion = 500133;
const consentCodes: readonly number[] = [65001, 65004, 90094];
const configurationCodes: readonly number[] = [50013, 500131, 500011, 7000114, 700016];
const interactionErrors: readonly unknown[] = ['interaction_required', 'login_required', 'invalid_grant'];
const configurationErrors: readonly unknown[] = [
  'invalid_client',
  'unauthorized_client',
  'invalid_scope',
  'invalid_request',
  'invalid_resource',
  'unsupported_grant_type',
];

/** For the developer. Of the answer it has the number, or an error that is in a list here. */
function messageOf({ api, as }: AskedFor, error: unknown, code: number | undefined, hasClaims: boolean): string {
  const isKnown = interactionErrors.includes(error) || configurationErrors.includes(error);
  const number = code === undefined ? undefined : `AADSTS${String(code)}`;
  const reason = number ?? (isKnown ? String(error) : 'an error that is not known here');
  // An invalid_grant may also be about the application.
  const isAboutUser = as === 'user' && (error === 'interaction_required' || error === 'login_required');
  const { meaning, remedy } = (code === undefined ? undefined : aadstsRemedy(code, hasClaims)) ?? {
    meaning: '',
    remedy: isAboutUser ? 'The user must sign in again.' : `Check downstream.credential and downstream.apis.${api}.`,
  };
  return [`The authority gave no token for the API ${api}: ${reason}.`, meaning, remedy]
    .filter((text) => text !== '')
    .join(' ');
}

function refusalIn(body: Readonly<Record<string, unknown>>, askedFor: AskedFor): Refusal {
  const { api, scopes, as } = askedFor;
  const error = ownMember(body, 'error');
  const codes = codesOf(body);
  const has = (list: readonly number[]) => codes.some((code) => list.includes(code));
  const claims = challengeIn(body, askedFor);
  const message = messageOf(askedFor, error, codes[0], claims !== undefined);
  if (claims !== undefined) return claimsChallengeOfAuthority(claims, { message });
  const isOfUser = as === 'user';
  if (has(consentCodes) || ownMember(body, 'suberror') === 'consent_required') {
    return new ConsentRequiredError({ api, scopes, message });
  }
  if (isOfUser && codes.includes(expiredAssertion)) return new InvalidTokenError('expired');
  if (!isOfUser || has(configurationCodes) || !interactionErrors.includes(error))
    return new ConfigurationError(message);
  return new InteractionRequiredError({ message });
}

const throttled = 429;

/** The error for an answer that is not about the request. */
function unavailable(what: string, { status, headers }: TokenAnswer, { api, now }: AskedFor): Refusal {
  const seconds = retryAfterSeconds(headers.get('retry-after'), now);
  const isThrottled = status === throttled;
  const sentences = [
    `The authority gave no token for the API ${api}: ${what}${isThrottled ? ', because it throttles this application' : ''}.`,
    ...(seconds === undefined ? [] : [`No new token of this tenant is asked for in the next ${String(seconds)} s.`]),
    isThrottled
      ? 'Have fewer tokens asked for: share them between processes with downstream.store.'
      : 'Look at the network and at instance.',
  ];
  return new TokenUnavailableError({ message: sentences.join(' '), retryAfterSeconds: seconds });
}

/**
 * The error for an answer that has no token. Of the answer it holds the claims request and the `AADSTS` number, and nothing
 * else: descriptions and trace ids of Entra name users and tenants.
 *
 * @see {@link https://learn.microsoft.com/entra/identity-platform/reference-error-codes Error codes of Entra}
 */
export function errorOf(answer: TokenAnswer, askedFor: AskedFor): Refusal {
  const { status, text } = answer;
  const isRefusal = status >= 400 && status < 500 && status !== throttled;
  if (!isRefusal && status !== 200) return unavailable(`it answered with status ${String(status)}`, answer, askedFor);
  const body = parseJsonObject(text);
  const error = body && ownMember(body, 'error');
  if (body === undefined || typeof error !== 'string') {
    return unavailable(`it answered with status ${String(status)}, and neither a token nor an error`, answer, askedFor);
  }
  if (error === 'temporarily_unavailable' && challengeIn(body, askedFor) === undefined) {
    return unavailable('it is temporarily unavailable', answer, askedFor);
  }
  const [aadsts] = codesOf(body);
  return Object.assign(refusalIn(body, askedFor), aadsts !== undefined && { aadsts });
}
