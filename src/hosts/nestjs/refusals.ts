/** The refusal as an exception of Nest, and the filter that answers it. */
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Requirement } from '../../core/access/requirement.js';
import type { Refusal } from '../../core/errors.js';
import { refusalOf } from '../../gate/refusal.js';
import { answer, type Answered } from '../node-answer.js';
import { asNodeResponse, isReply, isUnderWay, httpRequestOf, responseOf } from './platform.js';

function send(host: ArgumentsHost, refusal: Answered): void {
  const response = responseOf(host);
  // An answer that is under way cannot be taken back. Nest does not end it on Fastify.
  if (isUnderWay(response)) (isReply(response) ? response.raw : response).end();
  else if (!isReply(response)) answer(httpRequestOf(host).method, response, refusal);
  // Fastify takes the body for HEAD too: it sends only its length.
  else answer('GET', asNodeResponse(response), refusal);
}

/** A refusal as an HttpException, so that filters of the application find what they expect. */
class RefusedRequest extends HttpException {
  /** What the answer was when it was addressed. The application may throw the same error to another caller meanwhile. */
  readonly refusal: Answered;

  constructor(refusal: Refusal) {
    const body = refusal.toJSON();
    super(body, refusal.status, { cause: refusal });
    this.refusal = { status: refusal.status, headers: refusal.headers, toJSON: () => body };
    // Filters may send the message to the caller: it holds no more than the body.
    this.message = body.error_description ?? body.error;
  }
}

/** The exception of a refused HTTP request: one that {@link refusalFilter} answers, or the refusal itself if it is forwarded. */
export function exceptionFor(error: unknown, host: ArgumentsHost, requirement: Requirement | undefined): Error {
  const { refusal, forward } = refusalOf(error, requirement, httpRequestOf(host));
  if (forward) return refusal;
  const response = responseOf(host);
  // A filter of the application may write a body of its own. The challenge is sent with that too.
  for (const [name, value] of Object.entries(isUnderWay(response) ? {} : refusal.headers)) {
    if (isReply(response)) response.header(name, value);
    else response.setHeader(name, value);
  }
  return new RefusedRequest(refusal);
}

/** Answers refusals. Nest asks it before the filters of the class and of the application. */
@Catch(RefusedRequest)
class RefusalFilter implements ExceptionFilter<RefusedRequest> {
  catch({ refusal }: RefusedRequest, host: ArgumentsHost): void {
    send(host, refusal);
  }
}

export const refusalFilter = new RefusalFilter();
