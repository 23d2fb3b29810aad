/** What a DownstreamApi asks of those who create it. */
import { currentRequest, originalContext } from '../core/access/current-request.js';
import type { DownstreamApiSettings } from '../core/configuration/settings.js';
import type { DownstreamToken } from './token-life.js';

/** Which token is asked for. */
export interface TokenOptions {
  /** Default: those of the API. */
  readonly scopes?: readonly string[] | undefined;
  /** A claims request that the token must satisfy; caches are skipped. */
  readonly claims?: string | undefined;
}

/** Where a DownstreamApi gets its tokens. */
export interface TokenSource {
  /** Whose rights the tokens carry. */
  readonly as: 'user' | 'application';
  /** Whether all calls are for one caller or tenant. False: each call is for that of the request that runs. */
  readonly isBound: boolean;
  /** Sends the calls. */
  readonly fetch: typeof globalThis.fetch;
  /** The API. @throws ConfigurationError if there is none of its name */
  settings(): DownstreamApiSettings;
  /** A token for the API. */
  token(options: TokenOptions): DownstreamToken | Promise<DownstreamToken>;
  /** The error itself, addressed to the caller for whom the token is, where it is a refusal. */
  addressed(error: unknown): unknown;
}

/** What stands for the running request. */
function runningRequest(): object | undefined {
  const context = currentRequest.getStore();
  return context?.requirement === undefined ? context : originalContext(context);
}

/** Whether the request runs in which this was called: what was created in it, and is used in it, is for one caller. */
export function sameRequest(): () => boolean {
  const request = runningRequest();
  return () => request !== undefined && request === runningRequest();
}

/**
 * A source that looks up, at each use, which one it stands for.
 *
 * @param isBound - whether all that it can stand for is for one caller or tenant
 */
export function runningSource(
  as: TokenSource['as'],
  isBound: () => boolean,
  current: () => Omit<TokenSource, 'as' | 'isBound'>,
): TokenSource {
  return {
    as,
    get isBound() {
      return isBound();
    },
    fetch: (...sent) => current().fetch(...sent),
    settings: () => current().settings(),
    token: (options) => current().token(options),
    addressed: (error) => current().addressed(error),
  };
}
