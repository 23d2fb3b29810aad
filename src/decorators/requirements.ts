/** What the decorators of a class and of the classes it extends add up to, for one method. */
import type { Requirement, SchemeDemand } from '../core/access/requirement.js';
import { ConfigurationError } from '../core/errors.js';
import { lineageOf } from './prototype-chain.js';
import { recordOf, records, type ClassRecord, type Place } from './records.js';

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
