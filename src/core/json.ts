/** JSON objects as a token may hold them: every member once, and nothing nested without end. */

const deepestNesting = 32;

const quote = 34;
const backslash = 92;
const colon = 58;

/** The index of the quote that ends the string which starts at `start`. The text is known to be valid JSON. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  for (;;) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === backslash) backslashes++;
    if (backslashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
}

// RFC 8259 §2.
const isWhitespace = (code: number) => code === 32 || code === 10 || code === 13 || code === 9;

/** How many members the objects in valid JSON text have. A member that is repeated counts each time. */
function countMembersIn(text: string): number {
  let count = 0;
  let start = text.indexOf('"');
  while (start !== -1) {
    let next = endOfString(text, start) + 1;
    while (isWhitespace(text.charCodeAt(next))) next++;
    if (text.charCodeAt(next) === colon) count++;
    // In JSON without white space, most strings begin here: after a colon or a comma.
    start = text.charCodeAt(next + 1) === quote ? next + 1 : text.indexOf('"', next);
  }
  return count;
}

/**
 * How many members the objects in a parsed value have. Not a number if one is named `__proto__`, which turns a careless copy
 * of the claims into a prototype, or if the value nests too deeply.
 */
function countMembersOf(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth > deepestNesting) return NaN;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countMembersOf(item, depth + 1);
    return count;
  }
  // Without a list of the names, which Object.keys() makes.
  for (const name in value) {
    if (!Object.hasOwn(value, name)) continue;
    if (name === '__proto__') return NaN;
    count += 1 + countMembersOf((value as Readonly<Record<string, unknown>>)[name], depth + 1);
  }
  return count;
}

/**
 * The prototype of a parsed object: the usual methods, as they were when this library was loaded. What another flaw adds to
 * `Object.prototype` is no claim of a token.
 */
const usualMethods = Object.freeze(
  Object.create(
    null,
    Object.fromEntries(
      [
        'constructor',
        'hasOwnProperty',
        'isPrototypeOf',
        'propertyIsEnumerable',
        'toLocaleString',
        'toString',
        'valueOf',
      ].map((name) => [name, { value: Reflect.get(Object.prototype, name) as unknown }]),
    ),
  ) as object,
);

/** An object whose members are its own alone. */
export function withOwnMembers<T extends object>(value: T): T {
  return Object.setPrototypeOf(value, usualMethods) as T;
}

/** A member of an object itself; undefined where it only inherits one of that name. */
export function ownMember<T>(value: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/**
 * A JSON object; undefined where the text is anything else, can be read in two ways, or nests too deeply. It can be changed
 * and has the usual prototype, until {@link closed} makes its members the only ones.
 *
 * Parsers differ in which of two members they keep (RFC 8259 §4), so the two ends of a token could read different claims
 * from one signature. A repeated member stands in the text and not in what is parsed, so counting shows it.
 */
export function parseOpenJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return countMembersOf(value, 1) === countMembersIn(text) ? (value as Record<string, unknown>) : undefined;
}

/** A parsed object, with members of its own alone, and frozen with all it holds. */
export function closed<T extends object>(object: T): T {
  // Before it is frozen: then the prototype cannot be set.
  return deepFreeze(withOwnMembers(object));
}

/** A JSON object as {@link parseOpenJsonObject} reads it, {@link closed}. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const object = parseOpenJsonObject(text);
  return object && closed(object);
}

/** Freezes a value and all it holds. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}
