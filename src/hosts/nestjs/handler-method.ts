/** Which method of a controller Nest is about to call, and what it demands. */
import type { ExecutionContext } from '@nestjs/common';
import type { Requirement } from '../../core/access/requirement.js';
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
  // An instance may hold a function of its own, such as the bound method; the name is what is left to go by.
  const name = handler.name.replace(/^(bound )+/, '');
  return typeof (prototype as Record<string, unknown>)[name] === 'function' && name !== 'constructor' ? [name] : [];
}

/** The names a class has a handler by. The handler's own name may be another: decorators replace functions. */
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

/** What the handler that Nest is about to call demands, as a method of the controller it is called on. */
export function requirementFor(context: ExecutionContext): Requirement | undefined {
  const controller = context.getClass() as Controller;
  const names = namesOfHandler(context);
  if (names.length === 0 && Reflect.hasMetadata(boundKey, controller)) {
    throw new ConfigurationError(
      `A handler of ${controller.name} is none of its methods, so nothing says what it demands.`,
    );
  }
  for (const name of names) {
    const requirement = requirementOf(controller.prototype, name);
    if (requirement !== undefined) return requirement;
  }
  return undefined;
}

/** Whether `@AllowAnonymous()` is why a handler demands nothing: any other decorator would have it demand something. */
export function isLifted(context: ExecutionContext): boolean {
  const { prototype } = context.getClass() as Controller;
  return (
    Reflect.hasMetadata(decoratedKey, prototype) ||
    namesOfHandler(context).some((name) => Reflect.hasMetadata(decoratedKey, prototype, name as string))
  );
}
