/** Tokens for other APIs whose authority, store and clock a spec plays. */
import type { AcquiredToken, TokenRequest } from '../../src/downstream/acquire-token.js';
import type { TokenStore } from '../../src/core/configuration/token-store.js';
import {
  DownstreamTokens,
  type AppTokenRequest,
  type UserTokenRequest,
} from '../../src/downstream/downstream-tokens.js';
import { hour, until } from './clock.js';
import { timedClock, type TimedClock } from './timer.js';

export const tenant = '22222222-2222-4222-8222-222222222222';

const app: AppTokenRequest = {
  api: 'graph',
  tenant,
  scopes: ['https://graph.microsoft.com/.default'],
};

/** A token request of the application itself, with what differs. */
export const ofApp = (differs: Partial<AppTokenRequest> = {}): AppTokenRequest => ({ ...app, ...differs });

/** A token request in the name of a user. */
export function ofUser(
  name: string,
  clock: Pick<TimedClock, 'now'>,
  differs: Partial<UserTokenRequest> = {},
): UserTokenRequest {
  return {
    ...app,
    scopes: ['https://graph.microsoft.com/User.Read'],
    assertionOf: () => `header.payload-of-${name}.signature`,
    digest: `digest-of-${name}`.padEnd(44, '='),
    assertionExpiresAtMs: clock.now() + 2 * hour,
    ...differs,
  };
}

/** A request that the authority got, and its answer to be given. */
export interface Asked extends TokenRequest {
  readonly signal: AbortSignal;
  readonly answer: (token?: Partial<AcquiredToken>) => void;
  readonly fail: (error: Error) => void;
}

/** What became of a promise, or of a value: a rejection is an outcome. */
export async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return error;
  }
}

export interface Played {
  readonly tokens: DownstreamTokens;
  readonly clock: TimedClock;
  /** The requests that the authority got, in their order. */
  readonly asked: Asked[];
  /** Waits until the authority got as many requests, and returns the last. */
  readonly untilAsked: (count: number) => Promise<Asked>;
  /** The outcome of a call, which the authority answers. */
  readonly obtain: (call: () => unknown, token?: Partial<AcquiredToken>) => Promise<unknown>;
  readonly close: (reason?: Error) => void;
}

/** Tokens of one process. Each answer of the authority is a token of its own, where a spec gives none. */
export function play(
  options: { readonly store?: TokenStore; readonly clock?: TimedClock; readonly maxEntries?: number } = {},
): Played {
  const { store, clock = timedClock(), maxEntries = 100 } = options;
  const closing = new AbortController();
  const asked: Asked[] = [];
  const acquire = (request: TokenRequest, signal: AbortSignal) =>
    new Promise<AcquiredToken>((resolve, reject) => {
      const token = `token-${String(asked.length + 1)}`;
      asked.push({
        ...request,
        signal,
        answer: (differs) => {
          resolve({ token, expiresInSeconds: 3600, refreshInSeconds: undefined, ...differs });
        },
        fail: (error) => {
          reject(error);
        },
      });
    });
  const tokens = new DownstreamTokens({
    acquire,
    store,
    maxEntries,
    now: clock.now,
    closing: closing.signal,
    clientId: '11111111-1111-4111-8111-111111111111',
    instance: 'https://login.microsoftonline.com',
    timer: clock.timer,
  });
  const untilAsked = async (count: number) => {
    await until(() => asked.length >= count);
    const last = asked[count - 1];
    if (last === undefined) throw new Error('The authority was not asked.');
    return last;
  };
  return {
    tokens,
    clock,
    asked,
    untilAsked,
    obtain: async (call, token) => {
      const next = asked.length + 1;
      const outcome = outcomeOf(call);
      (await untilAsked(next)).answer(token);
      return outcome;
    },
    close: (reason) => {
      closing.abort(reason ?? new Error('The identity was closed.'));
    },
  };
}

/** Waits for a real server, at most ten seconds. */
export async function eventually<T>(look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`waited in vain for ${look.toString()}`);
}

/** Tokens of one process by the system's clock, with an authority that answers after a while. */
export function playOnSystemClock(store: TokenStore, latencyMs = 0) {
  const asked: TokenRequest[] = [];
  const tokens = new DownstreamTokens({
    acquire: async (request) => {
      asked.push(request);
      await new Promise((resolve) => setTimeout(resolve, latencyMs));
      const token = `token-${String(asked.length)}-of-${String(request.assertion)}`;
      return { token, expiresInSeconds: 3600, refreshInSeconds: undefined };
    },
    store,
    maxEntries: 1000,
    now: Date.now,
    closing: new AbortController().signal,
    clientId: '11111111-1111-4111-8111-111111111111',
    instance: 'https://login.microsoftonline.com',
  });
  return { tokens, asked };
}
