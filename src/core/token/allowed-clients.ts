/** May the client application that asked for the token call? */
import { InsufficientScopeError } from '../errors.js';
import { clientOf } from './claims.js';
import type { VerifiedToken } from './verified-token.js';

/**
 * Checks that the client application that asked for the token is accepted.
 *
 * @throws InsufficientScopeError `client`
 */
export function checkClient({ claims }: VerifiedToken, allowedClients: ReadonlySet<string> | undefined): void {
  if (allowedClients !== undefined && !allowedClients.has(clientOf(claims) ?? '')) {
    throw new InsufficientScopeError('client');
  }
}
