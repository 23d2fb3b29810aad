/** Binds the decorators to routing-controllers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import 'reflect-metadata';
import { createParamDecorator, getMetadataArgsStorage } from 'routing-controllers';
import type { Requirement } from '../../core/access/requirement.js';
import { processWide } from '../../core/process-wide.js';
import type { Host } from '../../decorators/decorators.js';
import { guard, guardAction } from '../../decorators/protected-method.js';
import { isSameOrDerived } from '../../decorators/prototype-chain.js';
import { requirementOf } from '../../decorators/requirements.js';
import { verifiedClaimsOf } from '../../gate/caller.js';
import { enter } from '../../gate/gate.js';
import { shareHiddenClasses } from '../hidden-class.js';
import { passOrRefuse, type Next } from '../node-middleware.js';
import { authorizationChecker as checkAuthorization, type CheckedAction, type CheckerOptions } from './checkers.js';
import { passOnKoa, refuseOnKoa, type KoaContext } from './koa.js';
import { runAction, type Controller, type Storage } from './run-action.js';

type Use = Storage['uses'][number];

/** The middleware that stands before a protected route on Koa, and around it: what the action refuses is answered here. */
async function koaGate(requirement: Requirement, context: KoaContext, next: () => Promise<void>): Promise<void> {
  let verified: Awaited<ReturnType<typeof enter>>;
  try {
    verified = await enter(context.req, requirement);
  } catch (error) {
    refuseOnKoa(error, context, requirement);
    return;
  }
  await passOnKoa(verified, context, requirement, next);
}

type ExpressArguments = [IncomingMessage, ServerResponse, Next];
type KoaArguments = [KoaContext, () => Promise<void>];

/** The gate of a route. The two drivers call middleware with what their framework knows. */
function gateFor(requirement: Requirement) {
  return (...parameters: ExpressArguments | KoaArguments): unknown => {
    if (parameters.length === 2) return koaGate(requirement, ...parameters);
    const [request, response, next] = parameters;
    shareHiddenClasses(request, response);
    const proceed = () => {
      next();
    };
    passOrRefuse(requirement, request, response, next, { proceed });
    return undefined;
  };
}

function actionNamesOf(controller: Controller): readonly string[] {
  const { actions } = getMetadataArgsStorage();
  return actions
    .filter(({ target }) => isSameOrDerived(controller.prototype, (target as Controller).prototype))
    .map(({ method }) => method);
}

function isProtected(controller: Controller): boolean {
  return actionNamesOf(controller).some((method) => requirementOf(controller.prototype, method) !== undefined);
}

const hookedStorages = processWide('hooked-storages', () => new WeakSet<Storage>());

/**
 * Puts the gates in place when routing-controllers registers its routes.
 *
 * It registers inherited actions too, and asks for their middleware with the derived class, for which nothing was
 * stored. Answering here, rather than storing a middleware, is what keeps inherited routes shut.
 */
function hookIntoStorage(): void {
  const storage = getMetadataArgsStorage();
  if (hookedStorages.has(storage)) return;
  hookedStorages.add(storage);
  const usesOf = storage.filterUsesWithTargetAndMethod.bind(storage) as (
    target: Use['target'],
    method?: string,
  ) => Use[];
  storage.filterUsesWithTargetAndMethod = (target: Use['target'], method?: string) => {
    const controller = target as Controller;
    if (!isProtected(controller)) return usesOf(target, method);
    // The gate goes before the middleware of the class too, which therefore moves to its actions.
    if (method === undefined) return [];
    const requirement = requirementOf(controller.prototype, method);
    const gate: Use[] =
      requirement === undefined ? [] : [{ target, method, middleware: gateFor(requirement), afterAction: false }];
    return [...gate, ...usesOf(target), ...usesOf(target, method)];
  };
  const declaredActionsOf = storage.filterActionsWithTarget.bind(storage);
  storage.filterActionsWithTarget = (target) =>
    declaredActionsOf(target).map((action) => ({
      ...action,
      methodOverride: runAction(
        action.methodOverride ??
          ((metadata, request, parameters) => metadata.callMethod(parameters, request) as unknown),
      ),
    }));
}

/** The binding of the decorators to routing-controllers. */
export const routingControllers: Host = {
  onMethod(prototype, method, descriptor) {
    hookIntoStorage();
    descriptor.value = guard(descriptor.value as Parameters<typeof guard>[0], method, prototype);
  },
  onClass(constructor) {
    hookIntoStorage();
    for (const name of actionNamesOf(constructor as Controller)) guardAction(constructor.prototype, name);
  },
  onParameter(prototype, method, index, claim) {
    hookIntoStorage();
    // routing-controllers hands parameters over in the order of those it knows: it must know of this one.
    createParamDecorator({
      value: (action) => {
        const claims = verifiedClaimsOf(action.request as object);
        return claim === undefined ? claims : claims?.[claim];
      },
    })(prototype, method as string, index);
  },
};

/**
 * An `authorizationChecker` for routing-controllers, so that its own `@Authorized()` lets verified tokens pass alone, and
 * `@Authorized(['Admin', 'Editor'])` those that carry any of the roles. Refusals are answered as those of the decorators
 * are. Where a decorator of this library protects the route too, both must hold.
 *
 * Hand it over as it is, or `await` it in a checker of your own: a refused request is answered by then.
 *
 * @param options.scheme - the authority: `'entra'`, `'b2c'` or `'any'`; default: the one that is configured
 * @param options.identity - what `initialize` or `createMicrosoftIdentity` returned; default: the configuration in force
 * @throws ConfigurationError where an option is wrong
 * @example
 * ```ts
 * import { authorizationChecker, currentUserChecker } from 'microsoft-identity-decorators';
 * import { createExpressServer } from 'routing-controllers';
 *
 * createExpressServer({ authorizationChecker: authorizationChecker(), currentUserChecker: currentUserChecker() });
 * ```
 */
export function authorizationChecker(
  options?: CheckerOptions,
): (action: CheckedAction, roles: readonly unknown[]) => Promise<boolean> {
  // What the helpers throw in an action is answered too.
  hookIntoStorage();
  return checkAuthorization(options);
}
