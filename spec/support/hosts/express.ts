import express5, { type Request, type RequestHandler, type Response } from 'express';
import {
  AllowAnonymous,
  authErrorHandler,
  ClaimCheck,
  claimCheck,
  getTokenClaims,
  RequiresAuth,
  requiresAuth,
  RequiresAuthContext,
  requiresAuthContext,
  RequiresB2cAuth,
  requiresB2cAuth,
  RequiresClaim,
  requiresClaim,
  RequiresRole,
  requiresRole,
  requiresScope,
  validateScope,
  ValidateScope,
} from '../../../src/express.js';
import { expressReleases, listen } from '../api.js';
import { isNamed, type HostUnderTest } from './host.js';

type Express = typeof express5;

const claims = async (request: Request, response: Response) => {
  await Promise.resolve();
  const { oid } = getTokenClaims();
  response.json({ oid, isSame: getTokenClaims() === getTokenClaims(request) });
};
const helper = async (_request: Request, response: Response) => {
  await Promise.resolve();
  validateScope('helper.scope');
  response.json({ passed: 'helper' });
};
const passed = (name: string) => (_request: Request, response: Response) => {
  response.json({ passed: name });
};
const open = (_request: Request, response: Response) => {
  response.json({ open: true });
};
const body = (request: Request, response: Response) => {
  response.json({ body: request.body as unknown });
};

class WeatherController {
  @AllowAnonymous()
  open(request: Request, response: Response) {
    open(request, response);
  }

  @RequiresAuth()
  claims(request: Request, response: Response) {
    return claims(request, response);
  }

  @ValidateScope('access_as_user', 'other.scope')
  @RequiresAuth()
  scope(request: Request, response: Response) {
    passed('scope')(request, response);
  }

  @RequiresAuth()
  @RequiresRole('Admin')
  role(request: Request, response: Response) {
    passed('role')(request, response);
  }

  @RequiresB2cAuth({ policy: 'B2C_1_susi' })
  b2c(request: Request, response: Response) {
    passed('b2c')(request, response);
  }

  @RequiresAuth()
  @RequiresAuthContext('c1')
  context(request: Request, response: Response) {
    passed('context')(request, response);
  }

  @RequiresAuth()
  @RequiresClaim('department', 'finance', 'legal')
  @ClaimCheck(isNamed)
  rule(request: Request, response: Response) {
    passed('rule')(request, response);
  }

  @RequiresAuth()
  helper(request: Request, response: Response) {
    return helper(request, response);
  }

  @RequiresAuth()
  body(request: Request, response: Response) {
    body(request, response);
  }
}

function middlewareApp(express: Express) {
  const app = express();
  app.get('/open', open);
  app.get('/b2c', requiresB2cAuth({ policy: 'B2C_1_susi' }), passed('b2c'));
  app.get('/scope', requiresAuth(), requiresScope('access_as_user', 'other.scope'), passed('scope'));
  app.use(requiresAuth());
  app.get('/role', requiresRole('Admin'), passed('role'));
  app.get('/context', requiresAuthContext('c1'), passed('context'));
  app.get('/rule', requiresClaim('department', 'finance', 'legal'), claimCheck(isNamed), passed('rule'));
  app.post('/body', express.json(), body);
  app.get('/claims', claims);
  // What an asynchronous handler throws, Express 4 leaves to its author.
  app.get('/helper', (request, response, next) => {
    helper(request, response).catch(next);
  });
  app.use(authErrorHandler);
  return app;
}

function decoratedApp(express: Express) {
  const app = express();
  const controller = new WeatherController();
  // Unbound, as Express users hand methods over.
  for (const name of ['open', 'claims', 'scope', 'role', 'b2c', 'context', 'rule', 'helper'] as const) {
    app.get(`/${name}`, Reflect.get(controller, name) as RequestHandler);
  }
  const handler = controller.body.bind(controller);
  app.post('/body', (request, response, next) => {
    // The gate stands before the body is read.
    void requiresAuth()(request, response, () => {
      express.json()(request, response, (error?: unknown) => {
        if (error === undefined) handler(request, response);
        else next(error);
      });
    });
  });
  return app;
}

export const hosts: readonly HostUnderTest[] = expressReleases.flatMap(({ release, express }) => [
  { name: `middleware on ${release}`, start: () => listen(middlewareApp(express)) },
  { name: `decorated methods on ${release}`, start: () => listen(decoratedApp(express)) },
]);
