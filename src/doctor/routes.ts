/** The routes of an app, and the requirement of each. */
import { createRequire } from 'node:module';
import type { Demand, Requirement } from '../core/access/requirement.js';
import { allowsAnonymous, requirementOf } from '../decorators/decorated-elements.js';
import { actionsOf } from '../decorators/prototype-chain.js';
import { authorizedRoles, rolesAt, type ResponseHandlers } from '../decorators/authorized-roles.js';
import { requirementOfUndecorated, validToken } from '../decorators/undecorated.js';
import { auditedIdentities, beginAudit, endAudit, isAskedOfBaseClasses } from '../gate/audit.js';
import { closingParts } from '../gate/known-handlers.js';
import { checkNamedApis } from '../gate/named-apis.js';
import {
  isNestApplication,
  isNestModule,
  moduleTreeOf,
  routesOfApplication,
  routesOfController,
  type NestRoute,
} from '../openapi/nest-routes.js';
import { isExpressApplication, routesOfExpress, watchExpress } from './express-routes.js';
import { fileOf, loadFile, preventListening } from './modules.js';
import { UsageError } from './terminal.js';
import { either } from './values.js';

/**
 * `open`: the command line names the route as open on purpose. `authorized`: the application's own checker decides, for
 * `@Authorized()` of routing-controllers. `mounted`: a function that Express has at a path, which may answer requests, has
 * no gate ahead of it. `unprotected`: there is neither a requirement nor `@Authorized()` nor `@AllowAnonymous()`.
 */
export type Protection = 'protected' | 'authorized' | 'anonymous' | 'open' | 'mounted' | 'unprotected';

/** One route. */
export interface Route {
  readonly method: string;
  readonly path: string;
  /** `WeatherController.report` */
  readonly action: string;
  readonly protection: Protection;
  /** The requirement in words, or what `@Authorized()` names; null if there is none. */
  readonly requirement: string | null;
}

/** Whether a route demands nothing, or may, and is not open on purpose. */
export const isUnprotected = ({ protection }: Route) => protection === 'unprotected' || protection === 'mounted';

/** What is used of a controller class. */
interface Controller {
  readonly prototype: object;
  readonly name: string;
}

/** What is used of the metadata that the decorators of routing-controllers store. */
interface Storage extends ResponseHandlers {
  readonly controllers: readonly { readonly target: Controller; readonly route?: string }[];
  readonly actions: readonly {
    readonly target: Controller;
    readonly method: string;
    readonly type: string;
    readonly route?: string | RegExp;
  }[];
}

/** The storage of the copy of routing-controllers that the app uses. The doctor may be installed elsewhere. */
function storageBeside(file: string): Storage | undefined {
  let routingControllers: unknown;
  try {
    routingControllers = createRequire(file)('routing-controllers');
  } catch {
    // An application of another host.
    return undefined;
  }
  return (routingControllers as { getMetadataArgsStorage: () => Storage }).getMetadataArgsStorage();
}

function demandWords(demand: Demand): string {
  switch (demand.kind) {
    case 'permission':
      return `scope ${either(demand.scopes)} of a person, or role ${either(demand.appPermissions)} of an application`;
    case 'not_guest':
      return 'no guests';
    case 'auth_context':
      return `authentication context ${demand.id}`;
    case 'claim': {
      const values = demand.values.map(String);
      return values.length === 0 ? `claim ${demand.claim}` : `claim ${demand.claim} ${either(values)}`;
    }
    case 'check':
      return "a check of the application's own";
    default:
      return `${demand.kind} ${either(demand.anyOf)}`;
  }
}

const issuers = { entra: 'Entra ID', b2c: 'B2C', any: 'Entra ID or B2C' } as const;
const people = { user: 'of a person', app: 'of an application', any: undefined } as const;

/** A requirement in words. */
function requirementWords({ scheme, demands, identity }: Requirement): string {
  const token = [
    'token',
    scheme && `of ${issuers[scheme.kind]}`,
    scheme?.policies && `by ${either(scheme.policies)}`,
    scheme?.callers && people[scheme.callers],
    identity && 'by its own configuration',
  ];
  return [token.filter((word) => word !== undefined).join(' '), ...demands.map(demandWords)].join('; ');
}

function routeFor(
  named: Pick<Route, 'method' | 'path' | 'action'>,
  { requirement, undecorated, isMeant, checker, isMounted = false }: Guarded,
): Route {
  if (requirement !== undefined)
    return { ...named, protection: 'protected', requirement: requirementWords(requirement) };
  if (undecorated !== undefined)
    return { ...named, protection: 'protected', requirement: `${requirementWords(undecorated)} (requireAuth)` };
  if (checker !== undefined) return { ...named, protection: 'authorized', requirement: checker };
  const open = isMounted ? 'mounted' : 'unprotected';
  return { ...named, protection: isMeant ? 'anonymous' : open, requirement: null };
}

/** What stands before a route. */
interface Guarded {
  readonly requirement: Requirement | undefined;
  /** What the option `requireAuth` demands of a route without a decorator. */
  readonly undecorated?: Requirement | undefined;
  /** Whether it is open on purpose. */
  readonly isMeant: boolean;
  /** What `@Authorized()` asks the checker of the application. */
  readonly checker?: string | undefined;
  /** Whether it is no route, but a function that is mounted at a path. */
  readonly isMounted?: boolean;
}

/** The lists of roles that the checker of the application is asked for: routing-controllers itself asks of one class. */
function askedRoles(target: Controller, method: string, storage: Storage): readonly (readonly unknown[])[] {
  if (isAskedOfBaseClasses()) return authorizedRoles(target, method, storage);
  return [rolesAt(target, method, storage)].filter((roles) => roles !== undefined);
}

function checkerWords(target: Controller, method: string, storage: Storage): string | undefined {
  const lists = askedRoles(target, method, storage);
  if (lists.length === 0) return undefined;
  const named = lists.filter((roles) => roles.length > 0).map((roles) => either(roles.map(String)));
  return named.length === 0 ? '@Authorized()' : `@Authorized() with ${named.join(', and ')}`;
}

function routesOfRoutingControllers(storage: Storage): readonly Route[] {
  return storage.controllers.flatMap(({ target, route: base = '' }) =>
    actionsOf(target, storage.actions).map(({ method, type, route = '' }) => {
      const { prototype, name } = target;
      const checker = checkerWords(target, method, storage);
      const undecorated = checker === undefined ? requirementOfUndecorated(prototype, method) : undefined;
      return routeFor(
        { method: type.toUpperCase(), path: `${base}${String(route)}` || '/', action: `${name}.${method}` },
        {
          requirement: requirementOf(prototype, method),
          undecorated,
          isMeant: allowsAnonymous(prototype, method),
          checker,
        },
      );
    }),
  );
}

const isClosing = (part: object) => closingParts.get(part)?.() === true;

function routesOfNest(routes: readonly NestRoute[], isClosed: boolean): readonly Route[] {
  return routes.map(({ controller, prototype, method, httpMethod, path }) => {
    const isMeant = allowsAnonymous(prototype, method);
    const action = `${controller.name}.${method}`;
    const undecorated = isClosed && !isMeant ? validToken(action, action) : undefined;
    return routeFor(
      { method: httpMethod.toUpperCase(), path, action },
      { requirement: requirementOf(prototype, method), undecorated, isMeant },
    );
  });
}

async function routesOfExport(exported: unknown): Promise<readonly Route[]> {
  if (isExpressApplication(exported)) {
    return routesOfExpress(exported).map(({ method, path, action, requirement, isAnonymous, isMounted }) =>
      routeFor({ method, path, action }, { requirement, isMeant: isAnonymous, isMounted }),
    );
  }
  if (isNestApplication(exported)) {
    const { config } = exported;
    const guards = [...config.getGlobalGuards(), ...config.getGlobalRequestGuards().map(({ instance }) => instance)];
    return routesOfNest(
      routesOfApplication(exported),
      guards.some((guard) => guard !== undefined && isClosing(guard)),
    );
  }
  if (isNestModule(exported)) {
    const { controllers, parts } = await moduleTreeOf(exported);
    return routesOfNest(
      controllers.flatMap((controller) => routesOfController(controller)),
      parts.some(isClosing),
    );
  }
  return [];
}

/**
 * Marks the routes that are open on purpose.
 *
 * @param names - such as `GET /health`
 * @throws UsageError if a name is that of no open route: it may be misspelt, or the route may have moved
 */
export function openOnPurpose(routes: readonly Route[], names: readonly string[]): readonly Route[] {
  const nameOf = ({ method, path }: Route) => `${method} ${path}`;
  for (const name of names) {
    if (!routes.some((route) => isUnprotected(route) && nameOf(route) === name)) {
      throw new UsageError(`--open ${name}: there is no unprotected route of this name.`);
    }
  }
  return routes.map((route) =>
    isUnprotected(route) && names.includes(nameOf(route)) ? { ...route, protection: 'open' } : route,
  );
}

const isClass = (value: object) => Function.prototype.toString.call(value).startsWith('class');

/** A function that makes an application: the default export, or `createApp`. */
function isFactory(name: string, value: unknown): value is () => unknown {
  if (name !== 'default' && name !== 'createApp') return false;
  if (typeof value !== 'function' || value.length > 0) return false;
  return !isClass(value) && !isExpressApplication(value) && !isNestModule(value);
}

/** What a module exports: each value once, and in the place of a factory what it makes. */
async function exportsOf(exports: object): Promise<readonly unknown[]> {
  const { default: main } = exports as { readonly default?: unknown };
  // A CommonJS module has its exports on the default export too.
  const all = [...Object.entries(typeof main === 'object' && main !== null ? main : {}), ...Object.entries(exports)];
  const values = new Set<unknown>();
  const called = new Set<unknown>();
  for (const [name, value] of all) {
    if (!isFactory(name, value)) values.add(await value);
    else if (!called.has(value)) {
      called.add(value);
      values.add(await value());
    }
  }
  return [...values];
}

async function exportsIn(file: string, module: string): Promise<readonly unknown[]> {
  const exports = await loadFile(file, module);
  try {
    return await exportsOf(exports);
  } catch (error) {
    throw new UsageError(`${module} makes no app: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The message for a module that fails after one of its servers was to listen: its cause may be that none does. */
function withListeningHint(message: string): string {
  return (
    `${message.replace(/\.$/, '')}. Nothing listens while the doctor loads a module, so server.address() is null. ` +
    'Point it at a module that exports the controllers or the app.'
  );
}

/**
 * Lists the routes of an application: of all controllers of routing-controllers that a module defines or imports, and of
 * the Express and Nest applications and the Nest modules that it exports, or that its factory makes. Nothing listens.
 *
 * @throws UsageError if the module cannot be loaded, or has no routes
 * @throws ConfigurationError if it names an API that its configuration does not have
 */
export async function routesIn(module: string, cwd: string): Promise<readonly Route[]> {
  const file = fileOf(module, cwd);
  watchExpress(file);
  const doNotListen = preventListening();
  beginAudit();
  try {
    const exported = await exportsIn(file, module).catch((error: unknown) => {
      if (!(error instanceof UsageError) || !doNotListen.wasAsked()) throw error;
      throw new UsageError(withListeningHint(error.message));
    });
    const storage = storageBeside(file);
    const routes = [
      ...(storage === undefined ? [] : routesOfRoutingControllers(storage)),
      ...(await Promise.all(exported.map(routesOfExport))).flat(),
    ];
    // On a build server the variables of the APIs may be missing.
    checkNamedApis(...auditedIdentities().filter(({ settings }) => settings.downstream !== undefined));
    if (routes.length > 0) return routes;
  } finally {
    endAudit();
    doNotListen.restore();
  }
  throw new UsageError(
    `${module} defines no routes, and imports none. It has to import controllers of routing-controllers, or to export an ` +
      'Express app, a Nest module, or a function that makes an app, as its default export or as createApp.',
  );
}
