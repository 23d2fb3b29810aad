/** The verified request that the running code belongs to, and the requests that passed their gate. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ChallengedCaller } from '../challenge.js';
import { processWide } from '../process-wide.js';
import type { Requirement } from './requirement.js';
import { privateField } from './return-override.js';

/** The claims of a request that were verified, or that a test gave. */
export interface VerifiedContext extends ChallengedCaller {
  /** What the request was let in for; undefined in a test, where no gate ran. */
  readonly requirement: Requirement | undefined;
}

/** The verified request that the running code belongs to. */
export const currentRequest = processWide('current-request', () => new AsyncLocalStorage<VerifiedContext>());

/** The requests that passed their gate, each with what was verified. */
export const verifiedRequests = processWide('verified-requests', () => privateField<VerifiedContext>());
