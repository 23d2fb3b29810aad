// Variants side by side: what slows the machine down for a while slows everybody down.
import { shuffle } from './statistics.mjs';

/**
 * Has one process of each variant alive at a time, all of which take turns, in shuffled order.
 *
 * @param start - starts a variant's process, proven and warmed up
 * @param measure - measures it once
 * @returns the measurements of each variant, by name, those of one round at the same place
 */
export async function takeTurns(variants, { processes, rounds, start, measure }) {
  const results = new Map(variants.map(({ name }) => [name, []]));
  for (let process = 0; process < processes; process++) {
    const running = [];
    for (const variant of shuffle(variants)) running.push({ name: variant.name, host: await start(variant) });
    for (let round = 0; round < rounds; round++) {
      for (const { name, host } of shuffle(running)) results.get(name).push(await measure(host, round));
    }
    for (const { host } of running) await host.stop();
  }
  return results;
}
