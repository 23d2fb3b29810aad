/** The addresses and claims of Microsoft's issuers, for the local one to take after. */
import type { Person } from './people.js';

/** An Entra ID tenant, or one policy of an Azure AD B2C tenant. */
export interface Tenant {
  readonly kind: 'entra' | 'b2c';
  readonly tenantId: string;
  /** What stands in front of every path. */
  readonly path: string;
  readonly issuer: string;
  /** The API's registration. */
  readonly clientId: string;
  /** The page's registration. */
  readonly pageClientId: string;
  /** What stands in front of the short name of a scope. */
  readonly resource: string;
  readonly policy?: string;
  readonly people: readonly Person[];
}

export const scopeOf = ({ resource }: Tenant, name: string) => `${resource}/${name}`;

export interface Times {
  readonly iat: number;
  readonly exp: number;
}

/** The claims of a delegated access token, without its scopes. */
export function accessTokenClaims(tenant: Tenant, person: Person, azp: string, { iat, exp }: Times) {
  const { clientId, issuer, tenantId, policy } = tenant;
  const common = { aud: clientId, iss: issuer, iat, nbf: iat, exp, azp };
  if (tenant.kind === 'b2c') return { ...common, name: person.name, sub: person.id, tfp: policy, ver: '1.0' };
  return {
    ...common,
    azpacr: '0',
    ...(person.isGuest === true && { acct: 1, idp: 'https://sts.windows.net/fabrikam/' }),
    name: person.name,
    oid: person.id,
    preferred_username: person.email,
    ...(person.roles && { roles: person.roles }),
    // Entra gives each application another subject for one person.
    sub: `${person.id.slice(-4)}-as-seen-by-${clientId.slice(0, 8)}`,
    tid: tenantId,
    ver: '2.0',
  };
}
