/** The checkers of routing-controllers' own `@Authorized()` and `@CurrentUser()`, for apps that already use these. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessTokenClaims } from '../../core/access-token-claims.js';
import type { MicrosoftIdentity, Requirement, SchemeDemand } from '../../core/access/requirement.js';
import { checkArguments } from '../../core/call-arguments.js';
import { ConfigurationError } from '../../core/errors.js';
import { verifiedClaimsOf } from '../../gate/current-caller.js';
import { authenticatorOf } from '../../gate/identity-in-force.js';
import { refuse, type Next } from '../node-middleware.js';
import { authorize, isAdmitted, withRoles } from './authorized.js';
import { registerChecker, watchDrivers } from './checker-in-use.js';
import { hookIntoStorage } from './gates-first.js';
import { refuseOnNode, type KoaContext } from './koa.js';
import { markRefused, noteRunningCheck } from './run-action.js';

/** What is used of the `Action` of routing-controllers. */
export interface CheckedAction {
  readonly request: unknown;
  readonly response: unknown;
  /** Koa's context; undefined on Express. */
  readonly context?: unknown;
  readonly next?: unknown;
}

/** How `authorizationChecker` verifies. */
export interface CheckerOptions {
  /** The authority that tokens must come from. Default: the one that is configured. */
  readonly scheme?: SchemeDemand['kind'] | undefined;
  /** What `initialize` or `createMicrosoftIdentity` returned. Default: the configuration in force. */
  readonly identity?: MicrosoftIdentity | undefined;
}

const schemes: readonly unknown[] = ['entra', 'b2c', 'any', undefined] satisfies CheckerOptions['scheme'][];

/** What routing-controllers uses of Express's response to answer an error. */
interface ExpressResponse extends ServerResponse {
  status: unknown;
  header: unknown;
  json: unknown;
  send: unknown;
}

/** Makes a response ignore what routing-controllers sends. */
function mute(response: ExpressResponse): ExpressResponse {
  const ignore = () => response;
  return Object.assign(response, { status: ignore, header: ignore, json: ignore, send: ignore });
}

/**
 * Answers a refusal on Express, or forwards it.
 *
 * Where a check is false, routing-controllers answers with an error of its own, without a challenge, and passes it to
 * Express, which closes the connection of a request that is answered already. It does both with the `response` and the
 * `next` of the action.
 */
function refuseOnExpress(error: unknown, action: CheckedAction, requirement: Requirement): void {
  const response = action.response as ExpressResponse;
  const { next } = action;
  Object.assign(action, { response: mute(Object.create(response) as ExpressResponse), next: () => undefined });
  refuse(error, action.request as IncomingMessage, response, next as Next, requirement);
  // A checker of the application may have been given another action, and may have handed on a copy.
  if (response.headersSent) mute(response);
}

function responseOf({ context, response }: CheckedAction): ServerResponse {
  return (context as KoaContext | undefined)?.res ?? (response as ServerResponse);
}

async function check(requirement: Requirement, action: CheckedAction, roles: readonly unknown[]): Promise<boolean> {
  const context = action.context as KoaContext | undefined;
  const request = context?.req ?? (action.request as IncomingMessage);
  try {
    if (!Array.isArray(roles)) throw new ConfigurationError('authorizationChecker() takes a list of roles.');
    if (isAdmitted(request, requirement, roles)) return true;
    await authorize(request, withRoles(requirement, [roles]), action.request);
    return true;
  } catch (error) {
    markRefused(responseOf(action));
    if (context === undefined) refuseOnExpress(error, action, requirement);
    else refuseOnNode(error, context, requirement);
    return false;
  }
}

/**
 * An `authorizationChecker` for routing-controllers: its own `@Authorized()` then accepts only verified tokens, and
 * `@Authorized(['Admin', 'Editor'])` only those with any of the roles. If the route also has a decorator of this library,
 * both must hold.
 *
 * Given to routing-controllers as it is, it puts a gate before each action with `@Authorized()`, as the decorators do:
 * inherited actions are protected, and a request is refused before its body is read.
 *
 * A checker of your own can call it. The promise is true where the request may pass. It is false where the request is
 * refused and answered. The action waits for it, and does not run where it is false.
 *
 * @throws ConfigurationError where an option is wrong
 * @example
 * ```ts
 * import { authorizationChecker, currentUserChecker } from 'microsoft-identity-decorators';
 * import { createExpressServer } from 'routing-controllers';
 *
 * createExpressServer({ authorizationChecker: authorizationChecker(), currentUserChecker: currentUserChecker() });
 * ```
 */
export function authorizationChecker(
  ...given: [options?: CheckerOptions]
): (action: CheckedAction, roles: readonly unknown[]) => Promise<boolean> {
  checkArguments('authorizationChecker', given, {
    examples: ['', "{ scheme: 'entra' }", '{ identity: partners }'],
    most: 1,
    options: ['scheme', 'identity'],
  });
  const [options = {}] = given;
  const { scheme } = options;
  const identity = options.identity === undefined ? undefined : authenticatorOf(options.identity);
  if (!schemes.includes(scheme)) {
    throw new ConfigurationError("authorizationChecker: scheme takes 'entra', 'b2c' or 'any'.");
  }
  const requirement = { at: 'authorizationChecker()', scheme: scheme && { kind: scheme }, identity, demands: [] };
  hookIntoStorage();
  watchDrivers();
  return registerChecker((action: CheckedAction, roles: readonly unknown[]) => {
    // It may have another response once it is refused.
    const response = responseOf(action);
    const checked = check(requirement, action, roles);
    noteRunningCheck(response, checked);
    return checked;
  }, requirement);
}

/**
 * A `currentUserChecker` for routing-controllers: `@CurrentUser()` gets the verified claims of the request, frozen.
 *
 * It does not verify the token. Without `@Authorized()` or a decorator of this library on the action, it is `undefined`.
 */
export function currentUserChecker(...given: []): (action: CheckedAction) => AccessTokenClaims | undefined {
  checkArguments('currentUserChecker', given, { examples: [''], most: 0 });
  return ({ request }) => verifiedClaimsOf(request as object);
}
