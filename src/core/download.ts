/** Fetches a JSON document within bounds. The only file of this library that does I/O. */

import type { ReadableStream } from 'node:stream/web';
import { withinTime } from './abort.js';
import { printable } from './printable.js';
import { isLoopback, parseUrl } from './url.js';

const timeLimitMs = 5_000;
const sizeLimitBytes = 1024 * 1024;
const longestRetryAfterSeconds = 300;

/** A download that failed. The message names the URL: it is for the developer, and is not sent to callers. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';

  constructor(
    message: string,
    options: { cause?: unknown; retryAfterSeconds?: number; isNetworkFault?: boolean; isLocal?: boolean } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.retryAfterSeconds = options.retryAfterSeconds ?? 0;
    this.isNetworkFault = options.isNetworkFault ?? false;
    this.isLocal = options.isLocal ?? false;
  }

  /** The seconds for which the server asked not to be called again, at most 300; 0 if it did not ask. */
  readonly retryAfterSeconds: number;

  /** Whether no whole answer came: no connection, or one that broke off or took too long. */
  readonly isNetworkFault: boolean;

  /** Whether the server was to be on this machine. */
  readonly isLocal: boolean;
}

/**
 * The body as text. The limit is for decompressed bytes: `fetch` decompresses while it streams.
 *
 * @param request - what was asked, for the message
 * @throws DownloadError where the body is larger than 1 MiB
 */
export async function readBody(response: Response, request: string): Promise<string> {
  if (response.body === null) return '';
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    size += value.byteLength;
    if (size > sizeLimitBytes) {
      // Not awaited: it would take as long as the server goes on sending.
      reader.cancel().catch(() => undefined);
      throw new DownloadError(`${request} answered more than ${String(sizeLimitBytes)} bytes`);
    }
    chunks.push(value);
  }
}

const longestFailure = 200;

/**
 * The last cause of a failure, such as `getaddrinfo ENOTFOUND login.microsoftonline.com`: `fetch` itself says only that it
 * failed. Only errors with a code of the system, of TLS or of the HTTP client: the message of any other may be of anything.
 */
function failureOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // A host with several addresses: each has failed, and the whole has no message of its own.
  const [first] = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [];
  const deeper = failureOf(error.cause) ?? failureOf(first);
  if (deeper !== undefined) return deeper;
  const { code, message } = error as { readonly code?: unknown; readonly message: string };
  if (typeof code !== 'string' || !/^[A-Z][A-Z\d_]+$/.test(code)) return undefined;
  if (message === '') return code;
  return printable(message.includes(code) ? message : `${message} (${code})`, longestFailure);
}

function retryAfterSecondsOf(response: Response): number {
  const seconds = Number(response.headers.get('retry-after') ?? 0);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), longestRetryAfterSeconds) : 0;
}

async function readJson(fetch: typeof globalThis.fetch, url: string, signal: AbortSignal): Promise<unknown> {
  // The next document is fetched an hour later. A connection that was idle during a server's first requests slowed all
  // later ones by about 10 µs on Node 20, long after it was closed (docs/performance.md). Goes with Node 20.
  const headers = { accept: 'application/json', connection: 'close' };
  const response = await fetch(url, { headers, redirect: 'manual', signal });
  if (response.redirected) throw new DownloadError(`GET ${url} was redirected`);
  if (response.status !== 200) {
    response.body?.cancel().catch(() => undefined);
    throw new DownloadError(`GET ${url} answered ${String(response.status)}`, {
      retryAfterSeconds: retryAfterSecondsOf(response),
    });
  }
  const text = await readBody(response, `GET ${url}`);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new DownloadError(`GET ${url} answered something other than JSON`, { cause });
  }
}

/**
 * Fetches a JSON document: status 200, no redirects, at most 1 MiB after decompression, within 5 seconds.
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
  const isLocal = isLoopback(parseUrl(url)?.hostname ?? '');
  const onLimit = () =>
    new DownloadError(`GET ${url} took longer than ${String(timeLimitMs)} ms`, { isNetworkFault: true, isLocal });
  try {
    return await withinTime(timeLimitMs, onLimit, closing, (signal) => readJson(fetch, url, signal));
  } catch (cause) {
    if (cause instanceof DownloadError) throw cause;
    const failure = failureOf(cause);
    throw new DownloadError(`GET ${url} failed${failure === undefined ? '' : ` (${failure})`}`, {
      cause,
      isNetworkFault: !closing.aborted,
      isLocal,
    });
  }
}
