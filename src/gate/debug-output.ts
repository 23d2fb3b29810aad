/** Explains refusals to the developer: on a diagnostics channel, and on standard error if `DEBUG` names this library. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Authenticator } from '../core/access/requirement.js';
import { explanationChannel, type Explanation } from '../core/channels.js';
import type { Refusal } from '../core/errors.js';
import { processWide } from '../core/process-wide.js';
import { bearerToken, type RequestHeaders } from '../core/token/credential.js';
import { readToken } from '../core/token/parsed-token.js';
import { explain } from './explanation.js';

const debugName = 'microsoft-identity-decorators';

/** Whether the variable `DEBUG` names this library. As in the debug package: names and `*`, separated by commas or spaces. */
function isNamedIn(debug: string | undefined): boolean {
  const patterns = debug?.split(/[\s,]+/).filter((pattern) => pattern !== '') ?? [];
  const matches = (pattern: string) =>
    pattern.endsWith('*') ? debugName.startsWith(pattern.slice(0, -1)) : pattern === debugName;
  return patterns.some(matches) && !patterns.some((pattern) => pattern.startsWith('-') && matches(pattern.slice(1)));
}

function print(message: unknown): void {
  const { status, error, reason, code, hint } = message as Explanation;
  const name = reason === undefined ? error : `${error}/${reason}`;
  process.stderr.write(`${debugName} ${String(status)} ${name} (${code}): ${hint}\n`);
}

/** What prints explanations: one function, of whichever copy of this library began. */
const printing = processWide<{ printer: typeof print | undefined }>('debug-output', () => ({ printer: undefined }));

/** Prints explanations from now on if `DEBUG` names this library, and stops if it does not. */
export function explainRefusals(): void {
  const { printer } = printing;
  const isWanted = isNamedIn(process.env['DEBUG']);
  if (isWanted === (printer !== undefined)) return;
  if (printer !== undefined) unsubscribe(explanationChannel.name, printer);
  else subscribe(explanationChannel.name, print);
  printing.printer = isWanted ? print : undefined;
}

function tokenOf(request: RequestHeaders): ReturnType<typeof readToken> {
  try {
    return readToken(bearerToken(request));
  } catch {
    // There is no single token. The refusal is about that.
    return { header: undefined, payload: undefined };
  }
}

/** Publishes the explanation of a refusal. In production it does so only with the option `diagnostics`. */
export function publishExplanation(request: RequestHeaders, refusal: Refusal, identity: Authenticator): void {
  if (!explanationChannel.hasSubscribers) return;
  if (!(identity.settings.diagnostics ?? process.env['NODE_ENV'] !== 'production')) return;
  explanationChannel.publish(explain(refusal, tokenOf(request), identity.settings));
}
