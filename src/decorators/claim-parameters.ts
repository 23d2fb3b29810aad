/** The parameters that have `@TokenClaims()`: recorded by the decorator, filled at the call. */
import type { VerifiedContext } from '../core/access/current-request.js';
import { ownMember } from '../core/json.js';
import { recordOf, records } from './records.js';

/** Records that a parameter is to be filled with the claims, or with one of them. */
export function recordClaimParameter(
  prototype: object,
  method: PropertyKey,
  index: number,
  claim: string | undefined,
): void {
  const { claimParameters } = recordOf(prototype);
  const parameters = claimParameters.get(method) ?? new Map<number, string | undefined>();
  parameters.set(index, claim);
  claimParameters.set(method, parameters);
}

const noParameters: ReadonlyMap<number, string | undefined> = new Map();

/** Fills the parameters of a method, by what the prototype that defines it recorded. */
export function fillClaims(
  parameters: unknown[],
  definer: object,
  method: PropertyKey,
  { claims }: VerifiedContext,
): void {
  for (const [index, claim] of records.get(definer)?.claimParameters.get(method) ?? noParameters) {
    parameters[index] = claim === undefined ? claims : ownMember(claims, claim);
  }
}
