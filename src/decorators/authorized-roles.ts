/** What `@Authorized()` of routing-controllers names. Knows only the metadata that it stores. */

import { prototypeChainOf } from './prototype-chain.js';

/** What is used of the metadata. */
export interface ResponseHandlers {
  readonly responseHandlers: readonly {
    readonly type: string;
    readonly target: unknown;
    readonly method: string;
    readonly value?: unknown;
  }[];
}

/** The roles that one class names for an action, on itself and on the method; undefined where it has no `@Authorized()`. */
export function rolesAt(
  target: object,
  method: string,
  { responseHandlers }: ResponseHandlers,
): readonly unknown[] | undefined {
  const handlers = responseHandlers.filter((handler) => handler.type === 'authorized' && handler.target === target);
  // As in ActionMetadata of routing-controllers: one decorator of the class and one of the method count, and a checker
  // gets the roles of both in one list.
  const found = [undefined, method]
    .map((place) => handlers.find((handler) => (handler.method as string | undefined) === place))
    .filter((handler) => handler !== undefined);
  if (found.length === 0) return undefined;
  return found.flatMap(({ value }: { readonly value?: unknown }) => (value === undefined ? [] : value));
}

/** The lists of roles that an action is to be held against: one of its class, and one of each class above. */
export function authorizedRoles(
  target: object,
  method: string,
  storage: ResponseHandlers,
): readonly (readonly unknown[])[] {
  return [...prototypeChainOf(target)]
    .map((level) => rolesAt(level, method, storage))
    .filter((roles) => roles !== undefined);
}
