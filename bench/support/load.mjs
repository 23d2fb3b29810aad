// The load generator's own process: autocannon, with another token for every request, made ready before the clock runs.
import autocannon from 'autocannon';
import { readTokens } from './authority.mjs';
import { answer } from './child.mjs';
import { percentile } from './statistics.mjs';

function requestsOf(tokens, share, shares) {
  return tokens
    .filter((_, index) => index % shares === share)
    .map((token) => ({ headers: { authorization: `Bearer ${token}` } }));
}

const read = new Map();

function tokensOf(file) {
  if (!read.has(file)) read.set(file, readTokens(file));
  return read.get(file);
}

async function run({ url, file, from = 0, to = Infinity, connections, seconds, amount }) {
  const tokens = tokensOf(file).slice(from, to);
  const durations = [];
  let client = 0;
  let endedAt = 0;
  const setupClient = (connection) => {
    connection.setRequests(requestsOf(tokens, client++ % connections, connections));
    connection.on('response', (_status, _bytes, duration) => durations.push(duration));
    connection.on('done', () => (endedAt = performance.now()));
  };
  // Autocannon makes its clients at once when called; the clock starts when their requests are ready.
  const limit = seconds === undefined ? { amount: amount ?? tokens.length } : { duration: seconds };
  const running = autocannon({ url, connections, setupClient, sampleInt: 100, ...limit });
  const startedAt = performance.now();
  const result = await running;
  if (seconds !== undefined) endedAt = performance.now();
  if (result.errors + result.non2xx > 0) throw new Error(`${result.errors} errors, ${result.non2xx} refusals`);
  return {
    requests: durations.length,
    seconds: (endedAt - startedAt) / 1000,
    p50: percentile(durations, 0.5),
    p99: percentile(durations, 0.99),
  };
}

answer({ run });
