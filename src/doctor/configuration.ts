/** The configuration a token is held against, wherever it was written down. */
import { ConfigurationError } from '../core/errors.js';
import { isExternalIdHost, type IdentityOptions } from '../core/options.js';
import { optionsFromEnvironment, parseSettings, type EntraSettings, type Settings } from '../core/settings.js';
import { state } from '../core/state.js';
import type { TokenArguments } from './arguments.js';
import { loadModule } from './modules.js';
import { UsageError, type Terminal } from './terminal.js';

/** Settings, and where they were found. */
export interface Configuration {
  readonly settings: Settings;
  readonly origin: string;
}

async function fromModule(module: string, cwd: string): Promise<Configuration> {
  await loadModule(module, cwd);
  if (state.identity === undefined) throw new UsageError(`${module} does not call initialize().`);
  return { settings: state.identity.settings, origin: `initialize() in ${module}` };
}

/**
 * Finds the configuration: in options given on the command line, in a module that calls `initialize`, or else in the
 * environment.
 *
 * @throws UsageError where there is none, or where it is wrong
 */
export async function configurationFor(
  given: TokenArguments['configuration'],
  terminal: Terminal,
): Promise<Configuration> {
  if (given !== undefined && 'module' in given) return fromModule(given.module, terminal.cwd);
  const { fetch, now, env } = terminal;
  const origin = given === undefined ? 'the environment' : 'the command line';
  try {
    return { settings: parseSettings({ ...(given ?? optionsFromEnvironment(env)), fetch, now }), origin };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const others = given === undefined ? ' Or give --tenant-id and --client-id, or --config; see --help.' : '';
    throw new UsageError(`The configuration was read from ${origin}. ${error.message}${others}`);
  }
}

/** An External ID authority may name its tenant in its path; any other is an origin alone. */
function instanceOf({ instance, tenantPath }: EntraSettings): string {
  return isExternalIdHost(new URL(instance).hostname) ? `${instance}/${tenantPath}` : instance;
}

function b2cOptionsOf({ b2c }: Settings): IdentityOptions['b2c'] {
  if (b2c === undefined) return undefined;
  const [first = '', second] = b2c.instances;
  return {
    domainName: b2c.domainName,
    policies: b2c.policies,
    tenantId: b2c.tenantId,
    clientId: b2c.clientId,
    audience: b2c.audiences,
    ...(second === undefined ? { instance: first } : { customDomain: new URL(first).host, instance: second }),
  };
}

/** The options that settings come from: what is decided here is decided by an identity of the library's own. */
export function optionsOf(settings: Settings): IdentityOptions {
  const { entra, allowedClients } = settings;
  const allowed = entra?.allowedTenants;
  return {
    ...(entra !== undefined && {
      tenantId: entra.tenantId,
      clientId: entra.clientId,
      audience: entra.audiences,
      instance: instanceOf(entra),
      allowedTenants: typeof allowed === 'object' ? [...allowed] : allowed,
      resolveGroups: settings.resolveGroups,
    }),
    b2c: b2cOptionsOf(settings),
    allowedClients: allowedClients && [...allowedClients],
    diagnostics: settings.diagnostics,
    clockToleranceSeconds: settings.clockToleranceSeconds,
    errors: settings.errors,
    tokenCache: false,
    fetch: settings.fetch,
    now: settings.now,
  };
}
