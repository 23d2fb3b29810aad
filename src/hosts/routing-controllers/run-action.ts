/** Runs an action in its own request, and answers what it refuses. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Action, ActionMetadata, getMetadataArgsStorage } from 'routing-controllers';
import { currentRequest, verifiedRequests } from '../../core/access/current-request.js';
import { isThenable } from '../../core/awaited.js';
import { gateDidNotRun } from '../../decorators/protected-method.js';
import { requirementOf } from '../../decorators/requirements.js';
import { isRefusal } from '../../gate/refusal.js';
import { refuse, type Next } from '../node-middleware.js';
import { thrownOnKoa, type KoaContext } from './koa.js';

export type Storage = ReturnType<typeof getMetadataArgsStorage>;

type ActionArgs = Storage['actions'][number];

export interface Controller {
  readonly prototype: object;
  readonly name: string;
}

const requestOf = (action: Action): IncomingMessage =>
  (action.context as KoaContext | undefined)?.req ?? (action.request as IncomingMessage);

/** Answers what an action refused; any other error is routing-controllers' to handle. */
function settle(error: unknown, action: Action): unknown {
  if (!isRefusal(error)) throw error;
  const request = requestOf(action);
  if (action.context !== undefined) {
    thrownOnKoa.set(request, error);
    throw error;
  }
  const { requirement } = verifiedRequests.get(request) ?? {};
  refuse(error, request, action.response as ServerResponse, action.next as Next, requirement);
  // The request is answered. routing-controllers must neither send a result nor, as it does after an error,
  // have the connection torn down; a promise that stays pending is the one result it does nothing about.
  return new Promise<never>(() => undefined);
}

type Run = (metadata: ActionMetadata, action: Action, parameters: unknown[]) => unknown;

/** Runs an action where its gate let the request in, in that request's own context, and answers what it refuses. */
export function runAction(run: Run): NonNullable<ActionArgs['methodOverride']> {
  return (metadata, action, parameters) => {
    try {
      const result = runInContext(run, metadata, action, parameters);
      return isThenable(result) ? Promise.resolve(result).catch((error: unknown) => settle(error, action)) : result;
    } catch (error) {
      return settle(error, action);
    }
  };
}

function runInContext(run: Run, metadata: ActionMetadata, action: Action, parameters: unknown[]): unknown {
  const controller = metadata.target as Controller;
  const context = verifiedRequests.get(requestOf(action));
  const requirement = requirementOf(controller.prototype, metadata.method);
  if (requirement !== undefined && context?.requirement !== requirement) {
    throw gateDidNotRun(controller.name, metadata.method);
  }
  if (currentRequest.getStore() === context) return run(metadata, action, parameters);
  return context === undefined
    ? currentRequest.exit(run, metadata, action, parameters)
    : currentRequest.run(context, run, metadata, action, parameters);
}
