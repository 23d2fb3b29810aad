/** What decorators recorded on classes and methods. Knows no framework. */
import { combineOnElement, type DecoratorRequirement, type ElementRequirement } from '../core/access/combining.js';
import type { VerifiedContext } from '../core/access/current-request.js';
import type { Requirement } from '../core/access/requirement.js';
import { nameOfElement } from '../core/element-name.js';
import { processWide } from '../core/process-wide.js';

/**
 * The value of a parameter, by the verified request that the method is called in.
 *
 * @param context - undefined where no token was verified
 * @param given - what the caller of the method gave. A host that fills parameters gives what the same filler made
 */
export type ParameterFiller = (context: VerifiedContext | undefined, given?: unknown) => unknown;

export interface ClassRecord {
  /** What the decorators of the class require. */
  ownElement: ElementRequirement | undefined;
  /** What the decorators of its methods require. */
  readonly methods: Map<PropertyKey, ElementRequirement>;
  /** The parameters to fill, by method: index, and what fills it. */
  readonly filledParameters: Map<PropertyKey, Map<number, ParameterFiller>>;
  /** A new object each time something is recorded here. */
  stamp: object;
  /** The results of {@link requirementOf}, for as long as the stamps along the prototype chain are those of `compiledFrom`. */
  readonly compiled: Map<PropertyKey, Requirement | undefined>;
  compiledFrom: readonly object[];
}

/**
 * The record of each class prototype and, for static methods, of each class. The number is that of the record's format:
 * another version of this package in the process reads it only where it knows the format.
 */
export const records = processWide('records/3', () => new WeakMap<object, ClassRecord>());

export function recordOf(prototype: object): ClassRecord {
  let record = records.get(prototype);
  if (record === undefined) {
    record = {
      ownElement: undefined,
      methods: new Map(),
      filledParameters: new Map(),
      stamp: {},
      compiled: new Map(),
      compiledFrom: [],
    };
    records.set(prototype, record);
  }
  return record;
}

/**
 * Records what a decorator requires.
 *
 * @param method - undefined if the decorator is on the class
 * @throws ConfigurationError if it contradicts another decorator on the same element
 */
export function record(prototype: object, method: PropertyKey | undefined, added: DecoratorRequirement): void {
  const found = recordOf(prototype);
  const present = (method === undefined ? found.ownElement : found.methods.get(method)) ?? {
    at: nameOfElement(prototype, method),
    scheme: undefined,
    demands: [],
  };
  const element = combineOnElement(present, added);
  if (method === undefined) found.ownElement = element;
  else found.methods.set(method, element);
  found.stamp = {};
}
