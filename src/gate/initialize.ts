/** `initialize`: the configuration of the process. */
import type { Authenticator, MicrosoftIdentity } from '../core/access/requirement.js';
import { checkCount } from '../core/call-arguments.js';
import {
  readEnvironment,
  remarkOnNames,
  remarkOnUnread,
  unreadRestrictions,
} from '../core/configuration/environment.js';
import type { IdentityOptions } from '../core/configuration/options.js';
import { ConfigurationError } from '../core/errors.js';
import { createIdentity, identityOf } from '../core/identity.js';
import { createOrAudit, isAuditRunning } from './audit.js';
import { explainRefusals } from './debug-output.js';
import { putInForce } from './identity-in-force.js';
import { watchNamedApis } from './named-apis.js';
import { warnDeveloper } from './refusal.js';
import { watchRoutes } from './registered-routes.js';
import { prepareHosts } from './require-auth.js';

function optionsOfProcess(): IdentityOptions {
  const options = readEnvironment(process.env);
  if (Object.keys(options).length > 0) return options;
  throw new ConfigurationError(
    'initialize: set AzureAd__TenantId and AzureAd__ClientId (or AzureAdB2C__Domain and others), or give options. ' +
      'Without a registration: npx microsoft-identity-decorators issuer.',
  );
}

/** What is made of the environment. A refusal tells that it was read. */
function ofEnvironment<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    // Without a cause: Node would print the same sentence and a second stack.
    throw new ConfigurationError(
      `${error.message}${remarkOnNames(process.env)} Options were read from the environment; all names: docs/reference.md#environment-variables.`,
    );
  }
}

const identityFromEnvironment = () => ofEnvironment(() => createIdentity(optionsOfProcess()));

/**
 * The options that `initialize()` without an argument reads from the environment, for a call that adds others: a store, a
 * time limit, a check. Without it, `initialize(options)` reads no variable, and so no restriction either.
 *
 * An option that no variable sets is no member. `downstream` is one where `DownstreamApis__…` names an API.
 *
 * @throws ConfigurationError naming the variable that is not known, is blank or contradicts another one, or if none is set
 * @example
 * ```ts
 * import { initialize, optionsFromEnvironment } from 'microsoft-identity-decorators';
 *
 * const options = optionsFromEnvironment();
 * initialize({ ...options, downstream: options.downstream && { ...options.downstream, maxEntries: 1_000 } });
 * ```
 */
export function optionsFromEnvironment(...given: []): IdentityOptions {
  checkCount('optionsFromEnvironment', given, { examples: [''], most: 0 });
  try {
    return ofEnvironment(optionsOfProcess);
  } catch (error) {
    // An audit loads the application without its settings.
    if (isAuditRunning() && error instanceof ConfigurationError) return {};
    throw error;
  }
}

const isWithoutIds = (options: object) =>
  ['tenantId', 'clientId', 'b2c'].every((name) => Reflect.get(options, name) === undefined);

function identityFromOptions(options: IdentityOptions): Authenticator {
  try {
    const identity = createIdentity(options);
    for (const warning of unreadRestrictions(process.env, identity.settings)) {
      warnDeveloper(new ConfigurationError(warning));
    }
    return identity;
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
 * environment, by the names Microsoft.Identity.Web uses; `undefined` is refused. To add options to those of the
 * environment, spread {@link optionsFromEnvironment}.
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
