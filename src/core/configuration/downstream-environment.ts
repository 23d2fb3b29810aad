/** Which APIs, and which credential, do environment variables give? Their names are those of Microsoft.Identity.Web. */
import { describe } from '../call-arguments.js';
import { ConfigurationError } from '../errors.js';
import type { ClientCredential, DownstreamApiOptions, DownstreamOptions } from './downstream-options.js';

type Environment = Readonly<Record<string, string | undefined>>;

const secretName = 'AzureAd__ClientSecret';
const listName = 'AzureAd__ClientCredentials__';
const firstOfList = `${listName}0__`;

function valueOf(environment: Environment, name: string): string | undefined {
  const value = environment[name]?.trim();
  return value === '' ? undefined : value;
}

/** What a variable is needed for is named where it is missing. */
function required(environment: Environment, name: string, sourceType: string, other?: string): string {
  const value = valueOf(environment, name) ?? (other && valueOf(environment, other));
  if (value !== undefined) return value;
  throw new ConfigurationError(
    `${firstOfList}SourceType is ${sourceType}, and ${name} is not set. Set it${other === undefined ? '' : `, or ${other}`}.`,
  );
}

const sources: Readonly<Record<string, (environment: Environment) => ClientCredential>> = {
  ClientSecret: (environment) => ({
    clientSecret: required(environment, `${firstOfList}ClientSecret`, 'ClientSecret'),
  }),
  SignedAssertionFromManagedIdentity: (environment) => ({
    managedIdentity: valueOf(environment, `${firstOfList}ManagedIdentityClientId`) ?? 'system',
  }),
  SignedAssertionFilePath: (environment) => ({
    federatedTokenFile: required(
      environment,
      `${firstOfList}SignedAssertionFileDiskPath`,
      'SignedAssertionFilePath',
      // Kubernetes workload identity sets it.
      'AZURE_FEDERATED_TOKEN_FILE',
    ),
  }),
};

function credentialFrom(environment: Environment): ClientCredential | undefined {
  const clientSecret = valueOf(environment, secretName);
  const sourceType = valueOf(environment, `${firstOfList}SourceType`);
  const second = Object.keys(environment).find(
    (name) => name.startsWith(listName) && !name.startsWith(firstOfList) && name.endsWith('__SourceType'),
  );
  if (second !== undefined)
    throw new ConfigurationError(`${second} names a second credential. Set the one at 0 alone.`);
  if (sourceType === undefined) return clientSecret === undefined ? undefined : { clientSecret };
  if (clientSecret !== undefined) {
    throw new ConfigurationError(`${secretName} and ${firstOfList}SourceType name two credentials. Set one of them.`);
  }
  const source = Object.hasOwn(sources, sourceType) ? sources[sourceType] : undefined;
  if (source !== undefined) return source(environment);
  throw new ConfigurationError(
    `${firstOfList}SourceType: got ${describe(sourceType, 'name')}; it takes ${Object.keys(sources).join(', ')}. ` +
      'For a certificate, call initialize() with the option downstream.',
  );
}

const apiVariable = /^DownstreamApis__([^_](?:_?[^_])*)__(BaseUrl|Scopes)(?:__(\d+))?$/;

interface FoundApi {
  baseUrl?: string;
  readonly scopes: (readonly [position: number, scopes: readonly string[]])[];
}

function apisFrom(environment: Environment): ReadonlyMap<string, FoundApi> {
  const found = new Map<string, FoundApi>();
  for (const variable of Object.keys(environment)) {
    const [, name, member, position = '0'] = apiVariable.exec(variable) ?? [];
    const value = valueOf(environment, variable);
    if (name === undefined || value === undefined) continue;
    const api = found.get(name) ?? { scopes: [] };
    found.set(name, api);
    if (member === 'BaseUrl') api.baseUrl = value;
    else api.scopes.push([Number(position), value.split(/\s+/)]);
  }
  return found;
}

function optionsOf({ baseUrl, scopes }: FoundApi): {
  [Name in keyof DownstreamApiOptions]?: DownstreamApiOptions[Name] | undefined;
} {
  const list = scopes.sort(([one], [other]) => one - other).flatMap(([, ofOne]) => ofOne);
  return { baseUrl, ...(list.length > 0 && { scopes: list }) };
}

/**
 * The option `downstream` that environment variables give. A credential alone gives none: the same variables may serve
 * another application beside this one.
 *
 * @throws ConfigurationError that names the variable
 */
export function downstreamFromEnvironment(environment: Environment): DownstreamOptions | undefined {
  const apis = apisFrom(environment);
  if (apis.size === 0) return undefined;
  const named = Object.fromEntries([...apis].map(([name, api]) => [name, optionsOf(api)]));
  // What is not complete is refused later, as one that is given as an option.
  return { credential: credentialFrom(environment), apis: named } as DownstreamOptions;
}
