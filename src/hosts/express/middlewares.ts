/** The middlewares for Express, one for each decorator. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessTokenClaims } from '../../core/access-token-claims.js';
import {
  anyOf,
  authContext,
  namedCallers,
  namedPolicies,
  scopeOrAppPermission,
  type Authenticator,
  type Callers,
  type Demand,
  type Requirement,
  type SchemeDemand,
} from '../../core/access/requirement.js';
import { ConfigurationError } from '../../core/errors.js';
import { admit, isHandlerCall } from './chain.js';

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- Express' types are extended by this namespace alone
  namespace Express {
    interface Request {
      /** The verified claims of the caller's access token, frozen; absent where nothing was verified. */
      auth?: AccessTokenClaims;
    }
  }
}

/** A middleware, for an app, a router or a route. Any release of Express takes it. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

/** The middlewares of this library, in the order of the decorators they stand for. */
export interface Middlewares {
  /**
   * Demands a valid Entra ID access token.
   *
   * @param options.callers - `'user'`: a person, through an application; `'app'`: an application on its own behalf.
   *   Default `'any'`
   * @throws ConfigurationError where `callers` is none of these words
   */
  readonly requiresAuth: (options?: { readonly callers?: Callers | undefined }) => Middleware;
  /**
   * Demands a valid Azure AD B2C access token.
   *
   * @param options.policy - the policy, or policies, the token must come from; default: any that is configured
   * @throws ConfigurationError where there is no name, or a blank one
   */
  readonly requiresB2cAuth: (options?: { readonly policy?: string | readonly string[] | undefined }) => Middleware;
  /** Demands a valid access token, of Entra ID or of Azure AD B2C. */
  readonly requiresAnyAuth: () => Middleware;
  /**
   * Demands any of the scopes. A delegated token is asked for its `scp`, an app-only token for its `roles`. The scheme is
   * that of the middleware before it; where there was none, the one that is configured.
   *
   * @param anyOfScopes - short names, such as `access_as_user`
   * @throws ConfigurationError where there is no name, or one that is blank, holds white space or is a full URI
   */
  readonly requiresScope: (...anyOfScopes: [string, ...string[]]) => Middleware;
  /**
   * Demands any of the roles in `roles`, of a person or an application.
   *
   * @throws ConfigurationError where there is no name, or one that is blank or holds white space
   */
  readonly requiresRole: (...anyOfRoles: [string, ...string[]]) => Middleware;
  /**
   * Demands any of the scopes of a person, or any of the application permissions (`roles`) of an application that calls
   * on its own behalf.
   *
   * @throws ConfigurationError as `requiresScope` and `requiresRole` do
   */
  readonly requiresScopeOrAppPermission: (options: {
    readonly scope: string | readonly string[];
    readonly appPermission: string | readonly string[];
  }) => Middleware;
  /**
   * Demands membership in any of the groups.
   *
   * @param anyOfGroups - object ids, or whatever else the app registration puts in `groups`
   * @throws ConfigurationError where there is no name, or a blank one
   */
  readonly requiresGroup: (...anyOfGroups: [string, ...string[]]) => Middleware;
  /** Refuses guests of the tenant. Applications pass. */
  readonly denyGuests: () => Middleware;
  /**
   * Demands an authentication context of Conditional Access.
   *
   * @param id - `c1` to `c99`
   * @throws ConfigurationError where it is none of these
   */
  readonly requiresAuthContext: (id: string) => Middleware;
}

function middlewareFor(requirement: Requirement): Middleware {
  return (request, response, next) => {
    admit(requirement, [request, response, next], () => {
      next();
    });
  };
}

/**
 * The middlewares.
 *
 * @param identity - the configuration that tokens are held against; default: that of the process
 */
export function middlewaresFor(identity?: Authenticator): Middlewares {
  const factory =
    <T extends unknown[]>(read: (...parameters: T) => { scheme: SchemeDemand } | { demand: Demand }) =>
    (...parameters: T): Middleware => {
      // A factory in the place of its middleware would let no request on, and answer none.
      if (isHandlerCall(parameters)) {
        throw new ConfigurationError('A middleware of this library stands without its parentheses: requiresAuth().');
      }
      const addition = read(...parameters);
      const scheme = 'scheme' in addition ? Object.freeze(addition.scheme) : undefined;
      const demands = Object.freeze('demand' in addition ? [addition.demand] : []);
      return middlewareFor(Object.freeze({ scheme, demands, identity }));
    };
  return {
    requiresAuth: factory(({ callers } = {}) => ({ scheme: { kind: 'entra', callers: namedCallers(callers) } })),
    requiresB2cAuth: factory(({ policy } = {}) => ({ scheme: { kind: 'b2c', policies: namedPolicies(policy) } })),
    requiresAnyAuth: factory(() => ({ scheme: { kind: 'any' } })),
    requiresScope: factory((...scopes) => ({ demand: anyOf('scope', scopes) })),
    requiresRole: factory((...roles) => ({ demand: anyOf('role', roles) })),
    requiresScopeOrAppPermission: factory(({ scope, appPermission }) => ({
      demand: scopeOrAppPermission(scope, appPermission),
    })),
    requiresGroup: factory((...groups) => ({ demand: anyOf('group', groups) })),
    denyGuests: factory(() => ({ demand: Object.freeze({ kind: 'member' }) })),
    requiresAuthContext: factory((id) => ({ demand: authContext(id) })),
  };
}
