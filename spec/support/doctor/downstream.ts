/** A module whose configuration calls other APIs: some parts of it are wrong. */
import { initialize } from '../../../src/index.js';

initialize({
  tenantId: 'organizations',
  clientId: '11111111-1111-4111-8111-111111111111',
  allowedTenants: '*',
  downstream: {
    credential: () => {
      throw new Error('The doctor calls no function of the application.');
    },
    apis: {
      graph: { baseUrl: 'https://graph.microsoft.us/v1.0', scopes: ['https://graph.microsoft.us/User.Read'] },
      mixed: { baseUrl: 'https://graph.microsoft.com/v1.0', scopes: ['https://graph.microsoft.us/User.Read'] },
      orders: {
        baseUrl: 'https://orders.example',
        scopes: ['api://orders/read', 'api://orders/write'],
        tenantId: 'caller',
      },
      own: { baseUrl: 'https://own.example', scopes: ['api://11111111-1111-4111-8111-111111111111/read'] },
      stock: { baseUrl: 'https://stock.example', scopes: ['api://stock/read'] },
    },
    store: {
      get: () => Promise.reject(new Error('The doctor asks no store.')),
      set: () => Promise.resolve(),
    },
  },
});
