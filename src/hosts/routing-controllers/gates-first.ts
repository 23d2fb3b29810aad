/** Puts the gates in place when routing-controllers registers its routes, and runs actions in their request. */
import { getMetadataArgsStorage } from 'routing-controllers';
import { nameOfElement } from '../../core/element-name.js';
import { ConfigurationError } from '../../core/errors.js';
import { processWide } from '../../core/process-wide.js';
import { protectMembers } from '../../decorators/protected-class.js';
import { isSameOrDerived } from '../../decorators/prototype-chain.js';
import { hookIntoDrivers } from './drivers.js';
import { gatesFor } from './gates.js';
import { protection, runAction, type Controller, type Storage } from './run-action.js';

type Use = Storage['uses'][number];

const hookedStorages = processWide('hooked-storages', () => new WeakSet<Storage>());

function actionNamesOf(controller: Controller): readonly string[] {
  const { actions } = getMetadataArgsStorage();
  return actions
    .filter(({ target }) => isSameOrDerived(controller.prototype, (target as Controller).prototype))
    .map(({ method }) => method);
}

/**
 * Hooks into the storage of routing-controllers, once.
 *
 * routing-controllers registers inherited actions too, and asks for their middleware with the derived class, for which
 * nothing was stored. So storage answers with the gates, and none is stored: this protects inherited actions.
 */
export function hookIntoStorage(): void {
  const storage = getMetadataArgsStorage();
  if (hookedStorages.has(storage)) return;
  hookedStorages.add(storage);
  hookIntoDrivers();
  const usesOf = storage.filterUsesWithTargetAndMethod.bind(storage) as (
    target: Use['target'],
    method?: string,
  ) => Use[];
  storage.filterUsesWithTargetAndMethod = (target: Use['target'], method?: string) => {
    const controller = target as Controller;
    const isProtected = actionNamesOf(controller).some((name) => gatesFor(controller, name, storage).length > 0);
    if (!isProtected) return usesOf(target, method);
    // The gates go before the middleware of the class too, which therefore moves to its actions.
    if (method === undefined) return [];
    const gates = gatesFor(controller, method, storage).map((middleware): Use => ({
      target,
      method,
      middleware,
      afterAction: false,
    }));
    return [...gates, ...usesOf(target), ...usesOf(target, method)];
  };
  const declaredActionsOf = storage.filterActionsWithTarget.bind(storage);
  storage.filterActionsWithTarget = (target) =>
    declaredActionsOf(target).map((action) => ({ ...action, methodOverride: runAction(action.methodOverride) }));
  protectDeclaredControllers(storage);
}

/** Protects the methods of a controller when it is declared, so that they are protected where no route calls them too. */
function protectDeclaredControllers({ controllers }: Storage): void {
  for (const { target } of controllers) protectMembers((target as Controller).prototype, protection);
  const declare = controllers.push.bind(controllers);
  controllers.push = (...declared) => {
    for (const { target } of declared) protectMembers((target as Controller).prototype, protection);
    return declare(...declared);
  };
}

/** Whether routing-controllers knows a class, or one that it extends: by an action, a middleware, or what else is on it. */
export function isController({ prototype }: Controller): boolean {
  const { actions, controllers, uses, useInterceptors, responseHandlers } = getMetadataArgsStorage();
  return [...actions, ...controllers, ...uses, ...useInterceptors, ...responseHandlers].some(({ target }) =>
    isSameOrDerived(prototype, (target as Controller).prototype),
  );
}

/**
 * Refuses a decorator on a class with `@Middleware()` or `@Interceptor()`. routing-controllers knows it by its identity: if
 * another class took its place, it would not run, and without a message.
 *
 * @throws ConfigurationError
 */
export function refuseGlobal(constructor: Controller): void {
  const { middlewares, interceptors } = getMetadataArgsStorage();
  if (![...middlewares, ...interceptors].some(({ target }) => target === constructor)) return;
  throw new ConfigurationError(
    `${nameOfElement(constructor)} has @Middleware() or @Interceptor(), which run outside of any gate, and a decorator of this library. ` +
      'Put the decorator on controllers or actions. For a gate before them, give requiresAuth() of …/express to @UseBefore().',
  );
}
