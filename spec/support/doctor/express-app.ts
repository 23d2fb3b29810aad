/** An Express app with routes of every kind. It prints, and starts a server. */
import express, { Router } from 'express';
import {
  AllowAnonymous,
  initialize,
  RequiresAuth,
  RequiresRole,
  requiresAuth,
  requiresScope,
} from '../../../src/express.js';

// A build server has no tenant.
initialize({ tenantId: process.env['NO_TENANT'], clientId: process.env['NO_CLIENT'] });

@RequiresAuth()
class Reports {
  @RequiresRole('Admin')
  list() {
    return 'list';
  }
  @AllowAnonymous()
  health() {
    return 'up';
  }
}
const reports = new Reports();

const handle: express.RequestHandler = (_request, response) => {
  response.end();
};

function withRoutes(app: express.Express, router: express.Router, admin: express.Express): express.Express {
  app.get('/early', handle);
  app.get('/health', Reflect.get(reports, 'health') as never);
  app.get('/reports', reports.list.bind(reports) as never);
  app.post('/notes', requiresAuth(), requiresScope('notes.write'), handle).get('/notes', handle);
  router.use(requiresScope('orders.read'));
  router.get('/:id', handle);
  router.delete('/:id', requiresScope('orders.write'), handle);
  app.use('/orders', router);
  admin.get('/users', handle);
  app.use('/tenants/:tenant', requiresAuth());
  app.get('/tenants/:id/people', handle);
  app.use(['/admin'], admin);
  app.use(requiresAuth());
  app.get('/late', function late(_request, response) {
    response.end();
  });
  app.use('/late-router', Router().put('/x', handle));
  return app;
}

export const app = withRoutes(express(), express.Router(), express());

console.log('This app prints.');
app.listen(0, () => {
  console.log('listens');
});
