/** Tokens without a sign-in, for the command line. */
import type { Person, TestIssuer } from 'microsoft-identity-decorators/testing';
import { colleagues, customers } from './people.js';

/** Claims that differ from those of a valid token. */
type Overrides = Readonly<Record<string, unknown>>;

export interface TestTokens {
  /** A delegated Entra ID token of a person, by default of Ann with the scope `access_as_user`. */
  token(overrides?: Overrides, person?: Person): Promise<string>;
  /** An Entra ID token that an application got for itself. */
  appToken(overrides: Overrides): Promise<string>;
  /** An Entra ID ID token. */
  idToken(): Promise<string>;
  /** A B2C token with the scope `access_as_user`. */
  b2cToken(overrides?: Overrides): Promise<string>;
}

/** @param azp - the application that asks for the tokens */
export function createTestTokens(issuer: TestIssuer, azp: string): TestTokens {
  const claimsOf = ({ id, name, email, claims }: Person) => ({
    azp,
    oid: id,
    name,
    preferred_username: email,
    ...claims,
  });
  const { id, name } = customers.dora;
  return {
    token: (overrides, person = colleagues.ann) => issuer.token({ ...claimsOf(person), ...overrides }),
    appToken: (overrides) => issuer.appToken({ azp, ...overrides }),
    idToken: () => issuer.idToken({ ...claimsOf(colleagues.ann), azp: undefined }),
    b2cToken: (overrides) => issuer.b2cToken({ azp, sub: id, name, ...overrides }),
  };
}
