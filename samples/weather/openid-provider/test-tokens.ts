/** Tokens without a sign-in, for the command line. */
import { randomUUID } from 'node:crypto';
import { accessTokenClaims } from './access-token-claims.js';
import { colleagues, customers, type Person } from './people.js';
import type { TenantIssuer } from './tenant-issuer.js';

const hourSeconds = 60 * 60;

/** Claims that differ from those of a valid token. */
type Overrides = Readonly<Record<string, unknown>>;

export interface TestTokens {
  /** A delegated Entra ID token with the scope `access_as_user`. */
  token(overrides?: Overrides): Promise<string>;
  /** The same of a person who needs a second factor for the second API. */
  strictToken(overrides?: Overrides): Promise<string>;
  /** An Entra ID token that an application got for itself. */
  appToken(overrides: Overrides): Promise<string>;
  /** An Entra ID ID token. */
  idToken(): Promise<string>;
  /** A B2C token with the scope `access_as_user`. */
  b2cToken(overrides?: Overrides): Promise<string>;
}

function delegatedClaims({ tenant }: TenantIssuer, person: Person) {
  const iat = Math.floor(Date.now() / 1000);
  return accessTokenClaims(tenant, person, tenant.pageClientId, { iat, exp: iat + hourSeconds });
}

export function createTestTokens(entra: TenantIssuer, b2c: TenantIssuer): TestTokens {
  const { ann, fay } = colleagues;
  const { dora } = customers;
  const scp = 'access_as_user';
  const appId = entra.tenant.pageClientId;
  const appClaims = {
    name: undefined,
    preferred_username: undefined,
    azpacr: '1',
    idtyp: 'app',
    oid: appId,
    sub: appId,
  };
  return {
    token: (overrides) => entra.sign({ ...delegatedClaims(entra, ann), scp, ...overrides }),
    strictToken: (overrides) => entra.sign({ ...delegatedClaims(entra, fay), scp, ...overrides }),
    appToken: (overrides) => entra.sign({ ...delegatedClaims(entra, ann), ...appClaims, ...overrides }),
    idToken: () =>
      entra.sign({ ...delegatedClaims(entra, ann), azp: undefined, azpacr: undefined, nonce: randomUUID() }),
    b2cToken: (overrides) => b2c.sign({ ...delegatedClaims(b2c, dora), scp, ...overrides }),
  };
}
