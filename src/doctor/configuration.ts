/** The configuration that a token is checked against, and its source. */
import { readEnvironment, remarkOnNames } from '../core/configuration/environment.js';
import { parseSettings } from '../core/configuration/parse-settings.js';
import type { Settings } from '../core/configuration/settings.js';
import { ConfigurationError } from '../core/errors.js';
import { identityInForce } from '../gate/identity-in-force.js';
import type { TokenArguments } from './arguments.js';
import { loadModule } from './modules.js';
import { UsageError, type Terminal } from './terminal.js';

/** Settings, and their source. */
export interface Configuration {
  readonly settings: Settings;
  readonly origin: string;
}

async function fromModule(module: string, cwd: string): Promise<Configuration> {
  await loadModule(module, cwd);
  const identity = identityInForce();
  if (identity === undefined) throw new UsageError(`${module} does not call initialize().`);
  return { settings: identity.settings, origin: `initialize() in ${module}` };
}

const flags: ReadonlyMap<string, string> = new Map([
  ['tenantId', '--tenant-id'],
  ['clientId', '--client-id'],
  ['audience', '--audience'],
  ['instance', '--instance'],
  ['ownSigningKey', '--own-signing-key'],
  ['allowedTenants', '--allowed-tenants'],
  ['b2c.domainName', '--b2c-domain'],
  ['b2c.policies', '--b2c-policy'],
  ['b2c.tenantId', '--b2c-tenant-id'],
  ['b2c.clientId', '--b2c-client-id'],
]);

/** A message about options, with the flags by which they were given. */
const withFlags = (message: string) =>
  message.replace(/^initialize: /, '').replace(/\b(?:b2c\.)?[A-Za-z]+\b/g, (name) => flags.get(name) ?? name);

/**
 * Finds the configuration: in options of the command line, in a module that calls `initialize`, or else in the
 * environment.
 *
 * @throws UsageError if there is none, or if it is wrong
 */
export async function configurationFor(
  given: TokenArguments['configuration'],
  terminal: Terminal,
): Promise<Configuration> {
  if (given !== undefined && 'module' in given) return fromModule(given.module, terminal.cwd);
  const { fetch, now, env } = terminal;
  const origin = given === undefined ? 'the environment' : 'the command line';
  try {
    return { settings: parseSettings({ ...(given ?? readEnvironment(env)), fetch, now }), origin };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    if (given !== undefined) throw new UsageError(withFlags(error.message));
    const others =
      ' Or give --tenant-id and --client-id, or --config; see --help. If the variables are in a file, run ' +
      'node --env-file=<file> node_modules/microsoft-identity-decorators/dist/esm/bin.js doctor';
    throw new UsageError(`The configuration was read from ${origin}. ${error.message}${remarkOnNames(env)}${others}`);
  }
}
