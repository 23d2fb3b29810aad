/** What is sent to another API: headers and body. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { types } from 'node:util';
import { reservedHeaders } from '../core/configuration/downstream-option-list.js';
import type { DownstreamApiSettings } from '../core/configuration/settings.js';
import { describe } from '../core/call-arguments.js';
import { ConfigurationError } from '../core/errors.js';
import { bindStream } from '../core/stream-context.js';

type Body = NonNullable<RequestInit['body']>;

/** A call, as it is sent once a token is there. */
export interface DownstreamRequest {
  readonly init: RequestInit;
  readonly headers: Headers;
  /** Whether it can be sent a second time: a stream cannot. */
  readonly isRepeatable: boolean;
}

// By the tag and not by the class: other realms and libraries have classes of their own.
const tagOf = (value: object) => Object.prototype.toString.call(value).slice('[object '.length, -1);

/** Whether a body is sent as it is, and can be sent again. */
function isWhole(body: unknown): boolean {
  if (typeof body === 'string') return true;
  if (typeof body !== 'object' || body === null) return false;
  if (types.isAnyArrayBuffer(body) || ArrayBuffer.isView(body)) return true;
  return ['Blob', 'File', 'FormData', 'URLSearchParams'].includes(tagOf(body));
}

/** Whether a body is a stream of the web or of Node. */
function isStream(body: unknown): boolean {
  return typeof body === 'object' && body !== null && ('getReader' in body || Symbol.asyncIterator in body);
}

/** Chunks that are made in the asynchronous context of the one who asks for this, whoever reads them. */
function inThisContext(chunks: AsyncIterable<unknown>): AsyncIterableIterator<unknown> {
  const run = AsyncLocalStorage.snapshot();
  let opened: AsyncIterator<unknown> | undefined;
  const open = () => (opened ??= chunks[Symbol.asyncIterator]());
  return {
    next: () => run(async () => open().next()),
    return: () =>
      run(async () => {
        await open().return?.();
        return { done: true, value: undefined };
      }),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/**
 * A stream as a body that is of its own kind still.
 *
 * `fetch` reads a body that waited for a connection in the context of the call that had the connection before. Code in it
 * that calls an API on behalf of the caller would do so for the caller of that other request.
 */
function pinned(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body;
  if ('getReader' in body) {
    const run = AsyncLocalStorage.snapshot();
    bindStream(body, (read) => run(read));
    return body;
  }
  // A stream of Node that was read is refused by `fetch`.
  if (!(Symbol.asyncIterator in body) || Readable.isDisturbed(body as Readable)) return body;
  const chunks = inThisContext(body as AsyncIterable<unknown>);
  return 'pipe' in body ? Readable.from(chunks) : chunks;
}

/**
 * A body for `fetch`: what `fetch` takes as it is, and anything else as JSON.
 *
 * @throws ConfigurationError if JSON has no form for it
 */
export function bodyOf(body: unknown, { name }: DownstreamApiSettings): { body?: Body; type?: 'application/json' } {
  if (body === undefined) return {};
  if (isWhole(body) || isStream(body)) return { body: body as Body };
  const json = JSON.stringify(body) as string | undefined;
  if (json !== undefined) return { body: json, type: 'application/json' };
  throw new ConfigurationError(`A body for the API ${name} is ${describe(body)}, which is no JSON.`);
}

/**
 * A call with the fixed headers of its API. Headers of the call replace them.
 *
 * @param defaults - headers for a call that does not have them
 * @throws ConfigurationError for a header that is not the caller's to set
 */
export function requestOf(
  { name, headers: fixed }: DownstreamApiSettings,
  init: RequestInit,
  defaults: Readonly<Record<string, string>> = {},
): DownstreamRequest {
  const { body } = init;
  const given = new Headers(init.headers);
  for (const header of reservedHeaders) {
    if (!given.has(header)) continue;
    throw new ConfigurationError(
      `A call of the API ${name} must not have a header '${header}'. The token is added to the call; ` +
        'for another token, use the scopes of the API, or getToken.',
    );
  }
  const headers = new Headers({ ...defaults });
  new Headers(fixed).forEach((value, header) => {
    headers.set(header, value);
  });
  given.forEach((value, header) => {
    headers.set(header, value);
  });
  const isRepeatable = body === undefined || body === null || isWhole(body);
  // Node's fetch demands it of a body that is a stream.
  const streamed = isRepeatable ? {} : { duplex: 'half' as const, ...init, body: pinned(body) as Body };
  return { init: { ...init, ...streamed }, headers, isRepeatable };
}
