/** The APIs that decorators and constants name, so that a name which no API has is found ahead of the first call. */
import type { Authenticator } from '../core/access/requirement.js';
import { ConfigurationError } from '../core/errors.js';
import { processWide } from '../core/process-wide.js';
import { identityInForce } from './identity-in-force.js';
import { warnDeveloper } from './refusal.js';

/** @throws ConfigurationError if the configuration has no API of the name */
type Check = (identity: Authenticator) => void;

interface NamedApis {
  readonly checks: Map<string, Check>;
  /** Whether `ready()` has looked. The names that come later may be those of requests. */
  isComplete: boolean;
}

const noNames = (): NamedApis => ({ checks: new Map(), isComplete: false });

const namedForProcess = processWide('named-apis', noNames);
const namedForBound = processWide('named-apis-of-bound', () => new WeakMap<Authenticator, NamedApis>());

const mostNames = 1_000;

function namedFor(identity: Authenticator): NamedApis | undefined {
  return namedForBound.get(identity) ?? (identity === identityInForce() ? namedForProcess : undefined);
}

function mistakesUnder(identity: Authenticator): readonly string[] {
  return [...(namedFor(identity)?.checks.values() ?? [])].flatMap((check) => {
    try {
      check(identity);
      return [];
    } catch (error) {
      if (error instanceof ConfigurationError) return [error.message];
      throw error;
    }
  });
}

/**
 * Checks the names that were noted for configurations.
 *
 * @throws ConfigurationError with all that is wrong
 */
export function checkNamedApis(...identities: readonly Authenticator[]): void {
  const mistakes = identities.flatMap(mistakesUnder);
  if (mistakes.length > 0) throw new ConfigurationError(mistakes.join(' '));
}

/** A warning and no error: a class that is loaded may never be used, and the API works without it. */
function warnBeforeReady(identity: Authenticator): void {
  identity.beforeReady(() => {
    const named = namedFor(identity);
    if (named === undefined) return;
    named.isComplete = true;
    for (const mistake of mistakesUnder(identity)) warnDeveloper(new ConfigurationError(mistake));
  });
}

/** Has `ready()` of a configuration of the process look at the names. */
export function watchNamedApis(identity: Authenticator): void {
  namedForProcess.isComplete = false;
  warnBeforeReady(identity);
}

function namedForBoundIdentity(identity: Authenticator): NamedApis {
  const known = namedForBound.get(identity);
  if (known !== undefined) return known;
  const named = noNames();
  namedForBound.set(identity, named);
  warnBeforeReady(identity);
  return named;
}

/**
 * Notes that code names an API.
 *
 * @param identity - whose API it is; undefined: that of the configuration in force
 * @param at - where it is named, for one check of each
 */
export function noteNamedApi(identity: Authenticator | undefined, at: string, check: Check): void {
  const { checks, isComplete } = identity === undefined ? namedForProcess : namedForBoundIdentity(identity);
  if (!isComplete && checks.size < mostNames) checks.set(at, check);
}
