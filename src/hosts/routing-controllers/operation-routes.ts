/** The routes that routing-controllers serves. */
import { getMetadataArgsStorage, type RoutingControllersOptions } from 'routing-controllers';
import { actionsOf } from '../../decorators/prototype-chain.js';
import type { OperationRoute } from '../../openapi/operation-route.js';
import type { Controller } from './run-action.js';

/**
 * The routes that routing-controllers serves, for `withSecurity`: with full paths, inherited routes included.
 *
 * @param options - the options of the server
 */
export function operationRoutes({
  controllers,
  routePrefix = '',
}: Pick<RoutingControllersOptions, 'controllers' | 'routePrefix'> = {}): readonly OperationRoute[] {
  const storage = getMetadataArgsStorage();
  const prefix = routePrefix === '' || routePrefix.includes('/') ? routePrefix : `/${routePrefix}`;
  // Only routing-controllers can resolve globs. It serves no more than every decorated class in the process.
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
