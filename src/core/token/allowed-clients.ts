/** May the client application that asked for the token call? */
import type { Settings } from '../configuration/settings.js';
import { InsufficientScopeError } from '../errors.js';
import { isContradicted } from './caller-kind.js';
import { clientOf } from './claims.js';
import type { VerifiedToken } from './verified-token.js';

/**
 * Checks that the client application that asked for the token is accepted. A client that is configured as a daemon of B2C is
 * refused with a person's token: code that asks whether an application calls would give that person what is for applications.
 *
 * @throws InsufficientScopeError `client`
 */
export function checkClient(
  { kind, claims, callerKind }: VerifiedToken,
  { allowedClients, b2c }: Pick<Settings, 'allowedClients' | 'b2c'>,
): void {
  const isAllowed = allowedClients === undefined || allowedClients.has(clientOf(claims) ?? '');
  if (!isAllowed || (kind === 'b2c' && isContradicted(claims, callerKind, b2c?.daemonClients))) {
    throw new InsufficientScopeError('client');
  }
}
