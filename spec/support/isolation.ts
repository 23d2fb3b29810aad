/** Takes the process back to its start, where a spec needs that. */
import { putInForce } from '../../src/gate/identity-in-force.js';
import { warningsGiven } from '../../src/gate/refusal.js';

/** No configuration is in force, as before the first `initialize`. */
export function forgetIdentity(): void {
  putInForce(undefined);
}

/** Every warning is given again. */
export function forgetWarnings(): void {
  warningsGiven.clear();
}
