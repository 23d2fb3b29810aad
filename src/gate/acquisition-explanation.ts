/** Why there is no token for another API, and what to change, for the developer of the API. Pure. */
import type { Explanation } from '../core/channels.js';
import { ConfigurationError, type Refusal } from '../core/errors.js';
import { aadstsRemedy } from './aadsts.js';

/** What to change where the authority gave no number. The message of any other error holds its remedy. */
const remedies: ReadonlyMap<string, string> = new Map([
  ['token_unavailable', 'Look at the network, at instance and at what downstream.credential depends on.'],
]);

function hintOf(refusal: Refusal, aadsts: number | undefined): string {
  // An error that shows its message to the caller has a fixed text, which is not about the token request.
  const known = refusal.expose && aadsts !== undefined ? aadstsRemedy(aadsts) : undefined;
  if (known !== undefined) return `${known.meaning} ${known.remedy}`;
  const remedy = remedies.get(refusal.code);
  return remedy === undefined ? refusal.message : `${refusal.message} ${remedy}`;
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
