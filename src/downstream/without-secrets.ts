/** What a request carried is not shown by the error that stands for its failure. */

// An error may show a part of a secret. The start of a token is its header, which names the key that signed it.
const shownLength = 20;
const mostCauses = 5;
const members = ['name', 'message', 'code', 'stack'];

const leftOut = () => new Error('fetch failed with an error that shows the request, which is left out here.');

function copyOf(secrets: readonly string[], error: unknown, causes: number): Error {
  const isObject = typeof error === 'object' && error !== null;
  const given = (isObject ? error : { message: error }) as Record<string, unknown>;
  const copy = new Error();
  for (const member of members) {
    const value = given[member];
    if (typeof value !== 'string' && typeof value !== 'number') continue;
    if (secrets.some((secret) => String(value).includes(secret.slice(0, shownLength)))) return leftOut();
    Object.defineProperty(copy, member, { value, enumerable: false, writable: true, configurable: true });
  }
  const { cause } = given;
  if (cause !== undefined && causes > 0) copy.cause = copyOrLeaveOut(secrets, cause, causes - 1);
  return copy;
}

function copyOrLeaveOut(secrets: readonly string[], error: unknown, causes: number): Error {
  try {
    return copyOf(secrets, error, causes);
  } catch {
    // What cannot be read is not shown.
    return leftOut();
  }
}

/**
 * A copy of an error of `fetch`, of its texts alone. The application's own `fetch` may throw one that holds the request, where
 * no look into it finds that: in bytes, behind a getter or in a private member.
 *
 * @param secrets - what must not be shown
 * @returns name, message, code, stack and causes of the error, or another error where these show the start of a secret
 */
export function withoutSecrets(secrets: readonly string[], error: unknown): Error {
  return copyOrLeaveOut(secrets, error, mostCauses);
}
