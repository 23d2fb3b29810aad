/** Values of a token in words. They may come from anyone, and go to a terminal. */

const longestShown = 200;

/** A text without what a terminal would obey. */
export function printable(text: string): string {
  const plain = text.replace(/\p{C}/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
  return plain.length > longestShown ? `${plain.slice(0, longestShown)}…` : plain;
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

/** A time in seconds since the epoch, with its distance to now. */
export function shownTime(seconds: unknown, nowMs: number): string {
  if (typeof seconds !== 'number' || Math.abs(seconds * 1000) > latestDate) return shown(seconds);
  const time = seconds * 1000;
  return `${new Date(time).toISOString().replace('.000Z', 'Z')} (${distance(time - nowMs)})`;
}

/** Names in a row: `a, b or c`. */
export const either = (names: readonly string[]) => new Intl.ListFormat('en', { type: 'disjunction' }).format(names);
