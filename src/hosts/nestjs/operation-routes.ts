/** The routes that a Nest application serves. */
import type { INestApplicationContext } from '@nestjs/common';
import { ConfigurationError } from '../../core/errors.js';
import { isNestApplication, routesOfApplication } from '../../openapi/nest-routes.js';
import type { OperationRoute } from '../../openapi/operation-route.js';

/**
 * The routes that a Nest application serves, for `withSecurity`: with the global prefix, versions in the path and the paths
 * of modules, inherited routes included. Call it after the prefix and the versions are set.
 *
 * @param app - what `NestFactory.create` returns
 * @throws ConfigurationError for anything else
 */
export function operationRoutes(app: INestApplicationContext): readonly OperationRoute[] {
  const given: unknown = app;
  if (!isNestApplication(given)) {
    throw new ConfigurationError('operationRoutes() takes the application that NestFactory.create() returns.');
  }
  return routesOfApplication(given).map(({ prototype, method, httpMethod, path }) => ({
    prototype,
    method,
    httpMethod,
    path,
  }));
}
