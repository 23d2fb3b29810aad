/** Binds the decorators to Nest. */
import { createParamDecorator, UseFilters, UseGuards, UseInterceptors, type ExecutionContext } from '@nestjs/common';
import 'reflect-metadata';
import type { Host } from '../../decorators/decorators.js';
import { isMethod, isReplaced } from '../../decorators/protected-class.js';
import { asProtected, originalOf, type Method } from '../../decorators/protected-method.js';
import { DownstreamApi } from '../../downstream/downstream-api.js';
import { verifiedContextOf } from '../../gate/current-caller.js';
import { refuseController } from '../controllers-of-routing-controllers.js';
import { guardOfOtherHost, protectedAsHandler } from '../handler-call.js';
import { gatedAsField, hookIntoFields } from './fields.js';
import { requestContext, theGuard } from './guard.js';
import { boundKey, type Controller } from './handler-method.js';
import { carrierOf } from './platform.js';
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

/** The methods that Nest itself calls while it starts and stops an application. */
const lifecycleMethods: ReadonlySet<PropertyKey> = new Set([
  'onModuleInit',
  'onApplicationBootstrap',
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
]);

const isClassOfApi = (type: unknown) =>
  typeof type === 'function' && (type.prototype as unknown) instanceof DownstreamApi;

/**
 * Takes the class of an API out of the types that a compiler wrote down. A ValidationPipe with `validateCustomDecorators`
 * would create an object of the class, and copy the members of the value into it.
 */
function hideClassOfApi(prototype: object, method: string | symbol, index: number): void {
  const types = Reflect.getOwnMetadata('design:paramtypes', prototype, method) as readonly unknown[] | undefined;
  if (!isClassOfApi(types?.[index])) return;
  const others = types?.map((type, at) => (at === index ? Object : type));
  Reflect.defineMetadata('design:paramtypes', others, prototype, method);
}

hookIntoFields();

/** The binding of the decorators to NestJS. */
export const nestjs: Host = {
  protect(method, name, owner, definer) {
    const inner = guardOfOtherHost(method, name, owner, definer);
    const guarded: Method = asProtected(
      gatedAsField(inner, () => guarded),
      originalOf(inner) ?? { method, name, definer, owner },
      method,
    );
    // On the method too: there it comes ahead of any filter of the class, wherever that stands.
    UseFilters(refusalFilter)(owner, name as string, { value: guarded });
    return guarded;
  },
  isLifecycleMethod: (name) => lifecycleMethods.has(name),
  // `applyDecorators` of Nest drops what each decorator returns: the next one gets the class as it was. MicrosoftIdentityModule
  // protects what derives from such a class.
  mayReplace: (constructor) => !isReplaced(constructor),
  protectProperty(held, name, prototype) {
    const guarded = guardOfOtherHost(held, name, prototype, prototype);
    // Nest calls what an instance has in the place of a method.
    return name in prototype ? guarded : protectedAsHandler(held, guarded, name, prototype);
  },
  onRequirement(prototype, method) {
    if (method === undefined) refuseController(prototype.constructor);
    bind(typeof prototype === 'function' ? prototype : prototype.constructor);
  },
  onParameter(prototype, method, index, { fill }) {
    hideClassOfApi(prototype, method, index);
    // The method may have no gate: the use of what fills the parameter is refused then.
    const handler: unknown = Object.getOwnPropertyDescriptor(prototype, method)?.value;
    if (isMethod(handler)) UseFilters(refusalFilter)(prototype, method as string, { value: handler });
    createParamDecorator((_data: unknown, context: ExecutionContext) => {
      const request = carrierOf(context)?.request;
      return fill(request && verifiedContextOf(request));
    })()(prototype, method, index);
  },
};
