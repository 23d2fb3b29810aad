// The flags of a soak: whole numbers.
import { parseArgs } from 'node:util';

/** @param defaults - the flags by name */
export function wholeNumbers(defaults) {
  const names = Object.keys(defaults);
  const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) });
  return Object.fromEntries(
    names.map((name) => {
      const number = Number(values[name] ?? defaults[name]);
      if (!Number.isSafeInteger(number) || number < 1) throw new Error(`--${name} takes a whole number from 1.`);
      return [name, number];
    }),
  );
}
