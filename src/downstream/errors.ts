/** The errors of a call of another API, and of the token that it needs. Every host answers them as a refusal of the gate. */
import { AuthError, brandAs } from '../core/errors.js';
import { retryAfterSeconds } from './retry-after.js';

/** What went wrong, for the developer. The caller sees none of it. */
interface ErrorDetails {
  readonly cause?: unknown;
  /** What the developer sees in place of the text for the caller. */
  readonly message?: string;
}

const consentRequired = 'The user or an administrator has not consented to the permissions that this request needs.';

/**
 * 403 `consent_required`: this API lacks a permission for another API, and the user or an administrator has to consent to it.
 *
 * @see {@link https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow#gain-consent-for-the-middle-tier-application Consent}
 */
export class ConsentRequiredError extends AuthError {
  static {
    brandAs(this, 'ConsentRequiredError');
  }

  /** The name of the API that was to be called. */
  declare readonly api: string;
  /** The scopes that were asked for. */
  declare readonly scopes: readonly string[];

  /**
   * @param options.api - the name of the API that was to be called
   * @param options.scopes - the scopes that were asked for
   */
  constructor(options: { readonly api: string; readonly scopes: readonly string[] } & ErrorDetails) {
    const { api, scopes, ...details } = options;
    super(
      consentRequired,
      {
        code: 'consent_required',
        status: 403,
        challenge: { error: 'insufficient_scope', error_description: consentRequired },
      },
      details,
    );
    Object.assign(this, { api, scopes: Object.freeze([...scopes]) });
  }
}

const interactionRequired = 'The user must sign in again.';

/** 401 `interaction_required`: the token of the user is no longer enough to get another one for the user. */
export class InteractionRequiredError extends AuthError {
  static {
    brandAs(this, 'InteractionRequiredError');
  }

  constructor(details: ErrorDetails = {}) {
    super(
      interactionRequired,
      {
        code: 'interaction_required',
        status: 401,
        challenge: { error: 'invalid_token', error_description: interactionRequired },
      },
      details,
    );
  }
}

/**
 * 503 `token_unavailable`: the authority gave no token for another API at the moment.
 *
 * `cause` holds what went wrong. The caller sees only when to try again.
 */
export class TokenUnavailableError extends AuthError {
  static {
    brandAs(this, 'TokenUnavailableError');
  }

  /** When to try again. */
  declare readonly retryAfterSeconds: number;
  /** Whether the authority named that time. Until then it is asked for no token of that tenant. */
  declare readonly throttled: boolean;

  /**
   * @param options.cause - what went wrong
   * @param options.retryAfterSeconds - when the authority asked to be tried again; default 5
   * @param options.message - what the developer sees in place of the text for the caller
   */
  constructor(options: { readonly retryAfterSeconds?: number | undefined } & ErrorDetails = {}) {
    const { retryAfterSeconds: seconds = 5, ...details } = options;
    super(
      'A token for another API is not available at the moment.',
      { code: 'token_unavailable', status: 503, headers: { 'Retry-After': String(seconds) } },
      details,
    );
    Object.assign(this, { retryAfterSeconds: seconds, throttled: options.retryAfterSeconds !== undefined });
  }
}

/** The answer of an API that was called, for {@link DownstreamError.response}. */
export interface DownstreamResponse {
  readonly status: number;
  readonly headers: Headers;
  /** The body, at most its first 64 KiB. */
  readonly text: string;
}

const isBusy = (status: number) => status === 429 || status === 503;

function answerTo(response: DownstreamResponse | undefined, now: number) {
  const code = 'downstream_failed';
  if (response === undefined || !isBusy(response.status)) return { code, status: 502 };
  const seconds = retryAfterSeconds(response.headers.get('Retry-After'), now) ?? 5;
  return { code, status: 503, headers: { 'Retry-After': String(seconds) } };
}

/**
 * 502 `downstream_failed`: an API that this one called answered with a status outside 2xx, or did not answer. Where it
 * answered 429 or 503, this is 503 with `Retry-After`.
 *
 * The caller sees nothing of that answer. `response` and `cause` are not enumerable, so that logs do not copy them.
 */
export class DownstreamError extends AuthError {
  static {
    brandAs(this, 'DownstreamError');
  }

  /** The name of the API that was called. */
  declare readonly api: string;
  /** What it answered. Undefined: it did not answer; see `cause`. */
  declare readonly response: DownstreamResponse | undefined;

  /**
   * @param options.api - the name of the API that was called
   * @param options.response - what it answered
   * @param options.cause - why it did not answer
   * @param options.message - what the developer sees; default: the status
   * @param options.now - milliseconds since the epoch, for a `Retry-After` that is a date; default: this moment
   */
  constructor(options: {
    readonly api: string;
    readonly response?: DownstreamResponse | undefined;
    readonly cause?: unknown;
    readonly message?: string;
    readonly now?: number;
  }) {
    const { api, response, now = Date.now() } = options;
    super('Another API, which this request needs, did not answer as it should.', answerTo(response, now), {
      message:
        options.message ??
        (response === undefined
          ? `The API ${api} did not answer.`
          : `The API ${api} answered with status ${String(response.status)}.`),
      ...('cause' in options && { cause: options.cause }),
    });
    Object.assign(this, { api });
    Object.defineProperty(this, 'response', { value: response });
  }
}
