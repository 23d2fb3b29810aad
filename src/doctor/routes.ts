/** The routes of an app, and the requirement of each. */
import { createRequire } from 'node:module';
import type { Demand, Requirement } from '../core/access/requirement.js';
import { allowsAnonymous, requirementOf } from '../decorators/decorated-elements.js';
import { actionsOf } from '../decorators/prototype-chain.js';
import { requirementOfUndecorated } from '../decorators/undecorated.js';
import { loadModule } from './modules.js';
import { UsageError } from './terminal.js';
import { either } from './values.js';

/** `unprotected`: the route has neither a requirement nor `@AllowAnonymous()`. */
export type Protection = 'protected' | 'anonymous' | 'unprotected';

/** One route. */
export interface Route {
  readonly method: string;
  readonly path: string;
  /** `WeatherController.report` */
  readonly action: string;
  readonly protection: Protection;
  /** The requirement in words; null if there is none. */
  readonly requirement: string | null;
}

/** What is used of a controller class. */
interface Controller {
  readonly prototype: object;
  readonly name: string;
}

/** What is used of the metadata that the decorators of routing-controllers store. */
interface Storage {
  readonly controllers: readonly { readonly target: Controller; readonly route?: string }[];
  readonly actions: readonly {
    readonly target: Controller;
    readonly method: string;
    readonly type: string;
    readonly route?: string | RegExp;
  }[];
}

/** The storage of the copy of routing-controllers that the app uses. The doctor may be installed elsewhere. */
function storageBeside(file: string): Storage {
  let routingControllers: unknown;
  try {
    routingControllers = createRequire(file)('routing-controllers');
  } catch {
    throw new UsageError(`routing-controllers is not installed for ${file}.`);
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

function routeOf(controller: Controller, base: string, action: Storage['actions'][number]): Route {
  const { prototype } = controller;
  const requirement = requirementOf(prototype, action.method) ?? requirementOfUndecorated(prototype, action.method);
  const isMeant = allowsAnonymous(prototype, action.method);
  return {
    method: action.type.toUpperCase(),
    path: `${base}${String(action.route ?? '')}` || '/',
    action: `${controller.name}.${action.method}`,
    protection: requirement !== undefined ? 'protected' : isMeant ? 'anonymous' : 'unprotected',
    requirement: requirement === undefined ? null : requirementWords(requirement),
  };
}

/**
 * Lists the routes of all controllers that a module defines or imports, as routing-controllers would register them.
 *
 * @throws UsageError if the module cannot be loaded, or has no routes
 */
export async function routesIn(module: string, cwd: string): Promise<readonly Route[]> {
  const storage = storageBeside(await loadModule(module, cwd));
  const routes = storage.controllers.flatMap(({ target, route = '' }) =>
    actionsOf(target, storage.actions).map((action) => routeOf(target, route, action)),
  );
  if (routes.length === 0) throw new UsageError(`${module} defines no routes, and imports none.`);
  return routes;
}
