/** What a request carried is not shown by the error that stands for its failure. */
import { inspect } from 'node:util';

// An error may show a part of a secret. The start of a token is its header, which names the key that signed it.
const shownLength = 20;

/**
 * An error of `fetch`: the application's own `fetch` may throw one that holds the request, secrets and all.
 *
 * @param secrets - what must not be shown
 * @returns the error, or another one where it shows the start of a secret
 */
export function withoutSecrets(secrets: readonly string[], error: unknown): unknown {
  try {
    const shown = inspect(error, { depth: 20, maxStringLength: Infinity, maxArrayLength: Infinity, showHidden: true });
    if (!secrets.some((secret) => shown.includes(secret.slice(0, shownLength)))) return error;
  } catch {
    // What cannot be looked into is not shown.
  }
  return new Error('fetch failed with an error that shows the request, which is left out here.');
}
