/** Calls of another API, with a token for the caller of a request or for this application. */
import { unlessAborted, withinTime, type AbortSignalLike } from '../core/abort.js';
import { andThen, isThenable } from '../core/awaited.js';
import type { DownstreamApiSettings } from '../core/configuration/settings.js';
import { ConfigurationError } from '../core/errors.js';
import { noteFailedCall } from '../gate/failed-call.js';
import { isRefusal } from '../gate/refusal.js';
import { apiUrl, originOf } from './api-url.js';
import { challengedClaims, decodeClaims } from './challenged-claims.js';
import { discardBody, readJson } from './downstream-answer.js';
import { bodyOf, requestOf, type DownstreamRequest } from './downstream-request.js';
import { publishFailedCall } from './downstream-events.js';
import { DownstreamError, TokenUnavailableError } from './errors.js';
import { reasonOf, reasonOfCause } from './failed-call-reason.js';
import type { DownstreamToken } from './token-life.js';
import type { TokenSource } from './token-source.js';
import { withoutSecrets } from './without-secrets.js';

/** What the verbs of a {@link DownstreamApi} take beside path and body: as `fetch` does. */
export type DownstreamInit = Omit<RequestInit, 'method' | 'body'>;

/** A token as Azure SDK clients take it. */
export interface DownstreamAccessToken {
  readonly token: string;
  /** When it ends, in milliseconds since the epoch. */
  readonly expiresOnTimestamp: number;
}

/** A call, and how its answer is read. */
interface Exchange<T> {
  readonly url: string;
  readonly request: DownstreamRequest;
  readonly read: (response: Response, token: string) => T | Promise<T>;
  /** Whether the body is read by the caller, after the exchange. */
  readonly leavesBody: boolean;
}

/** Whether an answer is the API's own: a redirect leads to any origin, and one of another got no token. */
const isFromApi = ({ redirected, url }: Response, asked: string) =>
  !redirected || new URL(url).origin === new URL(asked).origin;

/** What came of sending a call: its answer, or the claims that the API asks for first. */
type Sent<T> = { readonly answer: T } | { readonly claims: string };

function withToken(headers: Headers, token: string): Headers {
  const result = new Headers(headers);
  try {
    result.set('Authorization', `Bearer ${token}`);
  } catch {
    // The message of what was thrown shows the token.
    throw new TokenUnavailableError({ message: 'The authority gave a token that is no header value.' });
  }
  return result;
}

const noAnswerWithin = (milliseconds: number) =>
  new DOMException(`There was no answer within ${String(milliseconds)} ms.`, 'TimeoutError');

/** The error for a call that got no answer. Its message, which production logs, has nothing of the cause but one word. */
function noAnswer(api: string, cause: Error): DownstreamError {
  const reason = reasonOfCause(cause);
  return new DownstreamError({
    api,
    cause,
    ...(reason !== undefined && { message: `The API ${api} did not answer (${reason}).` }),
  });
}

/** A client of an Azure SDK keeps the token it gets, so it must not get one from an object that serves all requests. */
function unboundError(source: TokenSource): ConfigurationError {
  const { name } = source.settings();
  const [subject, bound] =
    source.as === 'user'
      ? [`onBehalfOf('${name}') serves many users`, `@OnBehalfOf('${name}') or with onBehalfOf('${name}', request)`]
      : [
          `asApplication('${name}') with tenantId 'caller' serves many tenants`,
          `@AsApplication('${name}') or with the id of the tenant as tenantId`,
        ];
  return new ConfigurationError(
    `${subject}, and a client of an Azure SDK keeps the token of one. Create both in the request, or the client with a ` +
      `parameter ${bound}.`,
  );
}

const textOf = ({ token }: DownstreamToken) => token;

const creation = Symbol('creation');
let create: (source: TokenSource) => DownstreamApi;
let sourceIn: (api: object) => TokenSource | undefined;

// The ES module and the CommonJS build each define the class. `instanceof` holds for an object of either, so that a
// framework that checks or converts parameters by their class leaves it as it is.
const brand = Symbol.for('microsoft-identity-decorators/1:downstream-api');

/**
 * Another API, called with a token on behalf of the caller or of this application itself.
 *
 * Comes from `@OnBehalfOf`, `@AsApplication`, `onBehalfOf` and `asApplication`. A class so that a decorated parameter
 * survives every compiler. It is an Azure SDK `TokenCredential`, an `AuthenticationProvider` of the Graph client and has
 * the method of Kiota's `AccessTokenProvider`. No token is kept in it.
 *
 * Paths are below the `baseUrl` of the API; any other is a ConfigurationError, and nothing is sent. All methods throw the
 * errors of the token: MissingTokenError, ClaimsChallengeError, ConsentRequiredError, InteractionRequiredError,
 * TokenUnavailableError.
 *
 * @example
 * ```ts
 * import { onBehalfOf } from 'microsoft-identity-decorators';
 *
 * const graph = onBehalfOf('graph');
 * export const myName = async () => (await graph.get<{ displayName: string }>('/me')).displayName;
 * ```
 */
export class DownstreamApi {
  static {
    create = (source) => new this(creation, source);
    sourceIn = (api) => (#source in api ? api.#source : undefined);
    Object.defineProperty(this.prototype, brand, { value: true });
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value;
  }

  readonly #source: TokenSource;

  private constructor(key: typeof creation, source: TokenSource) {
    if (key !== creation) {
      throw new ConfigurationError(
        'DownstreamApi is not created with new. Call onBehalfOf(name) or asApplication(name), or decorate a parameter ' +
          'with @OnBehalfOf(name) or @AsApplication(name).',
      );
    }
    this.#source = source;
  }

  /**
   * Calls the API as the global `fetch` does. A status is never an error. If the API answers 401 and asks for claims, it is
   * called once more with a token that has them, unless the body is a stream.
   *
   * @param path - below `baseUrl`, with its query
   * @param init - as of `fetch`; a header `Authorization`, `Cookie` or `Host` is refused
   * @returns the answer; the time limit of the API ends with its headers
   * @throws DownstreamError if there is no answer
   */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return this.#addressed(() => {
      const settings = this.#source.settings();
      return this.#exchange(settings, {
        url: apiUrl(settings, path),
        request: requestOf(settings, init),
        read: (response) => response,
        leavesBody: true,
      });
    });
  }

  /**
   * Gets JSON.
   *
   * @returns the parsed body; undefined for an empty one
   * @throws DownstreamError if there is no answer, if its status is outside 2xx, or if its body is not JSON. For anything
   *   but JSON, call {@link DownstreamApi.fetch}
   */
  get<T = unknown>(path: string, init: DownstreamInit = {}): Promise<T> {
    return this.#json('GET', path, undefined, init);
  }

  /**
   * Deletes.
   *
   * @returns the parsed body; undefined for an empty one
   * @throws DownstreamError as {@link DownstreamApi.get} does
   */
  delete<T = unknown>(path: string, init: DownstreamInit = {}): Promise<T> {
    return this.#json('DELETE', path, undefined, init);
  }

  /**
   * Posts a body.
   *
   * @param body - strings, bytes, Blob, FormData, URLSearchParams and streams as they are; anything else as JSON
   * @returns the parsed body of the answer; undefined for an empty one
   * @throws DownstreamError as {@link DownstreamApi.get} does
   */
  post<T = unknown>(path: string, body?: unknown, init: DownstreamInit = {}): Promise<T> {
    return this.#json('POST', path, body, init);
  }

  /** Puts a body; see {@link DownstreamApi.post}. */
  put<T = unknown>(path: string, body?: unknown, init: DownstreamInit = {}): Promise<T> {
    return this.#json('PUT', path, body, init);
  }

  /** Patches with a body; see {@link DownstreamApi.post}. */
  patch<T = unknown>(path: string, body?: unknown, init: DownstreamInit = {}): Promise<T> {
    return this.#json('PATCH', path, body, init);
  }

  /**
   * A token for a client of an Azure SDK, whose `TokenCredential` this is.
   *
   * A client keeps the token it gets. So a constant that is for the caller, or the caller's tenant, of whichever request runs
   * gives none for scopes of a client: a client that several requests share would call for one with the token of another.
   *
   * @param scopes - default: those of the API
   * @param options - `claims`: a claims request that the token must satisfy, caches are skipped; `abortSignal` ends the wait
   * @throws ConfigurationError if scopes are given, and the object is neither bound to a request nor created in the one that
   *   runs
   */
  getToken(
    scopes?: string | readonly string[],
    { claims, abortSignal }: { readonly claims?: string; readonly abortSignal?: AbortSignalLike } = {},
  ): Promise<DownstreamAccessToken> {
    return this.#addressed(() => {
      if (scopes !== undefined && !this.#source.isBound) {
        throw unboundError(this.#source);
      }
      const list = typeof scopes === 'string' ? [scopes] : scopes;
      return andThen(this.#token({ scopes: list, claims }, abortSignal), ({ token, expiresAtMs }) => ({
        token,
        expiresOnTimestamp: expiresAtMs,
      }));
    });
  }

  /**
   * A token for the Graph client, whose `AuthenticationProvider` this is. The client asks for one at each call.
   *
   * @param options - `scopes`; default: those of the API
   */
  getAccessToken({ scopes }: { readonly scopes?: readonly string[] } = {}): Promise<string> {
    return this.#addressed(() => andThen(this.#token({ scopes }), textOf));
  }

  /**
   * A token for a client that Kiota made, as its `AccessTokenProvider` has it.
   *
   * @param url - of the call
   * @param context.claims - of a claims challenge, in base64
   * @returns an empty string for a URL of another origin than that of `baseUrl`, and for one with user information
   */
  getAuthorizationToken(url?: string, context: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return this.#addressed(() => {
      const { baseUrl } = this.#source.settings();
      const origin = originOf(baseUrl);
      if (origin === undefined || originOf(url) !== origin) return '';
      const claims = typeof context['claims'] === 'string' ? decodeClaims(context['claims']) : undefined;
      return andThen(this.#token({ claims }), textOf);
    });
  }

  #json<T>(method: string, path: string, given: unknown, init: DownstreamInit): Promise<T> {
    return this.#addressed(() => {
      const settings = this.#source.settings();
      const { body, type } = bodyOf(given, settings);
      const defaults = { accept: 'application/json', ...(type !== undefined && { 'content-type': type }) };
      return this.#exchange(settings, {
        url: apiUrl(settings, path),
        request: requestOf(settings, { ...init, method, ...(body !== undefined && { body }) }, defaults),
        read: (response, token) => readJson(response, { api: settings.name, token }) as Promise<T>,
        leavesBody: false,
      });
    });
  }

  async #exchange<T>(settings: DownstreamApiSettings, exchange: Exchange<T>, claims?: string): Promise<T> {
    const sent = await this.#send(settings, exchange, claims);
    return 'answer' in sent ? sent.answer : this.#exchange(settings, exchange, sent.claims);
  }

  async #send<T>(
    settings: DownstreamApiSettings,
    { url, request, read, leavesBody }: Exchange<T>,
    claims: string | undefined,
  ): Promise<Sent<T>> {
    const { fetch, as } = this.#source;
    const callers = request.init.signal ?? undefined;
    const { token } = await this.#token({ claims }, callers);
    const headers = withToken(request.headers, token);
    // Once: the second 401 is the answer.
    const mayAskForClaims = claims === undefined && request.isRepeatable;
    const startedAtMs = performance.now();
    try {
      const { timeoutMs } = settings;
      return await withinTime(
        timeoutMs,
        () => noAnswerWithin(timeoutMs),
        callers,
        async (ends) => {
          // The caller's signal ends a body that the caller reads.
          const signal = leavesBody && callers !== undefined ? AbortSignal.any([callers, ends]) : ends;
          const response = await fetch(url, { ...request.init, headers, signal });
          const challenged =
            mayAskForClaims && response.status === 401 && isFromApi(response, url)
              ? challengedClaims(response.headers.get('WWW-Authenticate'))
              : undefined;
          if (challenged === undefined) return { answer: await read(response, token) };
          discardBody(response);
          return { claims: challenged };
        },
      );
    } catch (error) {
      if (callers?.aborted === true || (isRefusal(error) && !(error instanceof DownstreamError))) throw error;
      const failure =
        error instanceof DownstreamError ? error : noAnswer(settings.name, withoutSecrets([token], error));
      const method = (request.init.method ?? 'GET').toUpperCase();
      const status = failure.response?.status;
      const reason = reasonOf(failure);
      const milliseconds = performance.now() - startedAtMs;
      publishFailedCall({
        api: settings.name,
        as,
        method,
        ...(status !== undefined && { status }),
        ...(reason !== undefined && { reason }),
        milliseconds,
      });
      noteFailedCall(failure, { method, pathname: new URL(url).pathname });
      throw failure;
    }
  }

  #token(options: Parameters<TokenSource['token']>[0], signal?: AbortSignalLike) {
    if (signal === undefined) return this.#source.token(options);
    return unlessAborted(signal, async () => this.#source.token(options));
  }

  /** A token that is kept is there without a promise: each one costs about as much as the look-up. */
  async #addressed<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      const result = work();
      return isThenable(result) ? await result : result;
    } catch (error) {
      throw this.#source.addressed(error);
    }
  }
}

/** The API that a source of tokens is for. */
export const downstreamApi = (source: TokenSource): DownstreamApi => create(source);

/** The source of a value that is an API; undefined for any other value. */
export const sourceOf = (value: unknown): TokenSource | undefined =>
  typeof value === 'object' && value !== null ? sourceIn(value) : undefined;
