/** The request and the response of the platforms of Nest, Express and Fastify. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { ArgumentsHost } from '@nestjs/common';
import { requestsIn } from '../../gate/held-requests.js';
import { isResponse } from '../handler-call.js';
import { shareHiddenClasses } from '../hidden-class.js';
import type { NodeResponse } from '../node-answer.js';

/** What is used of Fastify's reply. It holds the headers that plugins set, such as those of CORS; Node's response does not. */
interface FastifyReply {
  readonly raw: ServerResponse;
  readonly sent: boolean;
  code(status: number): unknown;
  header(name: string, value: unknown): unknown;
  removeHeader(name: string): unknown;
  send(body?: string): unknown;
}

interface FastifyRequest {
  readonly raw: IncomingMessage;
}

// A middleware of Express may set `raw` on Node's request, to the body that it read.
const isOfFastify = (request: IncomingMessage | FastifyRequest): request is FastifyRequest =>
  'raw' in request && !(request instanceof Readable);

type Response = ServerResponse | FastifyReply;

export const isReply = (response: Response): response is FastifyReply => !isResponse(response);

/** Node's request. Fastify wraps it. */
export function httpRequestOf(host: ArgumentsHost): IncomingMessage {
  const request = host.switchToHttp().getRequest<IncomingMessage | FastifyRequest>();
  return isOfFastify(request) ? request.raw : request;
}

/** A request that carries a token. */
export interface Carrier {
  /** Node's request. */
  readonly request: IncomingMessage;
  /** The request as handlers get it. */
  readonly handed: object;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const isOfNode = (value: object): value is IncomingMessage =>
  Array.isArray((value as Partial<IncomingMessage>).rawHeaders) &&
  isObject((value as Partial<IncomingMessage>).headers);

/**
 * Whether a request opened a WebSocket, by HTTP/1.1 or, in the pseudo-header `:protocol`, by HTTP/2 (RFC 8441). An
 * application may hand on a copy of it, whose headers are what the client sent over the socket.
 */
const opensWebSocket = ({ headers, rawHeaders }: IncomingMessage) =>
  [headers.upgrade, ...rawHeaders].some((value) => value?.toLowerCase() === 'websocket');

/**
 * The request of an operation of GraphQL, which its server puts in the context of the operation: as `req` or `request`,
 * Mercurius in `reply`. That of a WebSocket is none: it would be checked once, for all that is asked in hours.
 */
function carrierOfOperation(context: unknown): Carrier | undefined {
  if (!isObject(context)) return undefined;
  const { reply } = context as { readonly reply?: unknown };
  const holders = isObject(reply) ? [context, reply] : [context];
  for (const handed of holders.flatMap((holder) => requestsIn(holder).slice(1))) {
    const request = requestsIn(handed).find(isOfNode);
    if (request === undefined) continue;
    return opensWebSocket(request) ? undefined : { request, handed };
  }
  return undefined;
}

/** What is used of the information that GraphQL gives to a resolver. */
interface ResolveInfo {
  readonly fieldName?: unknown;
  readonly schema?: { readonly getQueryType?: unknown } | null;
}

/** The schema has methods, which neither JSON nor a query has: a client cannot write what passes for this. */
function isResolveInfo(value: unknown): boolean {
  const { fieldName, schema } = (value ?? {}) as ResolveInfo;
  return typeof fieldName === 'string' && typeof schema?.getQueryType === 'function';
}

/** Where the information is among the parameters of a resolver: behind the context of the operation. -1: it is not there. */
export const indexOfInfo = (parameters: readonly unknown[]) => parameters.findIndex(isResolveInfo);

const usualIndexOfInfo = 3;

/** The resolvers of a type and of a reference, in a federation, have no arguments ahead of the context. */
function contextOfOperation(parameters: readonly unknown[]): unknown {
  const found = indexOfInfo(parameters);
  return parameters[(found === -1 ? usualIndexOfInfo : found) - 1];
}

/** The request of a call. Messages of other transports have none. */
export function carrierOf(host: ArgumentsHost): Carrier | undefined {
  const type: string = host.getType();
  if (type === 'http') return { request: httpRequestOf(host), handed: host.switchToHttp().getRequest<object>() };
  return type === 'graphql' ? carrierOfOperation(contextOfOperation(host.getArgs())) : undefined;
}

export const responseOf = (host: ArgumentsHost) => host.switchToHttp().getResponse<Response>();

/** See hidden-class.ts. Express sets `res` on its requests; Node and Fastify do not. */
export function shareHiddenClassesOfExpress(request: IncomingMessage & { readonly res?: object }): void {
  if (request.res !== undefined) shareHiddenClasses(request, request.res);
}

export function isUnderWay(response: Response): boolean {
  return isReply(response) ? response.sent || response.raw.headersSent : response.headersSent;
}

/** Fastify's reply with the members of Node's response that an answer uses. */
export function asNodeResponse(reply: FastifyReply): NodeResponse {
  return {
    set statusCode(status: number) {
      reply.code(status);
    },
    setHeader: (name, value) => reply.header(name, value),
    removeHeader: (name) => reply.removeHeader(name),
    end: (body) => reply.send(body),
  };
}
