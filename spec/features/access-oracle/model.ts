/**
 * Who may run what, computed slowly from the rules of the decorators alone. Nothing of the library is used here: what the
 * hosts answer is compared with it.
 */

export type Scheme = 'entra' | 'b2c' | 'any';

/** One decorator, or one middleware. */
export type Decorator =
  | { readonly kind: 'entra'; readonly callers: 'user' | 'app' | undefined }
  | { readonly kind: 'b2c'; readonly policy: string | undefined }
  | { readonly kind: 'any' }
  | { readonly kind: 'scope' | 'role'; readonly anyOf: readonly [string, ...string[]] }
  | { readonly kind: 'anonymous' };

/** What a body does, one step after the other. */
export type Step =
  | { readonly call: 'super' }
  | { readonly call: 'own' | 'static'; readonly name: string }
  | { readonly call: 'service'; readonly service: number; readonly name: string };

export interface Method {
  readonly decorators: readonly Decorator[];
  /** How many of the decorators stand above the one that declares the route. */
  readonly aboveRoute: number;
  readonly isAsync: boolean;
  /** Whether the request and response are handed on to what it calls. */
  readonly handsOn: boolean;
  readonly steps: readonly Step[];
}

/** One class. */
export interface Level {
  readonly decorators: readonly Decorator[];
  readonly aboveRoute: number;
  readonly methods: Readonly<Record<string, Method | undefined>>;
  readonly statics: Readonly<Record<string, Method | undefined>>;
}

/** A class and those above it, the base first. */
export type Hierarchy = readonly Level[];

export interface Token {
  readonly name: string;
  readonly kind: 'entra' | 'b2c';
  readonly policy?: string;
  readonly caller: 'user' | 'app';
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly isExpired?: boolean;
}

/** A request: the token it carries, and whether a gate verified it so far. */
export interface Caller {
  readonly token: Token | undefined;
  verified: boolean;
}

export interface World {
  readonly configured: readonly ('entra' | 'b2c')[];
  readonly services: readonly Hierarchy[];
}

/** What is refused, by status. */
export class Refused extends Error {
  constructor(readonly status: 401 | 403 | 500) {
    super(String(status));
  }
}

type Members = 'methods' | 'statics';

/** The decorators that apply, nearest first. Those of the method come before those of its class. */
export function decoratorsOn(hierarchy: Hierarchy, members: Members, name: string): readonly Decorator[] {
  const applying: Decorator[] = [];
  for (const level of [...hierarchy].reverse()) {
    for (const element of [level[members][name]?.decorators ?? [], level.decorators]) {
      if (element.some(({ kind }) => kind === 'anonymous')) return applying;
      applying.push(...element);
    }
  }
  return applying;
}

const isScheme = ({ kind }: Decorator) => kind === 'entra' || kind === 'b2c' || kind === 'any';

const hasOne = (names: readonly string[], held: readonly string[]) => names.some((name) => held.includes(name));

/** The scheme that counts: the nearest one, with what those of its kind right above it add. */
function schemesIn(decorators: readonly Decorator[]): readonly Decorator[] {
  const schemes = decorators.filter(isScheme);
  const firstOther = schemes.findIndex(({ kind }) => kind !== schemes[0]?.kind);
  return firstOther === -1 ? schemes : schemes.slice(0, firstOther);
}

/** Holds decorators against a token. */
function judge(decorators: readonly Decorator[], { token }: Caller, scheme: Scheme): void {
  if (token === undefined || token.isExpired === true) throw new Refused(401);
  if (scheme !== 'any' && scheme !== token.kind) throw new Refused(401);
  const schemes = schemesIn(decorators);
  const policy = schemes.map((found) => (found.kind === 'b2c' ? found.policy : undefined)).find(Boolean);
  if (policy !== undefined && policy !== token.policy) throw new Refused(401);
  const callers = schemes.map((found) => (found.kind === 'entra' ? found.callers : undefined)).find(Boolean);
  if (callers !== undefined && callers !== token.caller) throw new Refused(403);
  for (const demand of decorators) {
    if (demand.kind === 'scope') {
      if (!hasOne(demand.anyOf, token.caller === 'user' ? token.scopes : token.roles)) throw new Refused(403);
    }
    if (demand.kind === 'role' && !hasOne(demand.anyOf, token.roles)) throw new Refused(403);
  }
}

const schemeOf = (decorators: readonly Decorator[]) => schemesIn(decorators)[0]?.kind as Scheme | undefined;

/** Holds decorators against a token by their scheme, where that is configured. */
function judgeBy(scheme: Scheme | undefined, decorators: readonly Decorator[], caller: Caller, world: World): void {
  const { configured } = world;
  const isConfigured = scheme === 'any' ? configured.length === 2 : scheme !== undefined && configured.includes(scheme);
  if (scheme === undefined || !isConfigured) throw new Refused(500);
  judge(decorators, caller, scheme);
}

/** A gate: it verifies the request where none did before it. */
export function passGate(decorators: readonly Decorator[], caller: Caller, world: World): void {
  if (decorators.length === 0) return;
  const only = world.configured.length === 1 ? world.configured[0] : undefined;
  judgeBy(schemeOf(decorators) ?? (caller.verified ? caller.token?.kind : only), decorators, caller, world);
  caller.verified = true;
}

/** A method that is called by another one: its gate did not run for it. */
export function passMethod(decorators: readonly Decorator[], caller: Caller, world: World): void {
  if (decorators.length === 0) return;
  if (!caller.verified) throw new Refused(500);
  judgeBy(schemeOf(decorators) ?? caller.token?.kind, decorators, caller, world);
}

/** The level that defines a member: the nearest one at or above a level. */
function definerOf(hierarchy: Hierarchy, members: Members, name: string, from: number): number {
  for (let level = from; level >= 0; level--) if (hierarchy[level]?.[members][name] !== undefined) return level;
  return -1;
}

/** Runs a body, and notes in `ran` the bodies that were entered. */
export function run(
  hierarchy: Hierarchy,
  members: Members,
  name: string,
  caller: Caller,
  world: World,
  ran: string[],
  from = hierarchy.length - 1,
): void {
  const definer = definerOf(hierarchy, members, name, from);
  const method = hierarchy[definer]?.[members][name];
  if (method === undefined) return;
  ran.push(`${String(definer)}.${name}`);
  for (const step of method.steps) {
    if (step.call === 'super') {
      if (definerOf(hierarchy, members, name, definer - 1) === -1) continue;
      passMethod(decoratorsOn(hierarchy, members, name), caller, world);
      run(hierarchy, members, name, caller, world, ran, definer - 1);
      continue;
    }
    const called = step.call === 'service' ? (world.services[step.service] ?? []) : hierarchy;
    const calledMembers = step.call === 'static' ? 'statics' : 'methods';
    passMethod(decoratorsOn(called, calledMembers, step.name), caller, world);
    run(called, calledMembers, step.name, caller, world, ran);
  }
}
