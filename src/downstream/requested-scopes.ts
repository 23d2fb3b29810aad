/** The scopes that a client asks for, in place of those of its API. */
import { parseUnnamedApi } from '../core/configuration/parse-downstream.js';
import type { DownstreamApiSettings } from '../core/configuration/settings.js';

/**
 * The scopes, and the resource that all of them name.
 *
 * @returns undefined where none are given
 * @throws ConfigurationError unless they are full scopes of one API
 */
export function scopesOf(
  given: readonly string[] | undefined,
): Pick<DownstreamApiSettings, 'scopes' | 'resource'> | undefined {
  return given && parseUnnamedApi({ scopes: given }, 'getToken');
}
