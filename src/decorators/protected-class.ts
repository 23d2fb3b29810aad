/** The members of a class with a requirement: each that can be called is protected, or the class is refused. */
import { isClass } from '../core/call-arguments.js';
import { nameOfElement } from '../core/element-name.js';
import { ConfigurationError } from '../core/errors.js';
import { requirementOf } from './decorated-elements.js';
import { originalOf, type Method } from './protected-method.js';
import { isSameOrDerived, prototypeChainOf } from './prototype-chain.js';

/** How a host protects the members of a class. */
export interface MemberProtection {
  /**
   * A protected method in the place of a method.
   *
   * @param owner - the prototype (of a static method: the class) whose requirements apply to a call that has no instance
   * @param definer - the prototype that defines the method
   */
  protect(method: Method, name: PropertyKey, owner: object, definer: object): Method;
  /** A function that an instance holds in a property, protected where the host calls it. Default: as it is. */
  protectProperty?(held: Method, name: PropertyKey, prototype: object): Method;
  /** Whether the host itself calls a method, outside of any request. Default: none. */
  isLifecycleMethod?(name: PropertyKey): boolean;
}

/** Of a class: what the language itself keeps there. */
const ownOfFunctions: ReadonlySet<PropertyKey> = new Set(['length', 'name', 'prototype', 'caller', 'arguments']);

const replacements = new WeakSet<object>();

export const isMethod = (value: unknown): value is Method => typeof value === 'function' && !isClass(value);

function define(target: object, name: PropertyKey, descriptor: PropertyDescriptor): void {
  if (Reflect.defineProperty(target, name, descriptor)) return;
  throw new ConfigurationError(
    `${nameOfElement(target, name)} cannot be protected, because the property is read-only. ` +
      'Make it configurable, or move it to a class without a requirement.',
  );
}

interface Member {
  readonly descriptor: PropertyDescriptor;
  readonly definer: object;
}

/** The members along a prototype chain, each as the nearest class defines it. */
function membersAlong(chain: Iterable<object>, isLanguages: (name: PropertyKey) => boolean): Map<PropertyKey, Member> {
  const members = new Map<PropertyKey, Member>();
  for (const definer of chain) {
    if (definer === Object.prototype || definer === Function.prototype) break;
    // The class that it takes the place of comes next, and has the same members.
    if (replacements.has(definer)) continue;
    for (const name of Reflect.ownKeys(definer)) {
      const descriptor = Object.getOwnPropertyDescriptor(definer, name);
      if (!isLanguages(name) && descriptor !== undefined && !members.has(name)) {
        members.set(name, { descriptor, definer });
      }
    }
  }
  return members;
}

/** The members of a class, its own and those it inherits. */
const membersOf = (prototype: object) => membersAlong(prototypeChainOf(prototype), (name) => name === 'constructor');

/** The static members of a class, its own and those it inherits. */
const staticsOf = (constructor: object) =>
  membersAlong(prototypeChainOf(constructor), (name) => ownOfFunctions.has(name));

const protectedGetters = new WeakSet<() => unknown>();

/** A getter whose functions are protected. Libraries that bind methods replace them by a getter. */
function protectGetter(
  get: () => unknown,
  name: PropertyKey,
  owner: object,
  protectValue: (value: Method) => Method,
): NonNullable<PropertyDescriptor['get']> {
  const known = new WeakMap<Method, Method>();
  const isProtected = (value: Method) => originalOf(value)?.owner === owner;
  const protectedOf = (value: Method) => {
    const protectedValue = known.get(value) ?? (isProtected(value) ? value : protectValue(value));
    known.set(value, protectedValue);
    return protectedValue;
  };
  const protectedGetter = function (this: object) {
    const value = get.call(this);
    // Such a getter may define what it returns on the instance, and is not called again.
    const own = Object.getOwnPropertyDescriptor(this, name);
    if (isMethod(own?.value) && !isProtected(own.value)) {
      define(this, name, { ...own, value: protectedOf(own.value) });
    }
    return isMethod(value) ? protectedOf(value) : value;
  };
  protectedGetters.add(protectedGetter);
  return protectedGetter;
}

/**
 * A member of a class, protected.
 *
 * @returns undefined where the member is no method, or is protected already
 */
export function protectedMember(
  { descriptor, definer }: Member,
  name: PropertyKey,
  owner: object,
  host: MemberProtection,
): PropertyDescriptor | undefined {
  const { value, get } = descriptor as { readonly value?: unknown; readonly get?: () => unknown };
  if (isMethod(value)) {
    const original = originalOf(value);
    if (original?.owner === owner) return undefined;
    return { ...descriptor, value: host.protect(value, name, owner, definer) };
  }
  if (get === undefined || protectedGetters.has(get)) return undefined;
  const protectValue = (held: Method) => host.protect(held, name, owner, definer);
  return { ...descriptor, get: protectGetter(get, name, owner, protectValue) };
}

function protectAll(members: ReadonlyMap<PropertyKey, Member>, owner: object, host: MemberProtection): void {
  for (const [name, member] of members) {
    const { value } = member.descriptor as { readonly value?: unknown };
    // Of a protected method that is inherited, the requirement here may be another, or be lifted.
    const isProtectedAbove = isMethod(value) && originalOf(value) !== undefined;
    if (requirementOf(owner, name) === undefined && !isProtectedAbove) continue;
    if (host.isLifecycleMethod?.(name) === true) continue;
    const descriptor = protectedMember(member, name, owner, host);
    if (descriptor !== undefined) define(owner, name, descriptor);
  }
}

/**
 * Protects the members of a class that have a requirement: its methods and its static methods, inherited ones included.
 *
 * @param except - the method whose decorator runs, which puts it in its place afterwards
 */
export function protectMembers(prototype: object, host: MemberProtection, except?: PropertyKey): void {
  const members = membersOf(prototype);
  if (except !== undefined) members.delete(except);
  protectAll(members, prototype, host);
  const { constructor } = prototype;
  if ((constructor as { readonly prototype?: unknown }).prototype === prototype) {
    protectAll(staticsOf(constructor), constructor, host);
    protectSingletons(constructor, prototype, host);
  }
}

/** Static fields are made before any decorator runs, so an instance in one of them is older than its class's requirement. */
function protectSingletons(constructor: object, prototype: object, host: MemberProtection): void {
  for (const name of Reflect.ownKeys(constructor)) {
    const value: unknown = Object.getOwnPropertyDescriptor(constructor, name)?.value;
    if (typeof value !== 'object' || value === null) continue;
    const ofInstance = Object.getPrototypeOf(value) as object | null;
    if (ofInstance !== null && isSameOrDerived(ofInstance, prototype)) protectProperties(value, ofInstance, host);
  }
}

const withInstances = new WeakSet<object>();

/** Protects the members of a class when its first instance is there: the last time that JavaScript gives a hook for it. */
export function protectMembersOfInstances(prototype: object, host: MemberProtection): void {
  if (withInstances.has(prototype)) return;
  protectMembers(prototype, host);
  // After it: a class that is refused is refused at each of its instances.
  withInstances.add(prototype);
}

/** The functions that properties hold after {@link protectProperties}. */
const protectedHeld = new WeakSet<Method>();

function protectProperties(instance: object, prototype: object, host: MemberProtection): void {
  if (host.protectProperty === undefined) return;
  for (const name of Reflect.ownKeys(instance)) {
    const descriptor = Object.getOwnPropertyDescriptor(instance, name);
    const held: unknown = descriptor?.value;
    if (!isMethod(held) || protectedHeld.has(held) || requirementOf(prototype, name) === undefined) continue;
    // A protected method under its own name is protected as it has to be; under another name, it has another requirement.
    if (originalOf(held) !== undefined && membersOf(prototype).get(name)?.descriptor.value === held) continue;
    const protectedValue = host.protectProperty(held, name, prototype);
    protectedHeld.add(protectedValue);
    define(instance, name, { ...descriptor, value: protectedValue });
  }
}

type Constructor = new (...parameters: unknown[]) => object;

/**
 * The class that takes the place of a class with a requirement. At the first instance of it, or of a class below it, the
 * members are protected that the class did not have when it was decorated: those of a class without a decorator, and those
 * that were mixed in.
 */
export function replacementOf(constructor: { readonly prototype: object }, host: MemberProtection): object {
  if (replacements.has(constructor)) return constructor;
  const replacement = new Proxy(constructor as Constructor, {
    construct(target, parameters, newTarget) {
      const prototype = newTarget.prototype as object;
      protectMembersOfInstances(prototype, host);
      const instance = Reflect.construct(target, parameters, newTarget) as object;
      protectProperties(instance, prototype, host);
      return instance;
    },
    // Metadata of other libraries is found on either class.
    getPrototypeOf: (target) => target,
  });
  Object.defineProperty(constructor.prototype, 'constructor', {
    value: replacement,
    writable: true,
    configurable: true,
  });
  replacements.add(replacement);
  return replacement;
}
