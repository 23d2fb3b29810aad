/** The parameters that have a decorator of this library: recorded by the decorator, filled at the call. */
import type { VerifiedContext } from '../core/access/current-request.js';
import { ownMember } from '../core/json.js';
import { recordOf, type ClassRecord, type ParameterFiller } from './records.js';

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
 * Fills the parameters of a method. Without a verified request, a value that the caller gave stays.
 *
 * @param definer - the record of the prototype that defines the method
 */
export function fillParameters(
  parameters: unknown[],
  definer: ClassRecord | undefined,
  method: PropertyKey,
  context: VerifiedContext | undefined,
): void {
  const fillers = definer?.filledParameters.get(method);
  if (fillers === undefined) return;
  for (const [index, fill] of fillers) {
    if (context !== undefined) parameters[index] = fill(context, parameters[index]);
    else parameters[index] ??= fill(undefined);
  }
}
