/** Which options do environment variables give? */
import { downstreamFromEnvironment } from './downstream-environment.js';
import type { B2cOptions, IdentityOptions } from './options.js';

/**
 * Reads options from environment variables. Their names are those of Microsoft.Identity.Web.
 *
 * `AZURE_CLIENT_ID` and `AZURE_TENANT_ID` are not read: Kubernetes workload identity sets them to other values.
 *
 * @param environment - the variables, such as `process.env`
 */
export function optionsFromEnvironment(environment: Readonly<Record<string, string | undefined>>): IdentityOptions {
  const read = (name: string) => {
    const value = environment[name]?.trim();
    return value === '' ? undefined : value;
  };
  const policies = read('AzureAdB2C__Policies') ?? read('AzureAdB2C__SignUpSignInPolicyId');
  const b2c = {
    domainName: read('AzureAdB2C__Domain'),
    policies: policies?.split(',').map((policy) => policy.trim()),
    tenantId: read('AzureAdB2C__TenantId'),
    clientId: read('AzureAdB2C__ClientId'),
  };
  return {
    tenantId: read('AzureAd__TenantId'),
    clientId: read('AzureAd__ClientId'),
    instance: read('AzureAd__Instance'),
    audience: read('AzureAd__Audience'),
    // A B2C configuration that is not complete is refused later, as one that is given as an option.
    downstream: downstreamFromEnvironment(environment),
    b2c: Object.values(b2c).some((value) => value !== undefined) ? (b2c as B2cOptions) : undefined,
  };
}
