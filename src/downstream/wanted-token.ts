/** Which token is asked for, and by which text it is found again. */
import type { DownstreamEvent } from '../core/channels.js';
import { authorityOf } from './authority.js';

/** A token of the application itself. */
export interface AppTokenRequest {
  /** The name of the API, as configured. */
  readonly api: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
  /** The claims that the token must have. What is kept is then not used, and is replaced. */
  readonly claims?: string | undefined;
}

/** A token in a user's name. */
export interface UserTokenRequest extends AppTokenRequest {
  /**
   * The verified token of the user. It is read where a token is to be obtained, and not where one is kept.
   *
   * A function and not a getter: V8 gives each object with a getter of its own a layout of its own, which costs a request
   * 10 µs.
   *
   * @throws MissingTokenError where it is gone
   */
  readonly assertionOf: () => string;
  /** Its SHA-256 digest, as the verifier computed it. */
  readonly digest: string;
  /** When it expires, in milliseconds since the epoch. */
  readonly assertionExpiresAtMs: number;
}

/** A token in a user's name, with the token of that user. */
export interface WantedForUser extends Omit<UserTokenRequest, 'assertionOf'> {
  readonly assertion: string;
}

/** A token that was asked for, by everything that it depends on. */
export interface WantedToken extends AppTokenRequest {
  readonly as: DownstreamEvent['as'];
  readonly authority: string;
  /** All that it depends on, in one text: what waits for it, or refused it, is found by that. */
  readonly key: string;
  readonly user: WantedForUser | undefined;
}

/** One text for scopes in whatever order. */
export function textOf(scopes: readonly string[]): string {
  return scopes.length === 1 ? (scopes[0] ?? '') : [...scopes].sort().join(' ');
}

/** In whose name a token is. */
export function asOf(user: object | undefined): DownstreamEvent['as'] {
  return user === undefined ? 'application' : 'user';
}

/** For whom a token is kept: for the bearer of a token of a user, or for the application. */
export function ownerOf(
  { tenant }: { readonly tenant: string },
  user: { readonly digest: string } | undefined,
): string {
  return user === undefined ? `application ${tenant}` : user.digest;
}

/** One text for all that tells a token apart: a digest has no blank, a tenant neither. */
export function keyOf(request: AppTokenRequest, user: UserTokenRequest | undefined): string {
  return `${user === undefined ? 'application' : user.digest} ${request.tenant} ${textOf(request.scopes)}`;
}

function withAssertion({ assertionOf, ...user }: UserTokenRequest): WantedForUser {
  return { ...user, assertion: assertionOf() };
}

export function wantedOf(instance: string, request: AppTokenRequest, user: UserTokenRequest | undefined): WantedToken {
  const { api, tenant, scopes, claims } = request;
  const authority = authorityOf(instance, tenant);
  const key = keyOf(request, user);
  // The assertion is read now, because the request that carries it may be gone when it is used.
  return { api, authority, tenant, scopes, claims, key, user: user && withAssertion(user), as: asOf(user) };
}

/** Calls that ask for claims share a flight with those that ask for the same claims alone. */
export function flightKeyOf({ key, claims }: WantedToken): string {
  return claims === undefined ? key : `${key}\n${claims}`;
}
