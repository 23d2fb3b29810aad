/** Classes and the classes they extend. */

/** Whether a class's prototype is another's, or inherits from it. */
export function isSameOrDerived(prototype: object, base: object): boolean {
  return prototype === base || Object.prototype.isPrototypeOf.call(base, prototype);
}

/** The class whose rules bear on a call: the instance's own, which may be derived from where the method stands. */
export function prototypeFor(instance: unknown, owner: object): object {
  if (typeof instance !== 'object' || instance === null) return owner;
  const prototype = Object.getPrototypeOf(instance) as object | null;
  return prototype !== null && isSameOrDerived(prototype, owner) ? prototype : owner;
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
