/** A configuration with a check of the application's own. */
import { initialize } from '../../../src/index.js';

initialize({
  tenantId: process.env['AzureAd__TenantId'],
  clientId: process.env['AzureAd__ClientId'],
  instance: process.env['AzureAd__Instance'],
  claimCheck: ({ oid }) => oid !== 'blocked',
});
