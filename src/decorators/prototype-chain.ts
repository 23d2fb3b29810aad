/** Prototype chains: classes and the classes they extend. */

/** Whether a prototype is the other one, or inherits from it. */
export function isSameOrDerived(prototype: object, base: object): boolean {
  return prototype === base || Object.prototype.isPrototypeOf.call(base, prototype);
}

/** The class whose requirements apply to a call: that of the instance, which may be derived from the method's class. */
export function prototypeFor(instance: unknown, owner: object): object {
  // A static method is called on its class, or on one that extends it.
  if (typeof owner === 'function')
    return typeof instance === 'function' && isSameOrDerived(instance, owner) ? instance : owner;
  if (typeof instance !== 'object' || instance === null) return owner;
  const prototype = Object.getPrototypeOf(instance) as object | null;
  return prototype !== null && isSameOrDerived(prototype, owner) ? prototype : owner;
}

/** A prototype and those it inherits from, or a class and those it extends, nearest first. */
export function* prototypeChainOf(start: object): Generator<object> {
  for (let level: object | null = start; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    yield level;
  }
}

interface Action {
  readonly target: object;
  readonly method: string;
}

/** The actions of a class, inherited ones included, each as the nearest class declares it. */
export function actionsOf<Declared extends Action>(target: object, actions: readonly Declared[]): readonly Declared[] {
  const found: Declared[] = [];
  for (const level of prototypeChainOf(target)) {
    const known = new Set(found.map(({ method }) => method));
    found.push(...actions.filter((action) => action.target === level && !known.has(action.method)));
  }
  return found;
}
