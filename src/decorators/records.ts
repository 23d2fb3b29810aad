/** What decorators recorded on classes and methods. Knows no framework. */
import type { Authenticator, Demand, Requirement, SchemeDemand } from '../core/access/requirement.js';
import { ConfigurationError } from '../core/errors.js';
import { processWide } from '../core/process-wide.js';

/** What stands at one place: on a class, or on one of its methods. */
export interface Place {
  scheme: SchemeDemand | undefined;
  /** The configuration its decorators are bound to; undefined: that of the process. */
  identity: Authenticator | undefined;
  readonly demands: Demand[];
  anonymous: boolean;
}

export interface ClassRecord {
  readonly ownPlace: Place;
  readonly methods: Map<PropertyKey, Place>;
  /** The parameters to fill, by method: index, and the claim's name or undefined for all claims. */
  readonly claimParameters: Map<PropertyKey, Map<number, string | undefined>>;
  /** How often something was recorded here. */
  version: number;
  /** What {@link requirementOf} found, until something is recorded here or above again. */
  readonly compiled: Map<PropertyKey, Requirement | undefined>;
  compiledAt: number;
}

/** The record of each class prototype. */
export const records = processWide('records', () => new WeakMap<object, ClassRecord>());

const newPlace = (): Place => ({ scheme: undefined, identity: undefined, demands: [], anonymous: false });

export function recordOf(prototype: object): ClassRecord {
  let record = records.get(prototype);
  if (record === undefined) {
    record = {
      ownPlace: newPlace(),
      methods: new Map(),
      claimParameters: new Map(),
      version: 0,
      compiled: new Map(),
      compiledAt: 0,
    };
    records.set(prototype, record);
  }
  return record;
}

function placeOf(prototype: object, method: PropertyKey | undefined): Place {
  const { ownPlace, methods } = recordOf(prototype);
  if (method === undefined) return ownPlace;
  const place = methods.get(method) ?? newPlace();
  methods.set(method, place);
  return place;
}

function checkPlace({ anonymous, scheme, demands }: Place): void {
  if (anonymous && (scheme !== undefined || demands.length > 0)) {
    throw new ConfigurationError('@AllowAnonymous() stands beside a requirement: one of the two is a mistake.');
  }
}

function mergePolicies(present: SchemeDemand, added: SchemeDemand): readonly string[] | undefined {
  if (present.policies === undefined || added.policies === undefined) return present.policies ?? added.policies;
  const common = present.policies.filter((policy) => added.policies?.includes(policy));
  if (common.length === 0) {
    throw new ConfigurationError('Two @RequiresB2cAuth() at one place name policies that no token can both come from.');
  }
  return common;
}

function mergeCallers(present: SchemeDemand, added: SchemeDemand): SchemeDemand['callers'] {
  const named = [present.callers, added.callers].filter((callers) => callers !== undefined && callers !== 'any');
  if (new Set(named).size > 1) {
    throw new ConfigurationError('Two @RequiresAuth() at one place name callers that no token can both come from.');
  }
  return named[0] ?? present.callers ?? added.callers;
}

function mergeSchemes(present: SchemeDemand | undefined, added: SchemeDemand): SchemeDemand {
  if (present === undefined) return added;
  if (present.kind !== added.kind) {
    throw new ConfigurationError(
      '@RequiresAuth(), @RequiresB2cAuth() and @RequiresAnyAuth() stand at one place: only one of them can.',
    );
  }
  return { kind: added.kind, policies: mergePolicies(present, added), callers: mergeCallers(present, added) };
}

/** A scheme says whose configuration it means; a demand of the process goes with any. */
function mergeIdentities(place: Place, { identity, ...addition }: Addition): Authenticator | undefined {
  const isSettled = place.scheme !== undefined || place.identity !== undefined;
  const says = 'scheme' in addition || identity !== undefined;
  if (isSettled && says && place.identity !== identity) {
    throw new ConfigurationError('Decorators of two configurations stand at one place: a token is held against one.');
  }
  return says ? identity : place.identity;
}

/** What one decorator adds to the place it stands at, and which configuration it is bound to. */
export type Addition = { readonly identity?: Authenticator | undefined } & (
  { readonly scheme: SchemeDemand } | { readonly demand: Demand } | { readonly anonymous: true }
);

/**
 * Records what a decorator says.
 *
 * @throws ConfigurationError where it contradicts what stands at the same place
 */
export function record(prototype: object, method: PropertyKey | undefined, addition: Addition): void {
  const place = placeOf(prototype, method);
  place.identity = mergeIdentities(place, addition);
  if ('scheme' in addition) place.scheme = mergeSchemes(place.scheme, addition.scheme);
  else if ('demand' in addition) place.demands.push(addition.demand);
  else place.anonymous = true;
  checkPlace(place);
  recordOf(prototype).version++;
}

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

/** The parameters to fill of the method that this very prototype defines. */
export function claimParametersOf(prototype: object, method: PropertyKey): ReadonlyMap<number, string | undefined> {
  return records.get(prototype)?.claimParameters.get(method) ?? noParameters;
}
