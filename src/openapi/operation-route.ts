/** Which route an operation of an OpenAPI document describes. */
import { nameOfElement } from '../core/element-name.js';

/** A method of a controller, and its operation in a document: by path and HTTP method, or by operation id. */
export interface OperationRoute {
  /** The prototype of the controller that serves the route, which may only inherit the method. */
  readonly prototype: object;
  readonly method: PropertyKey;
  readonly httpMethod?: string | undefined;
  /** The full path, as Express writes it (`/users/:id`) or OpenAPI (`/users/{id}`). */
  readonly path?: string | undefined;
  readonly operationId?: string | undefined;
}

export type Json = Readonly<Record<string, unknown>>;

/** A path without the names of its parameters: `:id`, `:id(\\d+)?` and `{id}` become the same. */
function shapeOf(path: string): string {
  const shape = path.replace(/:\w+(\((?:[^()]|\([^()]*\))*\))?[?*+]?|\{[^}]*\}/g, '{}').replace(/\/+$/, '');
  return shape.startsWith('/') ? shape : `/${shape}`;
}

const addressOf = (httpMethod: string, path: string) => `${httpMethod.toLowerCase()} ${shapeOf(path)}`;

/** What a document and the routes do not have in common, as an operation and a route are written: `GET /users/{id}`. */
export interface UnmatchedOperations {
  /** Operations that match no route. */
  readonly operations: readonly string[];
  /** Routes that match no operation, each with its class and method. */
  readonly routes: readonly string[];
}

/** Finds the routes that operations describe, and remembers which were found. */
export interface RouteFinder {
  readonly find: (httpMethod: string, path: string, operation: Json) => OperationRoute | undefined;
  readonly unmatched: () => UnmatchedOperations;
}

interface Numbered {
  readonly route: OperationRoute;
  readonly index: number;
}

/** The framework answers these by itself, and documents seldom describe them. */
const seldomDescribed = ['head', 'options'];

/** Where a route is found: by its address, or by its operation id. Undefined: nowhere. */
function keyOf({ httpMethod, path, operationId }: OperationRoute): string | undefined {
  if (httpMethod !== undefined && path !== undefined) return addressOf(httpMethod, path);
  return operationId === undefined ? undefined : `id ${operationId}`;
}

function nameOf(route: OperationRoute): string {
  const { prototype, method, httpMethod, path, operationId = '' } = route;
  const address = httpMethod !== undefined && path !== undefined ? `${httpMethod.toUpperCase()} ${path}` : operationId;
  return `${address} (${nameOfElement(prototype, method)})`;
}

export function routeFinder(routes: readonly OperationRoute[]): RouteFinder {
  const known = new Map<string, Numbered>();
  for (const [index, route] of routes.entries()) {
    const key = keyOf(route);
    if (key === undefined) continue;
    // Of several routes with one address, hosts use the one that was registered first. Of those with one id, the last counts.
    if (!known.has(key) || key.startsWith('id ')) known.set(key, { route, index });
  }
  const found = new Set<string>();
  const operations: string[] = [];
  return {
    find(httpMethod, path, operation) {
      const byAddress = [addressOf(httpMethod, path), addressOf('all', path)]
        .map((key) => ({ key, numbered: known.get(key) }))
        .filter(({ numbered }) => numbered !== undefined)
        .sort((left, right) => (left.numbered?.index ?? 0) - (right.numbered?.index ?? 0));
      const idKey = `id ${String(operation['operationId'])}`;
      const [first = { key: idKey, numbered: known.get(idKey) }] = byAddress;
      if (first.numbered === undefined) operations.push(`${httpMethod.toUpperCase()} ${path}`);
      else found.add(first.key);
      return first.numbered?.route;
    },
    unmatched: () => ({
      operations,
      routes: routes
        .filter((route) => {
          const key = keyOf(route);
          return !(key !== undefined && found.has(key)) && !seldomDescribed.includes(route.httpMethod ?? '');
        })
        .map(nameOf),
    }),
  };
}
