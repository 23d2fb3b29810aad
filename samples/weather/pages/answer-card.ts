/** The card with the answer of the API. */
import type { Case } from './cases.js';
import { expiryOf } from './claims-card.js';
import { find, show, showStatus } from './elements.js';
import { claimsRequestIn, type Caller } from './sign-in.js';

/** What the library explains to the developer of the API. */
interface Explanation {
  readonly code: string;
  readonly hint: string;
}

// Where the authority gives no token for the second API, the library explains it once, and keeps the refusal for further
// calls with the same token.
const given = new Map<string, Explanation>();

/** @param request - its path and its token */
function explanationOf({ status, headers }: Response, request: string): Explanation | undefined {
  const key = `${String(status)} ${request}`;
  const text = headers.get('explanation');
  if (text !== null) given.set(key, JSON.parse(decodeURIComponent(text)) as Explanation);
  return given.get(key);
}

function whatToDo({ scheme, localPerson }: Case, caller: Caller | undefined, isLocal: boolean): string {
  if (scheme === undefined) return 'Press Send to call the API.';
  const person = isLocal ? localPerson : undefined;
  if (caller === undefined) {
    return `Press Sign in and send${person === undefined ? '' : `, and pick ${person}`}. The answer is shown here.`;
  }
  if (person === undefined || caller.name.startsWith(person)) return `Press Send to call the API as ${caller.name}.`;
  return `Press Send to call the API as ${caller.name}. This case is meant for ${person}: sign in as somebody else.`;
}

/** Empties the card, and shows what to do to get an answer. */
export function forgetAnswer(current: Case, caller: Caller | undefined, isLocal: boolean): void {
  find('answer').hidden = true;
  find('answer-summary').hidden = true;
  show('answer-status', '');
  show('answer-verdict', '');
  show('answer-none', whatToDo(current, caller, isLocal));
  find('answer-none').hidden = false;
}

function verdictOn(status: number, expected: number, isChallenge: boolean): string {
  if (status === expected) return 'as expected';
  return isChallenge ? 'until the token has more claims' : `where this case expects ${String(expected)}`;
}

function showExplanation(isRefused: boolean, explanation: Explanation | undefined): void {
  find('explanation').hidden = explanation === undefined;
  find('explanation-elsewhere').hidden = !isRefused || explanation !== undefined;
  show('explanation-code', explanation?.code ?? '');
  show('explanation-hint', explanation?.hint ?? '');
}

/** Whether a token has expired only for the API, whose clock is ahead of the issuer's. */
const hasExpiredEarly = (explanation: Explanation | undefined, { token }: Caller) =>
  explanation?.code === 'expired' && expiryOf(token) > Date.now();

/**
 * Calls the API and shows its answer.
 *
 * @returns the claims request, where the answer is a claims challenge
 */
export async function call({ path, expected, why }: Case, caller: Caller | undefined): Promise<string | undefined> {
  const authorization = caller ? { Authorization: `Bearer ${caller.token}` } : {};
  const response = await fetch(path, { headers: { Explain: 'yes', ...authorization } });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  const challenge = response.headers.get('www-authenticate');
  const claims = claimsRequestIn(challenge);
  const explanation = explanationOf(response, `${path} ${caller?.token ?? ''}`);
  const isExpected = response.status === expected;
  const isEarly = caller !== undefined && hasExpiredEarly(explanation, caller);
  showStatus('answer-status', response.status);
  show(
    'answer-verdict',
    isEarly ? 'expired, because the clock is ahead' : verdictOn(response.status, expected, claims !== undefined),
  );
  show('answer-why', isExpected ? why : '');
  showExplanation(response.status >= 400, explanation);
  show('answer-challenge', challenge ?? 'none');
  find('claims-request').hidden = claims === undefined;
  show('claims-request-text', claims ?? '');
  show('answer-body', isJson ? JSON.stringify(JSON.parse(text), null, 2) : text);
  find('answer-none').hidden = true;
  find('answer-summary').hidden = false;
  find('answer').hidden = false;
  return claims;
}
