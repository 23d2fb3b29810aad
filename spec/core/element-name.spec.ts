import { describe, expect, it } from 'vitest';
import { nameOfElement } from '../../src/core/element-name.js';

class Orders {
  list(): readonly string[] {
    return [];
  }
  static all(): readonly string[] {
    return [];
  }
}

class WithName {
  static name(): string {
    return 'Orders';
  }
}

describe('nameOfElement', () => {
  it.each<[string, object, PropertyKey | undefined, string]>([
    ['a class', Orders, undefined, 'Orders'],
    ['a class by its prototype', Orders.prototype, undefined, 'Orders'],
    ['a method', Orders.prototype, 'list', 'Orders.list'],
    ['a method of an object', new Orders(), 'list', 'Orders.list'],
    ['a static method', Orders, 'all', 'Orders.all'],
    ['a method whose name is a symbol', Orders.prototype, Symbol('list'), 'Orders.Symbol(list)'],
    ['a method whose name is a number', Orders.prototype, 0, 'Orders.0'],
    ['a class that has a static member called name', WithName, undefined, 'A class with a static member name'],
    ['a method of such a class', WithName.prototype, 'list', 'A class with a static member name.list'],
    ['a method whose name is empty', Orders.prototype, '', 'Orders.'],
  ])('names %s', (_, target, method, name) => {
    expect(nameOfElement(target, method)).toBe(name);
  });
});
