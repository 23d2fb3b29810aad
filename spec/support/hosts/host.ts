import type { Api } from '../api.js';

/** One host framework with the same routes as all others; see each file beside this one. */
export interface HostUnderTest {
  readonly name: string;
  readonly start: () => Promise<Api>;
}
