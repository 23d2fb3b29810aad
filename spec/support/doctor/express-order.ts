/** An Express app whose gates do not stand before all that is answered. */
import express from 'express';
import { initialize, requiresAuth, requiresScope } from '../../../src/express.js';

initialize();

const handle: express.RequestHandler = (_request, response) => {
  response.end('answered');
};

export const app = express();
app.get('/behind', handle, requiresAuth());
app.get('/between', requiresAuth(), handle, requiresScope('orders.read'));
app.get('/alone', requiresAuth());
app.use('/tenants/:tenant', requiresAuth());
app.get('/tenants/:id', handle);
app.get('/tenants/{:id}', handle);
app.get('/tenants/{*rest}', handle);
