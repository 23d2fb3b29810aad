/** `authenticate` and `protect`. */
import type { AccessTokenClaims } from '../../core/access-token-claims.js';
import { currentRequest, type AdmittedRequest, type VerifiedContext } from '../../core/access/current-request.js';
import { requirementCompiler, requirementFrom, type RequirementOptions } from '../../core/access/requirement-object.js';
import type { Authenticator, MicrosoftIdentity } from '../../core/access/requirement.js';
import { problemWithOptions } from '../../core/call-arguments.js';
import { ConfigurationError } from '../../core/errors.js';
import { admissionOf, authenticate, enter, satisfy } from '../../gate/admission.js';
import { authenticatorOf } from '../../gate/identity-in-force.js';
import { refusalOf } from '../../gate/refusal.js';
import { fetchRequestIn } from '../fetch-request.js';
import { arrive, isInside, parametersFor } from './arrival.js';
import { verifierBy, type McpTokenVerifier } from './mcp-token-verifier.js';
import { requestIn, type RequestSource } from './request-source.js';

/**
 * Checks a request, for hosts that this library has no gate for: the upgrade to a WebSocket, the context of GraphQL, a
 * queue. It opens no context. Protected methods that are called afterwards need a gate: `protect`, or that of another host.
 *
 * @param request - of Fetch or of Node, another object with `headers`, or the headers of Fetch. Two Authorization headers
 *   are refused where it shows them
 * @param requirement - what the token has to satisfy; default: that it is valid. A requirement that is frozen is read once
 * @returns the verified claims, frozen
 * @throws AuthError if the request is refused; `toResponse` makes its response
 * @throws ConfigurationError if the requirement is not valid, or nothing is configured
 */
export type Authenticate = (request: RequestSource, requirement?: RequirementOptions) => Promise<AccessTokenClaims>;

/**
 * An {@link Authenticate} for any configuration.
 *
 * @param options.identity - what `initialize` or `createMicrosoftIdentity` returned; default: the one in force
 */
export type AuthenticateBy = (
  request: RequestSource,
  requirement?: RequirementOptions,
  options?: { readonly identity?: MicrosoftIdentity | undefined },
) => Promise<AccessTokenClaims>;

/**
 * Puts a gate before a handler: makes a handler of the same form that runs for requests which satisfy the requirement. The
 * helpers work inside. A refused request is answered, or its error is thrown if the option `errors` is `'forward'`.
 *
 * @param requirement - what the token has to satisfy; `{}`: that it is valid
 * @param handler - takes what the host gives, with the verified claims after the first argument. That is the request of
 *   Fetch, or an object that holds it, such as Hono's context
 * @throws ConfigurationError if the requirement is not valid
 * @example
 * ```ts
 * import { protect } from 'microsoft-identity-decorators/fetch';
 *
 * export const GET = protect({ scope: 'access_as_user' }, (request, claims) =>
 *   Response.json({ url: request.url, askedBy: claims.oid }),
 * );
 * ```
 */
export type Protect = <First extends object = Request, Rest extends unknown[] = [], Result = Response>(
  requirement: RequirementOptions,
  handler: (request: First, claims: AccessTokenClaims, ...rest: Rest) => Result | PromiseLike<Result>,
) => (request: First, ...rest: Rest) => Promise<Result | Response>;

const withoutRequest = () =>
  new ConfigurationError(
    'A handler of protect() was called without a request of Fetch. Its first argument is the request, or an object that holds it.',
  );

type AnyHandler = (first: object, claims: AccessTokenClaims, ...rest: unknown[]) => unknown;

function protectBy(identity: Authenticator | undefined, requirement: unknown, handler: unknown) {
  const own = requirementFrom(requirement, 'protect()', identity);
  if (typeof handler !== 'function') {
    throw new ConfigurationError('protect() got no handler. Write protect({ scope: … }, (request, claims) => …).');
  }
  const handle = handler as AnyHandler;
  const handleInside = async (current: VerifiedContext, first: object, rest: readonly unknown[]) => {
    await satisfy(current, own);
    return handle(first, current.claims, ...rest);
  };
  // No async function: one promise less for each request.
  return (first: object, ...rest: unknown[]): Promise<unknown> => {
    const request = fetchRequestIn(first);
    if (request === undefined) return Promise.reject(withoutRequest());
    const current = currentRequest.getStore();
    if (isInside(current, request)) return handleInside(current, first, rest);
    const handleIn = (context: AdmittedRequest) => handle(first, context.claims, ...parametersFor(context, rest, 0));
    return arrive(own, request, handleIn);
  };
}

const compilerFor = (identity: Authenticator | undefined) => requirementCompiler('authenticate()', identity);

const compilers = new WeakMap<Authenticator, ReturnType<typeof compilerFor>>();

function compilerOf(identity: Authenticator): ReturnType<typeof compilerFor> {
  const compiler = compilers.get(identity) ?? compilerFor(identity);
  compilers.set(identity, compiler);
  return compiler;
}

function identityIn(options: unknown): Authenticator | undefined {
  if (options === undefined) return undefined;
  const problem = problemWithOptions(options, ['identity']);
  if (problem !== undefined) {
    throw new ConfigurationError(`authenticate(): ${problem}. Write authenticate(request, requirement, { identity }).`);
  }
  const { identity } = options as { readonly identity?: MicrosoftIdentity | undefined };
  return identity === undefined ? undefined : authenticatorOf(identity);
}

const anyToken: RequirementOptions = Object.freeze({});

/** The functions of one configuration. */
export interface FetchFunctions {
  readonly authenticate: Authenticate;
  readonly protect: Protect;
  /**
   * Makes a verifier for `requireBearerAuth({ verifier })` of the MCP SDK.
   *
   * @param requirement - what a token has to satisfy; default: that it is valid
   * @throws ConfigurationError if the requirement is not valid
   * @example
   * ```ts
   * import { mcpTokenVerifier } from 'microsoft-identity-decorators/fetch';
   *
   * export const verifier = mcpTokenVerifier({ scope: 'access_as_user' });
   * ```
   */
  readonly mcpTokenVerifier: (requirement?: RequirementOptions) => McpTokenVerifier;
}

/** The functions, where `authenticate` takes any configuration. */
export interface FunctionsOfAny extends FetchFunctions {
  readonly authenticate: AuthenticateBy;
}

/**
 * The functions for handlers of Fetch.
 *
 * @param bound - the configuration that tokens are checked against; default: that of the process
 */
export function fetchFunctionsFor(bound?: Authenticator): FunctionsOfAny {
  const compileBound = compilerFor(bound);
  return {
    async authenticate(source: unknown, given: unknown = anyToken, options?: unknown) {
      const identity = identityIn(options);
      if (identity !== undefined && bound !== undefined && identity !== bound) {
        throw new ConfigurationError('authenticate() of one configuration got the identity of another.');
      }
      const requirement = (identity === undefined ? compileBound : compilerOf(identity))(given);
      const request = requestIn(source);
      try {
        // What a gate let the request in for stays what it was let in for.
        const check = admissionOf(request) === undefined ? enter : authenticate;
        return (await check(request, requirement, source)).token.claims;
      } catch (error) {
        throw refusalOf(error, requirement, request).refusal;
      }
    },
    protect: (requirement, handler) => protectBy(bound, requirement, handler) as never,
    mcpTokenVerifier: (given = anyToken) => verifierBy(requirementFrom(given, 'mcpTokenVerifier()', bound)),
  };
}
