/** Refusals on their way through Nest, and their answer. */
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Requirement } from '../../core/access/requirement.js';
import type { Refusal } from '../../core/errors.js';
import { refusalOf } from '../../gate/refusal.js';
import { answer } from '../node-answer.js';
import { asNodeResponse, isReply, isUnderWay, httpRequestOf, responseOf } from './platform.js';

function send(host: ArgumentsHost, refusal: Refusal): void {
  const response = responseOf(host);
  // It cannot be taken back. Left to Nest, it would not end on Fastify.
  if (isUnderWay(response)) (isReply(response) ? response.raw : response).end();
  else if (!isReply(response)) answer(httpRequestOf(host).method, response, refusal);
  // The body goes along whatever the method: Fastify leaves it out of the answer to HEAD, and counts it.
  else answer('GET', asNodeResponse(response), refusal);
}

/** A refusal on its way through Nest. Where a filter of the application catches it, that finds Nest's own kind of error. */
class RefusedRequest extends HttpException {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    const body = refusal.toJSON();
    super(body, refusal.status, { cause: refusal });
    this.refusal = refusal;
    // Filters send it on: it says no more than the body does.
    this.message = body.error_description ?? body.error;
  }
}

/** What to throw in an HTTP request that is refused: what this file answers, or what is the application's to answer. */
export function exceptionFor(error: unknown, host: ArgumentsHost, requirement: Requirement | undefined): Error {
  const { refusal, forward } = refusalOf(error, requirement, httpRequestOf(host));
  if (forward) return refusal;
  const response = responseOf(host);
  // The challenge stays, also where a filter of the application writes a body of its own.
  for (const [name, value] of Object.entries(isUnderWay(response) ? {} : refusal.headers)) {
    if (isReply(response)) response.header(name, value);
    else response.setHeader(name, value);
  }
  return new RefusedRequest(refusal);
}

/** Answers refusals, ahead of the filters of the class and of the application. */
@Catch(RefusedRequest)
class RefusalFilter implements ExceptionFilter<RefusedRequest> {
  catch({ refusal }: RefusedRequest, host: ArgumentsHost): void {
    send(host, refusal);
  }
}

export const refusalFilter = new RefusalFilter();
