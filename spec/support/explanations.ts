/** The explanations of refusals, as an application receives them. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach } from 'vitest';
import type { Explanation } from '../../src/fetch.js';

const channel = 'microsoft-identity-decorators:explanation';

/** The explanations that are published during a test. The list is empty at the start of each. */
export function collectExplanations(): Explanation[] {
  const explanations: Explanation[] = [];
  const listener = (message: unknown) => void explanations.push(message as Explanation);
  beforeEach(() => {
    explanations.length = 0;
    subscribe(channel, listener);
  });
  afterEach(() => {
    unsubscribe(channel, listener);
  });
  return explanations;
}
