/** What happened, for whoever listens: named channels. Of a token they have nothing, except for identifiers that an option asks for. */
import { channel } from 'node:diagnostics_channel';

/** One decision about a request: at its gate, or by code after the gate that refuses it. */
export interface RequestEvent {
  /** `cached`: the token was verified before; `refused`: see `code` and `reason`. */
  readonly outcome: 'verified' | 'cached' | 'refused';
  /** Of a refusal, as on the error. */
  readonly code?: string;
  /** Of a refusal, as on the error. */
  readonly reason?: string;
  /** Of a refusal, as on the error. */
  readonly status?: number;
  /**
   * `Class.method`; for a middleware or a function, the path of the request without its query. Undefined if neither is known.
   */
  readonly route?: string;
  /** The request was let in before, by an earlier middleware or by its gate: it has an event already. */
  readonly repeated?: true;
  /** How long the check took. Undefined if the code of a route refused the request after it. */
  readonly milliseconds?: number;
  /** The tenant of a caller that was let in, only with the option `diagnostics: { identifiers: true }`. */
  readonly tid?: string;
  /** The person or the application that was let in, only with that option. */
  readonly oid?: string;
  /** The client application of a caller that was let in, only with that option. Of v1.0 tokens: `appid`. */
  readonly azp?: string;
}

/** One attempt to load a document of an issuer. */
export interface KeysEvent {
  readonly outcome: 'loaded' | 'failed';
  readonly document: 'configuration' | 'keys';
  /** The OpenID configuration that was followed, as configured. */
  readonly metadataUrl: string;
}

/** One token for another API: handed out, found or asked for. Names no user, no tenant and no scope. */
export interface DownstreamEvent {
  /** The name of the API, as configured. */
  readonly api: string;
  /** In whose name the API is called. */
  readonly as: 'user' | 'application';
  /** Who answered: this process, the store that several processes share, or the authority. */
  readonly source: 'memory' | 'store' | 'authority';
  /**
   * `obtained`: there is a token; `refused`: the authority gives none, see `code`; `failed`: the source did not answer as it
   * should.
   */
  readonly outcome: 'obtained' | 'refused' | 'failed';
  /** Of a refusal or a failure: the `code` of the error. A failure of the store has none. */
  readonly code?: string;
  /** The number that Entra gives the failure (`AADSTS…`). */
  readonly aadsts?: number;
  /** How long the source took. */
  readonly milliseconds: number;
}

/**
 * One call of another API that failed: the API answered a verb of `DownstreamApi` with a status outside 2xx or with a body
 * that is not JSON, or did not answer at all. Has nothing of the path, of the answer and of the caller.
 */
export interface DownstreamCallEvent {
  /** The name of the API, as configured. */
  readonly api: string;
  /** In whose name the API was called. */
  readonly as: 'user' | 'application';
  readonly method: string;
  /** What the API answered. Undefined: it did not answer. */
  readonly status?: number;
  /**
   * Why there was no answer: no time left, no address of the host, a connection that was refused, impossible or broke, TLS,
   * an answer that is not HTTP, or an abort by the option `fetch`. `not_json`: a status within 2xx, and another body.
   * Undefined: the status is the reason, or the error has no code that is known.
   */
  readonly reason?:
    'timeout' | 'dns' | 'refused' | 'unreachable' | 'reset' | 'tls' | 'malformed' | 'aborted' | 'not_json';
  /** How long the call took, without its token. */
  readonly milliseconds: number;
}

/** Why a request was refused, or why there is no token for another API, and what to do about it. */
export interface Explanation {
  /** A stable name of the mistake, or the number that Entra gives it, such as `AADSTS65001`. */
  readonly code: string;
  /** What to change, in words. Holds nothing of the token. */
  readonly hint: string;
  readonly status: number;
  /** The error's `code`. */
  readonly error: string;
  readonly reason?: string | undefined;
  /** What was called: `Orders.list`, or the name of a middleware or a function. Undefined if it is not known. */
  readonly route?: string | undefined;
  /** The method and the path of the request, without its query: `GET /orders/7`. Undefined if they are not known. */
  readonly request?: string | undefined;
}

export const requestChannel = channel('microsoft-identity-decorators:request');
export const keysChannel = channel('microsoft-identity-decorators:keys');
export const downstreamChannel = channel('microsoft-identity-decorators:downstream');
export const downstreamCallChannel = channel('microsoft-identity-decorators:downstream-call');
export const explanationChannel = channel('microsoft-identity-decorators:explanation');
