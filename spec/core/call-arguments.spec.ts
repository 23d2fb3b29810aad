import { describe, expect, it } from 'vitest';
import {
  checkArguments,
  checkCount,
  describe as describeValue,
  problemWithOptions,
  type Showing,
  type Signature,
} from '../../src/core/call-arguments.js';
import { ConfigurationError } from '../../src/core/errors.js';

class Orders {
  list(): readonly string[] {
    return [];
  }
  static all(): readonly string[] {
    return [];
  }
}

describe('a value in a message', () => {
  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [0, '0'],
    [true, 'true'],
    [10n, '10'],
    [Symbol('key'), 'Symbol(key)'],
    [[], 'an empty list'],
    [['a', 'b'], 'a list of 2'],
    [{ a: 1 }, 'an object'],
    [Orders, 'a function'],
    [() => undefined, 'a function'],
    ['', 'an empty string'],
  ])('is %o, shown as %s', (value, shown) => {
    expect(describeValue(value)).toBe(shown);
  });

  it.each<[Showing | undefined, string]>([
    [undefined, 'client-id'],
    ['word', 'client-id'],
    ['word', 'a'.repeat(20)],
    ['name', 'client_Id2'],
    ['name', 'a'.repeat(64)],
    ['url', 'https://login.example/tenant'],
    ['url', 'HTTP://127.0.0.1:8080'],
    ['url', `https://${'a'.repeat(80)}`],
  ])('is shown in quotes: as %s, %s', (showing, value) => {
    expect(describeValue(value, showing)).toBe(`'${value}'`);
  });

  it.each<[Showing | undefined, string]>([
    [undefined, 'two words'],
    ['word', 'two words'],
    ['word', 'a'.repeat(21)],
    ['word', 'secret!'],
    ['word', '!secret'],
    ['name', 'client-id'],
    ['name', 'a b'],
    ['name', 'a!'],
    ['name', 'a'.repeat(65)],
    ['id', 'word'],
    ['id', 'https://login.example'],
    ['url', 'word'],
    ['url', 'https://'],
    ['url', 'https://user:secret@login.example'],
    ['url', 'https://login.example?secret'],
    ['url', 'https://login.example#secret'],
    ['url', 'https://login.example secret'],
    ['url', 'secret https://login.example'],
    ['url', '1https://login.example'],
    ['url', `https://${'a'.repeat(81)}`],
  ])('is not shown, because it may be a secret: as %s, %s', (showing, value) => {
    expect(describeValue(value, showing)).toBe(`a string of ${String(value.length)} characters`);
  });
});

describe('an object of options', () => {
  class Base {
    get audience(): string {
      return Base.name;
    }
  }
  class WithMethod extends Base {
    allowed(): boolean {
      return true;
    }
  }

  it.each<[string, object]>([
    ['nothing', {}],
    ['known members', { scope: 'a', audience: undefined }],
    ['no prototype', Object.create(null) as object],
    ['a known getter of its class', new Base()],
    ['a known member of its prototype', Object.create({ scope: 'a' }) as object],
    ['a known member that every object has too', { toString: 'text' }],
  ])('may have %s', (_, given) => {
    expect(problemWithOptions(given, ['scope', 'audience', 'toString'])).toBeUndefined();
  });

  it.each<[string, object, string]>([
    ['of its own', { scope: 'a', scopes: 'b' }, 'scopes'],
    ['of its own, whose value is undefined', { scopes: undefined }, 'scopes'],
    ['of its class', new WithMethod(), 'allowed'],
    ['of a class above', new (class extends WithMethod {})(), 'allowed'],
    ['of a prototype', Object.create({ scopes: 'a' }) as object, 'scopes'],
  ])('has no unknown member %s', (_, given, member) => {
    expect(problemWithOptions(given, ['scope', 'audience'])).toBe(
      `got '${member}', which is no option; it takes scope, audience`,
    );
  });

  it('shows the name of an unknown member only where it cannot be a secret', () => {
    expect(problemWithOptions({ 'se cret': 1 }, ['scope'])).toBe(
      'got a string of 7 characters, which is no option; it takes scope',
    );
  });

  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    ['scope', "'scope'"],
    [true, 'true'],
    [['scope'], 'a list of 1'],
    [() => undefined, 'a function'],
  ])('is not %o', (given, shown) => {
    expect(problemWithOptions(given, ['scope'])).toBe(`got ${shown}; it takes an object of options`);
  });
});

const strings: Signature = { examples: ["'read'"] };
const oneString: Signature = { examples: ["'c1'"], most: 1 };
const nothing: Signature = { examples: [''], most: 0 };
const options: Signature = { examples: ['', '{ callers }'], most: 1, options: ['callers', 'scope'] };
const required: Signature = {
  examples: ['{ scope, appPermission }'],
  most: 1,
  options: ['scope', 'appPermission'],
  required: ['scope', 'appPermission'],
};
const optionsAndMore: Signature = { examples: ['{ callers }, more'], most: 2, options: ['callers'] };

const oneFunction: Signature = { examples: ['(claims) => true'], most: 1, takes: 'function' };
const values: Signature = { examples: ["'department', 'finance'"], takes: 'values' };

/** The message with which arguments are refused; undefined if they are taken. */
function refusalOf(check: typeof checkArguments, given: readonly unknown[], signature: Signature): string | undefined {
  try {
    check('@Demand', given, signature);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as ConfigurationError).message;
  }
}

describe('arguments', () => {
  it.each<[string, Signature, readonly unknown[]]>([
    ['no string', strings, []],
    ['one string', strings, ['read']],
    ['many strings', strings, ['read', 'write', 'list']],
    ['undefined in the place of a string', strings, [undefined]],
    ['undefined before a string', strings, [undefined, 'read']],
    ['the one string', oneString, ['c1']],
    ['undefined after the last argument', oneString, ['c1', undefined]],
    ['none where none is taken', nothing, []],
    ['undefined where none is taken', nothing, [undefined, undefined]],
    ['no options', options, []],
    ['undefined in the place of options', options, [undefined]],
    ['empty options', options, [{}]],
    ['known options', options, [{ callers: 'app', scope: undefined }]],
    ['the required options', required, [{ scope: 'a', appPermission: 'b' }]],
    ['a further argument beside options', optionsAndMore, [undefined, 'more']],
  ])('are taken: %s', (_, signature, given) => {
    expect(refusalOf(checkArguments, given, signature)).toBeUndefined();
  });

  it.each<[string, Signature, readonly unknown[], string]>([
    ['a list of strings', strings, [['read']], "got a list of 1; it takes a string. Write @Demand('read')."],
    ['a list and a string', strings, [['read'], 'a'], "got a list of 1; it takes a string. Write @Demand('read')."],
    ['an object', strings, [{ scope: 'a' }], "got an object; it takes a string. Write @Demand('read')."],
    ['null', strings, [null], "got null; it takes a string. Write @Demand('read')."],
    ['null and an object', strings, [null, {}], "got null; it takes a string. Write @Demand('read')."],
    ['undefined and null', strings, [undefined, null], "got null; it takes a string. Write @Demand('read')."],
    ['a number after a string', strings, ['read', 1], "got 1; it takes a string. Write @Demand('read')."],
    ['an object after a string', strings, ['read', {}], "got an object; it takes a string. Write @Demand('read')."],
    ['two strings', oneString, ['c1', 'c2'], "got 2 arguments; it takes 1. Write @Demand('c1')."],
    [
      'a string after undefined',
      oneString,
      ['c1', undefined, 'c3'],
      "got 3 arguments; it takes 1. Write @Demand('c1').",
    ],
    ['a string where none is taken', nothing, ['a'], 'it takes no argument. Write @Demand().'],
    ['options where none are taken', nothing, [{}], 'it takes no argument. Write @Demand().'],
    [
      'a string in the place of options',
      options,
      ['app'],
      "got 'app'; it takes an object of options. Write @Demand() or @Demand({ callers }).",
    ],
    [
      'an unknown option',
      options,
      [{ caller: 'app' }],
      "got 'caller', which is no option; it takes callers, scope. Write @Demand() or @Demand({ callers }).",
    ],
    ['no options', required, [], 'got no scope, which is required. Write @Demand({ scope, appPermission }).'],
    [
      'undefined in their place',
      required,
      [undefined],
      'got no scope, which is required. Write @Demand({ scope, appPermission }).',
    ],
    [
      'one option of two',
      required,
      [{ scope: 'a' }],
      'got no appPermission, which is required. Write @Demand({ scope, appPermission }).',
    ],
    [
      'an option that is undefined',
      required,
      [{ scope: undefined, appPermission: 'b' }],
      'got no scope, which is required. Write @Demand({ scope, appPermission }).',
    ],
    [
      'an unknown option beside the required ones',
      required,
      [{ scope: 'a', appPermission: 'b', c: 'd' }],
      "got 'c', which is no option; it takes scope, appPermission. Write @Demand({ scope, appPermission }).",
    ],
  ])('are refused, and the right ones shown: %s', (_, signature, given, message) => {
    expect(refusalOf(checkArguments, given, signature)).toBe(`@Demand: ${message}`);
  });
});

describe('arguments of other types', () => {
  function classify(): boolean {
    return true;
  }

  it.each<[string, Signature, readonly unknown[]]>([
    ['a function', oneFunction, [classify]],
    ['an arrow function', oneFunction, [() => true]],
    ['an async function', oneFunction, [async () => Promise.resolve(true)]],
    ['a bound function', oneFunction, [classify.bind(undefined)]],
    ['a function of JavaScript', oneFunction, [Math.max]],
    ['a bound method', oneFunction, [new Orders().list.bind(undefined)]],
    ['a function, and undefined', oneFunction, [classify, undefined]],
    [
      'a frozen function that names a class',
      oneFunction,
      [
        Object.freeze(function () {
          return 'class';
        }),
      ],
    ],
    [
      'a frozen function that names native code',
      oneFunction,
      [
        Object.freeze(function () {
          return '[native code] }';
        }),
      ],
    ],
    ['values of claims', values, ['level', 1, true, undefined, '']],
    ['no value', values, []],
  ])('are taken: %s', (_, signature, given) => {
    expect(refusalOf(checkArguments, given, signature)).toBeUndefined();
  });

  it.each<[string, Signature, readonly unknown[], string]>([
    ['no function', oneFunction, [], 'got undefined; it takes a function. Write @Demand((claims) => true).'],
    ['undefined', oneFunction, [undefined], 'got undefined; it takes a function. Write @Demand((claims) => true).'],
    ['null', oneFunction, [null], 'got null; it takes a function. Write @Demand((claims) => true).'],
    ['a string', oneFunction, ['x'], "got 'x'; it takes a function. Write @Demand((claims) => true)."],
    ['an object', oneFunction, [{}], 'got an object; it takes a function. Write @Demand((claims) => true).'],
    ['two strings', oneFunction, ['x', 'y'], 'got 2 arguments; it takes 1. Write @Demand((claims) => true).'],
    [
      'an object among values',
      values,
      [{ name: 'department' }],
      "got an object; it takes a string, a number or a boolean. Write @Demand('department', 'finance').",
    ],
    [
      'null among values',
      values,
      ['department', null],
      "got null; it takes a string, a number or a boolean. Write @Demand('department', 'finance').",
    ],
    [
      'a list among values',
      values,
      ['department', ['finance']],
      "got a list of 1; it takes a string, a number or a boolean. Write @Demand('department', 'finance').",
    ],
  ])('are refused: %s', (_, signature, given, message) => {
    expect(refusalOf(checkArguments, given, signature)).toBe(`@Demand: ${message}`);
  });

  it.each<[string, readonly unknown[], string]>([
    ['on a class', [Orders], 'Orders: '],
    ['on a class of JavaScript', [Date], 'Date: '],
    ['on a class, by a standard decorator', [Orders, { kind: 'class' }], 'Orders: '],
    ['on a proxy of a class', [new Proxy(Orders, {})], 'Orders: '],
    ['on a function, by a standard decorator', [classify, { kind: 'method' }], 'classify: '],
    ['on a static method of a constructor function', [classify, 'all', {}], 'classify.all: '],
    ['on a method', [Orders.prototype, 'list', {}], 'Orders.list: '],
  ])('are those of a function without its parentheses: %s', (_, given, element) => {
    expect(refusalOf(checkArguments, given, oneFunction)).toBe(
      `${element}@Demand is used without its parentheses. Write @Demand((claims) => true).`,
    );
  });

  it('are those of a function without its parentheses where any function is given, and none is taken', () => {
    expect(refusalOf(checkArguments, [classify], values)).toBe(
      "classify: @Demand is used without its parentheses. Write @Demand('department', 'finance').",
    );
  });
});

describe('a function without its parentheses', () => {
  const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, 'list');
  const key = Symbol('list');

  it.each<[string, readonly unknown[], string]>([
    ['on a class', [Orders], 'Orders: '],
    ['on a class, by a standard decorator', [Orders, { kind: 'class', name: 'Orders' }], 'Orders: '],
    ['on a parameter of a constructor', [Orders, undefined, 0], 'Orders: '],
    ['on a method', [Orders.prototype, 'list', descriptor], 'Orders.list: '],
    ['on a method whose name is a symbol', [Orders.prototype, key, descriptor], 'Orders.Symbol(list): '],
    ['on a static method', [Orders, 'all', descriptor], 'Orders.all: '],
    ['on a static method whose name is a symbol', [Orders, key, descriptor], 'Orders.Symbol(list): '],
    ['on a parameter', [Orders.prototype, 'list', 0], 'Orders.list: '],
    ['on a property', [Orders.prototype, 'list'], 'Orders.list: '],
    ['on a field, by a standard decorator', [undefined, { kind: 'field', name: 'list' }], ''],
    ['with an object that is not the second argument', [undefined, 'list', descriptor], ''],
    ['as a middleware', [{ headers: {} }, { setHeader: () => undefined }, () => undefined], ''],
  ])('is refused: %s', (_, given, element) => {
    for (const [signature, forms] of [
      [strings, "@Demand('read')"],
      [nothing, '@Demand()'],
      [options, '@Demand() or @Demand({ callers })'],
    ] as const) {
      expect(refusalOf(checkArguments, given, signature)).toBe(
        `${element}@Demand is used without its parentheses. Write ${forms}.`,
      );
    }
  });
});

describe('the number of arguments', () => {
  it.each<[string, Signature, readonly unknown[]]>([
    ['any number where there is no bound', strings, ['a', 'b', 'c']],
    ['as many as are taken', oneString, ['a']],
    ['fewer', oneString, []],
    ['undefined after the last', oneString, ['a', undefined]],
    ['arguments of any type', oneString, [{ a: 1 }]],
  ])('may be %s', (_, signature, given) => {
    expect(refusalOf(checkCount, given, signature)).toBeUndefined();
  });

  it.each<[string, Signature, readonly unknown[], string]>([
    ['one where none is taken', nothing, [null], '@Demand: it takes no argument. Write @Demand().'],
    ['two where one is taken', oneString, ['a', 'b'], "@Demand: got 2 arguments; it takes 1. Write @Demand('c1')."],
    [
      'three where two are taken',
      optionsAndMore,
      [{}, {}, {}],
      '@Demand: got 3 arguments; it takes 2. Write @Demand({ callers }, more).',
    ],
  ])('is not %s', (_, signature, given, message) => {
    expect(refusalOf(checkCount, given, signature)).toBe(message);
  });
});
