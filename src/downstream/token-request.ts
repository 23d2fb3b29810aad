/** Sends a token request and reads the answer, within bounds: no redirect, 1 MiB, 5 s, and one more try. */
import { withinTime } from '../core/abort.js';
import { readBody } from '../core/download.js';
import type { TokenAnswer } from './acquisition-errors.js';
import { withoutSecrets } from './without-secrets.js';

const attemptLimitMs = 5_000;

/** A token request as msal-node writes it. */
export interface RequestBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The token endpoint did not answer. The message names no URL: it has the tenant. */
class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

function attempt(
  fetch: typeof globalThis.fetch,
  url: string,
  { headers, body }: RequestBody,
  signal: AbortSignal,
): Promise<TokenAnswer> {
  const onLimit = () => new NoAnswer(`The token endpoint took longer than ${String(attemptLimitMs)} ms.`);
  return withinTime(attemptLimitMs, onLimit, signal, async (both) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, accept: 'application/json' },
      body,
      redirect: 'manual',
      signal: both,
    });
    if (response.redirected) throw new NoAnswer('The token endpoint redirected the request.');
    const text = await readBody(response, 'The token endpoint');
    return { status: response.status, headers: response.headers, text };
  });
}

const mayPass = ({ status, headers }: TokenAnswer) =>
  (status === 502 || status === 503 || status === 504) && headers.get('retry-after') === null;

// `fetch` rejects with a TypeError where the network failed.
const isReset = (error: unknown) => error instanceof TypeError;

async function sendUpToTwice(
  fetch: typeof globalThis.fetch,
  url: string,
  request: RequestBody,
  signal: AbortSignal,
): Promise<TokenAnswer> {
  try {
    const answer = await attempt(fetch, url, request, signal);
    if (!mayPass(answer)) return answer;
  } catch (error) {
    if (!isReset(error) || signal.aborted) throw error;
  }
  return attempt(fetch, url, request, signal);
}

const secretParameters: readonly string[] = ['assertion', 'client_assertion', 'client_secret'];

/** The secrets of a token request, as they are and as they are written in its body. */
function secretsIn({ body }: RequestBody): readonly string[] {
  const written = body.split('&').filter((pair) => secretParameters.includes(pair.slice(0, pair.indexOf('='))));
  return written.flatMap((pair) => [pair.slice(pair.indexOf('=') + 1), ...new URLSearchParams(pair).values()]);
}

/**
 * Sends a token request. After a reset of the connection, and after a 502, 503 or 504 that names no time, it is sent once
 * more, at once.
 *
 * @param signal - ends both tries
 * @throws what `fetch` threw, unless that shows a secret of the request
 */
export async function sendTokenRequest(
  fetch: typeof globalThis.fetch,
  url: string,
  request: RequestBody,
  signal: AbortSignal,
): Promise<TokenAnswer> {
  try {
    return await sendUpToTwice(fetch, url, request, signal);
  } catch (error) {
    throw withoutSecrets(secretsIn(request), error);
  }
}
