/** The configuration in force, and the one behind an identity that `createMicrosoftIdentity` returned. */
import type { Authenticator, MicrosoftIdentity } from '../core/access/requirement.js';
import { ConfigurationError } from '../core/errors.js';

// Registered process-wide: the ES module and the CommonJS build may each hold one half of an application.
const authenticatorKey = Symbol.for('microsoft-identity-decorators/1:authenticator');

/** A configuration to hand out, frozen, with what it works with out of sight. */
export function bindAuthenticator<Bound extends object>(bound: Bound, authenticator: Authenticator): Readonly<Bound> {
  return Object.freeze(Object.defineProperty(bound, authenticatorKey, { value: authenticator }));
}

/**
 * What a configuration works with.
 *
 * @throws ConfigurationError where neither `initialize` nor `createMicrosoftIdentity` returned it
 */
export function authenticatorOf(identity: MicrosoftIdentity): Authenticator {
  const held = (identity as { readonly [authenticatorKey]?: Authenticator })[authenticatorKey] ?? identity;
  if ('authenticate' in held && 'settings' in held) return held as Authenticator;
  throw new ConfigurationError('identity takes what initialize() or createMicrosoftIdentity() returned.');
}
