// What happens to the issuer and to the clock, one phase after the other, and what the API must know in each.
//
// `known` holds the generations of keys that tokens of this phase can be checked with, `missing` the status of a token
// whose key is not among them: 401 where the issuer says there is no such key, 503 where it cannot be asked.
const minute = 60_000;
const hour = 60 * minute;

const down = { down: true };
const status500 = { status: 500, body: 'oops' };
const slow = { slowMs: 300 };
const silent = { answer: () => undefined };
const noKeys = { on: 'keys', body: '{"keys":[]}' };
const captivePortal = { on: 'metadata', headers: { 'content-type': 'text/html' }, body: '<html></html>' };
const busy = { status: 429, headers: { 'retry-after': '120' }, body: '{}' };

export const phases = [
  { name: 'cold start, the issuer is down', fault: down, known: [], missing: 503 },
  { name: 'the issuer comes up', advanceMs: 2 * minute, known: [1], missing: 401 },
  { name: 'an hourly refresh is due', advanceMs: 70 * minute, known: [1], missing: 401 },
  { name: 'the keys are rotated', rotate: true, advanceMs: 6 * minute, known: [1, 2], missing: 401 },
  { name: 'an hourly refresh is due', advanceMs: 70 * minute, known: [1, 2], missing: 401 },
  { name: 'outage, connections are reset', fault: down, advanceMs: 2 * hour, known: [1, 2], missing: 503 },
  { name: 'the outage lasts 14 hours', fault: down, advanceMs: 12 * hour, known: [1, 2], missing: 503 },
  { name: 'the outage lasts 22 hours', fault: down, advanceMs: 8 * hour, known: [1, 2], missing: 503 },
  { name: 'the outage lasts over 24 hours', fault: down, advanceMs: 2.5 * hour, known: [], missing: 503 },
  // The first generation was published for the last time more than 24 hours ago.
  { name: 'the issuer recovers', advanceMs: 6 * minute, known: [2], missing: 401 },
  { name: 'the issuer is slow, a refresh is due', fault: slow, advanceMs: 70 * minute, known: [2], missing: 401 },
  {
    name: 'the keys are rotated while the issuer answers 500',
    rotate: true,
    fault: status500,
    advanceMs: 70 * minute,
    known: [2],
    missing: 503,
  },
  { name: 'the issuer recovers', advanceMs: 6 * minute, known: [2, 3], missing: 401 },
  { name: 'the key set is empty', fault: noKeys, advanceMs: 70 * minute, known: [2, 3], missing: 503 },
  // Keys are read from where they were last known to be: the metadata is not needed for them.
  { name: 'the metadata is HTML', fault: captivePortal, advanceMs: 70 * minute, known: [2, 3], missing: 401 },
  { name: 'the issuer recovers', advanceMs: 6 * minute, known: [2, 3], missing: 401 },
  { name: 'the issuer answers 429', fault: busy, advanceMs: 70 * minute, known: [2, 3], missing: 503 },
  { name: 'the issuer recovers', advanceMs: 6 * minute, known: [2, 3], missing: 401 },
  { name: 'the keys are rotated', rotate: true, advanceMs: 6 * minute, known: [2, 3, 4], missing: 401 },
  // A key that was not known is looked for once in 5 minutes: this one has to wait.
  { name: 'and again a minute later', rotate: true, advanceMs: 1 * minute, known: [2, 3, 4], missing: 401 },
  { name: '5 minutes later', advanceMs: 5 * minute, known: [2, 3, 4, 5], missing: 401 },
  { name: 'the issuer says nothing', fault: silent, advanceMs: 70 * minute, known: [2, 3, 4, 5], missing: 503 },
  { name: 'the issuer recovers', advanceMs: 6 * minute, known: [2, 3, 4, 5], missing: 401 },
];

/** How long a download that set out under a fault may take to come to its end, in real milliseconds. */
export const settleMs = ({ fault }) => (fault === silent ? 5_500 : 500);

/** The status that a request must get in a phase, at a moment of the API's clock. */
export function statusOf({ kind, generation, expiresAtMs }, { known, missing }, nowMs) {
  if (kind === 'open') return 200;
  if (kind === 'anonymous' || kind === 'garbage') return 401;
  if (kind === 'unknown kid' || !known.includes(generation)) return missing;
  if (nowMs >= expiresAtMs || kind === 'wrong audience' || kind === 'forged') return 401;
  return kind === 'wrong scope' ? 403 : 200;
}

/**
 * The statuses that a request may get while one phase turns into the next: each of its checks, of the key and of the
 * time, falls before or after the change.
 */
export function statusesBetween(request, before, after, beforeMs, afterMs) {
  const moments = [beforeMs, afterMs];
  return new Set([before, after].flatMap((phase) => moments.map((nowMs) => statusOf(request, phase, nowMs))));
}
