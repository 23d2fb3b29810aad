/** Which audiences are ours, and is one of them in a token? */
import type { AccessTokenClaims } from './access-token-claims.js';

const withoutSlash = (audience: string) => (audience.endsWith('/') ? audience.slice(0, -1) : audience);

function isOneWithSlash(audience: string, audiences: readonly string[]): boolean {
  return audiences.some((ours) => withoutSlash(audience) === withoutSlash(ours));
}

/** Whether one of the token's audiences is one of ours. One trailing slash makes no difference. */
export function hasAudience(claims: AccessTokenClaims, audiences: readonly string[]): boolean {
  const presented = typeof claims.aud === 'string' ? [claims.aud] : claims.aud;
  return presented.some(
    (audience) => audiences.includes(audience) || (audience !== '' && isOneWithSlash(audience, audiences)),
  );
}

/** The audiences that are ours: the API's own id in both its forms, and those that are configured. */
export const audiencesOf = (clientId: string, configured: readonly string[] = []): readonly string[] =>
  Object.freeze([...new Set([clientId, `api://${clientId}`, ...configured])]);
