/** The helpers that give an API to call: on behalf of the caller, or as this application itself. */
import { currentRequest, type VerifiedContext } from '../core/access/current-request.js';
import type { Authenticator } from '../core/access/requirement.js';
import { describe, problemWithOptions } from '../core/call-arguments.js';
import { parseApplicationTenant } from '../core/configuration/parse-downstream.js';
import { ConfigurationError } from '../core/errors.js';
import { verifiedContextOf } from '../gate/current-caller.js';
import { boundApplicationSource, runningApplicationSource, type ApplicationCall } from './application-source.js';
import { calledApi, lookUpBeforeReady, type UnnamedApiOptions } from './called-api.js';
import { downstreamApi, sourceOf, type DownstreamApi } from './downstream-api.js';
import { isTest } from './faked-source.js';
import { boundUserSource, isBoundTo, runningUserSource } from './user-source.js';

/** The options of `asApplication`. */
export interface ApplicationOptions {
  /** The tenant: a GUID, or `'caller'` for that of the caller. Default: that of the API, or else the option `tenantId`. */
  readonly tenantId?: string | undefined;
}

/** The helpers of one configuration. */
export interface DownstreamHelpers {
  /**
   * An API, called on behalf of the user who calls this one.
   *
   * Without a request it may be a constant: at each call it is for the caller of the request that runs. With a request it is
   * for the caller of that one, for as long as the caller's token is valid.
   *
   * @param api - its name in the option `downstream.apis`, or `{ baseUrl, scopes }`
   * @param request - the host's request
   * @returns methods of it throw MissingTokenError where no token was verified, and InsufficientScopeError (reason `caller`)
   *   where an application calls
   * @throws ConfigurationError if an argument is wrong
   * @see {@link https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow On-behalf-of flow}
   * @example
   * ```ts
   * import { onBehalfOf } from 'microsoft-identity-decorators';
   *
   * const graph = onBehalfOf('graph');
   * export const photo = () => graph.fetch('/me/photo/$value');
   * ```
   */
  readonly onBehalfOf: (api: string | UnnamedApiOptions, request?: object) => DownstreamApi;
  /**
   * An API, called as this application itself, with or without a request.
   *
   * @param api - its name in the option `downstream.apis`, or `{ baseUrl, scopes }`
   * @param options.tenantId - a GUID, or `'caller'`
   * @throws ConfigurationError if an argument is wrong
   * @see {@link https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow Client credentials flow}
   * @example
   * ```ts
   * import { asApplication } from 'microsoft-identity-decorators';
   *
   * const inventory = asApplication('inventory');
   * export const stock = () => inventory.get('/stock');
   * ```
   */
  readonly asApplication: (api: string | UnnamedApiOptions, options?: ApplicationOptions) => DownstreamApi;
}

/** What fills a parameter, by the verified request and what the parameter has already. */
export type ApiFiller = (context: VerifiedContext | undefined, given?: unknown) => DownstreamApi;

/** A request of a test was verified by no gate. It stands for the caller whose claims the test gave. */
function contextOf(request: object): VerifiedContext | undefined {
  const current = currentRequest.getStore();
  return verifiedContextOf(request) ?? (current !== undefined && isTest(current) ? current : undefined);
}

function applicationCall(at: string, given: readonly unknown[], identity: Authenticator | undefined): ApplicationCall {
  const [first, options] = given;
  // Compilers call a decorator without parentheses with more, or with another first argument.
  const api = calledApi(at, given.length > 2 || first === undefined ? given : [first], 2);
  if (options === undefined) return { api, tenantId: undefined, identity };
  const problem = problemWithOptions(options, ['tenantId']);
  if (problem !== undefined) throw new ConfigurationError(`${at}: ${problem}. Write ${at}('graph', { tenantId }).`);
  const { tenantId } = options as ApplicationOptions;
  return {
    api,
    tenantId: tenantId === undefined ? undefined : parseApplicationTenant(tenantId, `${at}: tenantId`),
    identity,
  };
}

/**
 * The helpers of a configuration.
 *
 * @param identity - default: the configuration of the process
 */
export function downstreamHelpersFor(identity?: Authenticator): DownstreamHelpers {
  return {
    onBehalfOf(...given) {
      const [first, request] = given;
      const call = { api: calledApi('onBehalfOf', [first], 1), identity };
      if (request === undefined) {
        lookUpBeforeReady(call.api, identity);
        return downstreamApi(runningUserSource(call));
      }
      if (typeof (request as unknown) === 'object' && (request as unknown) !== null)
        return downstreamApi(boundUserSource(call, contextOf(request)));
      throw new ConfigurationError(
        `onBehalfOf: got ${describe(request)} as the request. Write onBehalfOf('graph') or onBehalfOf('graph', request).`,
      );
    },
    asApplication(...given) {
      const call = applicationCall('asApplication', given, identity);
      lookUpBeforeReady(call.api, identity);
      return downstreamApi(runningApplicationSource(call));
    },
  };
}

/** Fills the parameters of a method with an API on behalf of the caller, for the decorator of that name. */
export function userApiFiller(given: readonly unknown[], identity?: Authenticator): (method: string) => ApiFiller {
  const api = calledApi('@OnBehalfOf', given, 1);
  return (method) => {
    const decorator = `@OnBehalfOf() of ${method}`;
    const call = { api: { ...api, at: decorator }, identity, decorator };
    lookUpBeforeReady(call.api, identity);
    // routing-controllers and Nest fill the parameter, and then call the method, which fills it too.
    return (context, given) =>
      isBoundTo(call, context, sourceOf(given))
        ? (given as DownstreamApi)
        : downstreamApi(boundUserSource(call, context));
  };
}

/** Fills the parameters of a method with an API of this application itself, for the decorator of that name. */
export function applicationApiFiller(
  given: readonly unknown[],
  identity?: Authenticator,
): (method: string) => ApiFiller {
  const call = applicationCall('@AsApplication', given, identity);
  return (method) => {
    const decorator = `@AsApplication() of ${method}`;
    const ofMethod = { ...call, api: { ...call.api, at: decorator }, decorator };
    lookUpBeforeReady(ofMethod.api, identity);
    return (context) => downstreamApi(boundApplicationSource(ofMethod, context));
  };
}

export const { onBehalfOf, asApplication } = downstreamHelpersFor();
