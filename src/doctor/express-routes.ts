/** The routes of an Express application, and the middlewares ahead of each. Works on the objects of Express 4 and 5. */
import { createRequire } from 'node:module';
import { combineAlongMiddlewares } from '../core/access/combining.js';
import type { Requirement } from '../core/access/requirement.js';
import { allowsAnonymous, requirementOf } from '../decorators/decorated-elements.js';
import { prototypeFor } from '../decorators/prototype-chain.js';
import { methodsOfHandlers, requirementsOfMiddlewares } from '../gate/known-handlers.js';

type Callback = ((...parameters: unknown[]) => unknown) & { readonly stack?: readonly Layer[] };

interface Layer {
  readonly handle: Callback;
  readonly method?: string;
  readonly route?: { readonly path: unknown; readonly stack: readonly Layer[] } | undefined;
}

interface Router {
  readonly stack: readonly Layer[];
}

/** What is used of an Express application. `_router` is that of Express 4, which has none before the first route. */
interface Application {
  readonly handle: unknown;
  readonly set: unknown;
  readonly _router?: Router;
  readonly router?: Router;
}

/** The router of an application; undefined for Express 4 before its first route, whose `router` throws. */
const routerOf = (app: Application) => app._router ?? ('lazyrouter' in app ? undefined : app.router);

/** One route of an Express application, or one function that is mounted at a path. */
export interface ExpressRoute {
  readonly method: string;
  readonly path: string;
  /** The name of the handler, or of its class and method. */
  readonly action: string;
  readonly requirement: Requirement | undefined;
  readonly isAnonymous: boolean;
  /** Whether it is mounted, as by `app.use('/graphql', handler)`. Whether it answers a request cannot be known. */
  readonly isMounted: boolean;
}

/** What is found, in the order in which Express asks it. Routes of routing-controllers are listed from its own metadata. */
interface Found extends ExpressRoute {
  readonly isListedElsewhere: boolean;
}

type Use = (this: Router, ...given: unknown[]) => unknown;
interface Watched {
  use: Use;
}

/** Where middlewares, routers and applications are mounted. Express keeps no text of it. */
const mountPaths = new WeakMap<Layer, readonly unknown[]>();
const mountedApps = new WeakMap<Layer, Application>();

const isFunction = (value: unknown): value is Callback => typeof value === 'function';

export function isExpressApplication(value: unknown): value is Application {
  return (
    isFunction(value) && isFunction((value as Partial<Application>).handle) && 'set' in value && 'mountpath' in value
  );
}

const isRouter = (value: Callback): value is Callback & Router => Array.isArray(value.stack) && 'use' in value;

function watchRouter(prototype: Watched): void {
  const { use } = prototype;
  prototype.use = function (this: Router, ...given) {
    const before = new Set(this.stack);
    const result = use.apply(this, given);
    const [first] = given.slice(0, 1).flat(Infinity);
    const paths = isFunction(first) ? ['/'] : [given[0]].flat(Infinity);
    for (const layer of this.stack) if (!before.has(layer)) mountPaths.set(layer, paths);
    return result;
  };
}

function watchApplications(application: Watched & { lazyrouter?: (this: unknown) => void }): void {
  const { use } = application;
  application.use = function (this, ...given) {
    const apps = given.flat(Infinity).filter(isExpressApplication);
    application.lazyrouter?.call(this);
    const before = new Set(routerOf(this as unknown as Application)?.stack);
    const result = use.apply(this, given);
    const layers =
      routerOf(this as unknown as Application)?.stack.filter(
        (layer) => !before.has(layer) && layer.handle.name === 'mounted_app',
      ) ?? [];
    for (const [index, layer] of layers.entries()) {
      const app = apps[index];
      if (app !== undefined) mountedApps.set(layer, app);
    }
    return result;
  };
}

/** Remembers which method a bound handler stands for: `reports.list.bind(reports)`. */
function watchBoundHandlers(): void {
  const bind = Reflect.get(Function.prototype, 'bind') as (this: object, ...given: unknown[]) => Callback;
  Function.prototype.bind = function (this: object, ...given: unknown[]) {
    const bound = bind.apply(this, given);
    const known = methodsOfHandlers.get(this);
    if (known !== undefined)
      methodsOfHandlers.set(bound, { ...known, prototype: prototypeFor(given[0], known.prototype) });
    return bound;
  };
}

const watched = new WeakSet();

/** Watches what the application mounts, and where. To be called before the application is loaded. */
export function watchExpress(file: string): void {
  let express: { Router: Watched & { readonly prototype: Partial<Watched> }; readonly application: Watched };
  try {
    express = createRequire(file)('express') as typeof express;
  } catch {
    // An application of another host.
    return;
  }
  if (watched.has(express)) return;
  watched.add(express);
  const { Router, application } = express;
  watchRouter(isFunction(Router.prototype.use) ? (Router.prototype as Watched) : Router);
  watchApplications(application);
  watchBoundHandlers();
}

const segmentsOf = (path: string) => path.split('/').filter((segment) => segment !== '');

/** Whether what is mounted at a path is ahead of a route. Of a path that is not plain text this is not known: then it is not. */
function covers(mounted: unknown, route: string): boolean {
  if (typeof mounted !== 'string' || /[*?+(){}]/.test(mounted)) return false;
  const [own, others] = [segmentsOf(mounted), segmentsOf(route)];
  return own.every((segment, index) => {
    const other = others[index];
    if (other === undefined) return false;
    // A parameter is at least one character, and a wildcard or what is optional may be none.
    return segment.startsWith(':') ? !/[*?{}]/.test(other) : segment.toLowerCase() === other.toLowerCase();
  });
}

interface Ahead {
  readonly requirement: Requirement;
  readonly paths: readonly unknown[];
}

const sumOf = (requirements: readonly Requirement[]) =>
  requirements.length === 0 ? undefined : requirements.reduce(combineAlongMiddlewares);

/** What one function that Express calls requires. */
function requirementOfHandler(handler: object): Requirement | undefined {
  const { prototype, method } = methodsOfHandlers.get(handler) ?? {};
  if (prototype !== undefined && method !== undefined) return requirementOf(prototype, method);
  return requirementsOfMiddlewares.get(handler);
}

function nameOf(handler: Callback): string {
  const { prototype, method } = methodsOfHandlers.get(handler) ?? {};
  if (prototype === undefined || method === undefined) return handler.name === '' ? '(anonymous)' : handler.name;
  return `${(typeof prototype === 'function' ? prototype : prototype.constructor).name}.${String(method)}`;
}

/** routing-controllers registers its routes with this function. */
const isOfRoutingControllers = (stack: readonly Layer[]) => stack[0]?.handle.name === 'routeGuard';

const isAnonymousHandler = (handler: Callback | undefined) => {
  const known = handler && methodsOfHandlers.get(handler);
  return known !== undefined && allowsAnonymous(known.prototype, known.method);
};

/** What the middlewares ahead of a path require. */
const requirementsAhead = (ahead: readonly Ahead[], full: string) =>
  ahead.filter(({ paths }) => paths.some((mounted) => covers(mounted, full))).map(({ requirement }) => requirement);

/** The handlers of a route up to the last one that can answer. A gate behind it comes too late. */
function untilAnswered(handlers: readonly Layer[]): readonly Layer[] {
  const last = handlers.findLastIndex(({ handle }) => !requirementsOfMiddlewares.has(handle));
  return last === -1 ? handlers : handlers.slice(0, last + 1);
}

function routesOfLayer({ route }: Layer, prefix: string, ahead: readonly Ahead[]): readonly Found[] {
  if (route === undefined) return [];
  const methods = [...new Set(route.stack.map(({ method }) => method))];
  return [route.path].flat(Infinity).flatMap((path) => {
    const full = `${prefix}${String(path)}`;
    return methods.map((method): Found => {
      const handlers = untilAnswered(
        route.stack.filter((layer) => layer.method === method || layer.method === undefined),
      );
      const last = handlers.at(-1)?.handle;
      const own = handlers.map(({ handle }) => requirementOfHandler(handle)).filter((found) => found !== undefined);
      return {
        method: method === undefined ? 'ALL' : method.toUpperCase(),
        path: full,
        action: last === undefined ? '(none)' : nameOf(last),
        requirement: sumOf([...requirementsAhead(ahead, full), ...own]),
        isAnonymous: isAnonymousHandler(last),
        isMounted: false,
        isListedElsewhere: isOfRoutingControllers(route.stack),
      };
    });
  });
}

/** Express hands errors alone to a function of four parameters. */
const isErrorHandler = (handler: Callback) => handler.length === 4;

/** A function that is mounted at a path: a handler of its own, such as that of a GraphQL server, or a middleware. */
function mountedFunction(handler: Callback, full: string, ahead: readonly Ahead[]): readonly Found[] {
  if (full === '' || isErrorHandler(handler)) return [];
  const own = requirementOfHandler(handler);
  return [
    {
      method: 'USE',
      path: full,
      action: nameOf(handler),
      requirement: sumOf([...requirementsAhead(ahead, full), ...(own === undefined ? [] : [own])]),
      isAnonymous: isAnonymousHandler(handler),
      isMounted: true,
      isListedElsewhere: false,
    },
  ];
}

function walk(stack: readonly Layer[], prefix: string, above: readonly Ahead[]): readonly Found[] {
  const ahead = [...above];
  return stack.flatMap((layer) => {
    if (layer.route !== undefined) return routesOfLayer(layer, prefix, ahead);
    const paths = mountPaths.get(layer) ?? [undefined];
    const requirement = requirementsOfMiddlewares.get(layer.handle);
    if (requirement !== undefined) {
      ahead.push({
        requirement,
        paths: paths.map((path) => (typeof path === 'string' ? `${prefix}/${path}` : path)),
      });
      return [];
    }
    const app = mountedApps.get(layer);
    const inner = app === undefined ? layer.handle : routerOf(app);
    if (inner === undefined) return [];
    return paths.flatMap((path) => {
      const mounted = typeof path === 'string' || path instanceof RegExp ? String(path) : '/(unknown)';
      const full = `${prefix}${mounted}`;
      const withoutSlash = full.replace(/\/+$/, '');
      if (!isFunction(inner) || isRouter(inner)) return walk(inner.stack, withoutSlash, ahead);
      if (path === undefined) return [];
      return mountedFunction(inner, typeof path === 'string' ? withoutSlash : full, ahead);
    });
  });
}

/**
 * The routes of an application, with the paths where its routers are mounted, and the functions that are mounted at a path.
 * A function that is ahead of others below its path lets requests pass, and is left out.
 */
export function routesOfExpress(app: Application): readonly ExpressRoute[] {
  const router = routerOf(app);
  const found = router === undefined ? [] : walk(router.stack, '', []);
  const isPassed = ({ path }: Found, index: number) => found.slice(index + 1).some((later) => covers(path, later.path));
  return found.filter((each, index) => !each.isListedElsewhere && !(each.isMounted && isPassed(each, index)));
}
