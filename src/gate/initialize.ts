/** `initialize`: the configuration of the process. */
import type { Authenticator, MicrosoftIdentity } from '../core/access/requirement.js';
import { checkCount } from '../core/call-arguments.js';
import { optionsFromEnvironment, remarkOnNames, remarkOnUnread } from '../core/configuration/environment.js';
import type { IdentityOptions } from '../core/configuration/options.js';
import { ConfigurationError } from '../core/errors.js';
import { createIdentity, identityOf } from '../core/identity.js';
import { createOrAudit } from './audit.js';
import { explainRefusals } from './debug-output.js';
import { putInForce } from './identity-in-force.js';
import { watchNamedApis } from './named-apis.js';
import { watchRoutes } from './registered-routes.js';
import { prepareHosts } from './require-auth.js';

function optionsOfProcess(): IdentityOptions {
  const options = optionsFromEnvironment(process.env);
  if (Object.values(options).some((value) => value !== undefined)) return options;
  throw new ConfigurationError(
    'initialize: set AzureAd__TenantId and AzureAd__ClientId (or AzureAdB2C__Domain and others), or give options. ' +
      'Without a registration: npx microsoft-identity-decorators issuer.',
  );
}

function identityFromEnvironment(): Authenticator {
  try {
    return createIdentity(optionsOfProcess());
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    // Without a cause: Node would print the same sentence and a second stack.
    throw new ConfigurationError(
      `${error.message}${remarkOnNames(process.env)} Options were read from the environment; all names: docs/reference.md#environment-variables.`,
    );
  }
}

const isWithoutIds = (options: object) =>
  ['tenantId', 'clientId', 'b2c'].every((name) => Reflect.get(options, name) === undefined);

function identityFromOptions(options: IdentityOptions): Authenticator {
  try {
    return createIdentity(options);
  } catch (error) {
    // In plain JavaScript the options may be no object.
    if (!(error instanceof ConfigurationError) || Object(options) !== options || !isWithoutIds(options)) throw error;
    throw new ConfigurationError(`${error.message}${remarkOnUnread(process.env)}`);
  }
}

/**
 * Configures what this process accepts. Call it once, at bootstrap; the last call wins.
 *
 * The options are the tenant and the API's registration, B2C, or both. Without an argument they are read from the
 * environment, by the names Microsoft.Identity.Web uses; `undefined` is refused.
 *
 * @returns the configuration in force
 * @throws ConfigurationError naming the option, what it got and what it takes; the configuration in force stays in force
 * @example
 * ```ts
 * import { initialize } from 'microsoft-identity-decorators';
 *
 * initialize({ tenantId: '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2', clientId: 'de2656e6-585f-4684-8e65-3ce50a7770a8' });
 * ```
 */
export function initialize(...given: [options?: IdentityOptions]): MicrosoftIdentity {
  checkCount('initialize', given, { examples: ['', 'options'], most: 1 });
  const [options] = given;
  // Options that were looked up and not found are no decision to read the environment, which may lack a restriction.
  if (options === undefined && given.length > 0) {
    throw new ConfigurationError(
      'initialize: got undefined; it takes an object of options. To read the environment, write initialize().',
    );
  }
  return putIntoForce(createOrAudit(() => identityFrom(options), options));
}

function identityFrom(options: IdentityOptions | undefined): Authenticator {
  return options === undefined ? identityFromEnvironment() : identityFromOptions(options);
}

function putIntoForce(identity: Authenticator): MicrosoftIdentity {
  if (identity.settings.requireAuth) prepareHosts();
  putInForce(identity);
  explainRefusals();
  watchRoutes(identity);
  watchNamedApis(identity);
  return identity;
}

/**
 * Configures what this process accepts, with `requireAuth` beside the options.
 *
 * @throws ConfigurationError as {@link initialize}
 */
export function initializeWithRequireAuth(options: IdentityOptions | undefined): MicrosoftIdentity {
  const create = () => identityOf(Object.freeze({ ...identityFrom(options).settings, requireAuth: true }));
  return putIntoForce(createOrAudit(create, { ...options, requireAuth: true }));
}
