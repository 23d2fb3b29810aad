/** Explains refusals to the developer: on a diagnostics channel, and on standard error if `DEBUG` names this library. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Authenticator } from '../core/access/requirement.js';
import { explanationChannel, type Explanation } from '../core/channels.js';
import type { Settings } from '../core/configuration/settings.js';
import { AuthError, ConfigurationError, copyOf, type Refusal } from '../core/errors.js';
import { processWide } from '../core/process-wide.js';
import type { RequestHeaders } from '../core/token/credential.js';
import { explainAcquisition } from './acquisition-explanation.js';
import { seenIn } from './credential-mistake.js';
import type { RefusedRoute } from './explanation-code.js';
import { explain } from './explanation.js';

const debugName = 'microsoft-identity-decorators';

/** Whether the variable `DEBUG` names this library. As in the debug package: names and `*`, separated by commas or spaces. */
function isNamedIn(debug: string): boolean {
  const patterns = debug.split(/[\s,]+/).filter((pattern) => pattern !== '');
  const matches = (pattern: string) =>
    pattern.endsWith('*') ? debugName.startsWith(pattern.slice(0, -1)) : pattern === debugName;
  return patterns.some(matches) && !patterns.some((pattern) => pattern.startsWith('-') && matches(pattern.slice(1)));
}

function print(message: unknown): void {
  const { status, error, reason, code, hint, route, request } = message as Explanation;
  const name = reason === undefined ? error : `${error}/${reason}`;
  const where = [request, route && `to ${route}`].filter((part) => part !== undefined).map((part) => ` ${part}`);
  process.stderr.write(`${debugName} ${String(status)} ${name} (${code})${where.join('')}: ${hint}\n`);
}

/** What prints explanations: one function, of whichever copy of this library began. */
const printing = processWide<{ printer: typeof print | undefined }>('debug-output', () => ({ printer: undefined }));

/** Prints explanations from now on if `DEBUG` names this library, and stops if it does not. */
export function explainRefusals(): void {
  const { printer } = printing;
  const debug = process.env['DEBUG'] ?? '';
  const isWanted = debug !== '' && isNamedIn(debug);
  if (isWanted === (printer !== undefined)) return;
  if (printer !== undefined) unsubscribe(explanationChannel.name, printer);
  else subscribe(explanationChannel.name, print);
  printing.printer = isWanted ? print : undefined;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Whether explanations are published. In production they are only with the option `diagnostics`. */
const isExplained = ({ diagnostics }: Settings): boolean =>
  explanationChannel.hasSubscribers && (diagnostics ?? process.env['NODE_ENV'] !== 'production');

/** Errors that were explained where they arose, so not where a host answers them. */
const explained = processWide('explained-errors', () => new WeakSet<object>());

/** Notes that an error needs no explanation where a host answers it. */
export function markExplained(error: object): void {
  explained.add(error);
}

/** Publishes the explanation of a refusal, unless it was explained before. */
export function publishExplanation(
  request: RequestHeaders,
  refusal: Refusal,
  { settings }: Authenticator,
  route: () => RefusedRoute,
): void {
  if (!isExplained(settings) || explained.has(refusal)) return;
  explanationChannel.publish(explain(refusal, seenIn(request, settings.tokenHeader), settings, route()));
}

/** Publishes why no token was had for another API. Many requests may be refused for it; it is explained once. */
export function publishAcquisitionExplanation(error: unknown, settings: Settings): void {
  if (!isExplained(settings) || !(error instanceof AuthError || error instanceof ConfigurationError)) return;
  explained.add(error);
  explanationChannel.publish(explainAcquisition(error));
}

/** A copy of an error, for one of several callers. What was explained is not explained again for each of them. */
export function copyOfExplained(error: unknown): unknown {
  const other = copyOf(error);
  if (isObject(error) && explained.has(error) && isObject(other)) explained.add(other);
  return other;
}
