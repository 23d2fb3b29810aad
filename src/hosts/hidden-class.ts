/** Takes back what Express costs on Node 20 and 22. */
import { versions } from 'node:process';

// Express sets the prototype of every request and response, and after that V8 before 13 shares no hidden class between
// two objects any more (https://github.com/nodejs/node/issues/37457): each property that is added copies the layout of
// all others, and no cache knows the object. Dictionaries have no layout, and share one hidden class.
const isAffected = Number.parseInt(versions.v8, 10) < 13;

const passing = Symbol('passing');

/**
 * Has V8 before 13 keep an object's properties in a dictionary, which taking one away does; others are left alone.
 * Nothing that a program can see changes.
 */
export function shareHiddenClass(object: object): void {
  if (!isAffected) return;
  Reflect.set(object, passing, true);
  Reflect.deleteProperty(object, passing);
}
