/** The routes that routing-controllers serves. */
import { getMetadataArgsStorage, type RoutingControllersOptions } from 'routing-controllers';
import { actionsOf } from '../../decorators/prototype-chain.js';
import type { OperationRoute } from '../../openapi/operation-route.js';
import type { Controller } from './run-action.js';

/**
 * The routes that routing-controllers serves, for `withSecurity`: inherited ones too, and their paths whole.
 *
 * @param options - those that the server is made with
 */
export function operationRoutes({
  controllers,
  routePrefix = '',
}: Pick<RoutingControllersOptions, 'controllers' | 'routePrefix'> = {}): readonly OperationRoute[] {
  const storage = getMetadataArgsStorage();
  const prefix = routePrefix === '' || routePrefix.includes('/') ? routePrefix : `/${routePrefix}`;
  // Globs are routing-controllers' to resolve: every decorated class in the process is what it serves then, at most.
  const classes = controllers?.every((controller) => typeof controller === 'function') ? controllers : undefined;
  return storage.controllers
    .filter(({ target }) => classes?.includes(target) ?? true)
    .flatMap(({ target, route: base = '' }) => {
      const { prototype } = target as Controller;
      return actionsOf(target, storage.actions)
        .filter(({ route }) => !((route as unknown) instanceof RegExp))
        .map(({ method, type, route }) => ({
          prototype,
          method,
          httpMethod: type,
          path: `${prefix}${base}${(route as string | undefined) ?? ''}`,
        }));
    });
}
