import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { requirementOf } from '../../src/decorators/decorated-elements.js';
import {
  AllowAnonymous,
  ConfigurationError,
  DenyGuests,
  RequiresAnyAuth,
  RequiresAuth,
  RequiresB2cAuth,
  RequiresGroup,
  RequiresRole,
  RequiresScopeOrAppPermission,
  TokenClaims,
  ValidateScope,
} from '../../src/index.js';

/** Applies decorators to a method, the first of them first. */
const decorating =
  (...decorators: ((target: object, key: string, descriptor: PropertyDescriptor) => void)[]) =>
  () => {
    class Controller {
      method() {
        return {};
      }
    }
    const { prototype } = Controller;
    const descriptor = Object.getOwnPropertyDescriptor(prototype, 'method') ?? expect.fail('the method is gone');
    for (const decorate of decorators) decorate(prototype, 'method', descriptor);
  };

describe('decorators that contradict each other or require nothing', () => {
  const none = [] as unknown as [string];

  it.each([
    ['both schemes', decorating(RequiresAuth(), RequiresB2cAuth())],
    ['anonymous beside a scheme', decorating(AllowAnonymous(), RequiresAuth())],
    ['a scope beside anonymous', decorating(ValidateScope('read'), AllowAnonymous())],
    ['policies with nothing in common', decorating(RequiresB2cAuth({ policy: 'a' }), RequiresB2cAuth({ policy: 'b' }))],
    ['no scope', () => ValidateScope(...none)],
    ['no role', () => RequiresRole(...none)],
    ['an empty scope', () => ValidateScope('')],
    ['a blank scope', () => ValidateScope('read', '  ')],
    ['two scopes in one', () => ValidateScope('read write')],
    ['a full URI', () => ValidateScope('api://1234/access_as_user')],
    ['a quote in a scope', () => ValidateScope('a"b')],
    ['a blank role', () => RequiresRole('\t')],
    ['two roles in one', () => RequiresRole('Admin Owner')],
    ['no policy', () => RequiresB2cAuth({ policy: [] })],
    ['a blank policy', () => RequiresB2cAuth({ policy: '' })],
  ])('throws where the decorator is applied: %s', (_, act) => {
    expect(act).toThrow(ConfigurationError);
  });

  it('throws for both schemes on one class', () => {
    expect(() => {
      @RequiresB2cAuth()
      @RequiresAuth()
      class Both {}
      return Both;
    }).toThrow(ConfigurationError);
  });

  it('throws for standard decorators, which cannot mark parameters', () => {
    const standard = RequiresAuth() as unknown as (value: unknown, context: unknown) => void;
    expect(() => {
      standard(() => undefined, { kind: 'method', name: 'method' });
    }).toThrow('experimentalDecorators');
  });
});

describe('a decorator that no token can satisfy', () => {
  it.each<[string, () => void, string]>([
    [
      'conflicting callers',
      decorating(RequiresAuth({ callers: 'user' }), RequiresAuth({ callers: 'app' })),
      'Controller.method combines @RequiresAuth() for people and for applications. Use one of them.',
    ],
    [
      'conflicting callers, an open one between them',
      decorating(RequiresAuth({ callers: 'user' }), RequiresAuth({ callers: 'any' }), RequiresAuth({ callers: 'app' })),
      'Controller.method combines @RequiresAuth() for people and for applications. Use one of them.',
    ],
    [
      'both @RequiresAnyAuth and @RequiresAuth',
      decorating(RequiresAnyAuth(), RequiresAuth()),
      'Controller.method combines two of @RequiresAuth(), @RequiresB2cAuth() and @RequiresAnyAuth(). Use one of them.',
    ],
    [
      'both @RequiresB2cAuth and @RequiresAnyAuth',
      decorating(RequiresB2cAuth(), RequiresAnyAuth()),
      'Controller.method combines two of @RequiresAuth(), @RequiresB2cAuth() and @RequiresAnyAuth(). Use one of them.',
    ],
    [
      '@AllowAnonymous beside @DenyGuests',
      decorating(DenyGuests(), AllowAnonymous()),
      'Controller.method combines @AllowAnonymous() with a requirement. Remove one of them.',
    ],
    [
      'callers that do not exist',
      () => RequiresAuth({ callers: 'users' as 'user' }),
      "callers takes 'user', 'app' or 'any'.",
    ],
    ['no group', () => RequiresGroup(...([] as unknown as [string])), 'At least one group name is needed.'],
    ['a blank group', () => RequiresGroup(' '), 'A group name is blank.'],
    [
      'no application permission',
      () => RequiresScopeOrAppPermission({ scope: 'a', appPermission: [] }),
      'At least one role name is needed.',
    ],
    [
      'no scope beside an application permission',
      () => RequiresScopeOrAppPermission({ scope: [], appPermission: 'a' }),
      'At least one scope name is needed.',
    ],
    [
      'the full name of a scope',
      () => RequiresScopeOrAppPermission({ scope: 'api://a/b', appPermission: 'a' }),
      'A scope name is a full URI. Use the short name, such as access_as_user, which is what the scp claim has.',
    ],
  ])('throws where it is applied: %s', (_, define, message) => {
    expect(define).toThrow(ConfigurationError);
    expect(define).toThrow(message);
  });
});

describe('a decorator on the wrong element', () => {
  // As compilers emit decorators: with the element they are on.
  const on = (decorator: unknown, ...element: readonly unknown[]) => {
    (decorator as (...parameters: readonly unknown[]) => void)(...element);
  };
  class Orders {
    static count(): number {
      return 0;
    }

    list(): readonly string[] {
      return [];
    }

    get total(): number {
      return this.list().length;
    }
  }
  const { prototype } = Orders;

  it.each<[string, () => void, string]>([
    [
      'a parameter of a method',
      () => {
        on(RequiresAuth(), prototype, 'list', 0);
      },
      'Orders.list has a requirement on a parameter. Move it to the method or the class.',
    ],
    [
      'a parameter of a constructor',
      () => {
        on(RequiresAuth(), Orders, undefined, 0);
      },
      'Orders has a requirement on a parameter. Move it to the method or the class.',
    ],
    [
      'an accessor',
      () => {
        on(RequiresAuth(), prototype, 'total', Object.getOwnPropertyDescriptor(prototype, 'total'));
      },
      'Orders.total has a decorator for methods, and is not a method. ' +
        'Make it a method. Below another decorator that replaces the method, a requirement is on the method itself.',
    ],
    [
      'a property',
      () => {
        on(RequiresAuth(), prototype, 'name');
      },
      'Orders.name has a decorator for methods, and is not a method. ' +
        'Make it a method. Below another decorator that replaces the method, a requirement is on the method itself.',
    ],
    [
      'a parameter of a constructor, for the claims',
      () => {
        on(TokenClaims(), Orders, undefined, 0);
      },
      'Orders has @TokenClaims() on a parameter of its constructor, which runs before any request. ' +
        'Move it to a parameter of a method.',
    ],
    [
      'a method, as a standard decorator',
      () => {
        on(RequiresAuth(), () => undefined, { kind: 'method', name: 'list' });
      },
      'list has a standard decorator, and those cannot be on parameters. ' +
        'Set "experimentalDecorators": true in tsconfig.json.',
    ],
    [
      'a request, as a middleware',
      () => {
        on(RequiresAuth(), { headers: {} }, { setHeader: () => undefined });
      },
      'A decorator was used as a middleware or a handler. Use the middleware of …/express that has the same requirement, or protect() of …/fetch.',
    ],
    [
      'a class, as a standard decorator',
      () => {
        on(RequiresAuth(), Orders, { kind: 'class', name: 'Orders' });
      },
      'Orders has a standard decorator, and those cannot be on parameters. ' +
        'Set "experimentalDecorators": true in tsconfig.json.',
    ],
  ])('throws, names it and says what to do: %s', (_, decorate, message) => {
    expect(decorate).toThrow(new ConfigurationError(message));
    expect(requirementOf(prototype, 'list')).toBeUndefined();
  });

  it('throws where a decorator on a method calls it without the descriptor, which would put the method back', () => {
    const AdminOnly = (target: object, key: string) => {
      on(RequiresRole('Admin'), target, key);
    };
    expect(() => {
      class Composed {
        @AdminOnly
        list(): readonly string[] {
          return [];
        }
      }
      return Composed;
    }).toThrow(
      new ConfigurationError(
        'Composed.list has a decorator that was called without a descriptor. ' +
          'In a decorator that calls it, pass all three arguments on.',
      ),
    );
  });

  it('protects the method of a decorator that passes the descriptor on', () => {
    const AdminOnly = (target: object, key: string, descriptor: PropertyDescriptor) => {
      RequiresAuth()(target, key, descriptor);
      RequiresRole('Admin')(target, key, descriptor);
    };
    class Composed {
      @AdminOnly
      list(): readonly string[] {
        return [];
      }
    }
    expect(() => new Composed().list()).toThrow(/^Composed\.list is protected/);
  });

  it('throws where a decorator on a class drops the class that another one returned', () => {
    const Secured = (target: object) => {
      RequiresAuth()(target);
      RequiresRole('Admin')(target);
    };
    expect(() => {
      @Secured
      class Composed {}
      return Composed;
    }).toThrow(
      new ConfigurationError(
        'Composed has two decorators, and the second one got the class without the first. ' +
          'In a decorator that calls others, return what they return, and pass it from one to the next.',
      ),
    );
  });

  it('protects the class of a decorator that passes the class on and returns it', () => {
    const Secured = <Class extends object>(target: Class) => RequiresRole('Admin')(RequiresAuth()(target));
    @Secured
    class Composed {}
    class Derived extends Composed {
      list(): readonly string[] {
        return [];
      }
    }
    expect(() => new Derived().list()).toThrow(/^Derived\.list is protected/);
  });
});
