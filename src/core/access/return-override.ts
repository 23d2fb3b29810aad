/**
 * Private fields on objects that other code made, by the idiom called return override: the constructor of a base class
 * returns an object of another origin, and the fields of the derived class are then added to that object.
 */

class ReturnOverride {
  constructor(object: object) {
    return object;
  }
}

/** A private field on objects of any origin. */
export interface PrivateField<T> {
  /** The field of an object; undefined where it was not set, and for any value that is neither an object nor a function. */
  get(object: unknown): T | undefined;
  set(object: object, value: T): void;
}

/**
 * Creates a private field. Only its `get` and `set` can reach it: it is not copied with the object, not inherited from it
 * and not shown in its keys.
 *
 * A WeakMap hides a value as well. As an entry of one, a value costs a request 2 µs more on Node 24, because the garbage
 * collector does more work (docs/performance.md).
 */
export function privateField<T>(): PrivateField<T> {
  class Field extends ReturnOverride {
    #value: T;

    private constructor(object: object, value: T) {
      super(object);
      this.#value = value;
    }

    static get(object: unknown): T | undefined {
      if ((typeof object !== 'object' && typeof object !== 'function') || object === null) return undefined;
      return #value in object ? object.#value : undefined;
    }

    static set(object: object, value: T): void {
      if (#value in object) object.#value = value;
      else new Field(object, value);
    }
  }
  return {
    get: (object) => Field.get(object),
    set: (object, value) => {
      Field.set(object, value);
    },
  };
}
