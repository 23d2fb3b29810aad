/** The answer of a refusal, on Node's own response: what Express and every host on top of it hand out. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ConfigurationError, type Refusal } from '../core/errors.js';
import { processWide } from '../core/process-wide.js';

// Left by a handler that was interrupted; none of it describes the refusal.
const headersOfAnotherBody = ['Content-Encoding', 'Content-Language', 'Content-Range', 'ETag', 'Last-Modified'];

/** The messages that were given to the developer. */
export const warningsGiven = processWide('warnings-given', () => new Set<string>());

/** Tells the developer of a wrong set-up, once for each message. Callers are told nothing of it. */
export function warnDeveloper(refusal: Refusal): void {
  if (!(refusal instanceof ConfigurationError) || warningsGiven.has(refusal.message)) return;
  warningsGiven.add(refusal.message);
  process.emitWarning(refusal.message, { type: 'MicrosoftIdentityWarning', code: refusal.code });
}

/** Sends status, headers and JSON body of a refusal. The connection stays usable. */
export function answer(request: Pick<IncomingMessage, 'method'>, response: ServerResponse, refusal: Refusal): void {
  const body = JSON.stringify(refusal);
  for (const name of headersOfAnotherBody) response.removeHeader(name);
  response.statusCode = refusal.status;
  for (const [name, value] of Object.entries(refusal.headers)) response.setHeader(name, value);
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(request.method === 'HEAD' ? undefined : body);
}
