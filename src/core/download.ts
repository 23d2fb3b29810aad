/** Fetches a JSON document within bounds. The only file of this library that does I/O. */

import type { ReadableStream } from 'node:stream/web';

const timeLimitMs = 5_000;
const sizeLimitBytes = 1024 * 1024;
const longestRetryAfterSeconds = 300;

/** Why a document could not be had. Its text names the document, so it is for the developer alone. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';

  constructor(message: string, options: { cause?: unknown; retryAfterSeconds?: number } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.retryAfterSeconds = options.retryAfterSeconds ?? 0;
  }

  /** How long the server asked to be left alone, in seconds, 300 at the most; 0 where it did not. */
  readonly retryAfterSeconds: number;
}

/** The body as text. The bound counts decompressed bytes: `fetch` decompresses while it streams. */
async function readBody(response: Response, url: string): Promise<string> {
  if (response.body === null) return '';
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    size += value.byteLength;
    if (size > sizeLimitBytes) {
      // Not awaited: a server that never ends its answer must not hold this up.
      reader.cancel().catch(() => undefined);
      throw new DownloadError(`GET ${url} answered more than ${String(sizeLimitBytes)} bytes`);
    }
    chunks.push(value);
  }
}

function retryAfterSecondsOf(response: Response): number {
  const seconds = Number(response.headers.get('retry-after') ?? 0);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), longestRetryAfterSeconds) : 0;
}

async function readJson(fetch: typeof globalThis.fetch, url: string, signal: AbortSignal): Promise<unknown> {
  // Documents are asked for an hour apart: no connection is worth keeping. One that idles while the first requests come
  // in was measured to slow down all that follow, on Node 20.
  const headers = { accept: 'application/json', connection: 'close' };
  const response = await fetch(url, { headers, redirect: 'manual', signal });
  if (response.redirected) throw new DownloadError(`GET ${url} was redirected`);
  if (response.status !== 200) {
    response.body?.cancel().catch(() => undefined);
    throw new DownloadError(`GET ${url} answered ${String(response.status)}`, {
      retryAfterSeconds: retryAfterSecondsOf(response),
    });
  }
  const text = await readBody(response, url);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new DownloadError(`GET ${url} answered something other than JSON`, { cause });
  }
}

/** Rejects when the signal fires, also where a user's own `fetch` pays no heed to it. */
function whenAborted(signal: AbortSignal): { readonly promise: Promise<never>; readonly forget: () => void } {
  let onAbort: () => void = () => undefined;
  const promise = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  return {
    promise,
    forget: () => {
      signal.removeEventListener('abort', onAbort);
    },
  };
}

/**
 * Fetches a JSON document: status 200, no redirects, 1 MiB after decompression, 5 seconds for headers and body.
 *
 * @param closing - aborts the request
 * @throws DownloadError
 */
export async function downloadJson(
  fetch: typeof globalThis.fetch,
  url: string,
  closing: AbortSignal,
): Promise<unknown> {
  if (closing.aborted) throw new DownloadError(`GET ${url} was not sent`, { cause: closing.reason });
  const timeout = new AbortController();
  const timer = setTimeout(() => {
    timeout.abort(new DownloadError(`GET ${url} took longer than ${String(timeLimitMs)} ms`));
  }, timeLimitMs);
  timer.unref();
  const signal = AbortSignal.any([closing, timeout.signal]);
  const aborted = whenAborted(signal);
  try {
    return await Promise.race([readJson(fetch, url, signal), aborted.promise]);
  } catch (cause) {
    if (cause instanceof DownloadError) throw cause;
    throw new DownloadError(`GET ${url} failed`, { cause });
  } finally {
    clearTimeout(timer);
    aborted.forget();
  }
}
