import { describe, expect, it } from 'vitest';
import { privateField } from '../../../src/core/access/return-override.js';

describe('a private field', () => {
  it('holds the value that was set last', () => {
    const field = privateField<string>();
    const object = {};
    expect(field.get(object)).toBeUndefined();
    field.set(object, 'first');
    expect(field.get(object)).toBe('first');
    field.set(object, 'last');
    expect(field.get(object)).toBe('last');
  });

  it('is set on a frozen object, and not shown by it', () => {
    const field = privateField<string>();
    const object = Object.freeze({ url: '/' });
    field.set(object, 'frozen');
    expect(field.get(object)).toBe('frozen');
    expect(Reflect.ownKeys(object)).toEqual(['url']);
  });

  it('is not passed on to a copy, a derived object or a proxy', () => {
    const field = privateField<string>();
    const object = { url: '/' };
    field.set(object, 'original');
    const derived = Object.create(object) as object;
    const copies = [{ ...object }, Object.assign({}, object), structuredClone(object), derived];
    for (const copy of [...copies, new Proxy(object, {})]) expect(field.get(copy)).toBeUndefined();
  });

  it('is no other field', () => {
    const [one, other] = [privateField<string>(), privateField<string>()];
    const object = {};
    one.set(object, 'one');
    expect(other.get(object)).toBeUndefined();
  });

  it.each([undefined, null, 'GET /', 1, Symbol('request')])('is not there on %s', (value) => {
    expect(privateField().get(value)).toBeUndefined();
  });

  it('is kept on a function too', () => {
    const field = privateField<string>();
    const next = () => undefined;
    expect(field.get(next)).toBeUndefined();
    field.set(next, 'value');
    expect(field.get(next)).toBe('value');
    expect(Reflect.ownKeys(next)).toEqual(['length', 'name']);
  });
});
