/** Values of a token as text for a terminal. The values are untrusted. */
import { escaped, printable as cutOff, unprintable } from '../core/printable.js';

const longestShown = 200;

/** A text of several lines, each of them escaped. */
export const escapedLines = (text: string) => text.split('\n').map(escaped).join('\n');

/** An object whose texts are escaped. */
export function escapedMembers<T extends object>(members: T): T {
  const entries = Object.entries(members) as readonly [string, unknown][];
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? escaped(value) : value]),
  ) as T;
}

/** RFC 8259 §7: each UTF-16 code unit has an escape of its own. */
function jsonEscape(characters: string): string {
  const units = Array.from({ length: characters.length }, (_, index) => characters.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

/** A value as JSON, in which each unprintable character is escaped. */
export function escapedJson(value: unknown): string {
  // JSON.stringify escapes the line breaks in strings, so those that are left are its own.
  return JSON.stringify(value, undefined, 2).replace(unprintable, (character) =>
    character === '\n' ? character : jsonEscape(character),
  );
}

/** A text from a token, escaped and shortened. */
export function printable(text: string): string {
  return cutOff(text, longestShown);
}

/** The value of a claim or header member. */
export function shown(value: unknown): string {
  if (value === undefined) return 'none';
  return printable(typeof value === 'string' && value !== '' ? value : JSON.stringify(value));
}

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;
const relative = new Intl.RelativeTimeFormat('en');

function distance(ms: number): string {
  const [unit, size] = units.find(([, least]) => Math.abs(ms) >= least) ?? (['second', 1_000] as const);
  return relative.format(Math.trunc(ms / size), unit);
}

const latestDate = 8.64e15;

/** A time in seconds since the epoch, with its distance from now. */
export function shownTime(seconds: unknown, nowMs: number): string {
  if (typeof seconds !== 'number' || Math.abs(seconds * 1000) > latestDate) return shown(seconds);
  const time = seconds * 1000;
  return `${new Date(time).toISOString().replace('.000Z', 'Z')} (${distance(time - nowMs)})`;
}

/** A list of names: `a, b or c`. */
export const either = (names: readonly string[]) => new Intl.ListFormat('en', { type: 'disjunction' }).format(names);
