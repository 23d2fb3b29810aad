/** The command line of the doctor. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { requires, type SchemeDemand } from '../core/access/requirement.js';
import type { B2cOptions, IdentityOptions } from '../core/configuration/options.js';
import { UsageError } from './terminal.js';

export const help = `Usage: microsoft-identity-decorators doctor [options] [token]
       microsoft-identity-decorators doctor AADSTS65001 [--json]
       microsoft-identity-decorators doctor --downstream [options]
       microsoft-identity-decorators doctor --routes <module> [--open <route>] [--json]

Shows step by step whether an API accepts an access token, and what to change if it does not.
In place of a token it takes a number of Entra's errors, or a message that holds one, and explains it.
Without such an argument, it is read from standard input, or from a prompt that does not show it.

The configuration, from options, from a module, or else from the environment (AzureAd__TenantId and so on):
  --tenant-id <tenant>         tenant GUID, verified domain, organizations, common or consumers
  --client-id <id>             the application (client) id of the API
  --audience <audience>        accepted in addition to <client id> and api://<client id>; may be repeated
  --instance <url>             the authority, such as https://login.microsoftonline.us
  --own-signing-key            the enterprise application of the API has its own signing key
  --allowed-tenants <list>     tenant GUIDs, separated by commas, or '*'
  --b2c-domain <name>          contoso for contoso.onmicrosoft.com
  --b2c-policy <policy>        may be repeated
  --b2c-tenant-id <id>         the GUID of the B2C tenant
  --b2c-client-id <id>         the application (client) id of the API in the B2C tenant
  --config <module>            a module that calls initialize()

The requirement of the route:
  --scheme <scheme>            entra as @RequiresAuth, b2c as @RequiresB2cAuth, any as @RequiresAnyAuth; without it, if
                               both are configured, the verdict on each of them is shown
  --policy <policy>            as @RequiresB2cAuth({ policy }); if repeated, any of them is enough
  --scope <scope>              as @ValidateScope; if repeated, any of them is enough
  --role <role>                as @RequiresRole; if repeated, any of them is enough

  --offline                    sends nothing: key and signature are not checked
  --now <time>                 the time to check against: ISO 8601, or seconds since the epoch
  --json                       prints JSON, for scripts
  --downstream                 shows what is set up for calls of other APIs, and fails if a part of it is wrong
  --routes <module>            lists the routes of an app; fails if one is neither protected nor @AllowAnonymous
  --open <route>               such as 'GET /health': open on purpose, without @AllowAnonymous; may be repeated
  --help, -h; --version

Exits with 0 if the token passes, the number is known, no part of the set-up is wrong or no route is unprotected,
with 2 if the command line or the configuration is wrong, with 3 if the issuer cannot be reached, else with 1.
`;

const commandLineOptions = {
  'tenant-id': { type: 'string' },
  'client-id': { type: 'string' },
  audience: { type: 'string', multiple: true },
  instance: { type: 'string' },
  'own-signing-key': { type: 'boolean' },
  'allowed-tenants': { type: 'string' },
  'b2c-domain': { type: 'string' },
  'b2c-policy': { type: 'string', multiple: true },
  'b2c-tenant-id': { type: 'string' },
  'b2c-client-id': { type: 'string' },
  config: { type: 'string' },
  scheme: { type: 'string' },
  policy: { type: 'string', multiple: true },
  scope: { type: 'string', multiple: true },
  role: { type: 'string', multiple: true },
  offline: { type: 'boolean' },
  now: { type: 'string' },
  json: { type: 'boolean' },
  downstream: { type: 'boolean' },
  routes: { type: 'string' },
  open: { type: 'string', multiple: true },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} satisfies ParseArgsConfig['options'];

/** What is common to all that looks at a configuration. */
interface ConfigurationArguments {
  /** Where the configuration comes from: options given here, a module, or the environment. */
  readonly configuration: IdentityOptions | { readonly module: string } | undefined;
  readonly json: boolean;
  /** Milliseconds since the epoch; undefined: now. */
  readonly now: number | undefined;
}

/** How to examine the set-up of calls of other APIs. */
export interface SetUpArguments extends ConfigurationArguments {
  readonly kind: 'downstream';
}

/** How to examine a token. */
export interface TokenArguments extends ConfigurationArguments {
  readonly kind: 'token';
  readonly token: string | undefined;
  /** Undefined: that of a route that names none. */
  readonly scheme: SchemeDemand | undefined;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly offline: boolean;
}

export type Arguments =
  | TokenArguments
  | SetUpArguments
  | { readonly kind: 'routes'; readonly module: string; readonly open: readonly string[]; readonly json: boolean }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' };

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: commandLineOptions, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\nSee microsoft-identity-decorators doctor --help.`);
  }
}

type Values = ReturnType<typeof parse>['values'];

/** The given options of `initialize`; undefined if there is none. */
function givenConfiguration(values: Values): IdentityOptions | undefined {
  const b2c = {
    domainName: values['b2c-domain'],
    policies: values['b2c-policy'],
    tenantId: values['b2c-tenant-id'],
    clientId: values['b2c-client-id'],
  };
  const isGiven = (value: unknown) => value !== undefined;
  const allowed = values['allowed-tenants'];
  const given: IdentityOptions = {
    tenantId: values['tenant-id'],
    clientId: values['client-id'],
    audience: values.audience,
    instance: values.instance,
    ownSigningKey: values['own-signing-key'],
    allowedTenants: allowed === undefined || allowed === '*' ? allowed : allowed.split(',').map((id) => id.trim()),
    // An incomplete B2C configuration is passed on: parseSettings refuses it with a message.
    b2c: Object.values(b2c).some(isGiven) ? (b2c as B2cOptions) : undefined,
  };
  return Object.values(given).some(isGiven) ? given : undefined;
}

function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(time)) throw new UsageError('--now takes a time in ISO 8601, or seconds since the epoch.');
  return time;
}

function configurationArguments(values: Values): ConfigurationArguments {
  const given = givenConfiguration(values);
  if (given !== undefined && values.config !== undefined) {
    throw new UsageError('--config and options of the configuration exclude each other. Use one of them.');
  }
  return {
    configuration: values.config === undefined ? given : { module: values.config },
    json: values.json === true,
    now: timeOf(values.now),
  };
}

/** The scheme of the route, as its decorator records it. */
function schemeOf({ scheme, policy }: Values): SchemeDemand | undefined {
  if (policy !== undefined) {
    if (scheme !== undefined && scheme !== 'b2c') throw new UsageError('--policy belongs to --scheme b2c.');
    return requires.b2c({ policy }).scheme;
  }
  if (scheme === undefined) return undefined;
  if (scheme === 'entra' || scheme === 'b2c' || scheme === 'any') return requires[scheme]().scheme;
  throw new UsageError('--scheme takes entra, b2c or any.');
}

function tokenArguments(values: Values, token: string | undefined): TokenArguments {
  return {
    kind: 'token',
    token,
    ...configurationArguments(values),
    scheme: schemeOf(values),
    scopes: values.scope ?? [],
    roles: values.role ?? [],
    offline: values.offline === true,
  };
}

function setUpArguments(values: Values, token: string | undefined): SetUpArguments {
  const ofTokens = (['scheme', 'policy', 'scope', 'role', 'offline'] as const).some(
    (name) => values[name] !== undefined,
  );
  if (ofTokens || token !== undefined) {
    throw new UsageError('--downstream takes the options of the configuration, --now and --json, and no token.');
  }
  return { kind: 'downstream', ...configurationArguments(values) };
}

/**
 * Reads the command line.
 *
 * @throws UsageError
 */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parse(argv);
  if (values.help === true) return { kind: 'help' };
  if (values.version === true) return { kind: 'version' };
  const [command, token, ...rest] = positionals;
  if (command !== 'doctor') throw new UsageError('The only command is doctor.');
  if (token === 'help') return { kind: 'help' };
  if (rest.length > 0) throw new UsageError('Give one token. Quote it if it has spaces.');
  if (values.routes === undefined) {
    if (values.open !== undefined) throw new UsageError('--open belongs to --routes.');
    return values.downstream === true ? setUpArguments(values, token) : tokenArguments(values, token);
  }
  const others = Object.keys(values).filter((name) => !['routes', 'open', 'json'].includes(name));
  if (others.length > 0 || token !== undefined) {
    throw new UsageError('--routes can only be combined with --open and --json.');
  }
  return { kind: 'routes', module: values.routes, open: values.open ?? [], json: values.json === true };
}
