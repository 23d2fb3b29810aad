/** What the decorators of a method, its class and the classes above require together. */
import { combineAlongPrototypeChain, type ElementRequirement } from '../core/access/combining.js';
import type { Requirement } from '../core/access/requirement.js';
import { nameOfElement, prototypeChainOf } from './prototype-chain.js';
import { recordOf, records } from './records.js';

/** How often something was recorded on a class or above it. Called at every request, hence without a generator. */
function versionOf(prototype: object): number {
  let sum = 0;
  for (let level: object | null = prototype; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    sum += records.get(level)?.version ?? 0;
  }
  return sum;
}

/** The decorated elements that apply to a method, nearest first: the method, then its class, up the prototype chain. */
function elementsFor(prototype: object, method: PropertyKey): readonly ElementRequirement[] {
  return [...prototypeChainOf(prototype)]
    .flatMap((level) => [records.get(level)?.methods.get(method), records.get(level)?.ownElement])
    .filter((element) => element !== undefined);
}

/**
 * What a method requires: all that its decorators, those of its class and those above add up to.
 *
 * @param prototype - of the class whose instance is called, which may only inherit the method
 * @returns undefined where nothing is required
 * @throws ConfigurationError where two of them contradict each other
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
