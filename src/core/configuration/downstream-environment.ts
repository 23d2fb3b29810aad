/** Which APIs, and which credential, do environment variables give? Their names are those of Microsoft.Identity.Web. */
import { describe } from '../call-arguments.js';
import { ConfigurationError } from '../errors.js';
import type { ClientCredential, DownstreamApiOptions, DownstreamOptions } from './downstream-options.js';
import { apiVariableOf, keyOf, withoutNumber } from './environment-names.js';
import { apisPrefix } from './environment-sections.js';
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
      `For a certificate, remove it and the variables of ${apisPrefix}, and give the option downstream: ` +
      'initialize({ ...optionsFromEnvironment(), downstream }).',
  );
}

interface FoundApi {
  /** As it is written in code. */
  readonly name: string;
  /** The variable that names it first. */
  readonly variable: string;
  baseUrl?: string;
  readonly scopes: (readonly [position: number, scopes: readonly string[]])[];
}

function apisFrom(variables: Variables): readonly FoundApi[] {
  const found = new Map<string, FoundApi>();
  for (const variable of variables.names) {
    const { api: name, member = '' } = apiVariableOf(variable) ?? {};
    const value = variables.value(variable);
    if (name === undefined || value === undefined) continue;
    const list = withoutNumber(member);
    // Another member is passed over where it is switched off.
    if (member !== 'baseurl' && list !== 'scopes') continue;
    const api = found.get(keyOf(name)) ?? { name, variable, scopes: [] };
    if (api.name !== name) {
      throw new ConfigurationError(
        `${api.variable} and ${variable} write the name of one API in two ways. Write it as the code does.`,
      );
    }
    found.set(keyOf(name), api);
    if (member === 'baseurl') api.baseUrl = value;
    else api.scopes.push([Number(member.slice(list.length + '__'.length)), value.split(/\s+/)]);
  }
  return [...found.values()];
}

/** @throws ConfigurationError that names the variable that is missing */
function optionsOf({ name, variable, baseUrl, scopes }: FoundApi): DownstreamApiOptions {
  const missing = (member: string) =>
    new ConfigurationError(`${variable} is set, and ${apisPrefix}__${name}__${member} is not. Set it.`);
  if (baseUrl === undefined) throw missing('BaseUrl');
  if (scopes.length === 0) throw missing('Scopes');
  return { baseUrl, scopes: scopes.sort(([one], [other]) => one - other).flatMap(([, ofOne]) => ofOne) };
}

/**
 * The option `downstream` that environment variables give. A credential alone gives none: the same variables may serve
 * another application beside this one.
 *
 * @throws ConfigurationError that names the variable
 */
export function downstreamFromEnvironment(variables: Variables): DownstreamOptions | undefined {
  const apis = apisFrom(variables);
  const [first] = apis;
  if (first === undefined) return undefined;
  const named = Object.fromEntries(apis.map((api) => [api.name, optionsOf(api)]));
  const credential = credentialFrom(variables);
  if (credential !== undefined) return { credential, apis: named };
  throw new ConfigurationError(
    `${first.variable} is set, and no credential is. Set ${secretName}, or ${firstOfList}SourceType.`,
  );
}
