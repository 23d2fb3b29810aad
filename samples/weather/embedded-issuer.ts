/** A local issuer in place of Microsoft's, so that the sample runs with no tenant and no network. */
import { initialize } from 'microsoft-identity-decorators';
import { startTestIssuer } from 'microsoft-identity-decorators/testing';
import type { Authority } from './authority.js';
import { requestsToTry } from './requests-to-try.js';

export async function startEmbeddedIssuer(): Promise<Authority> {
  const issuer = await startTestIssuer();
  const identity = initialize({ ...issuer.options, b2c: issuer.b2cOptions });
  return {
    entra: true,
    b2c: true,
    introduce: async (apiUrl) =>
      [
        'No tenant is configured, so a local issuer stands in for Microsoft Entra ID and Azure AD B2C.',
        'For a real one, set AzureAd__TenantId and AzureAd__ClientId, or AzureAdB2C__Domain and its companions.',
        '',
        'Requests to try in a POSIX shell, each after the status to expect. The tokens are good for an hour.',
        '',
        await requestsToTry(apiUrl, issuer),
      ].join('\n'),
    close: async () => {
      identity.close();
      await issuer.close();
    },
  };
}
