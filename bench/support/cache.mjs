// A process whose memory is measured while its gate checks tokens, each read from a file and not kept.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createMicrosoftIdentity } from '../../dist/esm/express.js';
import { answer } from './child.mjs';
import { gateOf } from './gate.mjs';
import { usedBytes } from './memory-use.mjs';

let identity;

answer({
  /** Fills the cache of a new configuration. @returns what memory grew by, and samples of it on the way */
  async fill({ options, file, count, every = Infinity }) {
    // Kept, so that a collection leaves the cache alone.
    identity = createMicrosoftIdentity(options);
    await identity.ready();
    const verify = gateOf(identity.requiresAuth());
    const before = usedBytes();
    const samples = [];
    let seen = 0;
    for await (const token of createInterface({ input: createReadStream(file) })) {
      await verify(token);
      seen++;
      if (seen % every === 0) samples.push({ seen, heapBytes: usedBytes(), rssBytes: process.memoryUsage.rss() });
      if (seen === count) break;
    }
    return { grownBytes: usedBytes() - before, samples };
  },
});
