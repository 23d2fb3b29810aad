/** The configuration in force, and the authenticator of each configuration that `createMicrosoftIdentity` returned. */
import type { Authenticator, MicrosoftIdentity, Requirement } from '../core/access/requirement.js';
import { ConfigurationError } from '../core/errors.js';
import { processWide } from '../core/process-wide.js';

const inForce = processWide<{ identity: Authenticator | undefined }>('identity-in-force', () => ({
  identity: undefined,
}));

/** The configuration that the last `initialize` created; undefined before the first. */
export function identityInForce(): Authenticator | undefined {
  return inForce.identity;
}

/** Puts a configuration in force for the whole process. */
export function putInForce(identity: Authenticator | undefined): void {
  inForce.identity = identity;
}

/** The configuration that a requirement is held against. */
export function identityFor(requirement: Requirement | undefined): Authenticator | undefined {
  return requirement?.identity ?? identityInForce();
}

/** The authenticator of each configuration that `createMicrosoftIdentity` returned. */
const authenticators = processWide('authenticators', () => new WeakMap<object, Authenticator>());

/** Freezes a configuration that is handed out, and keeps its authenticator. */
export function bindAuthenticator<Bound extends object>(bound: Bound, authenticator: Authenticator): Readonly<Bound> {
  authenticators.set(bound, authenticator);
  return Object.freeze(bound);
}

/**
 * The authenticator of a configuration.
 *
 * @throws ConfigurationError if neither `initialize` nor `createMicrosoftIdentity` returned it
 */
export function authenticatorOf(identity: MicrosoftIdentity): Authenticator {
  const held: unknown = authenticators.get(identity) ?? identity;
  const isObject = typeof held === 'object' && held !== null;
  if (isObject && 'authenticate' in held && 'settings' in held) return held as Authenticator;
  throw new ConfigurationError('identity takes what initialize() or createMicrosoftIdentity() returned.');
}
