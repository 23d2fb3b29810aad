/** A requirement as an object: one member for each decorator, for functions that take the whole requirement at once. */
import type { ClaimName } from '../access-token-claims.js';
import { checkArguments, problemWithOptions } from '../call-arguments.js';
import type { ApplicationCheck } from '../configuration/options.js';
import { ConfigurationError } from '../errors.js';
import { combineOnElement, type ElementRequirement } from './combining.js';
import { listed, type Callers, type ClaimValue } from './demand-names.js';
import { requirementBy, requires, type Authenticator, type Requirement } from './requirement.js';

/** One name, or several of which one is needed. */
type Names = string | readonly string[];

/**
 * What a request has to satisfy: all of it. A list means any of its names. Each member is as the decorator that it names,
 * and refuses what that decorator refuses.
 */
export interface RequirementOptions {
  /** The authority that the token must come from. Default: the only one that is configured. */
  readonly scheme?: 'entra' | 'b2c' | 'any';
  /** People or applications, as in `@RequiresAuth({ callers })`. The scheme is then `'entra'`. */
  readonly callers?: Callers | undefined;
  /** The B2C policies accepted, as in `@RequiresB2cAuth({ policy })`. The scheme is then `'b2c'`. */
  readonly policy?: Names | undefined;
  /** As `@ValidateScope()`. */
  readonly scope?: Names;
  /** As `@RequiresRole()`. */
  readonly role?: Names;
  /** As `@RequiresScopeOrAppPermission()`. */
  readonly scopeOrAppPermission?: {
    readonly scope: Names;
    readonly appPermission: Names;
  };
  /** As `@RequiresGroup()`. */
  readonly group?: Names;
  /** `true`: as `@DenyGuests()`. */
  readonly denyGuests?: boolean;
  /** As `@RequiresAuthContext()`. */
  readonly authContext?: string;
  /** As `@RequiresClaim()`: the name of the claim alone, or the name and one or more values. */
  readonly claim?: ClaimName | { readonly name: ClaimName; readonly values: ClaimValue | readonly ClaimValue[] };
  /** As `@ClaimCheck()`. */
  readonly check?: ApplicationCheck;
}

/** Names that are judged where they become a demand. */
const namesIn = (given: unknown) => listed(given) as [string, ...string[]];

function schemeNamed(scheme: unknown): Requirement {
  if (scheme === 'entra' || scheme === 'b2c' || scheme === 'any') return requires[scheme]();
  throw new ConfigurationError("scheme takes 'entra', 'b2c' or 'any'.");
}

function guestsDenied(denied: unknown): Requirement | undefined {
  if (typeof denied !== 'boolean') throw new ConfigurationError('denyGuests takes true or false.');
  return denied ? requires.notGuest() : undefined;
}

function claimNamed(given: unknown): Requirement {
  if (typeof given !== 'object') return requires.claim(given as string);
  const examples = ["{ name: 'department', values: ['finance', 'legal'] }"] as const;
  checkArguments('claim', [given], { examples, most: 1, options: ['name', 'values'], required: ['name', 'values'] });
  const { name, values } = given as { readonly name: string; readonly values: unknown };
  const accepted = listed(values);
  if (accepted.length === 0) throw new ConfigurationError('At least one value of the claim is needed.');
  return requires.claim(name, ...(accepted as readonly [ClaimValue, ...ClaimValue[]]));
}

/** What each member requires. An option of a decorator may be undefined, as it may there. */
const members: Readonly<Record<keyof RequirementOptions, (given: unknown) => Requirement | undefined>> = {
  scheme: schemeNamed,
  callers: (callers) => (callers === undefined ? undefined : requires.entra({ callers: callers as Callers })),
  policy: (policy) => (policy === undefined ? undefined : requires.b2c({ policy: policy as string })),
  scope: (scope) => requires.scope(...namesIn(scope)),
  role: (role) => requires.role(...namesIn(role)),
  scopeOrAppPermission: (given) => requirementBy('scopeOrAppPermission', 'scopeOrAppPermission', [given]),
  group: (group) => requires.group(...namesIn(group)),
  denyGuests: guestsDenied,
  authContext: (id) => requires.authContext(id as string),
  claim: claimNamed,
  check: (check) => requirementBy('check', 'check', [check]),
};

/** @throws ConfigurationError whose message names the function and the member */
function requiredBy(name: keyof RequirementOptions, given: unknown, at: string): Requirement | undefined {
  try {
    return members[name](given);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const place = error.message.startsWith(name) ? at : `${at}: ${name}`;
    throw new ConfigurationError(`${place}: ${error.message}`, { cause: error.cause });
  }
}

const memberNames = Object.keys(members) as readonly (keyof RequirementOptions)[];

/**
 * The requirement that an object describes.
 *
 * @param at - the function that takes it, for messages: `protect()`
 * @param identity - the configuration that tokens are checked against; default: that of the process
 * @throws ConfigurationError if a member is unknown, a value is not valid, or two members contradict each other
 */
export function requirementFrom(given: unknown, at: string, identity?: Authenticator): Requirement {
  const problem = problemWithOptions(given, memberNames);
  if (problem !== undefined) {
    throw new ConfigurationError(`${at}: ${problem}. Write a requirement such as { scope: 'access_as_user' }.`);
  }
  const values = given as RequirementOptions;
  const start: ElementRequirement = { at, identity, scheme: undefined, demands: [] };
  const { scheme, demands } = memberNames
    .filter((name) => name in values)
    .map((name) => requiredBy(name, values[name], at))
    .filter((required) => required !== undefined)
    .reduce<ElementRequirement>((sum, required) => combineOnElement(sum, { ...required, identity }), start);
  return Object.freeze({ at, identity, isWhole: true, scheme, demands: Object.freeze(demands) });
}

/** Whether nothing in a value can change. */
function isConstant(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  const isPlain = [Object.prototype, Array.prototype, null].includes(Object.getPrototypeOf(value) as object | null);
  if (!isPlain || !Object.isFrozen(value)) return false;
  return Object.values(Object.getOwnPropertyDescriptors(value)).every(
    (descriptor) => 'value' in descriptor && isConstant(descriptor.value),
  );
}

/** A {@link requirementFrom} that compiles an object once, where the object is frozen with all that is in it. */
export function requirementCompiler(at: string, identity?: Authenticator): (given: unknown) => Requirement {
  const compiled = new WeakMap<object, Requirement>();
  return (given) => {
    const known = compiled.get(given as object);
    if (known !== undefined) return known;
    const requirement = requirementFrom(given, at, identity);
    if (isConstant(given)) compiled.set(given as object, requirement);
    return requirement;
  };
}
