/**
 * Every error this library raises, with the HTTP answer to each.
 *
 * Messages are fixed text. Nothing of the request (token, claim, key id, URL) becomes part of an error, so an error can be
 * logged and sent as it is.
 */
import {
  bearerChallenge,
  type Addressee,
  type ChallengedCaller,
  type ChallengeParameters,
  type ChallengingResource,
} from './challenge.js';
import { isScopeToken } from './scope-token.js';

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

/** What a valid token lacks, or why its caller is not accepted. */
export type InsufficientScopeReason =
  'scope' | 'role' | 'client' | 'caller' | 'guest' | 'group' | 'groups_overage' | 'auth_context' | 'check';

/** The JSON body of a refusal: the members of RFC 6749 §5.2, and no others. */
export interface ErrorBody {
  readonly error: string;
  readonly error_description?: string;
}

/** What an error is answered with. */
interface Answer {
  readonly code: string;
  readonly status: number;
  readonly reason?: string | undefined;
  /** The parameters of the challenge. Undefined: there is no challenge. */
  readonly challenge?: ChallengeParameters | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the caller sees, in place of the description of the error. */
  readonly description?: string;
  /** The headers in full, where they were made before: see {@link fixed}. */
  readonly allHeaders?: Readonly<Record<string, string>>;
}

// The ES module and the CommonJS build each define these classes. Both look for the same brand, so that `instanceof` holds
// for an error of either.
const brand = Symbol.for('microsoft-identity-decorators/1:brands');

/** Is called in the static block of a class, with `this`: not every toolchain has bound the name of the class by then. */
export function brandAs(errorClass: { prototype: object }, name: string): void {
  const inherited = (errorClass.prototype as { [brand]?: readonly string[] })[brand] ?? [];
  Object.defineProperty(errorClass.prototype, brand, { value: [...inherited, name] });
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true });
  Object.defineProperty(errorClass, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // A subclass of the application inherits this method, and has no brand of its own.
      if (this !== errorClass) return ordinaryHasInstance(this, value);
      if (typeof value !== 'object' || value === null) return false;
      return (value as { [brand]?: readonly string[] })[brand]?.includes(name) === true;
    },
  });
}

function ordinaryHasInstance(constructor: unknown, value: unknown): boolean {
  return Function.prototype[Symbol.hasInstance].call(constructor as () => void, value);
}

/** The headers of an answer, the challenge first. */
function headersOf({ headers }: Answer, challenge: ChallengeParameters | undefined): Readonly<Record<string, string>> {
  return Object.freeze({
    ...(challenge !== undefined && { 'WWW-Authenticate': bearerChallenge(challenge) }),
    ...headers,
    // RFC 6750 §5.3: a cache must not serve the refusal of one caller to another.
    'Cache-Control': 'no-store',
  });
}

/** An answer that is the same for many requests: its headers are made once. */
function fixed(answer: Answer): Answer {
  return { ...answer, allHeaders: headersOf(answer, answer.challenge) };
}

/** The members of an error that its answer sets. */
interface Written {
  code: string;
  reason?: string | undefined;
  status: number;
  statusCode: number;
  httpCode: number;
  headers: Readonly<Record<string, string>>;
}

/** Writes an answer to its error, the headers last. */
function write(error: Written, answer: Answer, challenge = answer.challenge): void {
  const { code, status, allHeaders } = answer;
  error.code = code;
  error.status = status;
  error.statusCode = status;
  error.httpCode = status;
  if ('reason' in answer) error.reason = answer.reason;
  const isAsMade = allHeaders !== undefined && challenge === answer.challenge;
  error.headers = isAsMade ? allHeaders : headersOf(answer, challenge);
}

/** The challenge of an answer, with what the API publishes about itself. */
function challengeOf(
  { challenge, status }: Answer,
  resource: ChallengingResource | undefined,
): ChallengeParameters | undefined {
  if (challenge === undefined || resource === undefined) return challenge;
  const missing = challenge['scope']?.split(' ') ?? [];
  // A 403 for another reason is not about scopes. A 401 tells a client what to ask for when it signs in.
  const scopes = status === 401 || missing.length > 0 ? resource.scopesFor(missing) : [];
  return {
    ...challenge,
    scope: scopes.length === 0 ? undefined : scopes.join(' '),
    resource_metadata: resource.metadataUrl,
  };
}

/** What every error of this library carries. Each framework reads the status by a name of its own. */
abstract class IdentityError extends Error {
  /** The stable name of the error; see each class. */
  declare readonly code: string;
  /** The HTTP status, for frameworks that read `status`. */
  declare readonly status: number;
  /** The HTTP status, for frameworks that read `statusCode`. */
  declare readonly statusCode: number;
  /** The HTTP status, for routing-controllers. */
  declare readonly httpCode: number;
  /** The headers of the answer, the challenge among them. */
  declare readonly headers: Readonly<Record<string, string>>;
  /** Whether the message may be shown to the caller. */
  declare readonly expose: boolean;

  constructor(message: string, answer: Answer, options: { cause?: unknown; expose: boolean }) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    write(this, answer);
    this.expose = options.expose;
  }

  /** The body to send. */
  abstract toJSON(): ErrorBody;
}

/**
 * The name of the method that addresses a refusal to its caller. It is a key that both builds of this library know: the
 * gate of one addresses the errors of the other.
 */
export const address = Symbol.for('microsoft-identity-decorators/1:address');

/** The name of the method by which Node prints an object. @see https://nodejs.org/api/util.html#utilinspectcustom */
const inspecting = Symbol.for('nodejs.util.inspect.custom');

/** The name of the method that copies an error; both builds of this library know it too. */
const copy = Symbol.for('microsoft-identity-decorators/1:copy');

/**
 * The base of every error that the caller of a request caused or must be told.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6750#section-3 RFC 6750 §3}
 */
export class AuthError extends IdentityError {
  static {
    brandAs(this, 'AuthError');
  }

  readonly #answerTo: (caller: ChallengedCaller | undefined) => Answer;
  readonly #ownDescription: string;
  #description: string;
  #resource: ChallengingResource | undefined;

  /**
   * @param description - what the caller sees
   * @param answer - the answer, or a function that chooses it by the caller
   * @param options.cause - what went wrong
   * @param options.message - what the developer sees in place of the description
   */
  constructor(
    description: string,
    answer: Answer | ((caller: ChallengedCaller | undefined) => Answer),
    options: { cause?: unknown; message?: string } = {},
  ) {
    const answerTo = typeof answer === 'function' ? answer : () => answer;
    const unaddressed = answerTo(undefined);
    const seen = unaddressed.description ?? description;
    super(options.message ?? seen, unaddressed, {
      // A message of its own is for the developer.
      expose: options.message === undefined,
      ...('cause' in options && { cause: options.cause }),
    });
    this.#answerTo = answerTo;
    this.#ownDescription = description;
    this.#description = seen;
  }

  /**
   * Addresses the refusal to its caller: chooses the answer by the caller, and adds to the challenge what the API
   * publishes about itself: its resource metadata, and the full names of scopes. An error that the application throws again is addressed again.
   *
   * @internal
   */
  [address]({ caller, resource }: Addressee): void {
    // The application froze it: what was written at its creation is the answer.
    if (Object.isFrozen(this)) return;
    const answer = this.#answerTo(caller);
    // A refusal that is forwarded may reach another configuration. The one that refused is the one to name.
    if (this.#resource === undefined || this.#resource.metadataUrl === resource?.metadataUrl) this.#resource = resource;
    this.#description = answer.description ?? this.#ownDescription;
    if (this.expose) this.message = this.#description;
    write(this, answer, challengeOf(answer, this.#resource));
  }

  /**
   * Another error of the same class, with the same answers and members, that is addressed to no caller.
   *
   * @internal
   */
  [copy](): AuthError {
    const options = {
      ...(!this.expose && { message: this.message }),
      ...('cause' in this && { cause: this.cause }),
    };
    // The class of the copy is a subclass, whose own constructor takes other arguments and is not called.
    const other = Reflect.construct(
      AuthError,
      [this.#ownDescription, this.#answerTo, options],
      this.constructor,
    ) as AuthError;
    const members = Object.getOwnPropertyDescriptors(this);
    for (const [name, member] of Object.entries(members)) {
      if (!Object.hasOwn(other, name)) Object.defineProperty(other, name, member);
    }
    return other;
  }

  toJSON(): ErrorBody {
    return { error: this.code, error_description: this.#description };
  }
}

const missingToken = fixed({ code: 'missing_token', status: 401, challenge: {} });

/**
 * 401 `missing_token`: the request carries no bearer token.
 *
 * The challenge is a bare `Bearer`: a request without credentials is not told an error (RFC 6750 §3.1).
 */
export class MissingTokenError extends AuthError {
  static {
    brandAs(this, 'MissingTokenError');
  }

  /** @param options.message - what the developer sees in place of the text for the caller */
  constructor(options: { readonly message?: string } = {}) {
    super('This request needs an access token.', missingToken, options);
  }
}

/** 400 `invalid_request`: the request presents its credentials twice, so which one counts would be a guess. */
export class InvalidRequestError extends AuthError {
  static {
    brandAs(this, 'InvalidRequestError');
  }

  /** @param header - the header that carries the token */
  constructor(header = 'Authorization') {
    super(`The request must carry exactly one ${header} header.`, {
      code: 'invalid_request',
      status: 400,
      challenge: { error: 'invalid_request' },
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

const invalidTokenAnswer = (reason: string, description: string): Answer => ({
  code: 'invalid_token',
  status: 401,
  reason,
  challenge: { error: 'invalid_token', error_description: description },
});

const invalidTokenAnswers: ReadonlyMap<string, Answer> = new Map(
  Object.entries(invalidTokenDescriptions).map((entry) => [entry[0], fixed(invalidTokenAnswer(...entry))]),
);

/** 401 `invalid_token`: a token was presented and must not pass. {@link InvalidTokenError.reason} is the rule it breaks. */
export class InvalidTokenError extends AuthError {
  static {
    brandAs(this, 'InvalidTokenError');
  }

  /** The rule that refused the token. */
  declare readonly reason: InvalidTokenReason;

  constructor(reason: InvalidTokenReason) {
    const description = invalidTokenDescriptions[reason];
    super(description, invalidTokenAnswers.get(reason) ?? invalidTokenAnswer(reason, description));
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
  check: 'The caller does not satisfy a rule of this API.',
};

/** 403 `insufficient_scope`: the token is valid, but lacks what the route demands. {@link InsufficientScopeError.reason} is what. */
export class InsufficientScopeError extends AuthError {
  static {
    brandAs(this, 'InsufficientScopeError');
  }

  /** What the token lacks. */
  declare readonly reason: InsufficientScopeReason;
  /**
   * The scopes or roles of which the token needs one, for the developer. Not enumerable: an application may send what is.
   *
   * @internal
   */
  declare readonly missing: readonly string[];

  /**
   * @param reason - what the token lacks
   * @param scopes - the scope names of which the token needs one; they become the `scope` of the challenge
   * @param missing - the names of which the token needs one, where they are no scopes
   * @throws ConfigurationError if one is no scope name (RFC 6749 §3.3)
   */
  constructor(reason: InsufficientScopeReason, scopes: readonly string[] = [], missing: readonly string[] = scopes) {
    if (!scopes.every(isScopeToken)) {
      throw new ConfigurationError(
        'InsufficientScopeError: a scope name has a character that RFC 6749 §3.3 does not allow.',
      );
    }
    const description = insufficientScopeDescriptions[reason];
    super(description, {
      code: 'insufficient_scope',
      status: 403,
      reason,
      challenge: {
        error: 'insufficient_scope',
        error_description: description,
        scope: scopes.length === 0 ? undefined : scopes.join(' '),
      },
    });
    Object.defineProperty(this, 'missing', { value: missing });
  }
}

/**
 * 503 `issuer_unavailable`: there are no usable signing keys, so the token cannot be checked.
 *
 * `cause` holds what went wrong. The caller sees only when to try again.
 */
export class IssuerUnavailableError extends AuthError {
  static {
    brandAs(this, 'IssuerUnavailableError');
  }

  /**
   * @param options.cause - what went wrong
   * @param options.retryAfterSeconds - when to try again; default 5
   * @param options.message - what the developer sees in place of the text for the caller
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
 * 500 `invalid_configuration`: the API is set up wrongly. The caller did not cause it, so it is not an {@link AuthError}.
 *
 * The message is for the developer. The caller sees only `server_error`.
 */
export class ConfigurationError extends IdentityError {
  static {
    brandAs(this, 'ConfigurationError');
  }

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { code: 'invalid_configuration', status: 500 }, { ...options, expose: false });
  }

  /**
   * What Node prints where the error ends the process, or is logged: its stack, and its cause. The other members are those
   * of an answer, and tell a developer nothing.
   *
   * @internal
   */
  [inspecting](_depth: number, options: object, inspect: (value: unknown, options: object) => string): string {
    const stack = this.stack ?? `${this.name}: ${this.message}`;
    return 'cause' in this ? `${stack}\n  [cause]: ${inspect(this.cause, options)}` : stack;
  }

  toJSON(): ErrorBody {
    return { error: 'server_error' };
  }
}

/**
 * A copy of an error, for one of several callers that get the same answer: an error is addressed to one caller, and the
 * application may write to it. What is no error of this library is not copied.
 */
export function copyOf(error: unknown): unknown {
  if (error instanceof AuthError) return error[copy]();
  if (!(error instanceof ConfigurationError)) return error;
  return new ConfigurationError(error.message, 'cause' in error ? { cause: error.cause } : {});
}

/** The error with which a request is refused. */
export type Refusal = AuthError | ConfigurationError;
