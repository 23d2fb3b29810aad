/** Random class hierarchies, chains of middlewares, and the tokens that requests carry. */
import fc from 'fast-check';
import type { TestIssuer } from '../../../src/testing.js';
import type { Decorator, Hierarchy, Level, Method, Step, Token } from './model.js';

export const policies = ['B2C_1_susi', 'B2C_1_edit'] as const;
export const methodNames = ['a', 'b', 'c'] as const;
const staticNames = ['s', 't'] as const;
export const serviceCount = 12;

const user = { kind: 'entra', caller: 'user' } as const;
const app = { kind: 'entra', caller: 'app', scopes: [] } as const;
const b2c = { kind: 'b2c', caller: 'user' } as const;

/** The tokens that requests carry. One request carries none. */
export const tokens: readonly (Token | undefined)[] = [
  undefined,
  { name: 'user', ...user, scopes: ['other'], roles: [] },
  { name: 'read', ...user, scopes: ['read'], roles: [] },
  { name: 'write', ...user, scopes: ['write'], roles: [] },
  { name: 'read write', ...user, scopes: ['read', 'write'], roles: ['Admin'] },
  { name: 'role read', ...user, scopes: ['other'], roles: ['read', 'write', 'Admin'] },
  { name: 'app read', ...app, roles: ['read'] },
  { name: 'app Admin', ...app, roles: ['Admin'] },
  { name: 'app all', ...app, roles: ['read', 'write', 'Admin'] },
  { name: 'b2c read', ...b2c, policy: policies[0], scopes: ['read'], roles: [] },
  { name: 'b2c all', ...b2c, policy: policies[1], scopes: ['read', 'write'], roles: ['Admin'] },
  { name: 'expired', ...user, scopes: ['read', 'write'], roles: ['Admin'], isExpired: true },
];

/** A token as the issuer signs it. */
export function signed(issuer: TestIssuer, { kind, policy, caller, scopes, roles, isExpired }: Token): Promise<string> {
  const claims = {
    ...(roles.length > 0 ? { roles } : {}),
    ...(isExpired === true ? { exp: 1_000_000_000 } : {}),
  };
  if (caller === 'app') return issuer.appToken(claims);
  const ofUser = { ...claims, scp: scopes.join(' ') };
  return kind === 'entra' ? issuer.token(ofUser) : issuer.b2cToken({ ...ofUser, tfp: policy });
}

const schemes: fc.Arbitrary<Decorator> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('entra' as const),
      callers: fc.constantFrom(undefined, undefined, 'user' as const, 'app' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('b2c' as const),
      policy: fc.constantFrom(undefined, ...policies),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'any' } as const) },
);

const demands: fc.Arbitrary<Decorator> = fc.oneof(
  fc.record({
    kind: fc.constant('scope' as const),
    anyOf: fc.constantFrom<[string, ...string[]][]>(['read'], ['write'], ['read', 'write']),
  }),
  fc.record({
    kind: fc.constant('role' as const),
    anyOf: fc.constantFrom<[string, ...string[]][]>(['Admin'], ['read', 'Admin']),
  }),
);

const anonymous: fc.Arbitrary<readonly Decorator[]> = fc.constant([{ kind: 'anonymous' }]);

const none: fc.Arbitrary<readonly Decorator[]> = fc.constant([]);

/** The decorators of one element that requires something, in any order. */
const required: fc.Arbitrary<readonly Decorator[]> = fc
  .tuple(fc.array(schemes, { maxLength: 1 }), fc.array(demands, { maxLength: 2 }))
  .map((parts) => parts.flat())
  .filter((decorators) => decorators.length > 0)
  .chain((decorators) => fc.shuffledSubarray(decorators, { minLength: decorators.length }));

function elements(bare: number, lifted: number): fc.Arbitrary<readonly Decorator[]> {
  return fc.oneof(
    { weight: bare, arbitrary: none },
    { weight: lifted, arbitrary: anonymous },
    { weight: 4, arbitrary: required },
  );
}

/** Calls go to later names and later services alone, so that all of them end. */
function stepsOf(names: readonly string[], index: number, firstService: number): fc.Arbitrary<readonly Step[]> {
  const later = names.slice(index + 1);
  const calls: fc.Arbitrary<Step>[] = [fc.constant<Step>({ call: 'super' })];
  if (later.length > 0 && names.length === methodNames.length) {
    calls.push(fc.record({ call: fc.constant('own' as const), name: fc.constantFrom(...later) }));
  }
  if (names.length === methodNames.length || later.length > 0) {
    const callable = names.length === methodNames.length ? staticNames : later;
    calls.push(fc.record({ call: fc.constant('static' as const), name: fc.constantFrom(...callable) }));
  }
  if (firstService < serviceCount) {
    calls.push(
      fc.record({
        call: fc.constant('service' as const),
        service: fc.integer({ min: firstService, max: serviceCount - 1 }),
        name: fc.constantFrom(...methodNames),
      }),
    );
  }
  return fc.array(fc.oneof(...calls), { maxLength: 2 });
}

interface Kind {
  readonly isBase: boolean;
  /** Whether there is no decorator of the library on it. */
  readonly isBare: boolean;
}

function methodsNamed(
  names: readonly string[],
  firstService: number,
  { isBase, isBare }: Kind,
): fc.Arbitrary<Readonly<Record<string, Method | undefined>>> {
  const method = (index: number): fc.Arbitrary<Method> =>
    fc.record({
      decorators: isBare ? none : elements(4, 1),
      aboveRoute: fc.nat({ max: 3 }),
      isAsync: fc.boolean(),
      handsOn: fc.boolean(),
      steps: stepsOf(names, index, firstService),
    });
  return fc.record(
    Object.fromEntries(
      names.map((name, index) => [name, isBase ? method(index) : fc.option(method(index), { nil: undefined })]),
    ),
  );
}

function levels(firstService: number, kind: Kind): fc.Arbitrary<Level> {
  return fc.record({
    decorators: kind.isBare ? none : elements(3, 1),
    aboveRoute: fc.nat({ max: 3 }),
    methods: methodsNamed(methodNames, firstService, kind),
    statics: methodsNamed(staticNames, firstService, kind),
  });
}

const isBare = ({ decorators, methods, statics }: Level) =>
  [
    decorators,
    ...[methods, statics].flatMap((members) => Object.values(members).map((found) => found?.decorators ?? [])),
  ].flat().length === 0;

/**
 * Whether the library can see each override: a class without any decorator stands below a class that has one on itself.
 * JavaScript gives no hook for others.
 */
const isSeen = (hierarchy: Hierarchy) =>
  hierarchy.every(
    (level, index) => !isBare(level) || hierarchy.slice(0, index).some(({ decorators }) => decorators.length > 0),
  );

/** Classes of one to three levels. They call the services from `firstService` on. */
export function hierarchies(firstService = 0): fc.Arbitrary<Hierarchy> {
  const base = levels(firstService, { isBase: true, isBare: false });
  const decorated = levels(firstService, { isBase: false, isBare: false });
  const bare = levels(firstService, { isBase: false, isBare: true });
  return fc
    .tuple(base, fc.array(fc.oneof(decorated, bare), { maxLength: 2 }))
    .map(([first, derived]) => [first, ...derived])
    .filter(isSeen);
}

export const services: fc.Arbitrary<readonly Hierarchy[]> = fc.tuple(
  ...Array.from({ length: serviceCount }, (_, index) => hierarchies(index + 1)),
);

/** One part of a chain: a middleware, or a method of the class with this number. */
export type Link =
  | { readonly middleware: Exclude<Decorator, { readonly kind: 'anonymous' }> }
  | { readonly name: string; readonly isStatic: boolean; readonly inArrow: boolean; readonly hierarchy: Hierarchy };

const middlewares = fc
  .oneof(schemes, demands)
  .map((middleware) => ({ middleware }) as { middleware: Exclude<Decorator, { readonly kind: 'anonymous' }> });

const handlers = fc.boolean().chain((isStatic) =>
  fc.record({
    name: fc.constantFrom<string[]>(...(isStatic ? staticNames : methodNames)),
    isStatic: fc.constant(isStatic),
    inArrow: fc.boolean(),
    hierarchy: hierarchies(),
  }),
);

/** A chain of Express: middlewares, and handlers of classes. */
export const chains: fc.Arbitrary<readonly Link[]> = fc
  .tuple(fc.array(middlewares, { maxLength: 2 }), handlers, fc.array(fc.oneof(middlewares, handlers), { maxLength: 1 }))
  .map(([before, handler, after]) => [...before, handler, ...after]);
