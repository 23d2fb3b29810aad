// One of several processes of an API that calls another, with a store in Redis that they share.
import { redisTokenStore } from '../../dist/esm/downstream.js';
import { answer } from './child.mjs';
import { ours, postTo } from './downstream-clients.mjs';
import { connectRedis } from './redis.mjs';

let client;

answer({
  /** @param hasLeases - whether processes agree on one that asks */
  async start({ facts, port, hasLeases }) {
    const { claim, release, ...store } = redisTokenStore(await connectRedis(port));
    client = await ours(facts, postTo(facts), { store: hasLeases ? { ...store, claim, release } : store });
  },
  /** Obtains a token for each of these users, all at once. @returns how many different ones there are */
  async obtain(tokens) {
    const callers = await Promise.all(tokens.map((token) => client.enter(token)));
    return new Set(await Promise.all(callers.map((caller) => client.obtain(caller)))).size;
  },
});
