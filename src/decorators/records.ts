/** What decorators recorded, and what it adds up to for a method of a class. Knows no framework. */
import { state } from '../core/access/current-request.js';
import type { Authenticator, Demand, Requirement, SchemeDemand } from '../core/access/requirement.js';
import { ConfigurationError } from '../core/errors.js';

/** What stands at one place: on a class, or on one of its methods. */
interface Place {
  scheme: SchemeDemand | undefined;
  /** The configuration its decorators are bound to; undefined: that of the process. */
  identity: Authenticator | undefined;
  readonly demands: Demand[];
  anonymous: boolean;
}

interface ClassRecord {
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

const records = state.records as WeakMap<object, ClassRecord>;

const newPlace = (): Place => ({ scheme: undefined, identity: undefined, demands: [], anonymous: false });

function recordOf(prototype: object): ClassRecord {
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

/** A prototype and those it inherits from, or a class and those it extends, nearest first. */
export function* lineageOf(start: object): Generator<object> {
  for (let level: object | null = start; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    yield level;
  }
}

interface Action {
  readonly target: object;
  readonly method: string;
}

/** Of the actions that classes declare, those of a class, inherited ones among them, each as its nearest class declares it. */
export function actionsOf<Declared extends Action>(target: object, actions: readonly Declared[]): readonly Declared[] {
  const found: Declared[] = [];
  for (const level of lineageOf(target)) {
    const known = new Set(found.map(({ method }) => method));
    found.push(...actions.filter((action) => action.target === level && !known.has(action.method)));
  }
  return found;
}

/** The records of a class and those above it, nearest first. */
function* recordsAbove(prototype: object): Generator<ClassRecord> {
  for (const level of lineageOf(prototype)) {
    const found = records.get(level);
    if (found !== undefined) yield found;
  }
}

/** How often something was recorded on a class or above it. Asked in every call, hence without a generator. */
function versionOf(prototype: object): number {
  let sum = 0;
  for (let level: object | null = prototype; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    sum += records.get(level)?.version ?? 0;
  }
  return sum;
}

/** The places that bear on a method, nearest first: each class's method, then the class, up the chain. */
function* placesFor(prototype: object, method: PropertyKey): Generator<Place> {
  for (const found of recordsAbove(prototype)) {
    const onMethod = found.methods.get(method);
    for (const place of onMethod === undefined ? [found.ownPlace] : [onMethod, found.ownPlace]) {
      if (place.anonymous) return;
      yield place;
    }
  }
}

/** The nearest scheme replaces those further out; what it leaves open, it does not widen. */
function compileScheme(places: readonly Place[]): SchemeDemand | undefined {
  const schemes = places.map(({ scheme }) => scheme).filter((scheme) => scheme !== undefined);
  const [nearest] = schemes;
  if (nearest === undefined) return undefined;
  const others = schemes.findIndex(({ kind }) => kind !== nearest.kind);
  const alike = others === -1 ? schemes : schemes.slice(0, others);
  const nearestOf = <T>(read: (scheme: SchemeDemand) => T | undefined) =>
    alike.map(read).find((value) => value !== undefined);
  return Object.freeze({
    kind: nearest.kind,
    policies: nearestOf(({ policies }) => policies),
    callers: nearestOf(({ callers }) => callers),
  });
}

function compile(prototype: object, method: PropertyKey): Requirement | undefined {
  const places = [...placesFor(prototype, method)];
  const scheme = compileScheme(places);
  const demands = places.flatMap((place) => place.demands);
  if (scheme === undefined && demands.length === 0) return undefined;
  const at = places.findIndex((place) => place.scheme !== undefined);
  const speaker = at === -1 ? places.find(({ identity }) => identity !== undefined) : places[at];
  const nearer = at === -1 ? places : places.slice(0, at);
  if (nearer.some(({ identity }) => identity !== undefined && identity !== speaker?.identity)) {
    throw new ConfigurationError(
      'A demand of one configuration stands nearer than the scheme of another: a token is held against one.',
    );
  }
  return Object.freeze({ scheme, demands: Object.freeze(demands), identity: speaker?.identity });
}

/**
 * What a call of a method demands: the sum of all that stands on the class and the method, and on those above.
 *
 * @param prototype - of the class whose instance is called, which may only inherit the method
 * @returns undefined where nothing is demanded
 */
export function requirementOf(prototype: object, method: PropertyKey): Requirement | undefined {
  const own = recordOf(prototype);
  const version = versionOf(prototype);
  if (own.compiledAt !== version) {
    own.compiled.clear();
    own.compiledAt = version;
  }
  const known = own.compiled.get(method);
  if (known !== undefined || own.compiled.has(method)) return known;
  const compiled = compile(prototype, method);
  own.compiled.set(method, compiled);
  return compiled;
}

/**
 * Whether `@AllowAnonymous()` stands on a method or class, or above, so that what is further out is lifted. A method that
 * demands nothing without it was left open by oversight.
 */
export function allowsAnonymous(prototype: object, method: PropertyKey): boolean {
  for (const { methods, ownPlace } of recordsAbove(prototype)) {
    if (methods.get(method)?.anonymous === true || ownPlace.anonymous) return true;
  }
  return false;
}
