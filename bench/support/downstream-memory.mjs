// A process whose memory is measured while it obtains tokens for users, each read from a file and not kept.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { answer } from './child.mjs';
import { ours } from './downstream-clients.mjs';
import { usedBytes } from './memory-use.mjs';
import { tokenAnswer } from './token-answers.mjs';

answer({
  /** @returns samples of memory, one after as many users as tokens are kept */
  async fill({ facts, file, maxEntries }) {
    const bounded = { ...facts, options: { ...facts.options, tokenCache: { maxEntries } } };
    const client = await ours(bounded, async () => tokenAnswer(facts.options), { maxEntries });
    const samples = [];
    let seen = 0;
    for await (const token of createInterface({ input: createReadStream(file) })) {
      await client.obtain(await client.enter(token));
      if (++seen % maxEntries === 0) {
        samples.push({ seen, heapBytes: usedBytes(), rssBytes: process.memoryUsage.rss() });
      }
    }
    return samples;
  },
});
