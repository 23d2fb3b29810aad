/** What is published about other APIs: their tokens, and calls of them that failed. */
import {
  downstreamCallChannel,
  downstreamChannel,
  type DownstreamCallEvent,
  type DownstreamEvent,
} from '../core/channels.js';
import { AuthError, ConfigurationError } from '../core/errors.js';
import { TokenUnavailableError } from './errors.js';

/** Whether the authority gives no such token, whenever it is asked. */
export function isRefused(error: unknown): boolean {
  return (
    error instanceof ConfigurationError || (error instanceof AuthError && !(error instanceof TokenUnavailableError))
  );
}

/** The members of an event that tell of an error. */
export function failureOf(error: unknown): Pick<DownstreamEvent, 'code' | 'aadsts'> {
  const { code, aadsts } = (error ?? {}) as { readonly code?: unknown; readonly aadsts?: unknown };
  return {
    ...(isRefused(error) || error instanceof TokenUnavailableError ? { code: String(code) } : {}),
    ...(typeof aadsts === 'number' && { aadsts }),
  };
}

export function publishToken(
  { api, as }: Pick<DownstreamEvent, 'api' | 'as'>,
  event: Omit<DownstreamEvent, 'api' | 'as'>,
): void {
  if (downstreamChannel.hasSubscribers) downstreamChannel.publish({ api, as, ...event } satisfies DownstreamEvent);
}

export function publishFailedCall(event: DownstreamCallEvent): void {
  if (downstreamCallChannel.hasSubscribers) downstreamCallChannel.publish(event);
}
