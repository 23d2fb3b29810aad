/** Which APIs, and which credential, do environment variables give? Their names are those of Microsoft.Identity.Web. */
import { describe } from '../call-arguments.js';
import { ConfigurationError } from '../errors.js';
import type { ClientCredential, DownstreamApiOptions, DownstreamOptions } from './downstream-options.js';
import { keyOf } from './environment-names.js';
import type { Variables } from './environment-variables.js';

const secretName = 'AzureAd__ClientSecret';
const listName = 'AzureAd__ClientCredentials__';
const firstOfList = `${listName}0__`;

/** What a variable is needed for is named where it is missing. */
function required(variables: Variables, name: string, sourceType: string, other?: string): string {
  const value = variables.value(name) ?? (other && variables.value(other));
  if (value !== undefined) return value;
  throw new ConfigurationError(
    `${firstOfList}SourceType is ${sourceType}, and ${name} is not set. Set it${other === undefined ? '' : `, or ${other}`}.`,
  );
}

const sources: Readonly<Record<string, (variables: Variables) => ClientCredential>> = {
  ClientSecret: (variables) => ({
    clientSecret: required(variables, `${firstOfList}ClientSecret`, 'ClientSecret'),
  }),
  SignedAssertionFromManagedIdentity: (variables) => ({
    managedIdentity: variables.value(`${firstOfList}ManagedIdentityClientId`) ?? 'system',
  }),
  SignedAssertionFilePath: (variables) => ({
    federatedTokenFile: required(
      variables,
      `${firstOfList}SignedAssertionFileDiskPath`,
      'SignedAssertionFilePath',
      // Kubernetes workload identity sets it.
      'AZURE_FEDERATED_TOKEN_FILE',
    ),
  }),
};

function credentialFrom(variables: Variables): ClientCredential | undefined {
  const clientSecret = variables.value(secretName);
  const sourceType = variables.value(`${firstOfList}SourceType`);
  const second = variables.names.find((name) => {
    const key = keyOf(name);
    return key.startsWith(keyOf(listName)) && !key.startsWith(keyOf(firstOfList)) && key.endsWith('__sourcetype');
  });
  if (second !== undefined)
    throw new ConfigurationError(`${second} names a second credential. Set the one at 0 alone.`);
  if (sourceType === undefined) return clientSecret === undefined ? undefined : { clientSecret };
  if (clientSecret !== undefined) {
    throw new ConfigurationError(`${secretName} and ${firstOfList}SourceType name two credentials. Set one of them.`);
  }
  const source = Object.hasOwn(sources, sourceType) ? sources[sourceType] : undefined;
  if (source !== undefined) return source(variables);
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

function apisFrom(variables: Variables): ReadonlyMap<string, FoundApi> {
  const found = new Map<string, FoundApi>();
  for (const variable of variables.names) {
    const [, name, member, position = '0'] = apiVariable.exec(variable) ?? [];
    const value = variables.value(variable);
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
export function downstreamFromEnvironment(variables: Variables): DownstreamOptions | undefined {
  const apis = apisFrom(variables);
  if (apis.size === 0) return undefined;
  const named = Object.fromEntries([...apis].map(([name, api]) => [name, optionsOf(api)]));
  // What is not complete is refused later, as one that is given as an option.
  return { credential: credentialFrom(variables), apis: named } as DownstreamOptions;
}
