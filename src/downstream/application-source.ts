/** Tokens of the application itself. */
import { currentRequest, type VerifiedContext } from '../core/access/current-request.js';
import type { Authenticator } from '../core/access/requirement.js';
import { ConfigurationError } from '../core/errors.js';
import { identityInForce } from '../gate/identity-in-force.js';
import { noCallerForApi } from '../gate/not-verified-yet.js';
import { addressedTo } from '../gate/refusal.js';
import { applicationScope, applicationTenant } from './authority.js';
import { settingsOf, type CalledApi } from './called-api.js';
import { fakedSource, isTest } from './faked-source.js';
import { scopesOf } from './requested-scopes.js';
import { runningSource, sameRequest, type TokenSource } from './token-source.js';
import { tokenSettingsOf, tokensOf } from './tokens-of.js';

/** What an application token is asked for. */
export interface ApplicationCall {
  readonly api: CalledApi;
  /** A GUID, or `caller`. Undefined: that of the API, or else the configured tenant. */
  readonly tenantId: string | undefined;
  /** Undefined: the configuration of the process. */
  readonly identity: Authenticator | undefined;
  /** The decorator of a parameter and its method: `@AsApplication() of Orders.list`. Undefined: a helper. */
  readonly decorator?: string | undefined;
}

function identityOf({ identity = identityInForce(), api }: ApplicationCall): Authenticator {
  if (identity !== undefined) return identity;
  throw new ConfigurationError(`${api.at} was used before initialize(). Call initialize() first.`);
}

/** The token of the caller, where the configuration that is asked verified it. */
function callerIn(context: VerifiedContext | undefined, identity: Authenticator) {
  return context !== undefined && !isTest(context) && context.identity === identity ? context.token : undefined;
}

/** A source of the application itself, in one request. */
export function boundApplicationSource(call: ApplicationCall, context: VerifiedContext | undefined): TokenSource {
  const { api } = call;
  if (context !== undefined && isTest(context)) {
    const configured = (call.identity ?? identityInForce())?.settings.downstream?.apis.get(api.name);
    return fakedSource(context, 'application', api.name, api.settings ?? configured);
  }
  return {
    as: 'application',
    isBound: true,
    fetch: (...sent) => identityOf(call).settings.fetch(...sent),
    settings: () => settingsOf(api, identityOf(call)),
    token(options) {
      const identity = identityOf(call);
      const { name, resource, tenantId } = settingsOf(api, identity);
      const wanted = call.tenantId ?? tenantId;
      if (wanted === 'caller' && context === undefined) {
        throw noCallerForApi('an API was called in the tenant of its caller', call.decorator);
      }
      const tenant = applicationTenant(tokenSettingsOf(identity).entra, {
        api: name,
        tenantId: wanted,
        caller: callerIn(context, identity),
      });
      return tokensOf(identity).ofApplication({
        api: name,
        tenant,
        scopes: [applicationScope(scopesOf(options.scopes)?.resource ?? resource)],
        claims: options.claims,
      });
    },
    addressed: (error) => addressedTo(context, error),
  };
}

/** A source of the application itself, in whichever request runs, or in none. */
export function runningApplicationSource(call: ApplicationCall): TokenSource {
  const current = () => boundApplicationSource(call, currentRequest.getStore());
  const isForCaller = sameRequest();
  const isForOneTenant = () => isForCaller() || (call.tenantId ?? current().settings().tenantId) !== 'caller';
  return runningSource('application', isForOneTenant, current);
}
