/** The answer of another API: its JSON, or the error that stands for it. */
import type { ReadableStream } from 'node:stream/web';
import { DownstreamError } from './errors.js';

const shownBytes = 64 * 1024;

/** Gives up the body of an answer, so that its connection is free. What comes of it is of no interest. */
export function discardBody({ body }: Response): void {
  body?.cancel().catch(() => undefined);
}

/** A call, for the error that stands for its answer. */
interface AnsweredCall {
  readonly api: string;
  /** The token that was sent. An API may answer what it was sent, and errors are logged. */
  readonly token: string;
}

// A shorter start of a token is a part of its header, and may be the end of an ordinary word.
const harmlessLength = 20;

/** A text without a start of the token at its end, where the text was cut. */
function withoutStartOf(token: string, text: string): string {
  for (let length = Math.min(token.length, text.length); length >= harmlessLength; length--) {
    if (text.endsWith(token.slice(0, length))) return text.slice(0, -length);
  }
  return text;
}

/** What may be shown of a body: without the token, and only then cut. */
function shownOf(bytes: Buffer, token: string): string {
  const text = bytes.subarray(0, shownBytes + token.length).toString();
  const without = withoutStartOf(token, text.replaceAll(token, '(the token)'));
  return Buffer.from(without).subarray(0, shownBytes).toString();
}

/** The start of a body: what is shown of it, and what the token may take of it. */
async function startOf(response: Response, token: string): Promise<string> {
  if (response.body === null) return '';
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size < shownBytes + token.length) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.byteLength;
  }
  // Not awaited: it would take as long as the server goes on sending.
  reader.cancel().catch(() => undefined);
  return shownOf(Buffer.concat(chunks), token);
}

function errorOf({ status, headers: sent }: Response, { api, token }: AnsweredCall, text: string, more: object) {
  const without = (shown: string) => shown.replaceAll(token, '(the token)');
  const headers = new Headers([...sent].map(([name, value]): [string, string] => [name, without(value)]));
  const response = { status, headers, text };
  return new DownstreamError({ api, response, ...more });
}

async function failureOf(response: Response, call: AnsweredCall): Promise<DownstreamError> {
  try {
    return errorOf(response, call, await startOf(response, call.token), {});
  } catch (cause) {
    // The connection broke within the body. The status is still the answer.
    return errorOf(response, call, '', { cause });
  }
}

/**
 * The JSON of an answer; undefined where there is no body.
 *
 * @throws DownstreamError where the status is outside 2xx, or the body is not JSON
 */
export async function readJson(response: Response, call: AnsweredCall): Promise<unknown> {
  if (!response.ok) throw await failureOf(response, call);
  const text = await response.text();
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const status = String(response.status);
    const message = `The API ${call.api} answered with status ${status} and a body that is not JSON. Call fetch for it.`;
    // Without a cause: a SyntaxError shows a part of the body.
    throw errorOf(response, call, shownOf(Buffer.from(text), call.token), { message });
  }
}
