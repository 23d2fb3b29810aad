/** The tenants that the environment names. */
import { initialize } from 'microsoft-identity-decorators';
import type { Authority } from './authority.js';

export function isTenantConfigured(): boolean {
  return Object.keys(process.env).some((name) => /^AzureAd(B2C)?__/.test(name));
}

/**
 * @throws ConfigurationError naming the option that is wrong
 * @throws IssuerUnavailableError where the tenant's signing keys cannot be loaded
 */
export async function useRealTenant(): Promise<Authority> {
  const identity = initialize();
  // A tenant that does not exist is better found out now than by the first caller.
  await identity.ready();
  const names = Object.keys(process.env).filter((name) => (process.env[name] ?? '').trim() !== '');
  return {
    entra: ['AzureAd__TenantId', 'AzureAd__ClientId'].every((name) => names.includes(name)),
    b2c: names.some((name) => name.startsWith('AzureAdB2C__')),
    introduce: () => Promise.resolve('Accepting tokens of the tenant that the environment names.'),
    close: () => {
      identity.close();
      return Promise.resolve();
    },
  };
}
