/** The tenants that the environment names. */
import { initialize } from 'microsoft-identity-decorators';
import type { Authority, SignIn } from './authority.js';

export function isTenantConfigured(): boolean {
  return Object.keys(process.env).some((name) => /^AzureAd(B2C)?__/.test(name));
}

const read = (name: string) => {
  const value = process.env[name]?.trim();
  return value === '' ? undefined : value;
};

/** Where the page signs people in: with the API's own registration, unless it has got one. */
function entraSignIn(): SignIn | undefined {
  const [tenantId, apiId] = [read('AzureAd__TenantId'), read('AzureAd__ClientId')];
  if (tenantId === undefined || apiId === undefined) return undefined;
  const instance = new URL(read('AzureAd__Instance') ?? 'https://login.microsoftonline.com');
  return {
    base: `${instance.origin}/${tenantId}`,
    clientId: read('PAGE_CLIENT_ID') ?? apiId,
    scopes: [`${read('AzureAd__Audience') ?? `api://${apiId}`}/access_as_user`],
  };
}

function b2cSignIn(): SignIn | undefined {
  const domainName = read('AzureAdB2C__Domain')?.replace(/\.onmicrosoft\.com$/, '');
  const apiId = read('AzureAdB2C__ClientId') ?? read('AzureAd__ClientId');
  const [policy] = (read('AzureAdB2C__Policies') ?? read('AzureAdB2C__SignUpSignInPolicyId') ?? '').split(',');
  if (domainName === undefined || apiId === undefined || policy === undefined) return undefined;
  return {
    base: `https://${domainName}.b2clogin.com/${domainName}.onmicrosoft.com/${policy.trim()}`,
    clientId: read('PAGE_B2C_CLIENT_ID') ?? apiId,
    scopes: [`https://${domainName}.onmicrosoft.com/${apiId}/access_as_user`],
  };
}

/**
 * @throws ConfigurationError naming the option that is wrong
 * @throws IssuerUnavailableError where the tenant's signing keys cannot be loaded
 */
export async function useRealTenant(): Promise<Authority> {
  const identity = initialize();
  // A tenant that does not exist is better found out now than by the first caller.
  await identity.ready();
  return {
    entra: entraSignIn(),
    b2c: b2cSignIn(),
    introduce: () => Promise.resolve('Accepting tokens of the tenant that the environment names.'),
    close: () => {
      identity.close();
      return Promise.resolve();
    },
  };
}
