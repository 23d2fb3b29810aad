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

/** Why a request was refused, and what to do about it. */
export interface Explanation {
  /** A stable name of the mistake. */
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
