/** The gate of one route as a middleware, for every host on top of Node's own request and response. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { currentRequest } from '../core/access/current-request.js';
import type { Requirement } from '../core/access/requirement.js';
import { isThenable } from '../core/awaited.js';
import { enter, forwardsErrors, refusalOf } from '../gate/gate.js';
import { shareHiddenClass } from './hidden-class.js';
import { answer, warnDeveloper } from './node-answer.js';

export type Next = (error?: unknown) => void;

/** Answers a refusal, or hands it to the application's error handler. Never throws. */
export function refuse(
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  next: Next,
  requirement: Requirement | undefined,
): void {
  const refusal = refusalOf(error, requirement, request);
  warnDeveloper(refusal);
  // An answer that is under way cannot be taken back: the host ends it.
  if (response.headersSent || forwardsErrors(requirement)) next(refusal);
  else answer(request, response, refusal);
}

/** Lets a request pass on to `next`, or refuses it. Never throws and never rejects: Express 4 would hang. */
export function passOrRefuse(
  requirement: Requirement,
  request: IncomingMessage,
  response: ServerResponse,
  next: Next,
): void {
  let entry: ReturnType<typeof enter>;
  try {
    shareHiddenClass(request);
    shareHiddenClass(response);
    entry = enter(request, requirement);
  } catch (error) {
    refuse(error, request, response, next, requirement);
    return;
  }
  if (isThenable(entry)) {
    entry.then(
      (context) => {
        currentRequest.run(context, next);
      },
      (error: unknown) => {
        refuse(error, request, response, next, requirement);
      },
    );
  } else {
    currentRequest.run(entry, next);
  }
}
