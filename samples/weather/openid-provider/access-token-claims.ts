/** The claims that Microsoft puts into access tokens. */
import type { Person } from './people.js';
import type { Tenant } from './tenant.js';

/** Seconds since the epoch. */
export interface Lifetime {
  readonly iat: number;
  readonly exp: number;
}

/**
 * The claims of a delegated access token, apart from its scopes.
 *
 * @param azp - the application that asks for the token
 * @see https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 */
export function accessTokenClaims(tenant: Tenant, person: Person, azp: string, { iat, exp }: Lifetime) {
  const { clientId, issuer, tenantId } = tenant;
  const common = { aud: clientId, iss: issuer, iat, nbf: iat, exp, azp, name: person.name };
  if (tenant.kind === 'b2c') return { ...common, sub: person.id, tfp: tenant.policy, ver: '1.0' };
  return {
    ...common,
    azpacr: '0',
    ...(person.isGuest === true && { acct: 1, idp: 'https://sts.windows.net/fabrikam/' }),
    oid: person.id,
    preferred_username: person.email,
    ...(person.roles && { roles: person.roles }),
    // In Entra ID, one person has a different subject for each application.
    sub: `${person.id.slice(-4)}-as-seen-by-${clientId.slice(0, 8)}`,
    tid: tenantId,
    ver: '2.0',
  };
}
