/**
 * The gate of fields of GraphQL. Nest runs neither guards nor interceptors for the resolvers of fields, unless the option
 * `fieldResolverEnhancers` of its module names them, and GraphQL resolves fields outside of the context of their operation.
 */
import type { ExecutionContext } from '@nestjs/common';
import { ExternalContextCreator } from '@nestjs/core';
import { defer, lastValueFrom } from 'rxjs';
import { currentRequest, verifiedRequests } from '../../core/access/current-request.js';
import { processWide } from '../../core/process-wide.js';
import type { Method } from '../../decorators/protected-method.js';
import { requestContext, theGuard } from './guard.js';
import { boundKey } from './handler-method.js';
import { carrierOf, indexOfInfo } from './platform.js';

/** Where the information is among the parameters of a field; of its type, and of a reference, it is one place ahead. */
const indexOfInfoOfField = 3;

function contextOf(parameters: readonly unknown[], instance: object, handler: Method): ExecutionContext {
  return {
    getType: () => 'graphql',
    getClass: () => instance.constructor,
    getHandler: () => handler,
    getArgs: () => parameters,
    getArgByIndex: (index: number) => parameters[index],
  } as unknown as ExecutionContext;
}

/** Resolves a field behind its gate, in the context of its request. */
async function resolve(context: ExecutionContext, call: () => unknown): Promise<unknown> {
  await theGuard.canActivate(context);
  const handle = () => defer(() => Promise.resolve(call()));
  return lastValueFrom(requestContext.intercept(context, { handle }));
}

/** A protected method, which Nest hands to GraphQL as it is where it is a field without decorators on its parameters. */
export function gatedAsField(inner: Method, self: () => Method): Method {
  return function (...parameters) {
    const call = () => Reflect.apply(inner, this, parameters);
    const index = indexOfInfo(parameters);
    // A handler of HTTP may have as many parameters, which the client wrote.
    if (index === -1) return call();
    const context = contextOf(parameters, this as object, self());
    const request = carrierOf(context)?.request;
    // A method of the application may hand on the information in the place of its own.
    if (request === undefined && index !== indexOfInfoOfField) return call();
    const own = request && verifiedRequests.get(request);
    return own !== undefined && own === currentRequest.getStore() ? call() : resolve(context, call);
  };
}

const hooked = processWide('hooked-context-creators', () => new WeakSet<object>());

/** Puts the gate before the fields of classes with a decorator that Nest calls without guards or interceptors. */
export function hookIntoFields(): void {
  const { prototype } = ExternalContextCreator;
  if (hooked.has(prototype)) return;
  hooked.add(prototype);
  const create = Reflect.get(prototype, 'create');
  prototype.create = function (this: ExternalContextCreator, ...given: Parameters<typeof create>) {
    const [instance, callback, , , , , , options, type] = given;
    const call = create.apply(this, given);
    const hasGate = type !== 'graphql' || options === undefined || (options.guards && options.interceptors);
    if (hasGate === true || !Reflect.hasMetadata(boundKey, instance.constructor)) return call;
    return (...parameters: unknown[]) => resolve(contextOf(parameters, instance, callback), () => call(...parameters));
  } as typeof create;
}
