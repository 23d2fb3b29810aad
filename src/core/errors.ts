/**
 * Every error this library raises, with the HTTP answer each one stands for.
 *
 * Messages are fixed text. Nothing of the request (token, claim, key id, URL) ever becomes part of an error,
 * so an error can be logged and sent as it is.
 */

/** Why a token was refused. The list is closed: a new reason is a breaking change. */
export type InvalidTokenReason =
  | 'malformed'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'expired'
  | 'not_yet_valid'
  | 'issuer'
  | 'audience'
  | 'tenant'
  | 'policy'
  | 'token_type';

/** Why a valid token does not reach far enough. */
export type InsufficientScopeReason =
  'scope' | 'role' | 'client' | 'caller' | 'guest' | 'group' | 'groups_overage' | 'auth_context';

/** The JSON body of a refusal: the members of RFC 6749 §5.2, and no others. */
export interface ErrorBody {
  readonly error: string;
  readonly error_description?: string;
}

interface Answer {
  readonly code: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

// The ES module and the CommonJS build each define these classes. The brand is registered process-wide,
// so that `instanceof` holds whichever of the two copies made the error.
const brand = Symbol.for('microsoft-identity-decorators/1:brands');

/** Called from a class's static block: `this` is the class, which is not yet bound by name there in every toolchain. */
export function brandAs(errorClass: { prototype: object }, name: string): void {
  const inherited = (errorClass.prototype as { [brand]?: readonly string[] })[brand] ?? [];
  Object.defineProperty(errorClass.prototype, brand, { value: [...inherited, name] });
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true });
  Object.defineProperty(errorClass, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // A subclass written by a user inherits this method, but has no brand of its own to look for.
      if (this !== errorClass) return ordinaryHasInstance(this, value);
      if (typeof value !== 'object' || value === null) return false;
      return (value as { [brand]?: readonly string[] })[brand]?.includes(name) === true;
    },
  });
}

function ordinaryHasInstance(constructor: unknown, value: unknown): boolean {
  return Function.prototype[Symbol.hasInstance].call(constructor as () => void, value);
}

/** What every error of this library carries, whichever framework reads it. */
abstract class IdentityError extends Error {
  /** The stable name of the error; see each class. */
  readonly code: string;
  /** The HTTP status, for frameworks that read `status`. */
  readonly status: number;
  /** The HTTP status, for frameworks that read `statusCode`. */
  readonly statusCode: number;
  /** The HTTP status, for routing-controllers. */
  readonly httpCode: number;
  /** The headers of the answer, the challenge among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the message may be shown to the caller. */
  readonly expose: boolean;

  constructor(message: string, answer: Answer, options: { cause?: unknown; expose: boolean }) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = answer.code;
    this.status = this.statusCode = this.httpCode = answer.status;
    // RFC 6750 §5.3: nobody may serve one caller's refusal to another.
    this.headers = Object.freeze({ ...answer.headers, 'Cache-Control': 'no-store' });
    this.expose = options.expose;
  }

  /** The body to send. */
  abstract toJSON(): ErrorBody;
}

/**
 * What a caller caused, or must be told: the base of every refusal.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6750#section-3 RFC 6750 §3}
 */
export class AuthError extends IdentityError {
  static {
    brandAs(this, 'AuthError');
  }

  readonly #description: string;

  constructor(description: string, answer: Answer, options: { cause?: unknown; message?: string } = {}) {
    super(options.message ?? description, answer, {
      // A message of its own is for the developer; the description is what a caller may see.
      expose: options.message === undefined,
      ...('cause' in options && { cause: options.cause }),
    });
    this.#description = description;
  }

  toJSON(): ErrorBody {
    return { error: this.code, error_description: this.#description };
  }
}

/** The parameters of an RFC 6750 challenge. Values come from fixed text and from checked names, so none needs escaping. */
export function bearerChallenge(parameters: Readonly<Record<string, string>> = {}): Record<string, string> {
  const list = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return { 'WWW-Authenticate': list.length === 0 ? 'Bearer' : `Bearer ${list.join(', ')}` };
}

/**
 * Names the API's resource metadata in the challenge of a refusal, so that a client finds the issuer by itself.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9728#section-5.1 RFC 9728 §5.1}
 */
export function nameResourceMetadata(refusal: AuthError, url: string): void {
  const challenge = refusal.headers['WWW-Authenticate'];
  if (challenge === undefined || challenge.includes('resource_metadata=')) return;
  const separator = challenge.includes(' ') ? ', ' : ' ';
  const headers = { ...refusal.headers, 'WWW-Authenticate': `${challenge}${separator}resource_metadata="${url}"` };
  Object.defineProperty(refusal, 'headers', { value: Object.freeze(headers), enumerable: true, configurable: true });
}

/**
 * 401 `missing_token`: the request carries no bearer token.
 *
 * The challenge is a bare `Bearer`: a caller who did not try is not told of an error (RFC 6750 §3.1).
 */
export class MissingTokenError extends AuthError {
  static {
    brandAs(this, 'MissingTokenError');
  }

  constructor() {
    super('This request needs an access token.', { code: 'missing_token', status: 401, headers: bearerChallenge() });
  }
}

/** 400 `invalid_request`: the request presents its credentials in a way no one may guess about, such as twice. */
export class InvalidRequestError extends AuthError {
  static {
    brandAs(this, 'InvalidRequestError');
  }

  constructor() {
    super('The request must carry exactly one Authorization header.', {
      code: 'invalid_request',
      status: 400,
      headers: bearerChallenge({ error: 'invalid_request' }),
    });
  }
}

const invalidTokenDescriptions: Readonly<Record<InvalidTokenReason, string>> = {
  malformed: 'The access token is malformed.',
  algorithm: 'The access token is not signed with RS256.',
  key: 'The access token is not signed with a key of its issuer.',
  signature: 'The signature of the access token is not valid.',
  expired: 'The access token expired.',
  not_yet_valid: 'The access token is not valid yet.',
  issuer: 'The access token comes from another issuer.',
  audience: 'The access token is meant for another API.',
  tenant: 'The access token comes from a tenant that is not accepted.',
  policy: 'The access token comes from a policy that is not accepted.',
  token_type: 'The token is not an access token.',
};

/** 401 `invalid_token`: a token was presented and must not pass; {@link InvalidTokenError.reason} says why. */
export class InvalidTokenError extends AuthError {
  static {
    brandAs(this, 'InvalidTokenError');
  }

  /** The rule that refused the token. */
  readonly reason: InvalidTokenReason;

  constructor(reason: InvalidTokenReason) {
    const description = invalidTokenDescriptions[reason];
    super(description, {
      code: 'invalid_token',
      status: 401,
      headers: bearerChallenge({ error: 'invalid_token', error_description: description }),
    });
    this.reason = reason;
  }
}

export const insufficientScopeDescriptions: Readonly<Record<InsufficientScopeReason, string>> = {
  scope: 'The access token does not carry the scope this request needs.',
  role: 'The access token does not carry the role this request needs.',
  client: 'The client application is not accepted.',
  caller: 'This kind of caller is not accepted.',
  guest: 'Guests of the tenant are not accepted.',
  group: 'The caller is in none of the groups this request needs.',
  groups_overage: 'The access token does not say which groups the caller is in.',
  auth_context: 'This request needs a stronger sign-in, which the client application cannot ask for.',
};

/** 403 `insufficient_scope`: the token is valid, and does not reach far enough. */
export class InsufficientScopeError extends AuthError {
  static {
    brandAs(this, 'InsufficientScopeError');
  }

  /** What the token lacks. */
  readonly reason: InsufficientScopeReason;

  /**
   * @param reason - what the token lacks
   * @param scopes - the scope names of which one was needed; they become the `scope` of the challenge
   */
  constructor(reason: InsufficientScopeReason, scopes: readonly string[] = []) {
    const description = insufficientScopeDescriptions[reason];
    super(description, {
      code: 'insufficient_scope',
      status: 403,
      headers: bearerChallenge({
        error: 'insufficient_scope',
        error_description: description,
        ...(scopes.length > 0 && { scope: scopes.join(' ') }),
      }),
    });
    this.reason = reason;
  }
}

/**
 * 503 `issuer_unavailable`: no usable signing keys are at hand, so nothing can be said of the token.
 *
 * `cause` holds what went wrong; the caller is only told when to try again.
 */
export class IssuerUnavailableError extends AuthError {
  static {
    brandAs(this, 'IssuerUnavailableError');
  }

  /**
   * @param options.cause - what went wrong
   * @param options.retryAfterSeconds - when to try again; default 5
   * @param options.message - what to tell the developer in place of the text the caller sees
   */
  constructor(options: { cause?: unknown; retryAfterSeconds?: number; message?: string } = {}) {
    const { retryAfterSeconds = 5, ...rest } = options;
    super(
      'The keys to check access tokens with are not available at the moment.',
      { code: 'issuer_unavailable', status: 503, headers: { 'Retry-After': String(retryAfterSeconds) } },
      rest,
    );
  }
}

/**
 * 500 `invalid_configuration`: the API itself is set up wrongly. Never the caller's doing, so not an {@link AuthError}.
 *
 * The message is for the developer; the body that a caller sees says `server_error` and nothing else.
 */
export class ConfigurationError extends IdentityError {
  static {
    brandAs(this, 'ConfigurationError');
  }

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { code: 'invalid_configuration', status: 500 }, { ...options, expose: false });
  }

  toJSON(): ErrorBody {
    return { error: 'server_error' };
  }
}

/** What a gate answers with when it does not let a request pass. */
export type Refusal = AuthError | ConfigurationError;
