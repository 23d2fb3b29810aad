// That a variant verifies is proven before anything is timed.
import { tampered } from './authority.mjs';

/**
 * Refuses to go on with a variant that lets in what it must not, on a first request or on a later one.
 *
 * @param statusOf - sends a request with a token, or without one
 */
export async function prove({ name, isOpen }, token, statusOf) {
  const bad = isOpen ? 200 : 401;
  const cases = [
    ['no token', undefined, bad],
    ['a tampered token', tampered(token), bad],
    ['a good token', token, 200],
    ['a good token again', token, 200],
    ['a tampered token after a good one', tampered(token), bad],
  ];
  for (const [what, credential, expected] of cases) {
    const status = await statusOf(credential);
    if (status !== expected) throw new Error(`${name} answers ${status}, not ${expected}, to ${what}.`);
  }
}
