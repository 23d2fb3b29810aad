/** Builds the classes that a hierarchy describes, decorated as the compiler of TypeScript does it. */
import type * as express from '../../../src/express.js';
import type { Decorator, Hierarchy, Level, Method, Step } from './model.js';

/** The decorators, of any host. */
export type Decorators = Pick<
  typeof express,
  'AllowAnonymous' | 'RequiresAnyAuth' | 'RequiresAuth' | 'RequiresB2cAuth' | 'RequiresRole' | 'ValidateScope'
>;

type Body = (this: object, ...parameters: unknown[]) => unknown;
type Members = Record<string, Body | undefined>;
export type Class = (new () => object) & { readonly prototype: object };
/** A decorator of a method or a class, called as compiled code calls it. */
export type Decorate = (...parameters: unknown[]) => unknown;

/** What the host's own decorators are. */
export interface Routing {
  readonly route?: (level: number, name: string, method: Method) => Decorate | undefined;
  readonly controller?: (level: number) => Decorate;
}

/** What the request that is under way did so far. Requests come one after the other. */
export const record = { ran: [] as string[], handsOn: false };

function decorator(from: Decorators, required: Decorator): express.RequirementDecorator {
  switch (required.kind) {
    case 'entra':
      return from.RequiresAuth({ callers: required.callers });
    case 'b2c':
      return from.RequiresB2cAuth({ policy: required.policy });
    case 'any':
      return from.RequiresAnyAuth();
    case 'scope':
      return from.ValidateScope(...required.anyOf);
    case 'role':
      return from.RequiresRole(...required.anyOf);
    case 'anonymous':
      return from.AllowAnonymous();
  }
}

/** The decorators of an element from top to bottom, with that of the host among them. */
function stacked(
  from: Decorators,
  { decorators, aboveRoute }: Pick<Level, 'decorators' | 'aboveRoute'>,
  ofHost: Decorate | undefined,
): readonly Decorate[] {
  const ours = decorators.map((required) => decorator(from, required) as Decorate);
  return ofHost === undefined ? ours : ours.toSpliced(aboveRoute, 0, ofHost);
}

function decorateMember(decorators: readonly Decorate[], target: object, name: string): void {
  let descriptor = Object.getOwnPropertyDescriptor(target, name);
  for (const decorate of decorators.toReversed()) {
    descriptor = (decorate(target, name, descriptor) as PropertyDescriptor | undefined) ?? descriptor;
  }
  if (descriptor !== undefined) Object.defineProperty(target, name, descriptor);
}

function decorateClass(decorators: readonly Decorate[], constructor: Class): Class {
  return decorators
    .toReversed()
    .reduce((decorated, decorate) => (decorate(decorated) as Class | undefined) ?? decorated, constructor);
}

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof (value as { readonly then?: unknown } | undefined)?.then === 'function';

/** A method that notes that it was entered, and then does its steps. */
function bodyOf(
  { isAsync, handsOn, steps }: Method,
  level: number,
  name: string,
  target: object,
  services: readonly object[],
): Body {
  const entered = `${String(level)}.${name}`;
  const call = (self: object, step: Step, parameters: unknown[]): unknown => {
    const handed = handsOn && record.handsOn ? parameters.slice(0, 2) : [];
    switch (step.call) {
      case 'super': {
        const above = Reflect.get(Object.getPrototypeOf(target) as object, name, self) as Body | undefined;
        return above?.apply(self, handed);
      }
      case 'own':
        return (self as Members)[step.name]?.(...handed);
      case 'static': {
        const constructor = (typeof self === 'function' ? self : self.constructor) as unknown as Members;
        return constructor[step.name]?.(...handed);
      }
      case 'service':
        return (services[step.service] as Members)[step.name]?.(...handed);
    }
  };
  const leave = (parameters: unknown[]) => {
    const next = parameters[2] as (() => void) | undefined;
    next?.();
    return { ran: true };
  };
  if (isAsync) {
    return async function (...parameters) {
      record.ran.push(entered);
      for (const step of steps) await call(this, step, parameters);
      return leave(parameters);
    };
  }
  return function (...parameters) {
    record.ran.push(entered);
    const last = steps.reduce<unknown>(
      (before, step) =>
        isPromise(before) ? before.then(() => call(this, step, parameters)) : call(this, step, parameters),
      undefined,
    );
    return isPromise(last) ? last.then(() => leave(parameters)) : leave(parameters);
  };
}

/** The classes of a hierarchy, the base first. */
export function build(
  hierarchy: Hierarchy,
  from: Decorators,
  services: readonly object[],
  { route, controller }: Routing = {},
): readonly Class[] {
  const classes: Class[] = [];
  for (const [index, level] of hierarchy.entries()) {
    const Above = classes.at(-1);
    const Level = Above === undefined ? class {} : class extends Above {};
    const ofInstances = { target: Level.prototype, members: level.methods, routeOf: route };
    const ofClass = { target: Level, members: level.statics, routeOf: undefined };
    // A class is whole before its first decorator runs: first those of its methods, then those of its static methods.
    for (const { target, members } of [ofInstances, ofClass]) {
      for (const [name, method] of Object.entries(members)) {
        if (method === undefined) continue;
        const value = bodyOf(method, index, name, target, services);
        Object.defineProperty(value, 'name', { value: name });
        Object.defineProperty(target, name, { value, writable: true, configurable: true });
      }
    }
    for (const { target, members, routeOf } of [ofInstances, ofClass]) {
      for (const [name, method] of Object.entries(members)) {
        if (method !== undefined) decorateMember(stacked(from, method, routeOf?.(index, name, method)), target, name);
      }
    }
    classes.push(decorateClass(stacked(from, level, controller?.(index)), Level));
  }
  return classes;
}

/** An instance of each service. A service calls those after it. */
export function buildServices(hierarchies: readonly Hierarchy[], from: Decorators): readonly object[] {
  const services: object[] = [];
  for (const [index, hierarchy] of hierarchies.entries()) {
    const Service = build(hierarchy, from, services).at(-1);
    if (Service !== undefined) services[index] = new Service();
  }
  return services;
}
