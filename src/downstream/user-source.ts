/** Tokens on behalf of the caller of a request. */
import { currentRequest, type AdmittedRequest, type VerifiedContext } from '../core/access/current-request.js';
import { presentedCredential, presentedToken } from '../core/access/presented-token.js';
import type { Authenticator } from '../core/access/requirement.js';
import type { DownstreamApiSettings } from '../core/configuration/settings.js';
import { InsufficientScopeError, MissingTokenError } from '../core/errors.js';
import { identityInForce } from '../gate/identity-in-force.js';
import { noCallerForApi } from '../gate/not-verified-yet.js';
import { addressedTo } from '../gate/refusal.js';
import { userTenant } from './authority.js';
import { settingsOf, type CalledApi } from './called-api.js';
import { fakedSource, isTest } from './faked-source.js';
import { scopesOf } from './requested-scopes.js';
import type { DownstreamToken } from './token-life.js';
import { runningSource, sameRequest, type TokenOptions, type TokenSource } from './token-source.js';
import { tokensOf } from './tokens-of.js';

/** Where on-behalf-of is used: for which API, and with which configuration. */
export interface UserCall {
  readonly api: CalledApi;
  /** Undefined: the configuration of the process. */
  readonly identity: Authenticator | undefined;
  /** The decorator of a parameter and its method: `@OnBehalfOf() of Orders.list`. Undefined: a helper. */
  readonly decorator?: string | undefined;
}

/** Whether the configuration that verified a request is the one that is asked for its caller. */
function isVerifiedBy(identity: Authenticator | undefined, context: AdmittedRequest): boolean {
  return identity === undefined ? context.requirement.identity === undefined : context.identity === identity;
}

/** The source where there is no caller, or one whom another configuration verified. */
function sourceWithoutCaller({ identity, decorator }: UserCall, context: VerifiedContext | undefined): TokenSource {
  const requirement = identity && { scheme: undefined, demands: [], identity };
  const fail = (): never => {
    if (context === undefined) throw noCallerForApi('an API was called on behalf of its caller', decorator);
    throw new MissingTokenError();
  };
  return {
    as: 'user',
    isBound: true,
    fetch: fail,
    settings: fail,
    token: fail,
    addressed: (error) => addressedTo(context, error, requirement ?? context?.requirement),
  };
}

function refuseApplication(): never {
  throw new InsufficientScopeError('caller');
}

/** For the caller of a request. A class, so that a request makes one object and not a function for each member. */
class CallerSource implements TokenSource {
  readonly as = 'user';
  readonly isBound = true;
  readonly #call: UserCall;
  readonly #context: AdmittedRequest;
  readonly #credential: string | undefined;

  /** @param credential - what the request carries; default: what it carries when the token is needed */
  constructor(call: UserCall, context: AdmittedRequest, credential?: string) {
    this.#call = call;
    this.#context = context;
    this.#credential = credential;
  }

  isFor(call: UserCall, context: VerifiedContext | undefined): boolean {
    return this.#call === call && this.#context === context;
  }

  get fetch(): TokenSource['fetch'] {
    return this.#context.identity.settings.fetch;
  }

  settings(): DownstreamApiSettings {
    return settingsOf(this.#call.api, this.#context.identity);
  }

  token(options: TokenOptions): DownstreamToken | Promise<DownstreamToken> {
    const { identity, token, claims, presented } = this.#context;
    const { name, scopes } = this.settings();
    const { entra, clockToleranceSeconds } = identity.settings;
    const tenant = userTenant(entra, token);
    // Entra has no on-behalf-of flow for an application: it would refuse the token, and count it as a failure.
    if (token.callerKind === 'app') refuseApplication();
    if (presented === undefined) throw new MissingTokenError();
    return tokensOf(identity).ofUser({
      api: name,
      tenant,
      scopes: scopesOf(options.scopes)?.scopes ?? scopes,
      assertionOf: () => {
        const assertion = presentedToken(presented, this.#credential);
        if (assertion === undefined) throw new MissingTokenError();
        return assertion;
      },
      digest: presented.digest,
      assertionExpiresAtMs: (claims.exp + clockToleranceSeconds) * 1000,
      claims: options.claims,
    });
  }

  addressed(error: unknown): unknown {
    return addressedTo(this.#context, error);
  }
}

function sourceFor(call: UserCall, context: VerifiedContext | undefined, isBound: boolean): TokenSource {
  if (context === undefined) return sourceWithoutCaller(call, context);
  if (isTest(context)) {
    const { api, identity = identityInForce() } = call;
    const configured = api.settings ?? identity?.settings.downstream?.apis.get(api.name);
    const source = fakedSource(context, 'user', api.name, configured);
    // The claims of a test may be incomplete: a caller without `scp` is not an application for that reason alone.
    return context.claims.idtyp === 'app' ? { ...source, token: refuseApplication } : source;
  }
  if (!isVerifiedBy(call.identity, context)) return sourceWithoutCaller(call, context);
  // Now: what is bound to a caller may be used after the request.
  const credential = isBound && context.presented ? presentedCredential(context.presented) : undefined;
  return new CallerSource(call, context, credential);
}

/** A source for the caller of one request, for as long as the token of that caller is valid. */
export function boundUserSource(call: UserCall, context: VerifiedContext | undefined): TokenSource {
  return sourceFor(call, context, true);
}

/** Whether a source is what {@link boundUserSource} gives for a call and the caller of a request. */
export function isBoundTo(
  call: UserCall,
  context: VerifiedContext | undefined,
  source: TokenSource | undefined,
): boolean {
  return source instanceof CallerSource && source.isFor(call, context);
}

/** A source for the caller of whichever request runs: it is looked up at each use. */
export function runningUserSource(call: UserCall): TokenSource {
  return runningSource('user', sameRequest(), () => sourceFor(call, currentRequest.getStore(), false));
}
