import { expect, it } from 'vitest';
import { hanging } from '../../src/doctor/lines.js';

const a = (count: number) => 'a'.repeat(count);

it.each<[string, string, string, string]>([
  ['a short text', 'found ', 'a b', 'found a b'],
  ['no text', 'found ', '', 'found'],
  ['a line of 80 columns', '12345 ', `${a(70)} bcd`, `12345 ${a(70)} bcd`],
  ['a line of 81 columns', '12345 ', `${a(70)} bcde`, `12345 ${a(70)}\n      bcde`],
  ['several lines', '', `${a(60)} ${a(60)} b ${a(80)}`, `${a(60)}\n${a(60)} b\n${a(80)}`],
  ['a word that is longer than a line', '> ', `b ${a(100)} c`, `> b\n  ${a(100)}\n  c`],
])('%s', (_, first, text, lines) => {
  expect(hanging(first, text)).toBe(lines);
});
