/** The decorators, for whichever host. They record; the host binds one gate per route. */
import {
  anyOf,
  authContext,
  namedCallers,
  namedPolicies,
  scopeOrAppPermission,
  type Authenticator,
  type Callers,
} from '../core/access/requirement.js';
import { ConfigurationError } from '../core/errors.js';
import { record, recordClaimParameter, type Addition } from './records.js';

/**
 * A decorator for a method or a class, in TypeScript's `experimentalDecorators` form.
 *
 * The signature is exact on purpose: without that compiler option, using one is a compile-time error.
 */
export type RequirementDecorator = (
  target: object,
  propertyKey?: string | symbol,
  descriptor?: PropertyDescriptor | number,
) => void;

/** A decorator for a parameter, in TypeScript's `experimentalDecorators` form. */
export type ClaimsDecorator = (
  target: object,
  propertyKey: string | symbol | undefined,
  parameterIndex: number,
) => void;

/** What a host does where a decorator stands, after it was recorded. */
export interface Host {
  /** A requirement stands on a method; `descriptor.value` is to be replaced by a guarded method. */
  onMethod(prototype: object, method: string | symbol, descriptor: PropertyDescriptor): void;
  /** A requirement stands on a class. */
  onClass(constructor: { readonly prototype: object }): void;
  /** The class that takes the place of a class with a requirement. Default: none. */
  replacementOf?(constructor: { readonly prototype: object }): object;
  /** A parameter takes the claims, or one of them. */
  onParameter(prototype: object, method: string | symbol, index: number, claim: string | undefined): void;
}

function refuseStandardDecorators(context: unknown): void {
  if (typeof context === 'object' && context !== null && 'kind' in context) {
    throw new ConfigurationError(
      'These decorators need "experimentalDecorators": true in tsconfig.json; standard decorators cannot mark parameters.',
    );
  }
}

function onMethod(host: Host, target: object, method: string | symbol, given: PropertyDescriptor | undefined): void {
  const descriptor = given ?? Object.getOwnPropertyDescriptor(target, method);
  if (typeof target === 'function' || descriptor === undefined || typeof descriptor.value !== 'function') {
    throw new ConfigurationError(`A requirement stands on ${String(method)}, which is not an instance method.`);
  }
  host.onMethod(target, method, descriptor);
  // Called by hand, without a descriptor that anyone would put in place.
  if (given === undefined) Object.defineProperty(target, method, descriptor);
}

function requirementDecorator(host: Host, addition: Addition): RequirementDecorator {
  return (target, propertyKey, descriptor) => {
    refuseStandardDecorators(propertyKey);
    if (typeof descriptor === 'number') {
      throw new ConfigurationError('A requirement stands on a parameter; it belongs on the method or the class.');
    }
    if (propertyKey === undefined) {
      const constructor = target as { readonly prototype: object };
      record(constructor.prototype, undefined, addition);
      host.onClass(constructor);
      return host.replacementOf?.(constructor);
    }
    record(target, propertyKey, addition);
    onMethod(host, target, propertyKey, descriptor);
    return undefined;
  };
}

/** The decorators of one host. Each may stand on a method or on a class; their order never matters. */
export interface Decorators {
  /**
   * Demands a valid Entra ID access token. On a method it replaces the scheme of the class.
   *
   * @param options.callers - `'user'`: a person, through an application; `'app'`: an application on its own behalf.
   *   `idtyp` tells the two apart where the API asked for that claim, and else whether there is a scope. Default `'any'`
   * @throws ConfigurationError where another scheme or `@AllowAnonymous()` stands at the same place
   */
  readonly RequiresAuth: (options?: { readonly callers?: Callers | undefined }) => RequirementDecorator;
  /**
   * Demands a valid Azure AD B2C access token. On a method it replaces the scheme of the class.
   *
   * @param options.policy - the policy, or policies, the token must come from; default: any that is configured
   * @throws ConfigurationError where another scheme or `@AllowAnonymous()` stands at the same place
   */
  readonly RequiresB2cAuth: (options?: {
    readonly policy?: string | readonly string[] | undefined;
  }) => RequirementDecorator;
  /**
   * Demands a valid access token, of Entra ID or of Azure AD B2C. On a method it replaces the scheme of the class.
   *
   * @throws ConfigurationError where another scheme or `@AllowAnonymous()` stands at the same place
   */
  readonly RequiresAnyAuth: () => RequirementDecorator;
  /**
   * Demands any of the scopes. A delegated token is asked for its `scp`, an app-only token for its `roles`.
   * Stacked, all of the decorators must hold.
   *
   * @param anyOfScopes - short names, such as `access_as_user`
   * @throws ConfigurationError where there is no name, or one that is blank, holds white space or is a full URI
   */
  readonly ValidateScope: (...anyOfScopes: [string, ...string[]]) => RequirementDecorator;
  /**
   * Demands any of the roles in `roles`, of a person or an application.
   *
   * @throws ConfigurationError where there is no name, or one that is blank or holds white space
   */
  readonly RequiresRole: (...anyOfRoles: [string, ...string[]]) => RequirementDecorator;
  /**
   * Demands any of the scopes of a person, or any of the application permissions (`roles`) of an application that calls
   * on its own behalf. A role that a person was given never passes for an application permission.
   *
   * @throws ConfigurationError as `ValidateScope` and `RequiresRole` do
   */
  readonly RequiresScopeOrAppPermission: (options: {
    readonly scope: string | readonly string[];
    readonly appPermission: string | readonly string[];
  }) => RequirementDecorator;
  /**
   * Demands membership in any of the groups. Where a person is in too many groups for the token, `resolveGroups` of
   * `initialize` is asked, and without it the request is refused (reason `groups_overage`).
   *
   * @param anyOfGroups - object ids, or whatever else the app registration puts in `groups`
   * @throws ConfigurationError where there is no name, or a blank one
   */
  readonly RequiresGroup: (...anyOfGroups: [string, ...string[]]) => RequirementDecorator;
  /**
   * Refuses guests of the tenant: `acct` tells where the API asked for that claim, and else `idp`. Applications pass.
   */
  readonly DenyGuests: () => RequirementDecorator;
  /**
   * Demands an authentication context of Conditional Access. A client that declared the capability `cp1` is answered with
   * a claims challenge (401 `insufficient_claims`), any other with 403.
   *
   * @param id - `c1` to `c99`
   * @throws ConfigurationError where it is none of these
   * @see {@link https://learn.microsoft.com/entra/identity-platform/developer-guide-conditional-access-authentication-context Authentication contexts}
   */
  readonly RequiresAuthContext: (id: string) => RequirementDecorator;
  /**
   * Lifts what the class, and the classes above it, demand.
   *
   * @throws ConfigurationError where a requirement stands at the same place
   */
  readonly AllowAnonymous: () => RequirementDecorator;
  /**
   * Fills a parameter with the verified claims, frozen; `undefined` on an open route.
   *
   * @param claim - the name of one claim, to be given its value alone
   */
  readonly TokenClaims: (claim?: string) => ClaimsDecorator;
}

/**
 * The decorators, bound to a host.
 *
 * @param identity - the configuration that tokens are held against; default: that of the process
 */
export function decoratorsFor(host: Host, identity?: Authenticator): Decorators {
  const requires = (addition: Addition) => requirementDecorator(host, { ...addition, identity });
  return {
    RequiresAuth: ({ callers } = {}) => requires({ scheme: { kind: 'entra', callers: namedCallers(callers) } }),
    RequiresB2cAuth: ({ policy } = {}) => requires({ scheme: { kind: 'b2c', policies: namedPolicies(policy) } }),
    RequiresAnyAuth: () => requires({ scheme: { kind: 'any' } }),
    ValidateScope: (...scopes) => requires({ demand: anyOf('scope', scopes) }),
    RequiresRole: (...roles) => requires({ demand: anyOf('role', roles) }),
    RequiresScopeOrAppPermission: ({ scope, appPermission }) =>
      requires({ demand: scopeOrAppPermission(scope, appPermission) }),
    RequiresGroup: (...groups) => requires({ demand: anyOf('group', groups) }),
    DenyGuests: () => requires({ demand: Object.freeze({ kind: 'member' }) }),
    RequiresAuthContext: (id) => requires({ demand: authContext(id) }),
    AllowAnonymous: () => requirementDecorator(host, { anonymous: true }),
    TokenClaims: (claim) => (target, propertyKey, index) => {
      refuseStandardDecorators(propertyKey);
      if (propertyKey === undefined) {
        throw new ConfigurationError('@TokenClaims() stands on a constructor parameter; there is no request yet.');
      }
      recordClaimParameter(target, propertyKey, index, claim);
      host.onParameter(target, propertyKey, index, claim);
    },
  };
}
