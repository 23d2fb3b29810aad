/**
 * What the whole process shares.
 *
 * It hangs on the global object because the ES module and the CommonJS build can be loaded side by side, and must
 * then see one configuration, one set of requirements and one current request.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { AccessTokenClaims } from '../access-token-claims.js';
import type { ChallengeAuthority } from '../issuers/authority.js';
import type { Authenticator, Requirement } from './requirement.js';

/** A request, or a test, whose claims are vouched for. */
export interface VerifiedContext extends ChallengedCaller {
  readonly claims: AccessTokenClaims;
  /** What the request was let in for; undefined in a test, where no gate stood. */
  readonly requirement: Requirement | undefined;
}

/** Gives a derived class an object that is there already to put its private fields on. */
class Given {
  constructor(object: object) {
    return object;
  }
}

/**
 * Requests that passed their gate.
 *
 * What is remembered of one is a private field of its own, which no other code can read, set or copy. A WeakMap would hide
 * it as well, and costs the garbage collector more.
 */
class Passed extends Given {
  #context: VerifiedContext;

  private constructor(request: object, context: VerifiedContext) {
    super(request);
    this.#context = context;
  }

  static get(request: unknown): VerifiedContext | undefined {
    return typeof request === 'object' && request !== null && #context in request ? request.#context : undefined;
  }

  static set(request: object, context: VerifiedContext): void {
    if (#context in request) request.#context = context;
    else new Passed(request, context);
  }
}

interface State {
  /** The configuration in force. */
  identity: Authenticator | undefined;
  /** The verified request that the running code belongs to. */
  readonly current: AsyncLocalStorage<VerifiedContext>;
  /** Requests that passed their gate. */
  readonly verified: Pick<typeof Passed, 'get' | 'set'>;
  /** What decorators recorded, by class prototype. */
  readonly records: WeakMap<object, unknown>;
  /** Warnings already given to the developer. */
  readonly warned: Set<string>;
}

const key = Symbol.for('microsoft-identity-decorators/1');
const holder = globalThis as { [key]?: State | undefined };

export const state: State = (holder[key] ??= {
  identity: undefined,
  current: new AsyncLocalStorage(),
  verified: Passed,
  records: new WeakMap(),
  warned: new Set(),
});

/** Whom a challenge is for. */
export interface ChallengedCaller {
  readonly claims: AccessTokenClaims;
  /** Undefined in a test, where no authority issued the claims. */
  readonly authority: ChallengeAuthority | undefined;
}
