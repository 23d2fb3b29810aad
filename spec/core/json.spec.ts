import { describe, expect, it } from 'vitest';
import { deepFreeze, ownMember, parseJsonObject } from '../../src/core/json.js';

/** An object whose value nests so deeply, the object itself counted. */
const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;

describe('parseJsonObject', () => {
  it.each([
    '{}',
    ' {"a":1} ',
    '{"a":{"a":{"a":1}}}',
    '{"list":[{"a":1},{"a":2}],"a":3}',
    '{"a":"{\\"a\\":1,\\"a\\":2}"}',
    '{"a":"b","b":"a"}',
    '{"a\\"":1,"a":2}',
    '{"a\\\\":1,"b":"\\\\\\""}',
    '{"A":1,"a":2}',
    '{"a":["a","a",","],"b":[]}',
    '{"a":["b","c","c"],"d":1}',
    '{"a":["b","__proto__"],"d":1}',
    '{"a\\"b":1,"a\\"c":2}',
    '{"constructor":1,"prototype":2,"toString":3}',
    '{"a":"__proto__"}',
    '{"":1}',
    nested(32),
  ])('reads %s as JSON.parse does', (text) => {
    expect(parseJsonObject(text)).toEqual(JSON.parse(text));
  });

  it.each([
    ['nothing', ''],
    ['text that is no JSON', '{a:1}'],
    ['a trailing comma', '{"a":1,}'],
    ['JSON that is cut short', '{"a":1'],
    ['two documents', '{}{}'],
    ['a byte order mark', '\uFEFF{}'],
    ['null', 'null'],
    ['a number', '1'],
    ['a string', '"a"'],
    ['a list', '[{"a":1}]'],
  ])('refuses %s', (_, text) => {
    expect(parseJsonObject(text)).toBeUndefined();
  });

  it.each([
    ['with the same value', '{"a":1,"a":1}'],
    ['with another value', '{"aud":"mine","b":1,"aud":"yours"}'],
    ['with white space around', '{ "a" : 1 , "a" : 2 }'],
    ['once written as an escape', '{"aud":1,"\\u0061ud":2}'],
    ['in an object below', '{"b":{"a":1,"a":2}}'],
    ['in an object in a list', '{"b":[1,{"a":1,"a":2}]}'],
    ['after an object', '{"a":{"c":1},"a":2}'],
    ['after a list', '{"a":[1,2],"a":2}'],
    ['after a string full of escapes', '{"a":"\\\\\\"\\\\","a":2}'],
    ['whose name has an escaped quote', '{"a\\"b":1,"a\\"b":2}'],
    ['whose name has several escaped quotes', '{"a\\"b\\"c":1,"a\\"b\\"c":2}'],
    ['where the name is empty', '{"":1,"":2}'],
    ['where the name is of Object.prototype', '{"constructor":1,"constructor":2}'],
  ])('refuses a member name that is repeated %s', (_, text) => {
    expect(parseJsonObject(text)).toBeUndefined();
  });

  it.each(['{"__proto__":{"a":1}}', '{"\\u005f_proto__":1}', '{"a":[{"__proto__":1}]}'])(
    'refuses a member named __proto__: %s',
    (text) => {
      expect(parseJsonObject(text)).toBeUndefined();
    },
  );

  it.each([33, 10_000])('refuses %i levels of nesting', (depth) => {
    expect(parseJsonObject(nested(depth))).toBeUndefined();
  });
});

describe('ownMember', () => {
  it('gives a member of the object itself', () => {
    expect(ownMember({ a: 1 }, 'a')).toBe(1);
    expect(ownMember(Object.assign(Object.create(null) as Record<string, number>, { a: 1 }), 'a')).toBe(1);
    expect(ownMember({ hasOwnProperty: 1 }, 'hasOwnProperty')).toBe(1);
  });

  it.each([
    ['the object lacks', {}],
    ['the object inherits', Object.create({ a: 1 }) as Record<string, number>],
  ])('gives nothing of a member that %s', (_, value: Readonly<Record<string, number>>) => {
    expect(ownMember(value, 'a')).toBeUndefined();
    expect(ownMember(value, 'toString')).toBeUndefined();
  });
});

describe('deepFreeze', () => {
  it('freezes a value and all it holds, and gives it back', () => {
    const value = { a: [{ b: 1 }], c: { d: [] }, e: null };
    expect(deepFreeze(value)).toBe(value);
    for (const part of [value, value.a, value.a[0], value.c, value.c.d]) expect(Object.isFrozen(part)).toBe(true);
  });

  it.each([undefined, null, 1, 'a', true])('leaves %j as it is', (value) => {
    expect(deepFreeze(value)).toBe(value);
  });
});
