import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJsonObject } from '../../src/core/json.js';

/** JSON text, and whether readers of it can differ: by how it was made, and not by reading it. */
interface Written {
  readonly text: string;
  readonly isAmbiguous: boolean;
  readonly depth: number;
}

const leaf = (text: string): Written => ({ text, isAmbiguous: false, depth: 0 });

/** A string in JSON: each character as it is where that is allowed, or as one of its escapes. */
function written(text: string, escapes: readonly boolean[]): string {
  const characters = Array.from({ length: text.length }, (_, index) => {
    const character = text.charAt(index);
    const escape = `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
    if (escapes[index % escapes.length] === true) return character === '/' ? '\\/' : escape;
    return JSON.stringify(character).slice(1, -1);
  });
  return `"${characters.join('')}"`;
}

const escapes = fc.array(fc.boolean(), { minLength: 1, maxLength: 4 });
// Few names, so that they repeat, and some that code tends to trip over.
const names = fc.constantFrom(
  'a',
  'b',
  'aud',
  '',
  '"',
  '\\',
  '\\"',
  ':',
  '{',
  '__proto__',
  'constructor',
  '1',
  'é',
  '😀',
);
const texts = fc.oneof(
  names,
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('"a":1', '\ud800', '\\\\', ',"a":'),
);
const spaces = fc.constantFrom('', '', '', ' ', '\n\t', ' \r ');

const { value: values } = fc.letrec<{ value: Written }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom('null', 'true', 'false', '0', '-1.5e+3', '1e400', '12345678901234567890').map(leaf),
    fc.tuple(texts, escapes).map(([text, chosen]) => leaf(written(text, chosen))),
    fc.tuple(fc.array(tie('value'), { maxLength: 3 }), spaces).map(([items, space]) => listOf(items, space)),
    membersOf(tie('value')).map(objectOf),
  ),
}));

type Member = readonly [name: string, text: string, value: Written];

function membersOf(value: fc.Arbitrary<Written>): fc.Arbitrary<{ members: Member[]; space: string }> {
  const member = fc
    .tuple(names, escapes, value)
    .map(([name, chosen, held]): Member => [name, written(name, chosen), held]);
  return fc.record({ members: fc.array(member, { maxLength: 4 }), space: spaces });
}

const deepest = (held: readonly Written[]) => 1 + Math.max(0, ...held.map(({ depth }) => depth));

function listOf(items: readonly Written[], space: string): Written {
  const text = `[${space}${items.map((item) => item.text).join(`${space},${space}`)}${space}]`;
  return { text, isAmbiguous: items.some((item) => item.isAmbiguous), depth: deepest(items) };
}

function objectOf({ members, space }: { readonly members: readonly Member[]; readonly space: string }): Written {
  const held = members.map(([, , value]) => value);
  const own = members.map(([name]) => name);
  const text = members.map(([, name, value]) => `${name}${space}:${space}${value.text}`).join(`${space},${space}`);
  return {
    text: `${space}{${space}${text}${space}}${space}`,
    isAmbiguous: own.includes('__proto__') || new Set(own).size < own.length || held.some((value) => value.isAmbiguous),
    depth: deepest(held),
  };
}

const nestedIn = ({ text, isAmbiguous, depth }: Written, levels: number): Written => ({
  text: `{"x":`.repeat(levels) + text + '}'.repeat(levels),
  isAmbiguous,
  depth: depth + levels,
});

describe('parseJsonObject', () => {
  it('reads an object as JSON.parse does where it can be read in one way, and else not at all', () => {
    const objects = membersOf(values).map(objectOf);
    const cases = fc.tuple(objects, fc.constantFrom(0, 0, 0, 1, 26, 28, 29, 30, 31, 32));
    let refused = 0;
    let read = 0;
    fc.assert(
      fc.property(cases, ([object, levels]) => {
        const { text, isAmbiguous, depth } = nestedIn(object, levels);
        const parsed = parseJsonObject(text);
        if (isAmbiguous || depth > 32) {
          refused++;
          return parsed === undefined;
        }
        read++;
        return parsed !== undefined && JSON.stringify(parsed) === JSON.stringify(JSON.parse(text));
      }),
      { numRuns: 100_000, seed: 20261129 },
    );
    // Each of the two must have been asked often.
    expect(Math.min(refused, read)).toBeGreaterThan(10_000);
  }, 60_000);

  it('freezes what it reads, with all it holds', () => {
    const parsed = parseJsonObject('{"a":[{"b":{}}]}') as { a: [{ b: object }] };
    expect([parsed, parsed.a, parsed.a[0], parsed.a[0].b].map(Object.isFrozen)).toEqual([true, true, true, true]);
  });
});
