/** The tokens of a configuration. */
import type { Authenticator } from '../core/access/requirement.js';
import type { DownstreamSettings, EntraSettings, Settings } from '../core/configuration/settings.js';
import { ConfigurationError } from '../core/errors.js';
import { processWide } from '../core/process-wide.js';
import { publishAcquisitionExplanation } from '../gate/debug-output.js';
import type { AcquireToken } from './acquire-token.js';
import { tokenClientOf } from './acquisition.js';
import { DownstreamTokens } from './downstream-tokens.js';

/** What tokens are asked for with. */
export interface TokenSettings {
  readonly entra: EntraSettings;
  readonly downstream: DownstreamSettings;
}

/** @throws ConfigurationError if the configuration calls no other API */
export function tokenSettingsOf({ settings: { entra, downstream } }: Authenticator): TokenSettings {
  if (entra !== undefined && downstream !== undefined) return { entra, downstream };
  throw new ConfigurationError('Calls of other APIs need the option downstream of initialize(), with a credential.');
}

/** Both builds of this library in a process share the tokens of a configuration. */
const tokens = processWide('downstream-tokens', () => new WeakMap<Authenticator, DownstreamTokens>());

/** Explains to the developer why a token request failed: once for all who wait for its token. */
function explained(acquire: AcquireToken, settings: Settings): AcquireToken {
  return async (request, signal) => {
    try {
      return await acquire(request, signal);
    } catch (error) {
      publishAcquisitionExplanation(error, settings);
      throw error;
    }
  };
}

function createTokens(identity: Authenticator): DownstreamTokens {
  const { settings, closing } = identity;
  const { entra, downstream } = tokenSettingsOf(identity);
  const { store, maxEntries } = downstream;
  const { clientId, instance } = entra;
  const acquire = explained(tokenClientOf(settings), settings);
  return new DownstreamTokens({ acquire, store, maxEntries, now: settings.now, closing, clientId, instance });
}

/**
 * The tokens of a configuration: they are kept for as long as it is in use.
 *
 * @throws ConfigurationError if it calls no other API
 */
export function tokensOf(identity: Authenticator): DownstreamTokens {
  let found = tokens.get(identity);
  if (found === undefined) tokens.set(identity, (found = createTokens(identity)));
  return found;
}
