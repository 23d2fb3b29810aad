/** Binds the decorators to Nest. */
import { createParamDecorator, UseFilters, UseGuards, UseInterceptors, type ExecutionContext } from '@nestjs/common';
import 'reflect-metadata';
import type { Host } from '../../decorators/decorators.js';
import { guard, guardAction } from '../../decorators/protected-method.js';
import { prototypeChainOf } from '../../decorators/prototype-chain.js';
import { verifiedClaimsOf } from '../../gate/caller.js';
import { requestContext, theGuard } from './guard.js';
import { boundKey, decoratedKey, type Controller } from './handler-method.js';
import { httpRequestOf } from './platform.js';
import { refusalFilter } from './refusals.js';

/** Puts an enhancer before those that a class has, and before those that it will get. */
function bindFirst(decorate: ClassDecorator, controller: Controller): void {
  const Probe = class {};
  decorate(Probe);
  for (const key of Reflect.getOwnMetadataKeys(Probe) as string[]) {
    const own = Reflect.getOwnMetadata(key, Probe) as readonly unknown[];
    const others = (Reflect.getMetadata(key, controller) ?? []) as readonly unknown[];
    Reflect.defineMetadata(key, [...own, ...others], controller);
  }
}

/**
 * Binds the gate to a whole class, also for a decorator on one method.
 *
 * Nest looks for the guards of a class along the prototype chain, but for those of a method only on its function. Bound to
 * the class, the gate also protects a method of a derived class that overrides a protected one and declares its route
 * again.
 */
function bind(controller: Controller): void {
  if (Reflect.hasMetadata(boundKey, controller)) return;
  Reflect.defineMetadata(boundKey, true, controller);
  bindFirst(UseGuards(theGuard), controller);
  bindFirst(UseInterceptors(requestContext), controller);
  // Nest calls filters in the reverse order.
  (UseFilters(refusalFilter) as ClassDecorator)(controller as never);
}

type Method = Parameters<typeof guard>[0];

/** Gives a guarded method the metadata that Nest and others keep on the function it wraps, also metadata that is set later. */
function adopt(guarded: Method, method: Method, prototype: object, name: string | symbol): void {
  // reflect-metadata reads along the prototype chain. A copy would lack metadata that is set later on the inner function:
  // a guard of the application that finds no role there would let every caller pass.
  Object.setPrototypeOf(guarded, method);
  // Also on the method: there it comes before all filters of the class.
  UseFilters(refusalFilter)(prototype, name, { value: guarded });
}

const isHandler = (value: unknown): value is Method =>
  typeof value === 'function' && Reflect.getMetadataKeys(value).length > 0;

/** The methods of a class that have metadata of Nest or of others, inherited ones included. */
function handlerNamesOf(prototype: object): readonly (string | symbol)[] {
  const names = new Set<string | symbol>();
  for (const level of prototypeChainOf(prototype)) {
    if (level === Object.prototype) break;
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (name !== 'constructor' && isHandler(value)) names.add(name);
    }
  }
  return [...names];
}

/** The binding of the decorators to NestJS. */
export const nestjs: Host = {
  onMethod(prototype, name, descriptor) {
    Reflect.defineMetadata(decoratedKey, true, prototype, name);
    bind(prototype.constructor);
    const method = descriptor.value as Method;
    const guarded = guard(method, name, prototype);
    if (guarded !== method) adopt(guarded, method, prototype, name);
    descriptor.value = guarded;
  },
  onClass(constructor) {
    const { prototype } = constructor;
    Reflect.defineMetadata(decoratedKey, true, prototype);
    bind(constructor as Controller);
    const methods = prototype as Record<string | symbol, Method>;
    for (const name of handlerNamesOf(prototype)) {
      const method = methods[name];
      guardAction(prototype, name);
      const guarded = methods[name];
      if (method !== undefined && guarded !== undefined && guarded !== method) adopt(guarded, method, prototype, name);
    }
  },
  onParameter(prototype, method, index, claim) {
    createParamDecorator((_data: unknown, context: ExecutionContext) => {
      if (context.getType() !== 'http') return undefined;
      const claims = verifiedClaimsOf(httpRequestOf(context));
      return claim === undefined ? claims : claims?.[claim];
    })()(prototype, method, index);
  },
};
