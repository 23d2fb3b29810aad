// What happens to Redis, the authority and the clock, one phase after the other.
//
// `redis` happens in the midst of the traffic; `disturbs` says that tokens are lost by it, or not found in time. `failure` is how a token request is answered that this phase makes fail:
// callers whose token is kept do not notice. `tries` is how many requests one acquisition may take.
import { tokenError } from '../../dist/esm/testing.js';

const minute = 60_000;
const unavailable = { status: 503, code: 'token_unavailable' };
const onToken = (fault) => ({ on: 'token', ...fault });
export const authenticationContext = { access_token: { acrs: { essential: true, value: 'c1' } } };

export const phases = [
  { name: 'cold' },
  { name: 'Redis is stopped', redis: 'stop', disturbs: true },
  { name: 'Redis is back, and empty', redis: 'start', disturbs: true },
  { name: 'Redis takes 100 ms', redis: { slowMs: 50 } },
  { name: 'Redis takes 400 ms', redis: { slowMs: 200 }, disturbs: true },
  { name: 'Redis is quick again', redis: { slowMs: 0 }, disturbs: true },
  { name: 'the keys are rotated', advanceMs: 6 * minute, rotate: true },
  {
    name: 'the authority answers 429',
    fault: onToken({ status: 429, headers: { 'retry-after': '30' }, body: '{}' }),
    failure: unavailable,
    tries: 1,
    isThrottled: true,
  },
  { name: 'the authority recovers', advanceMs: minute },
  { name: 'the authority answers 500', fault: onToken({ status: 500, body: 'oops' }), failure: unavailable, tries: 1 },
  { name: 'the authority answers 503', fault: onToken({ status: 503, body: '{}' }), failure: unavailable, tries: 2 },
  { name: 'the authority resets connections', fault: onToken({ down: true }), failure: unavailable, tries: 2 },
  { name: 'the authority takes 1.5 s', fault: onToken({ slowMs: 1_500 }) },
  {
    name: 'the authority asks for claims',
    refuse: tokenError('interaction_required', { claims: authenticationContext, codes: [50076] }),
    failure: { status: 401, code: 'insufficient_claims' },
    tries: 1,
    isKept: true,
  },
  { name: 'the authority recovers', advanceMs: minute },
  { name: 'all tokens expire', advanceMs: 65 * minute, ends: true },
  { name: 'all tokens are renewed', advanceMs: 56 * minute, renews: true },
  {
    name: 'all tokens expire, and Redis is restarted',
    advanceMs: 65 * minute,
    ends: true,
    redis: 'restart',
    disturbs: true,
  },
  {
    name: 'all tokens are to be renewed, the authority answers 500',
    advanceMs: 56 * minute,
    renews: true,
    fault: onToken({ status: 500, body: 'oops' }),
    failure: unavailable,
    tries: 1,
  },
  { name: 'the authority recovers', advanceMs: 11_000 },
];
