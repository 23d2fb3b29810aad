// What every server serves before it is timed, and the modes in which it is timed then.
import { takeTurns } from './turns.mjs';

/**
 * Requests ahead of everything that is timed: as many for every variant and in every mode. First-seen tokens make V8 enlarge
 * the memory for new objects, and a request that gets a page of it for the first time waits for the kernel. So thousands of
 * requests follow the last of them.
 */
const requestsAhead = 60_000;

/** Repeated and unseen tokens take turns ahead, so that V8 has seen both when it optimises. */
const turnsAhead = 4;

/** `unseen` of the requests ahead carry a token that the server has not seen. All others carry the repeated ones. */
const heats = [
  // More than a cache of 10,000 tokens holds, which is our default.
  { unseen: 12_000, modes: ['repeated', 'first seen, cache full'] },
  // Enough for the code of a first-seen token to be optimised.
  { unseen: 2_000, modes: ['first seen, cache empty'] },
];

const [fullHeat] = heats;

export const modes = heats.flatMap((heat) => heat.modes);

/** How the heat is described at the start of a run. */
export const heatSummary = heats
  .map(({ unseen, modes }) => `${requestsAhead - unseen} repeated and ${unseen} unseen for ${modes.join(' and ')}`)
  .join('; ');

/**
 * How many tokens a run needs. The repeated ones come first, then those that are unseen ahead, then those that are
 * first seen while the clock runs.
 *
 * @param timed - how many of the last
 */
export function tokensNeeded(repeated, timed) {
  return firstTimed(repeated) + timed;
}

/** The place of the first token that no server has seen when the clock starts. */
export function firstTimed(repeated) {
  return repeated + fullHeat.unseen;
}

/**
 * Serves the requests ahead.
 *
 * @param serve - sends `amount` requests with the tokens at the places `from` to `to`, in turn
 */
export async function heatUp(serve, repeated, { unseen } = fullHeat) {
  for (let turn = 0; turn < turnsAhead; turn++) {
    const share = unseen / turnsAhead;
    const from = repeated + turn * share;
    await serve({ from, to: from + share, amount: share });
    await serve({ from: 0, to: repeated, amount: requestsAhead / turnsAhead - share });
  }
}

/**
 * Times variants that have served the same requests, in one or more modes.
 *
 * @param serve - takes a server and what `heatUp` gives it, and measures
 * @returns the measurements by mode, and by the name of the variant
 */
export async function timeHeated(variants, wanted, { processes, rounds, burst, repeated, start, serve }) {
  const tokensOf = (mode, round) => {
    if (mode === 'repeated') return { from: 0, to: repeated, amount: burst };
    const from = firstTimed(repeated) + round * burst;
    return { from, to: from + burst, amount: burst };
  };
  const results = new Map();
  for (const heat of heats) {
    const timed = heat.modes.filter((mode) => wanted.includes(mode));
    if (timed.length === 0) continue;
    const measured = await takeTurns(variants, {
      processes,
      rounds: timed.length * rounds,
      start: async (variant) => {
        const server = await start(variant);
        await heatUp((tokens) => serve(server, tokens), repeated, heat);
        return server;
      },
      measure: async (server, round) => {
        const mode = timed[Math.floor(round / rounds)];
        return { mode, ...(await serve(server, tokensOf(mode, round % rounds))) };
      },
    });
    for (const mode of timed) {
      const ofMode = ([name, all]) => [name, all.filter((one) => one.mode === mode)];
      results.set(mode, new Map([...measured].map(ofMode)));
    }
  }
  return results;
}
