/** What a decorator, a middleware or another function of this package may be called with. */
import { nameOfElement } from './element-name.js';
import { ConfigurationError } from './errors.js';

/** What kind of value is described. It is shown only if it cannot be a secret that was pasted. */
export type Showing = 'word' | 'name' | 'id' | 'url';

/** A value that was given, as messages show it. */
export function describe(value: unknown, showing: Showing = 'word'): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${String(value.length)}`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value !== 'string') return String(value);
  if (value === '') return 'an empty string';
  const shown =
    (showing === 'word' && /^[\w-]{1,20}$/.test(value)) ||
    (showing === 'name' && /^\w{1,64}$/.test(value)) ||
    (showing === 'url' && /^[a-z]+:\/\/[^@?#\s]{1,80}$/i.test(value));
  return shown ? `'${value}'` : `a string of ${String(value.length)} characters`;
}

/** The members of an object, those of its class and of the classes above included. */
function memberNamesOf(options: object): readonly string[] {
  const names = Object.keys(options);
  let level = Object.getPrototypeOf(options) as object | null;
  while (level !== null) {
    // The members of a class are not enumerable. Those that every object has are no options.
    names.push(...Object.getOwnPropertyNames(level).filter((name) => !(name in Object.prototype)));
    level = Object.getPrototypeOf(level) as object | null;
  }
  return names;
}

/**
 * Why a value is no object of options; undefined where it is one. An unknown member is refused, also one that a class has:
 * it may be a restriction that is misspelled.
 */
export function problemWithOptions(given: unknown, known: readonly string[]): string | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return `got ${describe(given)}; it takes an object of options`;
  }
  const unknown = memberNamesOf(given).find((name) => !known.includes(name));
  if (unknown === undefined) return undefined;
  return `got ${describe(unknown, 'name')}, which is no option; it takes ${known.join(', ')}`;
}

/** What a function takes. */
export interface Signature {
  /** What may be between the parentheses, as messages show it. */
  readonly examples: readonly [string, ...string[]];
  /** How many arguments it takes. Default: any number. */
  readonly most?: number;
  /** The members of the object of options that it takes. Undefined: it takes what `takes` says. */
  readonly options?: readonly string[];
  /** What its arguments are: strings, of claims their values too, or a function. Default: strings. */
  readonly takes?: 'strings' | 'values' | 'function';
  /** The options that cannot be left out. */
  readonly required?: readonly string[];
}

/** Whether a function is a class, which is called with `new` alone: the prototype of a class cannot be replaced. */
export const isClass = (value: object) =>
  Object.getOwnPropertyDescriptor(value, 'prototype')?.writable === false &&
  // A function that is frozen has such a prototype too. JavaScript's own classes, and proxies of classes, show no source.
  /^class\b|\[native code\] \}$/.test(Function.prototype.toString.call(value));

const isElementKey = (key: unknown) => typeof key === 'string' || typeof key === 'symbol';

/**
 * Whether arguments are those of a compiler or a framework: a class; a prototype, a key and a descriptor or an index; a
 * request, a response and `next`. Then the function was named where its result belongs.
 */
function isCalledByHost([first, ...others]: readonly unknown[], takesFunction: boolean): boolean {
  const isFollowed = others.some((other) => other !== undefined);
  if (typeof first === 'function') return !takesFunction || isClass(first) || isFollowed;
  // A standard decorator of a field is given undefined.
  return typeof first === 'object' && first !== null && !Array.isArray(first)
    ? others.length > 0
    : first === undefined && others.some((other) => typeof other === 'object' && other !== null);
}

/** The class or method that a decorator without parentheses is on, with a colon; empty for a middleware. */
function elementIn([target, key]: readonly unknown[]): string {
  if (typeof target === 'function') return `${nameOfElement(target, isElementKey(key) ? key : undefined)}: `;
  return typeof target === 'object' && target !== null && isElementKey(key) ? `${nameOfElement(target, key)}: ` : '';
}

/** What a function takes in place of options: the types of its arguments, and their description. */
const taken = {
  strings: [['undefined', 'string'], 'a string'],
  values: [['undefined', 'string', 'number', 'boolean'], 'a string, a number or a boolean'],
  function: [['function'], 'a function'],
} as const satisfies Readonly<Record<string, readonly [types: readonly string[], description: string]>>;

function problemWithOne(given: unknown, { options, takes = 'strings', required = [] }: Signature): string | undefined {
  if (options === undefined) {
    const [types, description] = taken[takes];
    return types.some((type) => type === typeof given) ? undefined : `got ${describe(given)}; it takes ${description}`;
  }
  const problem = given === undefined ? undefined : problemWithOptions(given, options);
  if (problem !== undefined) return problem;
  const members = (given ?? {}) as Readonly<Record<string, unknown>>;
  const missing = required.find((name) => members[name] === undefined);
  return missing === undefined ? undefined : `got no ${missing}, which is required`;
}

function problemWithCount(given: readonly unknown[], most = Infinity): string | undefined {
  if (given.slice(most).every((argument) => argument === undefined)) return undefined;
  return most === 0 ? 'it takes no argument' : `got ${String(given.length)} arguments; it takes ${String(most)}`;
}

function problemWith(given: readonly unknown[], signature: Signature): string | undefined {
  const { most, options, takes } = signature;
  const problem = problemWithCount(given, most);
  if (problem !== undefined) return problem;
  const judged = options === undefined && takes !== 'function' ? given : [given[0]];
  return judged.map((argument) => problemWithOne(argument, signature)).find((problem) => problem !== undefined);
}

const formsOf = (name: string, { examples }: Signature) =>
  examples.map((example) => `${name}(${example})`).join(' or ');

/**
 * Refuses arguments that a function would ignore: they may be a restriction.
 *
 * @throws ConfigurationError that shows how the function is called
 */
export function checkCount(name: string, given: readonly unknown[], signature: Signature): void {
  const problem = problemWithCount(given, signature.most);
  if (problem !== undefined) throw new ConfigurationError(`${name}: ${problem}. Write ${formsOf(name, signature)}.`);
}

/**
 * Refuses arguments that a function would ignore or misread: they may be a restriction.
 *
 * @param name - of the function, as it is written: `@RequiresAuth`, `requiresAuth`
 * @throws ConfigurationError that shows how the function is called
 */
export function checkArguments(name: string, given: readonly unknown[], signature: Signature): void {
  const isBare = isCalledByHost(given, signature.takes === 'function');
  const problem = isBare ? undefined : problemWith(given, signature);
  if (!isBare && problem === undefined) return;
  const found = isBare ? `${elementIn(given)}${name} is used without its parentheses` : `${name}: ${problem ?? ''}`;
  throw new ConfigurationError(`${found}. Write ${formsOf(name, signature)}.`);
}
