/** A configuration that no option of the command line can express. */
import { initialize } from '../../../src/index.js';

initialize({
  tenantId: process.env['AzureAd__TenantId'],
  clientId: process.env['AzureAd__ClientId'],
  instance: process.env['AzureAd__Instance'],
  allowedClients: ['aaaaaaaa-0000-4000-8000-00000000000c'],
});
