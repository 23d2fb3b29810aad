/** The refusals of the local token endpoint, in the form of Entra's. */
import { randomUUID } from 'node:crypto';
import type { Fault, RightAnswer } from './fault.js';

/** What a refusal of the token endpoint can carry beside its error. */
export interface TokenErrorDetails {
  /** The claims challenge: a claims request, or its JSON. */
  readonly claims?: string | object;
  /** The `AADSTS` numbers. The first is in the description, too. */
  readonly codes?: readonly number[];
  /** Entra's finer classification, such as `consent_required`. */
  readonly suberror?: string;
  /** The status. Default 400, or 401 for `invalid_client`. */
  readonly status?: number;
}

/** The answer to a token request that is refused. */
export function refusedAnswer(error: string, details: TokenErrorDetails = {}): RightAnswer {
  const { claims, codes = [], suberror, status = error === 'invalid_client' ? 401 : 400 } = details;
  const text = codes[0] === undefined ? '' : `AADSTS${String(codes[0])}: `;
  const [traceId, correlationId] = [randomUUID(), randomUUID()];
  const timestamp = new Date().toISOString().replace('T', ' ').replace(/\..*/, 'Z');
  const document = {
    error,
    error_description: `${text}The request was refused. Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
    error_codes: codes,
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    ...(suberror !== undefined && { suberror }),
    ...(claims !== undefined && { claims: typeof claims === 'string' ? claims : JSON.stringify(claims) }),
  };
  return { on: 'token', status, document };
}

/**
 * A refusal of the token endpoint in the form of Entra's, for `setFault` and `userPolicy` of the test issuer.
 *
 * @param error - an error of RFC 6749 §5.2, or `interaction_required`
 * @see {@link https://learn.microsoft.com/entra/identity-platform/reference-error-codes Error codes of Entra}
 * @example
 * ```ts
 * import { startTestIssuer, tokenError } from 'microsoft-identity-decorators/testing';
 *
 * const issuer = await startTestIssuer();
 * issuer.setFault(tokenError('invalid_grant', { codes: [65001], suberror: 'consent_required' }));
 * ```
 */
export function tokenError(error: string, details: TokenErrorDetails = {}): Fault {
  const { status, document } = refusedAnswer(error, details);
  return { on: 'token', status, body: JSON.stringify(document) };
}
