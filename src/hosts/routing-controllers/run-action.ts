/** Runs an action in its own request. */
import type { ServerResponse } from 'node:http';
import type { Action, ActionMetadata, getMetadataArgsStorage } from 'routing-controllers';
import { currentRequest, verifiedRequests } from '../../core/access/current-request.js';
import { privateField } from '../../core/access/return-override.js';
import { andThen, isThenable } from '../../core/awaited.js';
import { nameOfElement } from '../../core/element-name.js';
import { ConfigurationError } from '../../core/errors.js';
import { processWide } from '../../core/process-wide.js';
import { requirementOf } from '../../decorators/decorated-elements.js';
import { protectMembersOfInstances, type MemberProtection } from '../../decorators/protected-class.js';
import { gateDidNotRun, type Method } from '../../decorators/protected-method.js';
import { prototypeFor } from '../../decorators/prototype-chain.js';
import { requirementOfUndecorated } from '../../decorators/undecorated.js';
import { satisfy } from '../../gate/admission.js';
import { warnDeveloper } from '../../gate/refusal.js';
import { guardOfOtherHost } from '../handler-call.js';
import { noteHandler } from '../running-handlers.js';
import { incomingMessageOf } from './drivers.js';
import type { KoaContext } from './koa.js';

export type Storage = ReturnType<typeof getMetadataArgsStorage>;

type ActionArgs = Storage['actions'][number];

export interface Controller {
  readonly prototype: object;
  readonly name: string;
}

const serverResponseOf = (action: Action): ServerResponse =>
  (action.context as KoaContext | undefined)?.res ?? (action.response as ServerResponse);

/**
 * The result of an action whose request is answered. routing-controllers must neither send a result nor, as it does after
 * an error, have the connection closed. It does nothing about a promise that stays pending.
 */
const alreadyAnswered = () => new Promise<never>(() => undefined);

const refused = processWide('refused-responses', () => new WeakSet<ServerResponse>());
const checksUnderWay = processWide('checks-under-way', () => privateField<Promise<unknown> | undefined>());

/** Whether a checker of this library was called at all. Without one no action has to look for what it noted. */
const checkers = processWide('checkers-called', () => ({ wereCalled: false }));

/** Notes that a request is refused, and answered or forwarded: its action must not run, whatever a checker returns. */
export function markRefused(response: ServerResponse): void {
  checkers.wereCalled = true;
  refused.add(response);
}

/** Notes a check of a request. The checker of the app may not wait for it, so the action does. */
export function noteRunningCheck(response: ServerResponse, check: Promise<boolean>): void {
  checkers.wereCalled = true;
  const earlier = checksUnderWay.get(response);
  const all = earlier === undefined ? check : Promise.all([earlier, check]);
  const forget = () => {
    if (checksUnderWay.get(response) === all) checksUnderWay.set(response, undefined);
  };
  checksUnderWay.set(response, all);
  // The request of a check that rejects is marked as refused. So its action does not run where the rejection is ignored.
  all.then(forget, forget);
}

function skipAction({ target, method }: ActionMetadata, action: Action): unknown {
  const error = new ConfigurationError(
    `${nameOfElement(target, method)} does not run: authorizationChecker() refused the request, and the checker of the app returned true. ` +
      'Return false where authorizationChecker() does.',
  );
  warnDeveloper(error);
  // Koa's middleware waits for the action. What routing-controllers makes of the error is not sent.
  if (action.context !== undefined) throw error;
  return alreadyAnswered();
}

/** How the methods of controllers are protected, when they are declared and when their instances come. */
export const protection: MemberProtection = { protect: guardOfOtherHost };

type MethodOverride = NonNullable<ActionArgs['methodOverride']>;

/**
 * Calls the action on the instance that a container gives. What the controller requires was checked before. The instance may
 * be of a class below it, so what its class requires is checked too.
 */
const callAction: MethodOverride = (metadata, action, parameters) => {
  const { method } = metadata;
  const instance = metadata.controllerMetadata.getInstance(action) as Readonly<Record<string, Method>>;
  const { prototype } = metadata.target as Controller;
  const ofInstance = Object.getPrototypeOf(instance) as object;
  protectMembersOfInstances(ofInstance, protection);
  const called = instance[method];
  if (typeof called !== 'function') throw new TypeError(`${nameOfElement(prototype, method)} is not a function.`);
  const context = currentRequest.getStore();
  const requirement = ofInstance === prototype ? undefined : requirementOf(prototypeFor(instance, prototype), method);
  if (requirement === undefined || context === undefined) return called.apply(instance, parameters);
  return andThen(satisfy(context, requirement), () => called.apply(instance, parameters));
};

/** Runs an action where its gate let the request in, in that request's own context. */
export function runAction(run: MethodOverride = callAction): MethodOverride {
  return (metadata, action, parameters) =>
    checkers.wereCalled
      ? runUnlessRefused(run, metadata, action, parameters)
      : runAndAwait(run, metadata, action, parameters);
}

function runUnlessRefused(
  run: MethodOverride,
  metadata: ActionMetadata,
  action: Action,
  parameters: unknown[],
): unknown {
  const response = serverResponseOf(action);
  const proceed = () =>
    refused.has(response) ? skipAction(metadata, action) : runAndAwait(run, metadata, action, parameters);
  const checks = checksUnderWay.get(response);
  return andThen(checks, proceed);
}

/** Without a gate, an action runs that neither has a decorator nor needs one. routing-controllers checks `@Authorized()`. */
function checkWithoutDecorator({ target, method, isAuthorizedUsed }: ActionMetadata): void {
  const { prototype } = target as Controller;
  if (isAuthorizedUsed || requirementOfUndecorated(prototype, method) === undefined) return;
  throw new ConfigurationError(
    `${nameOfElement(prototype, method)} has no decorator, and requireAuth came into force after its app was created. ` +
      'Call initialize() before createExpressServer(), useExpressServer(), createKoaServer() or useKoaServer().',
  );
}

function runAndAwait(run: MethodOverride, metadata: ActionMetadata, action: Action, parameters: unknown[]): unknown {
  const result = runInContext(run, metadata, action, parameters);
  // routing-controllers takes what `then` returns for a promise. What is thenable in another way has none.
  return isThenable(result) ? Promise.resolve(result) : result;
}

function runInContext(run: MethodOverride, metadata: ActionMetadata, action: Action, parameters: unknown[]): unknown {
  const controller = metadata.target as Controller;
  const request = incomingMessageOf(action);
  const context = verifiedRequests.get(request);
  const requirement = requirementOf(controller.prototype, metadata.method);
  if (context === undefined) {
    if (requirement !== undefined) throw gateDidNotRun(nameOfElement(controller.prototype, metadata.method));
    checkWithoutDecorator(metadata);
    return currentRequest.exit(run, metadata, action, parameters);
  }
  noteHandler(context, undefined);
  const runInRequest = (): unknown =>
    currentRequest.getStore() === context
      ? run(metadata, action, parameters)
      : currentRequest.run(context, run, metadata, action, parameters);
  // A middleware of /express after the gate may have added to what the request was admitted for.
  return requirement === undefined ? runInRequest() : andThen(satisfy(context, requirement), runInRequest);
}
