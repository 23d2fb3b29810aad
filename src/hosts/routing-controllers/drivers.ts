/** Hooks into the drivers of routing-controllers: what runs outside of actions is in its request, and is answered as they are. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ExpressDriver, KoaDriver, type Action, type ActionMetadata, type BaseDriver } from 'routing-controllers';
import { currentRequest, verifiedRequests } from '../../core/access/current-request.js';
import { nameOfElement } from '../../core/element-name.js';
import type { Refusal } from '../../core/errors.js';
import { processWide } from '../../core/process-wide.js';
import { noteHandlerOf } from '../../gate/not-verified-yet.js';
import { isRefusal } from '../../gate/refusal.js';
import { refuse, type Next } from '../node-middleware.js';
import { refuseActionOnKoa, type KoaContext } from './koa.js';

/** Node's own request. */
export const incomingMessageOf = (action: Action): IncomingMessage =>
  (action.context as KoaContext | undefined)?.req ?? (action.request as IncomingMessage);

/**
 * Answers the refusal that an action threw, or what runs around it: a parameter of `createParamDecorator`, an interceptor,
 * a middleware, a checker. routing-controllers would drop the challenge, and on Koa the status too.
 */
function answerRefusal(refusal: Refusal, action: Action): void {
  if (action.context !== undefined) {
    const context = action.context as KoaContext;
    // An answer that has ended is that of a check which refused the request.
    if (!context.res.writableEnded) refuseActionOnKoa(refusal, context);
    return;
  }
  const request = action.request as IncomingMessage;
  const { requirement } = verifiedRequests.get(request) ?? {};
  refuse(refusal, request, action.response as ServerResponse, action.next as Next, requirement);
}

interface Stream {
  readonly pipe: unknown;
  once(event: 'error', listener: (error: unknown) => void): unknown;
  listenerCount(event: 'error'): number;
}

const isStream = (result: unknown): result is Stream => {
  const { pipe, once, listenerCount } = (result ?? {}) as Partial<Stream>;
  return typeof pipe === 'function' && typeof once === 'function' && typeof listenerCount === 'function';
};

/**
 * Answers the refusal that a stream throws while it is sent. The driver of Express pipes it without a look at its errors, so
 * a caller without a scope would end the process.
 */
function answerRefusalOf(result: unknown, action: Action): void {
  if (!isStream(result)) return;
  result.once('error', (error) => {
    if (isRefusal(error)) answerRefusal(error, action);
    // As without this listener.
    else if (result.listenerCount('error') === 0) throw error;
  });
}

/** Runs the parameters, the action and the interceptors in their request, also where a middleware lost its context. */
function runInRequest(action: Action, run: (action: Action) => unknown): unknown {
  const context = verifiedRequests.get(incomingMessageOf(action));
  if (currentRequest.getStore() === context) return run(action);
  return context === undefined ? currentRequest.exit(run, action) : currentRequest.run(context, run, action);
}

type Middleware = Parameters<BaseDriver['registerMiddleware']>[0];

/** A global middleware of Koa whose refusals are answered. Express' driver hands its errors to `handleError`. */
function answeredOnKoa(middleware: Middleware): Middleware {
  const { instance } = middleware as { readonly instance: { use?: (context: KoaContext, next: Next) => unknown } };
  if (typeof instance.use !== 'function') return middleware;
  const use = async (context: KoaContext, next: Next) => {
    try {
      await instance.use?.(context, next);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refuseActionOnKoa(error, context);
    }
  };
  return Object.create(middleware, { instance: { value: { use } } }) as Middleware;
}

const hooked = processWide('hooked-drivers', () => new WeakSet<BaseDriver>());

function hookInto(driver: BaseDriver): void {
  if (hooked.has(driver)) return;
  hooked.add(driver);
  const handleError = Reflect.get(driver, 'handleError');
  const registerAction = Reflect.get(driver, 'registerAction');
  const registerMiddleware = Reflect.get(driver, 'registerMiddleware');
  driver.handleError = function (this: BaseDriver, error: unknown, metadata, action) {
    if (!isRefusal(error)) return handleError.call(this, error, metadata, action) as unknown;
    noteHandlerOf(error, nameOfAction(metadata));
    answerRefusal(error, action);
    return undefined;
  };
  driver.registerAction = function (this: BaseDriver, metadata, execute) {
    registerAction.call(this, metadata, (action) => runInRequest(action, execute));
  };
  if (driver === ExpressDriver.prototype) {
    const handleSuccess = Reflect.get(driver, 'handleSuccess');
    driver.handleSuccess = function (this: BaseDriver, result: unknown, metadata, action) {
      answerRefusalOf(result, action);
      handleSuccess.call(this, result, metadata, action);
    };
    return;
  }
  driver.registerMiddleware = function (this: BaseDriver, middleware, options) {
    registerMiddleware.call(this, answeredOnKoa(middleware), options);
  };
}

/** The action whose error is handled, as messages name it. A global middleware has none. */
const nameOfAction = (metadata: ActionMetadata | undefined) =>
  metadata && (() => nameOfElement((metadata.target as { readonly prototype: object }).prototype, metadata.method));

/** Hooks into the drivers, once. */
export function hookIntoDrivers(): void {
  for (const driver of [ExpressDriver.prototype, KoaDriver.prototype] as BaseDriver[]) hookInto(driver);
}
