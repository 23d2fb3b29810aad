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
import { carrierOf } from './platform.js';

/** The parameters of a resolver: the parent, the arguments, the context of the operation, and what is resolved. */
const parametersOfResolver = 4;

/** What is used of a resolver's last parameter. */
interface ResolveInfo {
  readonly fieldName?: unknown;
  readonly schema?: { readonly getQueryType?: unknown } | null;
}

/**
 * Whether a method is called as a resolver. A handler of HTTP may have as many parameters, with bodies and queries that the
 * client wrote. The schema has methods, which neither JSON nor a query can have.
 */
function isResolverCall(parameters: readonly unknown[]): boolean {
  if (parameters.length !== parametersOfResolver) return false;
  const { fieldName, schema } = (parameters[parametersOfResolver - 1] ?? {}) as ResolveInfo;
  return typeof fieldName === 'string' && typeof schema?.getQueryType === 'function';
}

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
    if (!isResolverCall(parameters)) return call();
    const context = contextOf(parameters, this as object, self());
    const request = carrierOf(context)?.request;
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
