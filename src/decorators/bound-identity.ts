/** `createMicrosoftIdentity`: a configuration of its own, with decorators bound to it. */
import type { Authenticator, MicrosoftIdentity } from '../core/access/requirement.js';
import type { IdentityOptions } from '../core/configuration/options.js';
import { createIdentity } from '../core/identity.js';
import { explainRefusals } from '../gate/debug-output.js';
import { bindAuthenticator } from '../gate/identity-in-force.js';
import type { Decorators } from './decorators.js';

/** A configuration of its own, and decorators that hold tokens against it. */
export type BoundIdentity = MicrosoftIdentity & Decorators;

/**
 * `createMicrosoftIdentity` of one host.
 *
 * @param bind - what the host offers, bound to a configuration
 */
export function boundIdentityFor<Bound extends Decorators>(
  bind: (identity: Authenticator) => Bound,
): (options: IdentityOptions) => Readonly<Bound & MicrosoftIdentity> {
  return (options) => {
    const identity = createIdentity(options);
    explainRefusals();
    const bound = {
      ...bind(identity),
      resourceMetadata: identity.resourceMetadata,
      ready: () => identity.ready(),
      close: () => {
        identity.close();
      },
    };
    return bindAuthenticator(bound, identity);
  };
}
