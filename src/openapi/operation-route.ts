/** Which route an operation of an OpenAPI document describes. */

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

export const addressOf = (httpMethod: string, path: string) => `${httpMethod.toLowerCase()} ${shapeOf(path)}`;

/** Finds the route that an operation describes. */
export function routeFinder(
  routes: readonly OperationRoute[],
): (address: string, operation: Json) => OperationRoute | undefined {
  const byAddress = new Map<string, OperationRoute>();
  const byId = new Map<unknown, OperationRoute>();
  for (const route of routes) {
    const { httpMethod, path, operationId } = route;
    if (httpMethod !== undefined && path !== undefined) {
      const address = addressOf(httpMethod, path);
      // Of several routes with one address, hosts use the one that was registered first.
      if (!byAddress.has(address)) byAddress.set(address, route);
    } else if (operationId !== undefined) byId.set(operationId, route);
  }
  return (address, operation) => byAddress.get(address) ?? byId.get(operation['operationId']);
}
