/** `createMicrosoftIdentity`: a configuration beside that of the process, with decorators bound to it. */
import type { Authenticator, MicrosoftIdentity } from '../core/access/requirement.js';
import { checkCount } from '../core/call-arguments.js';
import { ConfigurationError } from '../core/errors.js';
import type { IdentityOptions } from '../core/configuration/options.js';
import { createIdentity } from '../core/identity.js';
import { createOrAudit } from '../gate/audit.js';
import { explainRefusals } from '../gate/debug-output.js';
import { bindAuthenticator } from '../gate/identity-in-force.js';
import type { Decorators } from './decorators.js';

/**
 * Makes the `createMicrosoftIdentity` of one host.
 *
 * @param bind - makes the decorators of the host, bound to a configuration
 */
export function boundIdentityFor<Bound extends Decorators>(
  bind: (identity: Authenticator) => Bound,
): (options: IdentityOptions) => Readonly<Bound & MicrosoftIdentity> {
  return (...given) => {
    checkCount('createMicrosoftIdentity', given, { examples: ['options'], most: 1 });
    const [options] = given;
    const identity = createOrAudit(() => createIdentity(options), options);
    if (identity.settings.requireAuth) {
      throw new ConfigurationError(
        'createMicrosoftIdentity: requireAuth: is an option of initialize(). ' +
          'A route without a decorator belongs to the configuration of the process.',
      );
    }
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
