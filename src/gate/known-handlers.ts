/** What the handlers and middlewares of an application require, for an audit that looks at the functions alone. */
import type { Requirement } from '../core/access/requirement.js';
import { processWide } from '../core/process-wide.js';

/** The requirement of each middleware for Express. */
export const requirementsOfMiddlewares = processWide(
  'requirements-of-middlewares',
  () => new WeakMap<object, Requirement>(),
);

/** A method of a class. */
export interface MethodOfClass {
  readonly prototype: object;
  readonly method: PropertyKey;
}

/** The method that a decorated handler of Express stands for. */
export const methodsOfHandlers = processWide('methods-of-handlers', () => new WeakMap<object, MethodOfClass>());

/** Guards and dynamic modules of Nest, each with whether it closes handlers without a decorator. */
export const closingParts = processWide('closing-parts', () => new WeakMap<object, () => boolean>());
