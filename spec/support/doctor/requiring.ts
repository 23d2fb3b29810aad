/** Controllers that forgot something, in an app that requires a token of every route. */
import { initialize } from '../../../src/index.js';
import './ajar.js';

initialize({
  tenantId: 'aaaaaaaa-0000-4000-8000-000000000001',
  clientId: 'aaaaaaaa-0000-4000-8000-000000000002',
  requireAuth: true,
});
