/** Binds the gate to routing-controllers. The only file that imports it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import 'reflect-metadata';
import {
  createParamDecorator,
  Get,
  getMetadataArgsStorage,
  Header,
  JsonController,
  type Action,
  type ActionMetadata,
  type RoutingControllersOptions,
} from 'routing-controllers';
import { state } from '../core/access/current-request.js';
import type { MicrosoftIdentity, Requirement } from '../core/access/requirement.js';
import { ConfigurationError } from '../core/errors.js';
import { wellKnownPath, type ResourceMetadata } from '../core/issuers/resource-metadata.js';
import { authorizationChecker as checkAuthorization, type CheckedAction, type CheckerOptions } from './checkers.js';
import { verifiedClaimsOf } from './current-request.js';
import type { Host } from './decorators.js';
import { enter, gateDidNotRun, guard, guardAction, isRefusal, isSameOrDerived } from './gate.js';
import { passOnKoa, refuseOnKoa, thrownOnKoa, type KoaContext } from './koa.js';
import { passOrRefuse, refuse, type Next } from './middleware.js';
import type { OperationRoute } from './openapi.js';
import { actionsOf, record, requirementOf } from './records.js';

type Storage = ReturnType<typeof getMetadataArgsStorage>;
type ActionArgs = Storage['actions'][number];
type Use = Storage['uses'][number];

interface Controller {
  readonly prototype: object;
  readonly name: string;
}

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
    passOrRefuse(requirement, ...parameters);
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

/** Actions may return promises of another library, or of another realm. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function';
}

const requestOf = (action: Action): IncomingMessage =>
  (action.context as KoaContext | undefined)?.req ?? (action.request as IncomingMessage);

/** Answers what an action refused; any other error is routing-controllers' to handle. */
function settle(error: unknown, action: Action): unknown {
  if (!isRefusal(error)) throw error;
  const request = requestOf(action);
  if (action.context !== undefined) {
    thrownOnKoa.set(request, error);
    throw error;
  }
  const { requirement } = state.verified.get(request) ?? {};
  refuse(error, request, action.response as ServerResponse, action.next as Next, requirement);
  // The request is answered. routing-controllers must neither send a result nor, as it does after an error,
  // have the connection torn down; a promise that stays pending is the one result it does nothing about.
  return new Promise<never>(() => undefined);
}

type Run = (metadata: ActionMetadata, action: Action, parameters: unknown[]) => unknown;

/** Runs an action where its gate let the request in, in that request's own context, and answers what it refuses. */
function runAction(run: Run): NonNullable<ActionArgs['methodOverride']> {
  return (metadata, action, parameters) => {
    try {
      const result = runInContext(run, metadata, action, parameters);
      return isThenable(result) ? Promise.resolve(result).catch((error: unknown) => settle(error, action)) : result;
    } catch (error) {
      return settle(error, action);
    }
  };
}

function runInContext(run: Run, metadata: ActionMetadata, action: Action, parameters: unknown[]): unknown {
  const controller = metadata.target as Controller;
  const context = state.verified.get(requestOf(action));
  const requirement = requirementOf(controller.prototype, metadata.method);
  if (requirement !== undefined && context?.requirement !== requirement) {
    throw gateDidNotRun(controller.name, metadata.method);
  }
  if (state.current.getStore() === context) return run(metadata, action, parameters);
  return context === undefined
    ? state.current.exit(run, metadata, action, parameters)
    : state.current.run(context, run, metadata, action, parameters);
}

const hooked = Symbol.for('microsoft-identity-decorators/1:hooked');

/**
 * Puts the gates in place when routing-controllers registers its routes.
 *
 * It registers inherited actions too, and asks for their middleware with the derived class, for which nothing was
 * stored. Answering here, rather than storing a middleware, is what keeps inherited routes shut.
 */
function hookIntoStorage(): void {
  const storage = getMetadataArgsStorage() as Storage & { [hooked]?: true };
  if (storage[hooked]) return;
  storage[hooked] = true;
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

type MethodRecorder = (prototype: object, method: string) => void;

/**
 * A controller that answers `GET /.well-known/oauth-protected-resource` with what the API says of itself, for the
 * `controllers` of routing-controllers. A `routePrefix` would move it: serve `identity.resourceMetadata` yourself there.
 *
 * @param identity - what `initialize` or `createMicrosoftIdentity` returned; default: the configuration in force
 * @throws ConfigurationError where the option `resourceMetadata` was not given
 * @see {@link https://www.rfc-editor.org/rfc/rfc9728#section-3 RFC 9728 §3}
 */
export function resourceMetadataController(
  identity: Pick<MicrosoftIdentity, 'resourceMetadata'> | undefined = state.identity,
): new () => object {
  const document = identity?.resourceMetadata;
  if (document === undefined) {
    throw new ConfigurationError('resourceMetadataController() needs the option resourceMetadata of initialize().');
  }
  class ResourceMetadataController {
    read(): ResourceMetadata | undefined {
      return document;
    }
  }
  const { prototype } = ResourceMetadataController;
  (Get(wellKnownPath(document)) as MethodRecorder)(prototype, 'read');
  // Browsers ask too, from wherever the client was loaded.
  (Header('Access-Control-Allow-Origin', '*') as MethodRecorder)(prototype, 'read');
  record(prototype, 'read', { anonymous: true });
  JsonController()(ResourceMetadataController);
  return ResourceMetadataController;
}
