/** What the routes that tsoa generates ask, for applications that bear its `@Security()`. Imports nothing of tsoa. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessTokenClaims } from '../core/access-token-claims.js';
import { verifiedRequests } from '../core/access/current-request.js';
import { requires, type Requirement } from '../core/access/requirement.js';
import { ConfigurationError } from '../core/errors.js';
import { enter } from '../gate/gate.js';
import { addressedRefusal, isRefusal, refusalOf } from '../gate/refusal.js';
import { answer } from './node-answer.js';
import type { Next } from './node-middleware.js';

const policyPrefix = 'b2c-';

/** What `@Security()` requires by its name. */
function requirementNamed(name: string): Requirement {
  if (name === 'entra' || name === 'b2c' || name === 'any') return requires[name]();
  if (name.startsWith(policyPrefix)) return requires.b2c({ policy: name.slice(policyPrefix.length) });
  throw new ConfigurationError("@Security() takes 'entra', 'b2c', 'b2c-<policy>' or 'any'.");
}

/**
 * The `expressAuthentication` of a tsoa application: verifies the token of a request for `@Security('entra', […])`,
 * `@Security('b2c', […])`, `@Security('b2c-<policy>', […])` or `@Security('any', […])`. Export it from the file that
 * `authenticationModule` of `tsoa.json` names.
 *
 * @param request - of Express
 * @param securityName - the authority the token must come from
 * @param scopes - short names, ALL of which are demanded; an app-only token is asked for roles of these names
 * @returns the verified claims, frozen; tsoa makes them `request.user`
 * @throws AuthError for {@link authErrorHandler}, or the application's own error handler, to answer
 * @throws ConfigurationError where the name or a scope is none that can be
 * @example
 * ```ts
 * export { expressAuthentication } from 'microsoft-identity-decorators/express';
 * ```
 */
export async function expressAuthentication(
  request: IncomingMessage,
  securityName: string,
  scopes: readonly string[] = [],
): Promise<AccessTokenClaims> {
  try {
    const { scheme } = requirementNamed(securityName);
    const demands = scopes.flatMap((scope) => requires.scope(scope).demands);
    const { claims } = await enter(request, { scheme, demands, at: `@Security('${securityName}')` });
    return claims;
  } catch (error) {
    // tsoa makes a 401 of anything else.
    throw addressedRefusal(error, undefined, request);
  }
}

/**
 * An error handler for Express that answers the errors of this library as the gates of its decorators do: with status,
 * challenge and JSON body. Any other error goes on to the next handler. Register it after the routes.
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { authErrorHandler } from 'microsoft-identity-decorators/express';
 *
 * const app = express();
 * app.use(authErrorHandler);
 * ```
 */
export function authErrorHandler(error: unknown, request: IncomingMessage, response: ServerResponse, next: Next): void {
  if (!isRefusal(error)) {
    next(error);
    return;
  }
  const requirement: Requirement | undefined = verifiedRequests.get(request)?.requirement;
  const { refusal } = refusalOf(error, requirement, request);
  // An answer that is under way cannot be taken back: Express ends it.
  if (response.headersSent) next(refusal);
  else answer(request.method, response, refusal);
}
