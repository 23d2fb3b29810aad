/** What other hosts need to know of routing-controllers. Imports nothing of it. */
import { nameOfElement } from '../core/element-name.js';
import { ConfigurationError } from '../core/errors.js';

/** What is used of the storage that routing-controllers keeps on the global object. */
interface Storage {
  readonly actions: readonly { readonly target: unknown }[];
  readonly controllers: readonly { readonly target: unknown }[];
}

/**
 * Refuses a decorator of another host on a controller of routing-controllers. That knows a controller by its identity: if
 * another class took its place, the actions would lose what else is on them, such as `@Authorized()`.
 *
 * @throws ConfigurationError
 */
export function refuseController(constructor: object): void {
  const { routingControllersMetadataArgsStorage: storage } = globalThis as {
    readonly routingControllersMetadataArgsStorage?: Storage;
  };
  if (storage === undefined) return;
  if (![...storage.actions, ...storage.controllers].some(({ target }) => target === constructor)) return;
  throw new ConfigurationError(
    `${nameOfElement(constructor)} is a controller of routing-controllers, and has a decorator for another framework. ` +
      "Import its decorators from 'microsoft-identity-decorators'.",
  );
}
