/** The verified request that the running code belongs to, and the requests that passed their gate. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ChallengedCaller } from '../challenge.js';
import { processWide } from '../process-wide.js';
import { bindStream } from '../stream-context.js';
import type { RequestHeaders } from '../token/credential.js';
import type { Authenticator, Caller, Requirement } from './requirement.js';
import { privateField } from './return-override.js';

/** Answers the calls of an API in a test. */
export type DownstreamFake = (request: Request) => Response | Promise<Response>;

/** The claims that a test gave. No gate ran, so they are judged against no requirement. */
export interface TestContext extends ChallengedCaller {
  readonly requirement: undefined;
  /** The APIs that the test fakes, by their names. */
  readonly fakes?: ReadonlyMap<string, DownstreamFake> | undefined;
}

/** A token that was verified, by which the caller of a request can be represented to another API. */
export interface PresentedToken {
  /** The request that carries it. What runs in a request can outlive it, and must not keep its token in memory. */
  readonly request: WeakRef<RequestHeaders & object>;
  /** The header that carries it; undefined: Authorization. */
  readonly tokenHeader?: string | undefined;
  /** The digest of the token that was verified. */
  readonly digest: string;
}

/** A request that its gate let in. */
export interface AdmittedRequest extends ChallengedCaller, Caller {
  /** What the request was let in for. */
  readonly requirement: Requirement;
  /** The configuration that verified the token. */
  readonly identity: Authenticator;
  /** Where the token is. Undefined: the configuration calls no other API. */
  readonly presented: PresentedToken | undefined;
  /** The groups of the caller, where they were looked up for this request. */
  groups: readonly string[] | undefined;
  /** The further requirements that are known to be satisfied. */
  satisfied: Set<Requirement> | undefined;
  /** Whether a handler or an action of the request runs in this context. */
  isHandling: boolean;
  /** Of a copy that stands for one call of a handler: what is known of the request is kept here. */
  readonly original?: AdmittedRequest | undefined;
}

/** The context of a request, also where one call of a handler runs in a copy of it. */
export function originalContext(context: AdmittedRequest): AdmittedRequest {
  return context.original ?? context;
}

/** The claims of a request that were verified, or that a test gave. */
export type VerifiedContext = TestContext | AdmittedRequest;

/** The verified request that the running code belongs to. */
export const currentRequest = processWide('current-request', () => new AsyncLocalStorage<VerifiedContext>());

/** Has a stream that is the body of an answer made in the context of its request. Any other body is left as it is. */
export function bindBody(body: unknown, context: VerifiedContext): void {
  bindStream(body, (run) => currentRequest.run(context, run));
}

/** The requests that passed their gate, each with what was verified. */
export const verifiedRequests = processWide('verified-requests', () => privateField<VerifiedContext>());
