// Command line flags: --name value, with defaults that say the type.
import { parseArgs } from 'node:util';
import { runUnder } from './node-version.mjs';

/**
 * Every script also takes --node, with the version of Node to run under.
 *
 * @param defaults - the flags by name; a number's flag takes a number
 */
export function readFlags(defaults) {
  const options = Object.fromEntries([...Object.keys(defaults), 'node'].map((name) => [name, { type: 'string' }]));
  const { values } = parseArgs({ options });
  if (values.node !== undefined) runUnder(values.node);
  return Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => {
      const given = values[name];
      if (given === undefined) return [name, value];
      if (typeof value !== 'number') return [name, given];
      if (!Number.isFinite(Number(given))) throw new Error(`--${name} takes a number.`);
      return [name, Number(given)];
    }),
  );
}

/** The items whose name holds one of the words of --only, which are separated by commas. */
export function chosen(items, only, nameOf = (item) => item.name) {
  if (only === '') return items;
  const words = only.split(',');
  return items.filter((item) => words.some((word) => nameOf(item).includes(word)));
}
