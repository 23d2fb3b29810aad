/** What a route requires of a token: a scheme, and demands. Pure functions. */
import { checkArguments, type Signature } from '../call-arguments.js';
import { noteCheck } from './application-check.js';
import type { ClaimName } from '../access-token-claims.js';
import type { ApplicationCheck } from '../configuration/options.js';
import type { Scheme, Settings } from '../configuration/settings.js';
import type { PublishedResource, ResourceMetadata } from '../issuers/resource-metadata.js';
import type { RequestHeaders } from '../token/credential.js';
import type { TokenWithGroups, Verification } from '../token/verified-token.js';
import {
  checkNames,
  listed,
  parseAuthContext,
  parseCallers,
  parseClaimName,
  parseClaimValues,
  parsePolicies,
  type Callers,
  type ClaimValue,
  type NameKind,
} from './demand-names.js';

/** A demand for one of some names: scopes (of an application: roles), roles, or groups. */
export interface NameDemand {
  readonly kind: NameKind;
  readonly anyOf: readonly string[];
}

/** A demand for one of some scopes of a person, or one of some application permissions of an application. */
export interface PermissionDemand {
  readonly kind: 'permission';
  readonly scopes: readonly string[];
  readonly appPermissions: readonly string[];
}

/** A demand for a claim that has one of some values. Without values: for a claim that is neither empty nor null. */
export interface ClaimDemanded {
  readonly kind: 'claim';
  readonly claim: string;
  readonly values: readonly ClaimValue[];
}

/** A demand that a check of the application's own decides. */
export interface CheckDemand {
  readonly kind: 'check';
  readonly check: ApplicationCheck;
}

/** One thing that a route demands. */
export type Demand =
  | NameDemand
  | PermissionDemand
  | ClaimDemanded
  | CheckDemand
  | { readonly kind: 'not_guest' }
  | { readonly kind: 'auth_context'; readonly id: string };

/** The authority that a token must come from. */
export interface SchemeDemand {
  readonly kind: Scheme | 'any';
  /** Of B2C: the policies accepted. Undefined: all that are configured. */
  readonly policies?: readonly string[] | undefined;
  /** Of Entra ID: the callers accepted. Undefined: any. */
  readonly callers?: Callers | undefined;
}

/** What a route requires. All of it must hold. */
export interface Requirement {
  /** Undefined: the only scheme that is configured. */
  readonly scheme: SchemeDemand | undefined;
  readonly demands: readonly Demand[];
  /** The configuration that tokens are checked against. Undefined: that of the process. */
  readonly identity?: Authenticator | undefined;
  /** Whether it is all that a function of …/fetch requires, and no demand beside others: it then names its configuration. */
  readonly isWhole?: true;
  /** The method or middleware that requires this, for messages: `Orders.list` or `requiresScope()`. */
  readonly at?: string | undefined;
  /** The method that is called, for events: `Orders.list`. Undefined if a middleware or a function requires this. */
  readonly route?: string | undefined;
}

/**
 * A demand for any of the names.
 *
 * @throws ConfigurationError if there is no name, or one that no token can have
 */
export function anyOf(kind: NameKind, names: readonly unknown[]): NameDemand {
  return Object.freeze({ kind, anyOf: checkNames(kind, names) });
}

/**
 * All that a route can require, one member for each decorator and middleware.
 *
 * These are methods because an editor then shows their documentation at the calls of the decorators and middlewares that
 * are declared by them.
 *
 * @typeParam Result - what each of them makes: a decorator, a middleware, a requirement
 */
export interface Requirements<Result> {
  /**
   * Requires a valid Entra ID access token.
   *
   * @param options.callers - `'user'`: a person, through an application; `'app'`: an application on its own behalf.
   *   The claim `idtyp` decides. If the API did not ask for it, whether the token has a scope decides. Default `'any'`
   * @throws ConfigurationError if `callers` is none of these words
   */
  entra(options?: { readonly callers?: Callers | undefined }): Result;
  /**
   * Requires a valid Azure AD B2C access token.
   *
   * @param options.policy - the policy, or policies, that the token must come from; default: all that are configured
   * @throws ConfigurationError if there is no name, or a blank one
   */
  b2c(options?: { readonly policy?: string | readonly string[] | undefined }): Result;
  /** Requires a valid access token, of Entra ID or of Azure AD B2C. */
  any(): Result;
  /**
   * Requires any of the scopes. A delegated token needs it in `scp`, an app-only token in `roles`, in B2C in `scp`.
   *
   * @param scope - a short name, such as `access_as_user`
   * @param orScopes - others, of which one is enough
   * @throws ConfigurationError if there is no name, or one that is blank, has white space or is a full URI
   */
  scope(scope: string, ...orScopes: string[]): Result;
  /**
   * Requires any of the roles in `roles`, of a person or an application. An application of B2C, if it is known as one, may
   * have it in `scp`.
   *
   * @throws ConfigurationError if there is no name, or one that is blank or has white space
   */
  role(role: string, ...orRoles: string[]): Result;
  /**
   * Requires any of the scopes of a person, or any of the application permissions (`roles`) of an application that calls
   * on its own behalf. A role of a person is no application permission.
   *
   * In B2C application permissions are in `scp`. If the option `b2c.daemonClients` does not tell who calls, a token passes
   * that has a scope or a permission there.
   *
   * @throws ConfigurationError if a list is empty, or a name is blank, has white space or, of a scope, is a full URI
   */
  scopeOrAppPermission(options: {
    readonly scope: string | readonly string[];
    readonly appPermission: string | readonly string[];
  }): Result;
  /**
   * Requires membership in any of the groups. Where a person is in too many groups for the token, the option
   * `resolveGroups` of `initialize` is asked. Without it the request is refused (reason `groups_overage`).
   *
   * @param group - an object id, or what else the app registration puts in `groups`
   * @param orGroups - others, of which one is enough
   * @throws ConfigurationError if there is no name, or a blank one
   */
  group(group: string, ...orGroups: string[]): Result;
  /**
   * Refuses guests of the tenant. The claim `acct` decides. If the API did not ask for it, `idp` decides. Applications pass.
   * In B2C only `acct` decides: there `idp` is where an account of the tenant signs in.
   */
  notGuest(): Result;
  /**
   * Requires an authentication context of Conditional Access. A client that declared the capability `cp1` gets a claims
   * challenge (401 `insufficient_claims`), any other client 403.
   *
   * @param id - `c1` to `c99`
   * @throws ConfigurationError if it is none of these
   * @see {@link https://learn.microsoft.com/entra/identity-platform/developer-guide-conditional-access-authentication-context Authentication contexts}
   */
  authContext(id: string): Result;
  /**
   * Requires a claim that has one of the values. A list claim needs one of them among its items. Without values, the claim
   * must be there, and be neither empty nor null.
   *
   * Values are compared exactly: `true` is not `'true'`. Never decide by `email`, `upn`, `preferred_username` or `name`.
   *
   * @param claim - the name of the claim, such as `department`
   * @param anyOfValues - none, or at least one: the types refuse a list that may be empty, which would demand no value
   * @throws ConfigurationError if the name or a value is blank, or the name has white space
   */
  claim(claim: ClaimName, ...anyOfValues: [] | [ClaimValue, ...ClaimValue[]]): Result;
  /**
   * Requires that a function of the application returns `true`, or a promise of it. It is called for each request, after
   * all other demands, and not again for the same request. Any other value refuses the request (403, reason `check`). If
   * it throws or rejects, the answer is 500.
   *
   * @param check - gets the verified claims, and the request as handlers of the host get it
   * @throws ConfigurationError if it is no function
   */
  check(check: ApplicationCheck): Result;
}

const none: readonly Demand[] = Object.freeze([]);

const ofScheme = (scheme: SchemeDemand): Requirement => Object.freeze({ scheme: Object.freeze(scheme), demands: none });

const ofDemand = (demand: Demand): Requirement =>
  Object.freeze({ scheme: undefined, demands: Object.freeze([Object.freeze(demand)]) });

/** The requirement that each decorator and each middleware adds to its route. */
export const requires = {
  entra: ({ callers } = {}) => ofScheme({ kind: 'entra', callers: parseCallers(callers) }),
  b2c: ({ policy } = {}) => ofScheme({ kind: 'b2c', policies: parsePolicies(policy) }),
  any: () => ofScheme({ kind: 'any' }),
  scope: (...scopes) => ofDemand(anyOf('scope', scopes)),
  role: (...roles) => ofDemand(anyOf('role', roles)),
  scopeOrAppPermission: ({ scope, appPermission }) =>
    ofDemand({
      kind: 'permission',
      scopes: checkNames('scope', listed(scope)),
      appPermissions: checkNames('role', listed(appPermission)),
    }),
  group: (...groups) => ofDemand(anyOf('group', groups)),
  notGuest: () => ofDemand({ kind: 'not_guest' }),
  authContext: (id) => ofDemand({ kind: 'auth_context', id: parseAuthContext(id) }),
  claim: (claim, ...values) =>
    ofDemand({ kind: 'claim', claim: parseClaimName(claim), values: parseClaimValues(values) }),
  check: (check) => {
    noteCheck();
    return ofDemand({ kind: 'check', check });
  },
} satisfies Requirements<Requirement>;

/** What each decorator and each middleware takes. */
const signatures: Readonly<Record<keyof typeof requires, Signature>> = {
  entra: { examples: ['', "{ callers: 'app' }"], most: 1, options: ['callers'] },
  b2c: { examples: ['', "{ policy: 'B2C_1_signin' }"], most: 1, options: ['policy'] },
  any: { examples: [''], most: 0 },
  scope: { examples: ["'access_as_user'", "'Reports.Read', 'Reports.Write'"] },
  role: { examples: ["'Reports.Admin'", "'Reports.Admin', 'Reports.Editor'"] },
  scopeOrAppPermission: {
    examples: ["{ scope: 'Reports.Read', appPermission: 'Reports.Read.All' }"],
    most: 1,
    options: ['scope', 'appPermission'],
    required: ['scope', 'appPermission'],
  },
  group: { examples: ["'<object id of a group>'"] },
  notGuest: { examples: [''], most: 0 },
  authContext: { examples: ["'c1'"], most: 1 },
  claim: { examples: ["'department', 'finance', 'legal'", "'department'"], takes: 'values' },
  check: { examples: ['(claims, request) => boolean'], most: 1, takes: 'function' },
};

/**
 * The requirement of a decorator or a middleware.
 *
 * @param kind - what it requires
 * @param name - as it is written: `@RequiresAuth`, `requiresAuth`
 * @param given - what it is called with
 * @throws ConfigurationError where it would ignore any of that, or where a value is not valid
 */
export function requirementBy(kind: keyof typeof requires, name: string, given: readonly unknown[]): Requirement {
  checkArguments(name, given, signatures[kind]);
  return (requires[kind] as (...parameters: readonly unknown[]) => Requirement)(...given);
}

/** The configuration in force, as `initialize` returns it. */
export interface MicrosoftIdentity {
  /**
   * Loads OpenID configurations and signing keys ahead of the first request, and `@azure/msal-node` where other APIs are
   * called.
   *
   * @throws IssuerUnavailableError with the cause and the options to look at
   * @throws ConfigurationError if `downstream` is configured and `@azure/msal-node` is not installed, or a route that was
   *   registered takes tokens of an authority or a policy that is not configured
   */
  ready(): Promise<void>;
  /** Ends downloads and token requests that are under way. Tokens can be checked for as long as the keys at hand are good. */
  close(): void;
  /** The metadata of the API as a protected resource (RFC 9728), for the well-known route; undefined without that option. */
  readonly resourceMetadata: ResourceMetadata | undefined;
}

/** A verified token, and what is known of the request that it came with. */
export interface Caller extends TokenWithGroups {
  /** What the request was let in for. The checks of the application in it were asked. */
  readonly requirement?: Requirement | undefined;
  /**
   * The request as handlers of the host get it, for the checks of the application. What runs in a request can outlive it, and
   * must not keep its token in memory.
   */
  readonly handed?: WeakRef<object> | undefined;
}

/** What hosts need of the configuration in force. */
export interface Authenticator extends MicrosoftIdentity {
  readonly settings: Settings;
  /** The resource metadata and its address; undefined without that option. */
  readonly publishedResource: PublishedResource | undefined;
  /** Is aborted by `close()`. */
  readonly closing: AbortSignal;
  /** Adds a check that `ready()` makes first; what it throws, `ready()` rejects with. */
  beforeReady(check: () => void): void;
  /**
   * Lets a request pass, or throws its refusal. Returns a promise only if something has to be loaded or asked first.
   *
   * @param earlier - how an earlier gate let the request in
   * @param handed - the request as handlers of the host get it; default: `request`
   */
  authenticate(
    request: RequestHeaders,
    requirement: Requirement,
    earlier?: Caller,
    handed?: unknown,
  ): Verification | Promise<Verification>;
  /**
   * Checks that a token which this configuration verified satisfies a further requirement, or throws the refusal.
   *
   * @returns the groups that were looked up, if any; a promise only if something has to be asked
   */
  authorize(
    caller: Caller,
    requirement: Requirement,
  ): readonly string[] | undefined | Promise<readonly string[] | undefined>;
}
