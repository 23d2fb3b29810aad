/** The environment variables of a program, and those that the library reads. */
import { vi } from 'vitest';
import { readEnvironment } from '../../src/core/configuration/environment.js';
import { Variables } from '../../src/core/configuration/environment-variables.js';
import type { IdentityOptions } from '../../src/index.js';

/** The options of `initialize` that the environment of a program gives. */
export type Tenant = Pick<IdentityOptions, 'tenantId' | 'clientId' | 'instance'>;

/** The variables that give a program its tenant. */
export const tenantVariables = ({ tenantId, clientId, instance }: Tenant) => ({
  AzureAd__TenantId: tenantId,
  AzureAd__ClientId: clientId,
  AzureAd__Instance: instance,
});

/** The whole environment of a program that serves at `PORT`. */
export const environmentOf = (port: number, tenant: Tenant): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  PORT: String(port),
  ...tenantVariables(tenant),
});

const api = { DownstreamApis__graph__BaseUrl: 'https://graph.example', DownstreamApis__graph__Scopes: '.default' };

/** One environment for each kind of credential. Each names an API, without which no credential is read. */
const environments: readonly Readonly<Record<string, string>>[] = [
  { AzureAd__ClientSecret: 'secret' },
  {
    AzureAd__ClientCredentials__0__SourceType: 'ClientSecret',
    AzureAd__ClientCredentials__0__ClientSecret: 'secret',
  },
  { AzureAd__ClientCredentials__0__SourceType: 'SignedAssertionFromManagedIdentity' },
  { AzureAd__ClientCredentials__0__SourceType: 'SignedAssertionFilePath', AZURE_FEDERATED_TOKEN_FILE: '/token' },
];

/** The names of the variables that the library asks for. */
export function variablesRead(): ReadonlySet<string> {
  const value = vi.spyOn(Variables.prototype, 'value');
  const list = vi.spyOn(Variables.prototype, 'list');
  try {
    for (const environment of environments) readEnvironment({ ...api, ...environment });
    const names = [...value.mock.calls, ...list.mock.calls].flat();
    return new Set(names.map((name) => name.replace('__graph__', '__<name>__')));
  } finally {
    value.mockRestore();
    list.mockRestore();
  }
}
