/** Which method of a controller does Nest call, and what does it require? */
import type { ExecutionContext } from '@nestjs/common';
import type { Requirement } from '../../core/access/requirement.js';
import { nameOfElement } from '../../core/element-name.js';
import { ConfigurationError } from '../../core/errors.js';
import { prototypeChainOf } from '../../decorators/prototype-chain.js';
import { requirementOf } from '../../decorators/requirements.js';

export interface Controller {
  readonly prototype: object;
  readonly name: string;
}

// Keys of metadata. Strings are the same in the ES module and the CommonJS build, which may each decorate a class.
export const boundKey = 'microsoft-identity-decorators:bound';

export const decoratedKey = 'microsoft-identity-decorators:decorated';

const handlerNames = new WeakMap<object, WeakMap<object, readonly PropertyKey[]>>();

function findNames(prototype: object, handler: { readonly name: string }): readonly PropertyKey[] {
  const names = new Set<PropertyKey>();
  for (const level of prototypeChainOf(prototype)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (value === handler) names.add(name);
    }
  }
  if (names.size > 0) return [...names];
  // An instance may have a function of its own, such as the bound method. Then only the name tells the method.
  const name = handler.name.replace(/^(bound )+/, '');
  return typeof (prototype as Record<string, unknown>)[name] === 'function' && name !== 'constructor' ? [name] : [];
}

/** The names under which a class has a handler. The function may have another name, because decorators replace functions. */
function namesOf(prototype: object, handler: { readonly name: string }): readonly PropertyKey[] {
  const known = handlerNames.get(prototype) ?? new WeakMap<object, readonly PropertyKey[]>();
  handlerNames.set(prototype, known);
  let names = known.get(handler);
  if (names === undefined) known.set(handler, (names = findNames(prototype, handler)));
  return names;
}

export function namesOfHandler(context: ExecutionContext): readonly PropertyKey[] {
  return namesOf((context.getClass() as Controller).prototype, context.getHandler());
}

/** What the handler that Nest calls requires, as a method of the controller that it is called on. */
export function requirementFor(context: ExecutionContext): Requirement | undefined {
  const controller = context.getClass() as Controller;
  const names = namesOfHandler(context);
  if (names.length === 0 && Reflect.hasMetadata(boundKey, controller)) {
    const { name } = context.getHandler();
    throw new ConfigurationError(
      `${nameOfElement(controller.prototype, name === '' ? '(anonymous)' : name)} is called as a handler and is not a method of ` +
        `${controller.name}, so what it requires is unknown. Declare the handler as a method of the class.`,
    );
  }
  for (const name of names) {
    const requirement = requirementOf(controller.prototype, name);
    if (requirement !== undefined) return requirement;
  }
  return undefined;
}

/** Whether a handler requires nothing because of `@AllowAnonymous()`. With any other decorator it would require something. */
export function isLifted(context: ExecutionContext): boolean {
  const { prototype } = context.getClass() as Controller;
  return (
    Reflect.hasMetadata(decoratedKey, prototype) ||
    namesOfHandler(context).some((name) => Reflect.hasMetadata(decoratedKey, prototype, name as string))
  );
}
