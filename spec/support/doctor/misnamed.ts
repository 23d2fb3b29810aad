/** An app that calls an API by a name that its configuration does not have, and one of another configuration. */
import { createExpressServer, Get, JsonController } from 'routing-controllers';
import {
  asApplication,
  createMicrosoftIdentity,
  initialize,
  OnBehalfOf,
  RequiresAuth,
  type DownstreamApi,
} from '../../../src/index.js';

const options = {
  tenantId: 'aaaaaaaa-0000-4000-8000-000000000001',
  clientId: 'aaaaaaaa-0000-4000-8000-000000000002',
};
const apiAt = (baseUrl: string) => ({ baseUrl, scopes: [`${baseUrl}/.default`] });
const credential = { clientSecret: 'secret-of-a-test' };

initialize({ ...options, downstream: { credential, apis: { stock: apiAt('https://stock.example') } } });
const partners = createMicrosoftIdentity({
  ...options,
  downstream: { credential, apis: { orders: apiAt('https://orders.example') } },
});

export const orders = partners.asApplication('orders');
export const stock = asApplication('stock');

@JsonController('/stock')
class StockController {
  @Get('/')
  @RequiresAuth()
  list(@OnBehalfOf('stok') api: DownstreamApi) {
    return api.get('/');
  }

  @Get('/orders')
  @RequiresAuth()
  orders(@partners.OnBehalfOf('stock') api: DownstreamApi) {
    return api.get('/');
  }
}

createExpressServer({ controllers: [StockController] });
