/** Why there is no token for another API, and what to change, for the developer of the API. Pure. */
import type { Explanation } from '../core/channels.js';
import { ConfigurationError, type Refusal } from '../core/errors.js';
import { aadstsRemedy } from './aadsts.js';

/** What to change. A message for the developer holds its remedy. */
function hintOf(refusal: Refusal, aadsts: number | undefined): string {
  // An error that shows its message to the caller has a fixed text, which is not about the token request.
  const known = refusal.expose && aadsts !== undefined ? aadstsRemedy(aadsts) : undefined;
  return known === undefined ? refusal.message : `${known.meaning} ${known.remedy}`;
}

/** Explains why no token was had for another API. The code is the number that Entra gives the failure, where there is one. */
export function explainAcquisition(refusal: Refusal): Explanation {
  const { aadsts, reason } = refusal as { readonly aadsts?: unknown; readonly reason?: string };
  const number = typeof aadsts === 'number' ? aadsts : undefined;
  const named = refusal instanceof ConfigurationError ? 'configuration' : refusal.code;
  return Object.freeze({
    code: number === undefined ? named : `AADSTS${String(number)}`,
    hint: hintOf(refusal, number),
    status: refusal.status,
    error: refusal.code,
    reason,
  });
}
