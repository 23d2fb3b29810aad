/** How is the value of an option checked, and how is a wrong value described? */
import { define, nonEmptyArray, object, pojo, select, string, undefined_, unknown, type Decoder } from 'decoders';
import { describe, problemWithOptions, type Showing } from '../call-arguments.js';
import { ConfigurationError } from '../errors.js';

/** Accepts what the decoder accepts. Its message names what the option got and what it takes. */
export function takes<T>(decoder: Decoder<T>, expected: string, showing: Showing = 'word'): Decoder<T> {
  return define((value, _ok, err) => {
    const result = decoder.decode(value);
    return result.ok ? result : err(`got ${describe(value, showing)}; it takes ${expected}`);
  });
}

export function text(expected: string, accepts: (value: string) => boolean, showing?: Showing): Decoder<string> {
  return takes(string.refine(accepts, ''), expected, showing);
}

export function callable<T>(expected: string): Decoder<T> {
  return takes(
    unknown.refine((value): value is T => typeof value === 'function', ''),
    expected,
  );
}

/** An option that may be left out. The library's `optional` adds "Must be undefined" to each message. */
export function optional<T>(decoder: Decoder<T>): Decoder<T | undefined> {
  return select(unknown, (value): Decoder<T | undefined> => (value === undefined ? undefined_ : decoder));
}

/** A list that is not empty. The library's `array` adds the index of a wrong item to its message. */
export function listOf(item: Decoder<string>, expected: string): Decoder<readonly string[]> {
  return takes(nonEmptyArray(unknown), expected).chain<readonly string[]>((elements, ok) => {
    const results = elements.map((element) => item.decode(element));
    return results.find((result) => !result.ok) ?? ok(results.flatMap(({ value }) => value ?? []));
  });
}

export function oneOrMore(item: Decoder<string>, expected: string): Decoder<readonly string[]> {
  const list = listOf(item, expected);
  const one = item.transform((value) => [value]);
  return select(unknown, (value): Decoder<readonly string[]> => (Array.isArray(value) ? list : one));
}

/** An object of options, without an unknown one. */
export function options<T extends Record<string, Decoder<unknown>>>(decoders: T) {
  const known = Object.keys(decoders);
  return takes(pojo, 'an object of options')
    .reject((given) => problemWithOptions(given, known) ?? null)
    .pipe(object(decoders));
}

/**
 * What the decoder makes of a value.
 *
 * @param at - the function or option that it was given to, for the message
 * @param whole - the name of the value itself, for the message; default: none
 * @throws ConfigurationError that names the first wrong member, what it got and what it takes
 */
export function checked<T>(decoder: Decoder<T>, given: unknown, at: string, whole?: string): T {
  const result = decoder['~standard'].validate(given);
  if ('value' in result) return result.value;
  // The type allows a promise. This library never returns one.
  const [issue] = 'issues' in result ? result.issues : [];
  const path = issue?.path?.filter((name) => typeof name === 'string').join('.') ?? whole;
  const place = path === undefined ? at : `${at}: ${path}`;
  throw new ConfigurationError(`${place}: ${issue?.message ?? ''}.`);
}
