/** What happened, for whoever listens: named channels, on which nothing is said of a token's content. */
import { channel } from 'node:diagnostics_channel';

/** One request at a gate. */
export interface RequestEvent {
  /** `cached`: the token was verified before; `refused`: see `code` and `reason`. */
  readonly outcome: 'verified' | 'cached' | 'refused';
  /** Of a refusal, as on the error. */
  readonly code?: string;
  /** Of a refusal, as on the error. */
  readonly reason?: string;
  /** Of a refusal, as on the error. */
  readonly status?: number;
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
}

export const requestChannel = channel('microsoft-identity-decorators:request');
export const keysChannel = channel('microsoft-identity-decorators:keys');
export const downstreamChannel = channel('microsoft-identity-decorators:downstream');
export const explanationChannel = channel('microsoft-identity-decorators:explanation');

/** Publishes that a request was refused. */
export function publishRefused(error: unknown): void {
  const { code, reason, status } = error as { code?: string; reason?: string; status?: number };
  requestChannel.publish({
    outcome: 'refused',
    ...(code !== undefined && { code }),
    ...(reason !== undefined && { reason }),
    ...(status !== undefined && { status }),
  } satisfies RequestEvent);
}
