/** When may an API be asked again? (RFC 9110 §10.2.3) */

const longestSeconds = 300;

/**
 * The seconds that a `Retry-After` header names: 1 to 300.
 *
 * @param value - of the header: a number of seconds, or a date
 * @param now - milliseconds since the epoch
 * @returns undefined if there is no such header, or it is neither
 */
export function retryAfterSeconds(value: string | null | undefined, now: number): number | undefined {
  const text = value?.trim() ?? '';
  // Date.parse takes a number for a year. Only a date of HTTP has letters.
  const date = /[a-z]/i.test(text) ? Date.parse(text) : NaN;
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((date - now) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 1), longestSeconds);
}
