/** The middlewares for Express, one for each decorator that has a requirement. */
import type { AccessTokenClaims } from '../../core/access-token-claims.js';
import {
  requirementBy,
  type Authenticator,
  type Requirement,
  type Requirements,
} from '../../core/access/requirement.js';
import { ConfigurationError } from '../../core/errors.js';
import { requirementsOfMiddlewares } from '../../gate/known-handlers.js';
import { noteRoute } from '../../gate/registered-routes.js';
import { isResponse } from '../handler-call.js';
import type { Middleware } from '../node-middleware.js';
import { proceedOrRefuse } from './chain.js';

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- Express' types are extended by this namespace alone
  namespace Express {
    interface Request {
      /** The verified claims of the caller's access token, frozen; absent if nothing was verified. */
      auth?: AccessTokenClaims;
    }
  }
}

/** What the middlewares require, each documented at {@link Requirements}. */
type Require = Requirements<Middleware>;

/**
 * The middlewares, one for each decorator.
 *
 * A middleware that names no scheme takes that of the middleware before it, or else the only one that is configured.
 */
export interface Middlewares {
  readonly requiresAuth: Require['entra'];
  readonly requiresB2cAuth: Require['b2c'];
  readonly requiresAnyAuth: Require['any'];
  readonly requiresScope: Require['scope'];
  readonly requiresRole: Require['role'];
  readonly requiresScopeOrAppPermission: Require['scopeOrAppPermission'];
  readonly requiresGroup: Require['group'];
  readonly denyGuests: Require['notGuest'];
  readonly requiresAuthContext: Require['authContext'];
  readonly requiresClaim: Require['claim'];
  readonly claimCheck: Require['check'];
}

function middlewareFor(requirement: Requirement): Middleware {
  const middleware: Middleware = (request, response, next) => {
    if (!isResponse(response)) {
      throw new ConfigurationError(
        `${String(requirement.at)} is a middleware of Express, and was called by something else. ` +
          'On a class or a method, and on Koa, use the decorator that has the same requirement.',
      );
    }
    return proceedOrRefuse(requirement, { request, response, next }, () => {
      next();
    });
  };
  requirementsOfMiddlewares.set(middleware, requirement);
  noteRoute(requirement);
  return middleware;
}

/**
 * The middlewares.
 *
 * @param identity - the configuration that tokens are checked against; default: that of the process
 */
export function middlewaresFor(identity?: Authenticator): Middlewares {
  const middleware =
    <Kind extends keyof Requirements<unknown>>(name: keyof Middlewares, kind: Kind) =>
    (...given: Parameters<Require[Kind]>): Middleware =>
      middlewareFor(Object.freeze({ ...requirementBy(kind, name, given), identity, at: `${name}()` }));
  return {
    requiresAuth: middleware('requiresAuth', 'entra'),
    requiresB2cAuth: middleware('requiresB2cAuth', 'b2c'),
    requiresAnyAuth: middleware('requiresAnyAuth', 'any'),
    requiresScope: middleware('requiresScope', 'scope'),
    requiresRole: middleware('requiresRole', 'role'),
    requiresScopeOrAppPermission: middleware('requiresScopeOrAppPermission', 'scopeOrAppPermission'),
    requiresGroup: middleware('requiresGroup', 'group'),
    denyGuests: middleware('denyGuests', 'notGuest'),
    requiresAuthContext: middleware('requiresAuthContext', 'authContext'),
    requiresClaim: middleware('requiresClaim', 'claim'),
    claimCheck: middleware('claimCheck', 'check'),
  };
}
