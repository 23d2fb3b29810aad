/** Which scopes does a requirement name? Pure functions. */
import type { Demand, Requirement } from './requirement.js';

/** The scopes of which a demand accepts any; undefined if it is about something else. */
export function acceptedScopes(demand: Demand): readonly string[] | undefined {
  if (demand.kind === 'scope') return demand.anyOf;
  return demand.kind === 'permission' ? demand.scopes : undefined;
}

/** The scopes that the demands of a requirement name. The token of an application has no scopes. */
export function demandedScopes({ scheme, demands }: Requirement): readonly string[] {
  if (scheme?.callers === 'app') return [];
  return [...new Set(demands.flatMap((demand) => acceptedScopes(demand) ?? []))];
}
