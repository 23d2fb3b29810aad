/** The answer of a refusal on Node's response. */
import type { Refusal } from '../core/errors.js';

/** What the answer uses of Node's response. */
export interface NodeResponse {
  statusCode: number;
  setHeader(name: string, value: string | number): unknown;
  removeHeader(name: string): unknown;
  end(body?: string): unknown;
}

/** What the answer uses of a refusal. */
export type Answered = Pick<Refusal, 'status' | 'headers' | 'toJSON'>;

// A handler that was interrupted may have set these. They describe another body.
const headersOfAnotherBody = ['Content-Encoding', 'Content-Language', 'Content-Range', 'ETag', 'Last-Modified'];

/** Sends status, headers and JSON body of a refusal. The connection stays usable. */
export function answer(method: string | undefined, response: NodeResponse, refusal: Answered): void {
  const body = JSON.stringify(refusal);
  for (const name of headersOfAnotherBody) response.removeHeader(name);
  response.statusCode = refusal.status;
  for (const [name, value] of Object.entries(refusal.headers)) response.setHeader(name, value);
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(method === 'HEAD' ? undefined : body);
}
