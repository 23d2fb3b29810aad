/** The members of a class with a requirement: each that can be called is protected, or the class is refused. */
import { isClass } from '../core/call-arguments.js';
import { nameOfElement } from '../core/element-name.js';
import { ConfigurationError } from '../core/errors.js';
import { requirementOf } from './decorated-elements.js';
import { inheritedOriginal, isProtectedAs, originalOf, remember, type Method } from './protected-method.js';
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

const replacements = new WeakSet<object>();

const replaced = new WeakSet<object>();

/** Whether another class takes the place of a class. */
export const isReplaced = (constructor: object): boolean => replaced.has(constructor);

export const isMethod = (value: unknown): value is Method => typeof value === 'function' && !isClass(value);

/** What a property gives: its method, or its getter. */
function methodIn({ value, get }: { readonly value?: unknown; readonly get?: unknown }): Method | undefined {
  const held = get ?? value;
  return typeof held === 'function' ? (held as Method) : undefined;
}

interface Member {
  readonly descriptor: PropertyDescriptor;
  readonly definer: object;
}

/** The members of a class, or its static members, each as the nearest class defines it. */
function membersOf(start: object): Map<PropertyKey, Member> {
  const members = new Map<PropertyKey, Member>();
  for (const definer of prototypeChainOf(start)) {
    if (definer === Object.prototype || definer === Function.prototype) break;
    // The class that it takes the place of comes next, and has the same members.
    if (replacements.has(definer)) continue;
    for (const name of Reflect.ownKeys(definer)) {
      const descriptor = Object.getOwnPropertyDescriptor(definer, name);
      const isTheClass = name === 'constructor' && typeof definer !== 'function';
      if (!isTheClass && descriptor !== undefined && !members.has(name)) members.set(name, { descriptor, definer });
    }
  }
  return members;
}

type Protect = (held: Method) => Method;

/** A getter whose functions are protected. Libraries that bind methods replace them by a getter. */
function protectGetter(get: Method, name: PropertyKey, owner: object, protect: Protect): () => unknown {
  const original = inheritedOriginal(get, name, owner)?.method ?? get;
  const known = new WeakMap<Method, Method>();
  const protectOnce = (value: Method) => {
    const protectedValue = known.get(value) ?? (isProtectedAs(value, name, owner) ? value : protect(value));
    known.set(value, protectedValue);
    return protectedValue;
  };
  const protectedGetter: Method = function () {
    const value = Reflect.apply(original, this, []);
    // Such a getter may define what it returns on the instance, and is not called again.
    const own = Object.getOwnPropertyDescriptor(this, name);
    if (own !== undefined) defineProtected(this as object, name, own, owner, protectOnce);
    return isMethod(value) ? protectOnce(value) : value;
  };
  return remember(protectedGetter, { method: original, name, definer: owner, owner });
}

/**
 * A member of a class, or a property of an instance, protected by what the class requires of it.
 *
 * @returns undefined where it is no method, or is protected already
 */
export function protectedDescriptor(
  descriptor: PropertyDescriptor,
  name: PropertyKey,
  owner: object,
  protect: Protect,
): PropertyDescriptor | undefined {
  const { value, get } = descriptor as { readonly value?: unknown; readonly get?: Method };
  if (isMethod(value)) return isProtectedAs(value, name, owner) ? undefined : { ...descriptor, value: protect(value) };
  if (get === undefined || isProtectedAs(get, name, owner)) return undefined;
  return { ...descriptor, get: protectGetter(get, name, owner, protect) };
}

function defineProtected(
  target: object,
  name: PropertyKey,
  descriptor: PropertyDescriptor,
  owner: object,
  protect: Protect,
): void {
  const replacing = protectedDescriptor(descriptor, name, owner, protect);
  if (replacing === undefined || Reflect.defineProperty(target, name, replacing)) return;
  throw new ConfigurationError(
    `${nameOfElement(target, name)} cannot be protected, because the property is read-only. ` +
      'Make it configurable, or move it to a class without a requirement.',
  );
}

function protectAll(owner: object, host: MemberProtection, except?: PropertyKey): void {
  for (const [name, { descriptor, definer }] of membersOf(owner)) {
    if (name === except || host.isLifecycleMethod?.(name) === true) continue;
    const method = methodIn(descriptor);
    if (method === undefined) continue;
    // Of a protected method that is inherited, the requirement here may be another, or be lifted.
    if (requirementOf(owner, name) === undefined && originalOf(method) === undefined) continue;
    defineProtected(owner, name, descriptor, owner, (held) => host.protect(held, name, owner, definer));
  }
}

/**
 * Protects the members of a class that have a requirement: its methods and its static methods, inherited ones included.
 *
 * @param except - the method whose decorator runs, which puts it in its place afterwards
 */
export function protectMembers(prototype: object, host: MemberProtection, except?: PropertyKey): void {
  protectAll(prototype, host, except);
  const { constructor } = prototype;
  if ((constructor as { readonly prototype?: unknown } | undefined)?.prototype === prototype) {
    protectAll(constructor, host);
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

/**
 * Protects the members of a class, and of those above it, when its first instance is there: the last time that JavaScript
 * gives a hook for it.
 */
export function protectMembersOfInstances(prototype: object, host: MemberProtection): void {
  // Called at every call of an action, so it uses no generator.
  for (let level: object | null = prototype; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    if (level === Object.prototype || withInstances.has(level)) continue;
    protectMembers(level, host);
    // After it: a class that is refused is refused at each of its instances.
    withInstances.add(level);
  }
}

function protectProperties(instance: object, prototype: object, host: MemberProtection): void {
  const protectProperty = host.protectProperty?.bind(host);
  if (protectProperty === undefined) return;
  for (const name of Reflect.ownKeys(instance)) {
    const descriptor = Object.getOwnPropertyDescriptor(instance, name);
    if (descriptor === undefined || methodIn(descriptor) === undefined) continue;
    if (requirementOf(prototype, name) === undefined) continue;
    defineProtected(instance, name, descriptor, prototype, (held) => protectProperty(held, name, prototype));
  }
}

/** Libraries find the metadata of reflect-metadata along the prototype chain, or that of the class alone. */
function copyOwnMetadata(constructor: object, replacement: object): void {
  // An application may do without reflect-metadata.
  const metadata = Reflect as Partial<typeof Reflect>;
  for (const key of (metadata.getOwnMetadataKeys?.(constructor) ?? []) as string[]) {
    metadata.defineMetadata?.(key, metadata.getOwnMetadata?.(key, constructor), replacement);
  }
}

type Constructor = new (...parameters: unknown[]) => object;

/** The prototype of an instance of a class. */
function prototypeOfInstance(instance: unknown, { prototype, name }: Constructor): object {
  const ofInstance =
    typeof instance === 'object' && instance !== null ? (Object.getPrototypeOf(instance) as object | null) : null;
  if (ofInstance !== null && isSameOrDerived(ofInstance, prototype as object)) return ofInstance;
  throw new ConfigurationError(
    `${name} has a requirement, and its constructor returns something else than an instance, which cannot be protected. ` +
      'Return it from a method.',
  );
}

/**
 * The class that takes the place of a class with a requirement. At the first instance of it, or of a class below it, the
 * members are protected that the class did not have when it was decorated: those of a class without a decorator, and those
 * that were mixed in.
 */
export function replacementOf(constructor: { readonly prototype: object }, host: MemberProtection): object {
  if (replacements.has(constructor)) return constructor;
  if (isReplaced(constructor)) {
    throw new ConfigurationError(
      `${nameOfElement(constructor)} has two decorators, and the second one got the class without the first. ` +
        'In a decorator that calls others, return what they return, and pass it from one to the next.',
    );
  }
  const protectInstance = <Instance>(instance: Instance, target: Constructor) => {
    protectProperties(instance as object, prototypeOfInstance(instance, target), host);
    return instance;
  };
  const replacement = new Proxy(constructor as Constructor, {
    construct(target, parameters, newTarget) {
      protectMembersOfInstances(newTarget.prototype as object, host);
      return protectInstance(Reflect.construct(target, parameters, newTarget) as object, target);
    },
    // A constructor without class syntax is called on the instance of a class below it.
    apply(target, instance: unknown, parameters) {
      protectMembersOfInstances(prototypeOfInstance(instance, target), host);
      return protectInstance((Reflect.apply(target, instance, parameters) as unknown) ?? instance, target);
    },
    // Metadata that other libraries give the class later is found on either.
    getPrototypeOf: (target) => target,
  });
  Object.defineProperty(constructor.prototype, 'constructor', {
    value: replacement,
    writable: true,
    configurable: true,
  });
  copyOwnMetadata(constructor, replacement);
  replaced.add(constructor);
  replacements.add(replacement);
  return replacement;
}
