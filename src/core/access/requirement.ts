/** What a route demands of a token. Pure functions. */
import type { Scheme, Settings } from '../configuration/settings.js';
import { ConfigurationError } from '../errors.js';
import { isGuid } from '../guid.js';
import type { PublishedResource, ResourceMetadata } from '../issuers/resource-metadata.js';
import { isScopeToken } from '../scope-token.js';
import type { RequestHeaders } from '../token/credential.js';
import type { Verification } from '../token/verified-token.js';

/** A demand for at least one of some names: scopes (of an application: roles), or roles, or groups. */
export interface NameDemand {
  readonly kind: 'scope' | 'role' | 'group';
  readonly anyOf: readonly string[];
}

/** A demand for one of some scopes of a person, or one of some application permissions of an application. */
export interface PermissionDemand {
  readonly kind: 'permission';
  readonly scopes: readonly string[];
  readonly appPermissions: readonly string[];
}

/** One thing that a route demands. */
export type Demand =
  NameDemand | PermissionDemand | { readonly kind: 'member' } | { readonly kind: 'auth_context'; readonly id: string };

/** Who may call: people, applications on their own behalf, or both. */
export type Callers = 'user' | 'app' | 'any';

/** Which authority the token must come from, for Entra ID on whose behalf, and for B2C from which policies. */
export interface SchemeDemand {
  readonly kind: Scheme | 'any';
  /** The policies accepted; any configured one where this is undefined. */
  readonly policies?: readonly string[] | undefined;
  /** The callers accepted; any where this is undefined. */
  readonly callers?: Callers | undefined;
}

/** All that a route demands. Every demand must hold. */
export interface Requirement {
  /** Undefined: the one scheme that is configured. */
  readonly scheme: SchemeDemand | undefined;
  readonly demands: readonly Demand[];
  /** The configuration to hold the token against; undefined: the one of the process. */
  readonly identity?: Authenticator | undefined;
}

function checkName(kind: NameDemand['kind'], name: unknown): string {
  if (typeof name !== 'string' || name.trim() === '') throw new ConfigurationError(`A ${kind} name is blank.`);
  // Groups synchronized from Windows Server may be named as in DOMAIN\\Domain Users.
  if (kind === 'group') return comparable(name);
  if (/\s/.test(name)) {
    throw new ConfigurationError(`A ${kind} name holds white space; several names are several arguments.`);
  }
  if (kind === 'scope') {
    if (name.includes('://')) {
      throw new ConfigurationError(
        'A scope is named by its short name, such as access_as_user: that is what the scp claim holds, not the full URI.',
      );
    }
    if (!isScopeToken(name)) {
      throw new ConfigurationError('A scope name holds a character that RFC 6749 §3.3 does not allow.');
    }
  }
  return name;
}

/** GUIDs are the same in either letter case; anything else is compared as it stands. */
export function comparable(group: string): string {
  const lowerCase = group.toLowerCase();
  return isGuid(lowerCase) ? lowerCase : group;
}

function checkNames(kind: NameDemand['kind'], names: readonly unknown[]): readonly string[] {
  if (names.length === 0) throw new ConfigurationError(`At least one ${kind} name is needed.`);
  return Object.freeze(names.map((name) => checkName(kind, name)));
}

/**
 * A demand for any of the names.
 *
 * @throws ConfigurationError where there is no name, or one that no token can hold
 */
export function anyOf(kind: NameDemand['kind'], names: readonly unknown[]): NameDemand {
  return Object.freeze({ kind, anyOf: checkNames(kind, names) });
}

const listed = (names: unknown): readonly unknown[] => (Array.isArray(names) ? (names as unknown[]) : [names]);

/**
 * A demand for a scope of a person, or an application permission of an application.
 *
 * @throws ConfigurationError as {@link anyOf} does
 */
export function scopeOrAppPermission(scope: unknown, appPermission: unknown): PermissionDemand {
  return Object.freeze({
    kind: 'permission',
    scopes: checkNames('scope', listed(scope)),
    appPermissions: checkNames('role', listed(appPermission)),
  });
}

/**
 * A demand for an authentication context of Conditional Access.
 *
 * @throws ConfigurationError where the id is none of `c1` to `c99`
 */
export function authContext(id: unknown): Demand {
  if (typeof id !== 'string' || !/^c[1-9]\d?$/.test(id)) {
    throw new ConfigurationError('An authentication context is named c1 to c99.');
  }
  return Object.freeze({ kind: 'auth_context', id });
}

/**
 * Who may call, as `@RequiresAuth` names it.
 *
 * @throws ConfigurationError where it is none of the three words
 */
export function namedCallers(callers: unknown): Callers | undefined {
  if (callers === undefined || callers === 'user' || callers === 'app' || callers === 'any') return callers;
  throw new ConfigurationError("callers takes 'user', 'app' or 'any'.");
}

/**
 * The policies that `@RequiresB2cAuth` names.
 *
 * @throws ConfigurationError where the list is empty or a name is blank
 */
export function namedPolicies(policy: string | readonly string[] | undefined): readonly string[] | undefined {
  if (policy === undefined) return undefined;
  const names: readonly unknown[] = typeof policy === 'string' ? [policy] : policy;
  if (!Array.isArray(names) || names.length === 0) throw new ConfigurationError('At least one policy name is needed.');
  return names.map((name: unknown) => {
    if (typeof name !== 'string' || name === '' || /\s/.test(name)) {
      throw new ConfigurationError('A policy name is blank or holds white space.');
    }
    return name;
  });
}

/** The configuration in force, as `initialize` returns it. */
export interface MicrosoftIdentity {
  /**
   * Loads OpenID configurations and signing keys ahead of the first request.
   *
   * @throws IssuerUnavailableError with the cause and the options to look at
   */
  ready(): Promise<void>;
  /** Ends downloads that are under way. Tokens can be checked for as long as the keys at hand are good. */
  close(): void;
  /** What the API says of itself (RFC 9728), for the well-known route; undefined without that option. */
  readonly resourceMetadata: ResourceMetadata | undefined;
}

/** What hosts need of the configuration in force. */
export interface Authenticator extends MicrosoftIdentity {
  readonly settings: Settings;
  /** The resource metadata and its address; undefined without that option. */
  readonly publishedResource: PublishedResource | undefined;
  /** Lets a request pass, or says why not. Answers without a promise where nothing has to be asked for first. */
  authenticate(request: RequestHeaders, requirement: Requirement): Verification | Promise<Verification>;
}
