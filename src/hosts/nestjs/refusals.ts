/** The refusal as an exception of Nest, and the filter that answers it. */
import { Readable } from 'node:stream';
import { Catch, HttpException, StreamableFile, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Requirement } from '../../core/access/requirement.js';
import type { Refusal } from '../../core/errors.js';
import { processWide } from '../../core/process-wide.js';
import { admissionOf } from '../../gate/admission.js';
import { identityInForce } from '../../gate/identity-in-force.js';
import { isRefusal, refusalOf } from '../../gate/refusal.js';
import { answer, type Answered } from '../node-answer.js';
import { asNodeResponse, carrierOf, isReply, isUnderWay, httpRequestOf, responseOf } from './platform.js';

function send(host: ArgumentsHost, refusal: Answered): void {
  const response = responseOf(host);
  // An answer that is under way cannot be taken back. Nest does not end it on Fastify.
  if (isUnderWay(response)) (isReply(response) ? response.raw : response).end();
  else if (!isReply(response)) answer(httpRequestOf(host).method, response, refusal);
  // Fastify takes the body for HEAD too: it sends only its length.
  else answer('GET', asNodeResponse(response), refusal);
}

/** A refusal as an HttpException, so that filters of the application find what they expect. */
class RefusedCall extends HttpException {
  constructor(refusal: Refusal) {
    const body = refusal.toJSON();
    super(body, refusal.status, { cause: refusal });
    // Filters, and servers of GraphQL, send the message to the caller: it holds no more than the body.
    this.message = body.error_description ?? body.error;
  }
}

/** The refusal of an HTTP request. */
class RefusedRequest extends RefusedCall {
  /** What the answer was when it was addressed. The application may throw the same error to another caller meanwhile. */
  readonly refusal: Answered;

  constructor(refusal: Refusal) {
    super(refusal);
    const body = refusal.toJSON();
    this.refusal = { status: refusal.status, headers: refusal.headers, toJSON: () => body };
  }
}

/** The refusal of an operation of GraphQL. Its server writes message and extensions into the answer, whose status is its own. */
class RefusedOperation extends RefusedCall {
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(refusal: Refusal) {
    super(refusal);
    const challenge = refusal.headers['WWW-Authenticate'];
    this.extensions = {
      code: refusal.toJSON().error,
      status: refusal.status,
      ...(challenge !== undefined && { challenge }),
    };
  }
}

/** The refusals that are forwarded to the application. */
const forwarded = processWide('forwarded-by-nest', () => new WeakSet<object>());

function forwardedRefusal(refusal: Refusal): Refusal {
  forwarded.add(refusal);
  return refusal;
}

const noRequest = Object.freeze({ headers: Object.freeze({}) });

/** The exception of a refused call that is no HTTP request of a route. The transport sends its message. */
function exceptionOfCall(error: unknown, host: ArgumentsHost, requirement: Requirement | undefined): Error {
  const { refusal, forward } = refusalOf(error, requirement, carrierOf(host)?.request ?? noRequest);
  // Without a filter of the application the transport sends the message of what is forwarded, too.
  if (forward && refusal.expose) return forwardedRefusal(refusal);
  return host.getType<string>() === 'graphql' ? new RefusedOperation(refusal) : new RefusedCall(refusal);
}

/** The exception of a refused call: one that {@link refusalFilter} answers, or the refusal itself if it is forwarded. */
export function exceptionFor(error: unknown, host: ArgumentsHost, requirement: Requirement | undefined): Error {
  if (host.getType() !== 'http') return exceptionOfCall(error, host, requirement);
  const { refusal, forward } = refusalOf(error, requirement, httpRequestOf(host));
  if (forward) return forwardedRefusal(refusal);
  const response = responseOf(host);
  // A filter of the application may write a body of its own. The challenge is sent with that too.
  for (const [name, value] of Object.entries(isUnderWay(response) ? {} : refusal.headers)) {
    if (isReply(response)) response.header(name, value);
    else response.setHeader(name, value);
  }
  return new RefusedRequest(refusal);
}

/** Answers the refusal that the stream of a file throws before its first chunk. Nest would answer it as a bad request. */
function answerRefusalInFile(file: StreamableFile, host: ArgumentsHost, requirement: Requirement | undefined): void {
  const { errorHandler } = file;
  file.setErrorHandler((error, response) => {
    if (!isRefusal(error) || response.headersSent) {
      errorHandler(error, response);
      return;
    }
    const refused = exceptionFor(error, host, requirement);
    if (refused instanceof RefusedRequest) send(host, refused.refusal);
    else host.switchToHttp().getNext<(error: unknown) => void>()(refused);
  });
}

/**
 * Answers the refusal that a stream throws which a handler returned. Fastify sends it by itself, with its status and in the
 * form of Nest: only the headers are added there.
 */
export function answerRefusalIn(value: unknown, host: ArgumentsHost, requirement: Requirement | undefined): void {
  const isFile = value instanceof StreamableFile;
  if (!isReply(responseOf(host))) {
    if (isFile) answerRefusalInFile(value, host, requirement);
    return;
  }
  const stream: unknown = isFile ? value.getStream() : value;
  if (!(stream instanceof Readable)) return;
  stream.once('error', (error) => {
    if (isRefusal(error)) exceptionFor(error, host, requirement);
  });
}

/**
 * What is thrown outside of the interceptor that makes exceptions of refusals: by a provider of request scope, whose instance
 * Nest makes ahead of any guard, or by an interceptor of the application around ours. Nest would send it without a challenge.
 */
class ThrownOutside {
  static [Symbol.hasInstance](value: unknown): boolean {
    return isRefusal(value) && !forwarded.has(value) && identityInForce()?.settings.errors !== 'forward';
  }
}

/** Answers refusals. Nest asks it before the filters of the class and of the application. */
@Catch(RefusedRequest, ThrownOutside)
class RefusalFilter implements ExceptionFilter<RefusedRequest | Refusal> {
  catch(exception: RefusedRequest | Refusal, host: ArgumentsHost): void {
    if (exception instanceof RefusedRequest) {
      send(host, exception.refusal);
      return;
    }
    const { requirement } = admissionOf(carrierOf(host)?.request ?? noRequest) ?? {};
    const refused = exceptionFor(exception, host, requirement);
    if (!(refused instanceof RefusedRequest)) throw refused;
    send(host, refused.refusal);
  }
}

export const refusalFilter = new RefusalFilter();
