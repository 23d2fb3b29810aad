/** Why did a call of another API get no answer of use? One word, by the codes that Node and its HTTP client give to errors. */
import type { DownstreamCallEvent } from '../core/channels.js';
import type { DownstreamError } from './errors.js';

type Reason = NonNullable<DownstreamCallEvent['reason']>;

/**
 * Codes, or names where there is no code.
 *
 * @see {@link https://nodejs.org/api/errors.html#common-system-errors System errors}
 * @see {@link https://nodejs.org/api/tls.html#x509-certificate-error-codes Certificates}
 * @see {@link https://undici.nodejs.org/#/docs/api/Errors The HTTP client}
 */
const codes: readonly (readonly [Reason, RegExp])[] = [
  ['timeout', /^(?:TimeoutError|ETIMEDOUT|UND_ERR_(?:CONNECT|HEADERS|BODY)_TIMEOUT)$/],
  ['aborted', /^(?:AbortError|ABORT_ERR|UND_ERR_ABORTED)$/],
  ['dns', /^(?:ENOTFOUND|EAI_[A-Z]+)$/],
  ['refused', /^ECONNREFUSED$/],
  ['unreachable', /^E(?:HOST|NET)(?:UNREACH|DOWN)$/],
  ['reset', /^(?:ECONNRESET|ECONNABORTED|EPIPE|UND_ERR_SOCKET)$/],
  [
    'tls',
    /^(?:ERR_(?:SSL|TLS)_|EPROTO$|CERT_|CRL_|ERROR_IN_C|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_(?:CA|PURPOSE)$|PATH_LENGTH_|HOSTNAME_MISMATCH$)/,
  ],
  ['malformed', /^(?:HPE_|Z_|UND_ERR_HEADERS_OVERFLOW$)/],
];

const mostCauses = 5;

/** The reason that the first error with a known code gives: `fetch` itself throws a TypeError, and its cause has the code. */
export function reasonOfCause(error: unknown, causes = mostCauses): Reason | undefined {
  if (!(error instanceof Error) || causes < 0) return undefined;
  const { code, name, cause } = error as { readonly code?: unknown; readonly name: unknown; readonly cause?: unknown };
  const [reason] = codes.find(([, of]) => [code, name].some((text) => typeof text === 'string' && of.test(text))) ?? [];
  return reason ?? reasonOfCause(cause, causes - 1);
}

/** The reason for the event of a call. A status outside 2xx is reason enough. */
export function reasonOf({ response, cause }: DownstreamError): Reason | undefined {
  if (response === undefined) return reasonOfCause(cause);
  return response.status >= 200 && response.status <= 299 ? 'not_json' : undefined;
}
