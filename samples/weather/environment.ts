/** The tenant that the environment names. `initialize()` reads the same variables. */
import { optionsFromEnvironment, type IdentityOptions } from 'microsoft-identity-decorators';
import type { TokenStore } from 'microsoft-identity-decorators/downstream';
import type { Setup } from './app.js';
import type { SignIn } from './sign-in-settings.js';

const scopes = ['access_as_user'];

export function isTenantConfigured(): boolean {
  return Object.keys(process.env).some((name) => /^AzureAd(B2C)?__/.test(name));
}

const read = (name: string) => {
  const value = process.env[name]?.trim();
  return value === '' ? undefined : value;
};

function entraSignIn(): SignIn | undefined {
  const [tenantId, apiId] = [read('AzureAd__TenantId'), read('AzureAd__ClientId')];
  if (tenantId === undefined || apiId === undefined) return undefined;
  const instance = new URL(read('AzureAd__Instance') ?? 'https://login.microsoftonline.com');
  return {
    authority: `${instance.origin}/${tenantId}`,
    clientId: read('PAGE_CLIENT_ID') ?? apiId,
    appIdUri: read('AzureAd__Audience') ?? `api://${apiId}`,
    scopes,
  };
}

function b2cSignIn(): SignIn | undefined {
  const domainName = read('AzureAdB2C__Domain')?.replace(/\.onmicrosoft\.com$/, '');
  const apiId = read('AzureAdB2C__ClientId') ?? read('AzureAd__ClientId');
  const [policy] = (read('AzureAdB2C__Policies') ?? read('AzureAdB2C__SignUpSignInPolicyId') ?? '').split(',');
  if (domainName === undefined || apiId === undefined || policy === undefined) return undefined;
  return {
    authority: `https://${domainName}.b2clogin.com/${domainName}.onmicrosoft.com/${policy.trim()}`,
    clientId: read('PAGE_B2C_CLIENT_ID') ?? apiId,
    appIdUri: `https://${domainName}.onmicrosoft.com/${apiId}`,
    scopes,
  };
}

/** The page signs in with registrations of its own, or where none are named, with the API's. */
export function setupFromEnvironment(): Setup {
  return {
    signIns: { entra: entraSignIn(), b2c: b2cSignIn() },
    callsWarnings: read('DownstreamApis__warnings__BaseUrl') !== undefined,
  };
}

/** The options that `initialize()` reads by itself, with a store, which has no name in the environment. */
export function optionsWithStore(store: TokenStore): IdentityOptions {
  const options = optionsFromEnvironment();
  return { ...options, downstream: options.downstream && { ...options.downstream, store } };
}
