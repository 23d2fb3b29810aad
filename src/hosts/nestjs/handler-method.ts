/** Which method of a controller does Nest call, and what does it require? */
import type { ExecutionContext } from '@nestjs/common';
import type { Requirement } from '../../core/access/requirement.js';
import { nameOfElement } from '../../core/element-name.js';
import { ConfigurationError } from '../../core/errors.js';
import { allowsAnonymous, requirementOf } from '../../decorators/decorated-elements.js';
import { prototypeChainOf } from '../../decorators/prototype-chain.js';

export interface Controller {
  readonly prototype: object;
  readonly name: string;
}

// A key of metadata. A string is the same in the ES module and the CommonJS build, which may each decorate a class.
export const boundKey = 'microsoft-identity-decorators:bound';

const handlerNames = new WeakMap<object, WeakMap<object, readonly PropertyKey[]>>();

function findNames(prototype: object, handler: object): readonly PropertyKey[] {
  const names = new Set<PropertyKey>();
  for (const level of prototypeChainOf(prototype)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (value === handler) names.add(name);
    }
  }
  return [...names];
}

/**
 * The names under which a class has a handler. The name of the function is not among them: decorators replace functions, and
 * an instance may have another function in the place of the method.
 */
function namesOf(prototype: object, handler: object): readonly PropertyKey[] {
  const known = handlerNames.get(prototype) ?? new WeakMap<object, readonly PropertyKey[]>();
  handlerNames.set(prototype, known);
  let names = known.get(handler);
  if (names === undefined) known.set(handler, (names = findNames(prototype, handler)));
  return names;
}

const namesOfHandler = (context: ExecutionContext) =>
  namesOf((context.getClass() as Controller).prototype, context.getHandler());

/** The class and the function that Nest calls, for messages. */
export function nameOfHandler(context: ExecutionContext): string {
  const [method = context.getHandler().name] = namesOfHandler(context);
  return nameOfElement((context.getClass() as Controller).prototype, method === '' ? '(anonymous)' : method);
}

/**
 * What the handler that Nest calls requires, as a method of the controller that it is called on. Nest does not tell the
 * name of the method: of a function with several names, all that they require must hold.
 *
 * @throws ConfigurationError where the handler is not a method of the controller
 */
export function requirementsFor(context: ExecutionContext): readonly Requirement[] {
  const controller = context.getClass() as Controller;
  const names = namesOfHandler(context);
  if (names.length === 0 && Reflect.hasMetadata(boundKey, controller)) {
    throw new ConfigurationError(
      `${nameOfHandler(context)} is called as a handler and is not a method of ${controller.name}, so what it requires is ` +
        'unknown. Declare the handler as a method of the class. Nest needs no bound methods.',
    );
  }
  return names.map((name) => requirementOf(controller.prototype, name)).filter((required) => required !== undefined);
}

/** Whether a handler requires nothing because of `@AllowAnonymous()`, by each of its names. */
export function isLifted(context: ExecutionContext): boolean {
  const { prototype } = context.getClass() as Controller;
  const names = namesOfHandler(context);
  return names.length > 0 && names.every((name) => allowsAnonymous(prototype, name));
}
