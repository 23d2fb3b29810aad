/** JSON objects as a token may hold them: every member once, and nothing nested without end. */

const deepestNesting = 32;

const quote = 34;
const backslash = 92;

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

function memberName(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
}

/**
 * Whether valid JSON text repeats a member name, names one `__proto__`, or nests too deeply.
 *
 * Parsers differ in which of two members they keep (RFC 8259 §4), so the two ends of a token could read different
 * claims from one signature; `__proto__` turns a careless copy of the claims into a prototype.
 */
function isAmbiguous(text: string): boolean {
  const open: (Set<string> | undefined)[] = [];
  let expectsName = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === quote) {
      const end = endOfString(text, index);
      const members = expectsName ? open[open.length - 1] : undefined;
      if (members !== undefined) {
        const name = memberName(text, index, end);
        if (name === '__proto__' || members.has(name)) return true;
        members.add(name);
        expectsName = false;
      }
      index = end;
    } else if (code === 123 /* { */ || code === 91 /* [ */) {
      if (open.push(code === 123 ? new Set() : undefined) > deepestNesting) return true;
      expectsName = code === 123;
    } else if (code === 125 /* } */ || code === 93 /* ] */) {
      open.pop();
      expectsName = false;
    } else if (code === 44 /* , */) {
      expectsName = open[open.length - 1] !== undefined;
    }
  }
  return false;
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

/** A JSON object, or undefined where the text is anything else or can be read in two ways. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isAmbiguous(text)) return undefined;
  return withOwnMembers(value as Record<string, unknown>);
}

/** Freezes a value and all it holds. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
