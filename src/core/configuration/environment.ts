/** Which options do environment variables give? */
import { describe } from '../call-arguments.js';
import { ConfigurationError } from '../errors.js';
import { isGuid } from '../guid.js';
import { tenantName } from '../microsoft-hosts.js';
import { parseUrl } from '../url.js';
import { downstreamFromEnvironment } from './downstream-environment.js';
import { keyOf, nameMeantBy, problemWith, withoutNumber } from './environment-names.js';
import { Variables, type Environment } from './environment-variables.js';
import type { B2cOptions, IdentityOptions } from './options.js';
import type { Settings } from './settings.js';

/** Options that can be spread over others: those that no variable sets are no members. */
function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

const whereNotEmpty = (list: readonly string[] | undefined) => (list?.length === 0 ? undefined : list);

const audiencesOf = (variables: Variables, section: string) =>
  whereNotEmpty(
    variables.list(
      `${section}__Audience`,
      `${section}__Audiences`,
      `${section}__TokenValidationParameters__ValidAudience`,
      `${section}__TokenValidationParameters__ValidAudiences`,
    ),
  );

/** A variable and what it names. */
interface Named {
  readonly variable: string;
  readonly value: string | undefined;
}

/**
 * What two variables name.
 *
 * @throws ConfigurationError where they name two things
 */
function agreed(one: Named, other: Named, areOne: (one: string, other: string) => boolean): string | undefined {
  if (one.value === undefined || other.value === undefined) return one.value ?? other.value;
  if (areOne(one.value, other.value)) return one.value;
  throw new ConfigurationError(`${one.variable} and ${other.variable} do not agree. Set one of them.`);
}

const areEqual = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();

/** A tenant that is named by its GUID and by its domain cannot be compared. */
const mayBeOneTenant = (one: string, other: string) =>
  areEqual(one, other) ||
  [
    [one, other],
    [other, one],
  ].some(([id = '', domain = '']) => isGuid(id.toLowerCase()) && domain.includes('.'));

const areOneDomain = (one: string, other: string) =>
  areEqual(one, other) || areEqual(tenantName(one), other) || areEqual(one, tenantName(other));

const originOf = (url: string) => parseUrl(url)?.origin ?? url;
const areOneOrigin = (one: string, other: string) => areEqual(originOf(one), originOf(other));

interface SplitAuthority {
  readonly instance?: string;
  readonly path: readonly string[];
}

/** An authority as Microsoft.Identity.Web takes it: `<instance>/<tenant>/v2.0`, and in B2C `<instance>/<domain>/<policy>/v2.0`. */
function authorityOf(variables: Variables, variable: string, mostSegments: number, example: string): SplitAuthority {
  const value = variables.value(variable);
  if (value === undefined) return { path: [] };
  const url = parseUrl(value);
  const path = (url?.pathname ?? '')
    .split('/')
    .filter((segment, index) => segment !== '' && !(index === 1 && segment === 'tfp'))
    .filter((segment, index, { length }) => !(index === length - 1 && segment === 'v2.0'));
  const isPlain = url !== undefined && /^https?:\/\/[^@?#]+$/i.test(value) && path.length <= mostSegments;
  if (isPlain) return { instance: url.origin, path };
  throw new ConfigurationError(`${variable}: got ${describe(value, 'url')}; it takes a URL such as ${example}.`);
}

function entraFrom(variables: Variables) {
  const variable = 'AzureAd__Authority';
  const { instance, path } = authorityOf(variables, variable, 1, 'https://login.microsoftonline.com/<tenant id>/v2.0');
  const named = (name: string) => ({ variable: `AzureAd__${name}`, value: variables.value(`AzureAd__${name}`) });
  return {
    tenantId: agreed(named('TenantId'), { variable, value: path[0] }, mayBeOneTenant),
    clientId: variables.value('AzureAd__ClientId'),
    instance: agreed(named('Instance'), { variable, value: instance }, areOneOrigin),
    audience: audiencesOf(variables, 'AzureAd'),
  };
}

function policiesFrom(variables: Variables, ofAuthority: string | undefined): readonly string[] | undefined {
  const listed =
    whereNotEmpty(variables.list('AzureAdB2C__Policies')) ??
    whereNotEmpty(variables.list('AzureAdB2C__SignUpSignInPolicyId'));
  if (ofAuthority === undefined || listed?.some((policy) => areEqual(policy, ofAuthority))) return listed;
  if (listed === undefined) return [ofAuthority];
  throw new ConfigurationError(
    'AzureAdB2C__Authority has a policy that the other variables do not name. Add it to AzureAdB2C__Policies.',
  );
}

function b2cFrom(variables: Variables): B2cOptions | undefined {
  const variable = 'AzureAdB2C__Authority';
  const example = 'https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_susi/v2.0';
  const { instance, path } = authorityOf(variables, variable, 2, example);
  const [tenant, policy] = path;
  const isId = tenant !== undefined && isGuid(tenant.toLowerCase());
  const named = (name: string) => ({ variable: `AzureAdB2C__${name}`, value: variables.value(`AzureAdB2C__${name}`) });
  const domain = { variable: 'AzureAdB2C__Domain', value: agreed(named('Domain'), named('TenantName'), areOneDomain) };
  const { value: given, ...ofInstance } = named('Instance');
  const b2c = withoutUndefined({
    domainName: agreed({ variable, value: isId ? undefined : tenant }, domain, areOneDomain),
    policies: policiesFrom(variables, policy),
    tenantId: agreed(named('TenantId'), { variable, value: isId ? tenant : undefined }, areEqual),
    clientId: variables.value('AzureAdB2C__ClientId'),
    // Microsoft's older samples have the instance with this segment.
    instance: agreed(
      { ...ofInstance, value: given?.replace(/\/tfp\/?$/i, '') },
      { variable, value: instance },
      areOneOrigin,
    ),
    audience: audiencesOf(variables, 'AzureAdB2C'),
    // A blank list is refused later: its value may be lost, and daemons would count as people.
    daemonClients: variables.list('AzureAdB2C__DaemonClients'),
  });
  // A B2C configuration that is not complete is refused later, as one that is given as an option.
  return Object.keys(b2c).length > 0 ? (b2c as B2cOptions) : undefined;
}

function allowedTenantsFrom(variables: Variables): '*' | readonly string[] | undefined {
  const tenants = whereNotEmpty(variables.list('AzureAd__AllowedTenants'));
  return tenants?.length === 1 && tenants[0] === '*' ? '*' : tenants;
}

/**
 * Reads options from environment variables. Their names are those of Microsoft.Identity.Web.
 *
 * `AZURE_CLIENT_ID` and `AZURE_TENANT_ID` are not read: Kubernetes workload identity sets them to other values.
 *
 * @param environment - the variables, such as `process.env`
 * @throws ConfigurationError for a variable of these sections that is not known, or that contradicts another one
 */
export function readEnvironment(environment: Environment): IdentityOptions {
  const variables = new Variables(environment);
  return withoutUndefined({
    ...entraFrom(variables),
    allowedTenants: allowedTenantsFrom(variables),
    // A blank restriction is refused later: it may be one whose value was lost.
    allowedClients: variables.list('AzureAd__AllowedClients', 'AzureAdB2C__AllowedClients'),
    downstream: downstreamFromEnvironment(variables),
    b2c: b2cFrom(variables),
  });
}

const idKeys = ['TenantId', 'ClientId', 'Domain'].flatMap((name) =>
  ['AzureAd', 'AzureAdB2C'].map((section) => keyOf(`${section}__${name}`)),
);

/**
 * What to add to the message for options without ids: a variable that has one, and is not read beside options. Its value is
 * not shown.
 *
 * @returns a sentence with a blank ahead of it; empty if there is no such variable
 */
export function remarkOnUnread(environment: Environment): string {
  const [name] =
    Object.entries(environment).find(([name, value = '']) => idKeys.includes(keyOf(name)) && value.trim() !== '') ?? [];
  return name === undefined
    ? ''
    : ` ${name} is set, and the environment is read only by initialize() without an argument and by optionsFromEnvironment().`;
}

/** A variable that restricts who may call, and the option that it sets. */
interface Restriction {
  readonly section: 'AzureAd' | 'AzureAdB2C';
  readonly name: string;
  readonly option: string;
  /** Whether options lack it. */
  readonly isMissing: boolean;
}

/** Without AllowedTenants: its option is required where several tenants may call, and refused where one may. */
const restrictionsOf = ({ allowedClients, b2c }: Settings): readonly Restriction[] => [
  ...(['AzureAd', 'AzureAdB2C'] as const).map((section) => ({
    section,
    name: 'AllowedClients',
    option: 'allowedClients',
    isMissing: allowedClients === undefined,
  })),
  {
    section: 'AzureAdB2C',
    name: 'DaemonClients',
    option: 'b2c.daemonClients',
    isMissing: b2c !== undefined && b2c.daemonClients === undefined,
  },
];

/**
 * Warnings for options that lack a restriction which the environment has. Values are not shown.
 *
 * A section whose client id is another one belongs to another registration, so its restrictions do not count.
 *
 * @param settings - of the options that were given
 */
export function unreadRestrictions(environment: Environment, settings: Settings): readonly string[] {
  // A process may have hundreds of variables, and Node asks the system for each value.
  const names = Object.keys(environment).filter((name) => /^azuread/i.test(name));
  if (names.length === 0) return [];
  const values = new Map(
    names
      .map((name) => [withoutNumber(keyOf(name)), (environment[name] ?? '').trim().toLowerCase()] as const)
      .filter(([, value]) => value !== ''),
  );
  const isOurs = (section: string) => {
    const clientId = values.get(keyOf(`${section}__ClientId`));
    return clientId === undefined || [settings.entra?.clientId, settings.b2c?.clientId].includes(clientId);
  };
  return restrictionsOf(settings)
    .filter(({ isMissing, section, name }) => isMissing && isOurs(section) && values.has(keyOf(`${section}__${name}`)))
    .map(
      ({ section, name, option }) =>
        `${section}__${name} restricts who may call, and it is not read: initialize() has options, without ${option}. ` +
        `Give that option, or write initialize({ ...optionsFromEnvironment(), … }). ` +
        'If the variable is not for this API, remove it.',
    );
}

/**
 * What to add to the message for a configuration that is wrong: the variables that are not read and differ by underscores
 * alone from one that is. Their values are not shown. A name that is refused is in the message already.
 *
 * @returns sentences, each with a blank ahead of it; empty if there is no such variable
 */
export function remarkOnNames(environment: Environment): string {
  return Object.entries(environment)
    .map(([name, value = '']) => [name, nameMeantBy(name), problemWith({ name, value: value.trim() })] as const)
    .filter(([, meant, problem]) => meant !== undefined && problem === undefined)
    .map(([name, meant]) => ` ${name} is not read: write ${String(meant)}.`)
    .join('');
}
