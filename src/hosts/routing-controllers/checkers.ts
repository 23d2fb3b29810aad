/** What routing-controllers' own `@Authorized()` and `@CurrentUser()` ask, for applications that already bear them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessTokenClaims } from '../../core/access-token-claims.js';
import { currentRequest, verifiedRequests, type VerifiedContext } from '../../core/access/current-request.js';
import { anyOf, type MicrosoftIdentity, type Requirement, type SchemeDemand } from '../../core/access/requirement.js';
import { onlyScheme } from '../../core/access/scheme.js';
import { ConfigurationError } from '../../core/errors.js';
import { verifiedClaimsOf } from '../../gate/caller.js';
import { enter } from '../../gate/gate.js';
import { authenticatorOf, identityInForce } from '../../gate/identity-in-force.js';
import { isRefusal, refusalOf } from '../../gate/refusal.js';
import { answer } from '../node-answer.js';
import { refuse, type Next } from '../node-middleware.js';
import { passOnKoa, refuseOnKoa, type KoaContext } from './koa.js';

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

/** Two schemes are configured, and a guess would let in the callers of the other. */
function refuseToGuess({ scheme, identity = identityInForce() }: Requirement): void {
  if (scheme === undefined && identity !== undefined && onlyScheme(identity.settings) === undefined) {
    throw new ConfigurationError(
      'authorizationChecker() was not given the option scheme, and both Entra ID and B2C are configured. ' +
        "Give it 'entra', 'b2c' or 'any'.",
    );
  }
}

/**
 * Verifies a request, unless its gate did: then what the gate demands and what the checker demands must both hold, and
 * the gate's context stays, without which its action would not run.
 */
async function verify(
  request: IncomingMessage,
  source: Requirement,
  roles: readonly unknown[],
): Promise<VerifiedContext> {
  const demands = roles.length === 0 ? [] : [anyOf('role', roles)];
  const passed = verifiedRequests.get(request);
  if (passed === undefined) {
    refuseToGuess(source);
    return enter(request, { ...source, demands });
  }
  const { scheme = passed.requirement?.scheme, identity = passed.requirement?.identity } = source;
  await (identity ?? identityInForce())?.authenticate(request, { scheme, identity, demands });
  return passed;
}

type Handler<Value, Result> = ((value: Value) => Result | PromiseLike<Result>) | null | undefined;

/**
 * A promise of `true` that hands the request on inside its own context, and answers a refused one by itself:
 * routing-controllers would drop the challenge, end the connection, and make a 500 of it on Koa.
 */
abstract class Decision implements Promise<boolean> {
  readonly [Symbol.toStringTag] = 'Decision';

  abstract then<Allowed = boolean, Refused = never>(
    onAllowed?: Handler<boolean, Allowed>,
    onRefused?: Handler<unknown, Refused>,
  ): Promise<Allowed | Refused>;

  catch<Refused = never>(onRefused?: Handler<unknown, Refused>): Promise<boolean | Refused> {
    return Promise.resolve(this).catch(onRefused);
  }

  finally(onSettled?: (() => void) | null): Promise<boolean> {
    return Promise.resolve(this).finally(onSettled);
  }
}

class ExpressDecision extends Decision {
  readonly #verified: Promise<VerifiedContext>;

  constructor({ request, response, next }: CheckedAction, source: Requirement, roles: readonly unknown[]) {
    super();
    const incoming = request as IncomingMessage;
    this.#verified = verify(incoming, source, roles).catch((error: unknown) => {
      refuse(error, incoming, response as ServerResponse, next as Next, source);
      // The request is answered: nothing may come of it any more, and Express waits for nobody's promise.
      return new Promise<never>(() => undefined);
    });
  }

  then<Allowed = boolean, Refused = never>(
    onAllowed?: Handler<boolean, Allowed>,
    onRefused?: Handler<unknown, Refused>,
  ): Promise<Allowed | Refused> {
    return this.#verified.then(
      (context) => currentRequest.run(context, () => Promise.resolve(true).then(onAllowed)),
      onRefused,
    );
  }
}

class KoaDecision extends Decision {
  readonly #verified: Promise<VerifiedContext>;
  readonly #context: KoaContext;
  readonly #source: Requirement;

  constructor(context: KoaContext, source: Requirement, roles: readonly unknown[]) {
    super();
    this.#context = context;
    this.#source = source;
    this.#verified = verify(context.req, source, roles);
    // Its refusal is answered once it is known who asks.
    this.#verified.catch(() => undefined);
  }

  then<Allowed = boolean, Refused = never>(
    onAllowed?: Handler<boolean, Allowed>,
    onRefused?: Handler<unknown, Refused>,
  ): Promise<Allowed | Refused> {
    // `await` takes both ways out, and means a checker of the application's own that goes on with what it is given.
    if (typeof onRefused === 'function') return this.#tell().then(onAllowed, onRefused);
    const handed = this.#handOn(() => onAllowed?.(true)) as Promise<unknown> as Promise<Allowed>;
    // A refusal that comes out is forwarded, to Koa and what stands around: routing-controllers would swallow it.
    return Object.assign(handed, {
      catch: <Caught>(onError: Handler<unknown, Caught>) =>
        handed.then(undefined, (error: unknown) => {
          if (isRefusal(error) || typeof onError !== 'function') throw error;
          return onError(error);
        }),
    });
  }

  /** Hands the request on, or answers on Koa's context, to which the middleware around may still add. */
  async #handOn(next: () => unknown): Promise<void> {
    let verified: VerifiedContext;
    try {
      verified = await this.#verified;
    } catch (error) {
      refuseOnKoa(error, this.#context, this.#source);
      return;
    }
    await passOnKoa(verified, this.#context, this.#source, next);
  }

  /** Answers on Node's own response: what is written to Koa's context after that is not sent. */
  async #tell(): Promise<boolean> {
    try {
      await this.#verified;
      return true;
    } catch (error) {
      const { req, res, headerSent } = this.#context;
      const { refusal, forward } = refusalOf(error, this.#source, req);
      if (forward || headerSent) throw refusal;
      answer(req.method, res, refusal);
      return false;
    }
  }
}

/** See `authorizationChecker` of routing-controllers.ts, which is the one to hand out. */
export function authorizationChecker(
  options: CheckerOptions = {},
): (action: CheckedAction, roles: readonly unknown[]) => Promise<boolean> {
  const { scheme } = options;
  const identity = options.identity && authenticatorOf(options.identity);
  if (!schemes.includes(scheme)) throw new ConfigurationError("scheme takes 'entra', 'b2c' or 'any'.");
  const source: Requirement = {
    scheme: scheme && { kind: scheme },
    identity,
    demands: [],
    at: 'authorizationChecker()',
  };
  return (action, roles) =>
    action.context === undefined
      ? new ExpressDecision(action, source, roles)
      : new KoaDecision(action.context as KoaContext, source, roles);
}

/**
 * A `currentUserChecker` for routing-controllers: `@CurrentUser()` is given the verified claims of the request, frozen.
 * It verifies nothing by itself: where neither `@Authorized()` nor a decorator of this library stands, it gives
 * `undefined`.
 */
export function currentUserChecker(): (action: CheckedAction) => AccessTokenClaims | undefined {
  return ({ request }) => verifiedClaimsOf(request as object);
}
