// A process whose memory is watched while it verifies tokens, each read from a file and let go of.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
// Private: no server is wanted beside the cache.
import { createIdentity } from '../../dist/esm/core/identity.js';
import { answer } from './child.mjs';

const requirement = { scheme: { kind: 'entra' }, demands: [] };

function usedBytes() {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

let identity;

answer({
  /** Fills the cache of a new configuration. @returns what memory grew by, and samples of it on the way */
  async fill({ options, file, count, every = Infinity }) {
    identity = createIdentity(options);
    await identity.ready();
    const before = usedBytes();
    const samples = [];
    let seen = 0;
    for await (const token of createInterface({ input: createReadStream(file) })) {
      await identity.authenticate({ headers: { authorization: `Bearer ${token}` } }, requirement);
      seen++;
      if (seen % every === 0) samples.push({ seen, heapBytes: usedBytes(), rssBytes: process.memoryUsage.rss() });
      if (seen === count) break;
    }
    return { grownBytes: usedBytes() - before, samples };
  },
});
