/** The parameters that have a decorator of this library: recorded by the decorator, filled at the call. */
import type { VerifiedContext } from '../core/access/current-request.js';
import { ownMember } from '../core/json.js';
import { recordOf, records, type ParameterFiller } from './records.js';

/** Records what a parameter is to be filled with. */
export function recordFilledParameter(
  prototype: object,
  method: PropertyKey,
  index: number,
  filler: ParameterFiller,
): void {
  const { filledParameters } = recordOf(prototype);
  const parameters = filledParameters.get(method) ?? new Map<number, ParameterFiller>();
  parameters.set(index, filler);
  filledParameters.set(method, parameters);
}

/** Fills a parameter with the claims, or with one of them; `undefined` where no token was verified. */
export function claimFiller(claim: string | undefined): ParameterFiller {
  return (context) => {
    if (context === undefined || claim === undefined) return context?.claims;
    return ownMember(context.claims, claim);
  };
}

/**
 * Fills the parameters of a method, by what the prototype that defines it recorded. Without a verified request, a value that
 * the caller gave stays.
 */
export function fillParameters(
  parameters: unknown[],
  definer: object,
  method: PropertyKey,
  context: VerifiedContext | undefined,
): void {
  const fillers = records.get(definer)?.filledParameters.get(method);
  if (fillers === undefined) return;
  for (const [index, fill] of fillers) {
    if (context !== undefined) parameters[index] = fill(context);
    else parameters[index] ??= fill(undefined);
  }
}
