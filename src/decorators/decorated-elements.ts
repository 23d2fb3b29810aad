/** Which decorated elements apply to a method: itself, its class, and those above. How they combine, core/access/combining.ts says. */
import { combineAlongPrototypeChain, type ElementRequirement } from '../core/access/combining.js';
import type { Requirement } from '../core/access/requirement.js';
import { nameOfElement } from '../core/element-name.js';
import { prototypeChainOf } from './prototype-chain.js';
import { recordOf, records, type ClassRecord } from './records.js';

/** The record of the class itself: of a static method, the chain is that of classes and not of their prototypes. */
function classRecordOf(level: object): ClassRecord | undefined {
  return records.get(
    typeof level === 'function' ? ((level as { readonly prototype?: object }).prototype ?? level) : level,
  );
}

/**
 * Whether nothing was recorded along a prototype chain, and the chain is the same, since the stamps were taken. Called at
 * every call of a protected method, so it uses no generator.
 */
function isCurrent(start: object, { stamp: ownStamp, compiledFrom: stamps }: ClassRecord): boolean {
  let index = 0;
  for (let level: object | null = start; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    const stamp = level === start ? ownStamp : records.get(level)?.stamp;
    if (stamp !== undefined && stamp !== stamps[index++]) return false;
    if (typeof level !== 'function') continue;
    const ofClass = classRecordOf(level)?.stamp;
    if (ofClass !== undefined && ofClass !== stamps[index++]) return false;
  }
  return index === stamps.length;
}

/** The stamps along a prototype chain, as {@link isCurrent} compares them. */
function stampsOf(start: object): readonly object[] {
  return [...prototypeChainOf(start)]
    .flatMap((level) => [records.get(level), typeof level === 'function' ? classRecordOf(level) : undefined])
    .filter((record) => record !== undefined)
    .map(({ stamp }) => stamp);
}

/** Whether a class takes the place of the one above it, which has the records. */
function isReplacement(level: object): boolean {
  if (typeof level !== 'function') return false;
  const above = Object.getPrototypeOf(level) as { readonly prototype?: unknown } | null;
  return above?.prototype !== undefined && above.prototype === (level as { readonly prototype?: unknown }).prototype;
}

/** The decorated elements that apply to a method, nearest first: the method, then its class, up the prototype chain. */
function elementsFor(start: object, method: PropertyKey): readonly ElementRequirement[] {
  return [...prototypeChainOf(start)]
    .filter((level) => !isReplacement(level))
    .flatMap((level) => [records.get(level)?.methods.get(method), classRecordOf(level)?.ownElement])
    .filter((element) => element !== undefined);
}

/**
 * What a method requires: all that its decorators, those of its class and those above add up to.
 *
 * @param prototype - of the class whose instance is called, which may only inherit the method; of a static method, the
 *   class
 * @returns undefined if nothing is required
 * @throws ConfigurationError if two of them contradict each other
 */
export function requirementOf(prototype: object, method: PropertyKey): Requirement | undefined {
  const own = recordOf(prototype);
  if (!isCurrent(prototype, own)) {
    own.compiled.clear();
    own.compiledFrom = stampsOf(prototype);
  }
  const known = own.compiled.get(method);
  if (known !== undefined || own.compiled.has(method)) return known;
  const compiled = combineAlongPrototypeChain(elementsFor(prototype, method), nameOfElement(prototype, method));
  own.compiled.set(method, compiled);
  return compiled;
}

/**
 * Whether `@AllowAnonymous()` applies to a method. A method that requires nothing without it was left open by oversight.
 */
export function allowsAnonymous(prototype: object, method: PropertyKey): boolean {
  return elementsFor(prototype, method).some(({ anonymous }) => anonymous === true);
}
