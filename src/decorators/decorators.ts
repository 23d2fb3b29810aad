/** The decorators, for any host. They record what they require; the host puts one gate before each route. */
import type { ClaimName } from '../core/access-token-claims.js';
import { anonymousAccess, type DecoratorRequirement } from '../core/access/combining.js';
import { requirementBy, type Authenticator, type Requirements } from '../core/access/requirement.js';
import { checkArguments } from '../core/call-arguments.js';
import { nameOfElement } from '../core/element-name.js';
import { ConfigurationError } from '../core/errors.js';
import { claimFiller, recordFilledParameter } from './filled-parameters.js';
import {
  isMethod,
  protectedDescriptor,
  protectMembers,
  replacementOf,
  type MemberProtection,
} from './protected-class.js';
import type { Method } from './protected-method.js';
import { record, type ParameterFiller } from './records.js';

/**
 * A decorator for a method or a class, in TypeScript's `experimentalDecorators` form.
 *
 * The signature is exact on purpose: without that compiler option, using one is a compile-time error.
 */
export interface RequirementDecorator {
  /** Of a class. Returns the class that takes its place, which a decorator that calls this one has to return too. */
  <Class extends object>(target: Class, propertyKey?: undefined, descriptor?: undefined): Class;
  /** Of a method, whose descriptor it changes. */
  (target: object, propertyKey: string | symbol, descriptor: PropertyDescriptor | number | undefined): void;
}

/** A decorator for a parameter, in TypeScript's `experimentalDecorators` form. */
export type ClaimsDecorator = (
  target: object,
  propertyKey: string | symbol | undefined,
  parameterIndex: number,
) => void;

/** A parameter that a decorator of this library fills. */
export interface FilledParameter {
  /** The decorator, as messages show it: `@TokenClaims()`. */
  readonly decorator: string;
  readonly fill: ParameterFiller;
}

/** What a host does with a decorated element, after the decorator recorded what it requires. */
export interface Host extends MemberProtection {
  /** A class, or a method of it, has a requirement. */
  onRequirement?(prototype: object, method: string | symbol | undefined): void;
  /** Whether another class may take the place of a class with a requirement. Default: true. */
  mayReplace?(constructor: { readonly prototype: object }): boolean;
  /** A parameter that a decorator of this library fills. */
  onParameter(prototype: object, method: string | symbol, index: number, parameter: FilledParameter): void;
}

/** A decorator in the place of a handler. */
function usedAsHandler(): ConfigurationError {
  return new ConfigurationError(
    'A decorator was used as a middleware or a handler. ' +
      'Use the middleware of …/express that has the same requirement, or protect() of …/fetch.',
  );
}

/** A standard decorator is given a context in the place of the property key, a middleware the response or `next`. */
function refuseOtherUses(target: unknown, context: unknown): void {
  if (context === undefined && typeof target !== 'function') throw usedAsHandler();
  if (typeof context === 'function') throw usedAsHandler();
  if (typeof context !== 'object' || context === null) return;
  if (!('kind' in context) || !('name' in context)) throw usedAsHandler();
  const { name } = context as { readonly name: PropertyKey };
  throw new ConfigurationError(
    `${String(name)} has a standard decorator, and those cannot be on parameters. ` +
      'Set "experimentalDecorators": true in tsconfig.json.',
  );
}

/** The name of a member, as objects have it. Of a name in brackets, compilers give what it is computed from: a number too. */
const memberName = <Name>(given: Name) => (typeof given === 'number' ? String(given) : given) as Name;

/** The descriptor of a method that a decorator is on. */
function methodDescriptor(target: object, method: string | symbol, given: PropertyDescriptor | undefined) {
  const descriptor = given ?? Object.getOwnPropertyDescriptor(target, method);
  if (!isMethod(descriptor?.value)) {
    throw new ConfigurationError(
      `${nameOfElement(target, method)} has a decorator for methods, and is not a method. ` +
        'Make it a method. Below another decorator that replaces the method, a requirement is on the method itself.',
    );
  }
  if (given !== undefined) return given;
  // Compiled code puts the descriptor in place that the outermost decorator has, and with it the method as it was.
  throw new ConfigurationError(
    `${nameOfElement(target, method)} has a decorator that was called without a descriptor. ` +
      'In a decorator that calls it, pass all three arguments on.',
  );
}

function protectClass(host: Host, constructor: { readonly prototype: object }): object {
  const { prototype } = constructor;
  host.onRequirement?.(prototype, undefined);
  protectMembers(prototype, host);
  return host.mayReplace?.(constructor) === false ? constructor : replacementOf(constructor, host);
}

function requirementDecorator(host: Host, requirement: DecoratorRequirement): RequirementDecorator {
  const decorate = (target: object, key?: string | symbol, given?: PropertyDescriptor | number) => {
    refuseOtherUses(target, key);
    const propertyKey = memberName(key);
    if (typeof given === 'number') {
      throw new ConfigurationError(
        `${nameOfElement(target, propertyKey)} has a requirement on a parameter. Move it to the method or the class.`,
      );
    }
    if (propertyKey === undefined) {
      const constructor = target as { readonly prototype: object };
      record(constructor.prototype, undefined, requirement);
      return protectClass(host, constructor);
    }
    const descriptor = methodDescriptor(target, propertyKey, given);
    record(target, propertyKey, requirement);
    host.onRequirement?.(target, propertyKey);
    // Another method may override one that has a requirement above.
    if (typeof target === 'function') protectMembers(target.prototype as object, host);
    else protectMembers(target, host, propertyKey);
    const protect = (method: Method) => host.protect(method, propertyKey, target, target);
    Object.assign(descriptor, protectedDescriptor(descriptor, propertyKey, target, protect));
    // The caller of a decorator may put no descriptor in place: a decorator can be called by hand.
    Object.defineProperty(target, propertyKey, descriptor);
    return undefined;
  };
  return decorate;
}

/**
 * A decorator that fills a parameter of a method.
 *
 * @param decorator - as messages show it
 * @param fillerOf - what fills the parameters of a method, by the name of that: `Orders.list`
 */
export function parameterDecorator(
  host: Host,
  decorator: string,
  fillerOf: (method: string) => ParameterFiller,
): ClaimsDecorator {
  return (target, key, index) => {
    refuseOtherUses(target, key);
    const propertyKey = memberName(key);
    if (propertyKey === undefined) {
      throw new ConfigurationError(
        `${nameOfElement(target)} has ${decorator} on a parameter of its constructor, which runs before any request. ` +
          'Move it to a parameter of a method.',
      );
    }
    const fill = fillerOf(nameOfElement(target, propertyKey));
    recordFilledParameter(target, propertyKey, index, fill);
    host.onParameter(target, propertyKey, index, { decorator, fill });
  };
}

/** What the decorators require, each documented at {@link Requirements}. */
type Require = Requirements<RequirementDecorator>;

/**
 * The decorators of one host, for a method or a class.
 *
 * Their order has no effect: all requirements of a method, its class and the classes above must hold. A scheme
 * (`RequiresAuth`, `RequiresB2cAuth` or `RequiresAnyAuth`) on a method replaces that of its class. Decorators of one method
 * or class that contradict each other throw a ConfigurationError.
 */
export interface Decorators {
  readonly RequiresAuth: Require['entra'];
  readonly RequiresB2cAuth: Require['b2c'];
  readonly RequiresAnyAuth: Require['any'];
  readonly ValidateScope: Require['scope'];
  readonly RequiresRole: Require['role'];
  readonly RequiresScopeOrAppPermission: Require['scopeOrAppPermission'];
  readonly RequiresGroup: Require['group'];
  readonly DenyGuests: Require['notGuest'];
  readonly RequiresAuthContext: Require['authContext'];
  readonly RequiresClaim: Require['claim'];
  readonly ClaimCheck: Require['check'];
  /**
   * Lifts the requirements of the class and of the classes above. On a class, those of the classes above.
   *
   * @throws ConfigurationError if the same method or class has a requirement
   */
  readonly AllowAnonymous: () => RequirementDecorator;
  /**
   * Fills a parameter with the verified claims, frozen; `undefined` on an open route.
   *
   * @param claim - the name of one claim, to get its value alone
   */
  readonly TokenClaims: (claim?: ClaimName) => ClaimsDecorator;
}

/**
 * The decorators, bound to a host.
 *
 * @param identity - the configuration that tokens are checked against; default: that of the process
 */
export function decoratorsFor(host: Host, identity?: Authenticator): Decorators {
  const decorator =
    <Kind extends keyof Requirements<unknown>>(name: keyof Decorators, kind: Kind) =>
    (...given: Parameters<Require[Kind]>) =>
      requirementDecorator(host, { ...requirementBy(kind, `@${name}`, given), identity });
  return {
    RequiresAuth: decorator('RequiresAuth', 'entra'),
    RequiresB2cAuth: decorator('RequiresB2cAuth', 'b2c'),
    RequiresAnyAuth: decorator('RequiresAnyAuth', 'any'),
    ValidateScope: decorator('ValidateScope', 'scope'),
    RequiresRole: decorator('RequiresRole', 'role'),
    RequiresScopeOrAppPermission: decorator('RequiresScopeOrAppPermission', 'scopeOrAppPermission'),
    RequiresGroup: decorator('RequiresGroup', 'group'),
    DenyGuests: decorator('DenyGuests', 'notGuest'),
    RequiresAuthContext: decorator('RequiresAuthContext', 'authContext'),
    RequiresClaim: decorator('RequiresClaim', 'claim'),
    ClaimCheck: decorator('ClaimCheck', 'check'),
    AllowAnonymous: (...given) => {
      checkArguments('@AllowAnonymous', given, { examples: [''], most: 0 });
      return requirementDecorator(host, anonymousAccess);
    },
    TokenClaims: (...given) => {
      checkArguments('@TokenClaims', given, { examples: ['', "'oid'"], most: 1 });
      return parameterDecorator(host, '@TokenClaims()', () => claimFiller(given[0]));
    },
  };
}
