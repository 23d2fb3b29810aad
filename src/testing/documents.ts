/** The documents that the local issuer publishes: OpenID configurations and key sets, like Microsoft's. */
import type { KeyPair } from './signing-keys.js';

/** What the documents are made from. */
export interface Published {
  /** The origin of the issuer. */
  readonly url: string;
  readonly tenantId: string;
  readonly b2cTenantId: string;
  readonly b2cDomainName: string;
  readonly keys: Readonly<Record<'entra' | 'b2c', readonly KeyPair[]>>;
}

/** The issuer in v1.0 tokens of a tenant. */
export const v1Issuer = (url: string, tenant: string) => `${url}/sts/${tenant}/`;

/** The issuer in v2.0 tokens of a tenant. */
export const v2Issuer = (url: string, tenant: string) => `${url}/${tenant}/v2.0`;

/** The issuer in B2C tokens of a tenant. */
export const b2cIssuer = (url: string, tenant: string) => `${url}/${tenant}/v2.0/`;

function configuration(issuer: string, base: string, keysPath: string): object {
  return {
    issuer,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
    response_modes_supported: ['query', 'fragment'],
    jwks_uri: `${base}${keysPath}`,
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
  };
}

/** The addresses of the issuer, one in each line: the answer to a request for another one. */
export function endpointList(
  { url, tenantId, b2cDomainName }: Omit<Published, 'b2cTenantId' | 'keys'>,
  hasSignIn: boolean,
): string {
  const [entra, b2c] = [`${url}/${tenantId}`, `${url}/${b2cDomainName}.onmicrosoft.com/<policy>`];
  const documents = (base: string) => [
    `GET  ${base}/v2.0/.well-known/openid-configuration`,
    `GET  ${base}/discovery/v2.0/keys`,
  ];
  const authorize = (base: string) => (hasSignIn ? [`GET  ${base}/oauth2/v2.0/authorize`] : []);
  const token = (base: string) => [`POST ${base}/oauth2/v2.0/token`];
  const lines = [
    ...[...documents(entra), ...authorize(entra), ...token(entra)],
    // A policy has a token endpoint for people who signed in, and no other.
    ...[...documents(b2c), ...authorize(b2c), ...(hasSignIn ? token(b2c) : [])],
  ];
  return `The issuer has no such address. It has:\n\n${lines.join('\n')}\n`;
}

/** The document at a path. Entra publishes v1.0 and v2.0 documents; B2C publishes documents for each policy. */
export function documentAt(
  path: string,
  { url, tenantId, b2cTenantId, b2cDomainName, keys }: Published,
): { readonly on: 'metadata' | 'keys'; readonly document: object } | undefined {
  const metadata = '/.well-known/openid-configuration';
  const segments = path.split('/').slice(1);
  const tenant = segments[0] ?? '';
  const isB2c = tenant.toLowerCase() === `${b2cDomainName}.onmicrosoft.com`;
  const rest = `/${segments.slice(isB2c ? 2 : 1).join('/')}`;
  const base = `${url}/${segments.slice(0, isB2c ? 2 : 1).join('/')}`;
  const isMultiTenant = tenant === 'organizations' || tenant === 'common';
  const issuerTenant = isMultiTenant ? '{tenantid}' : tenantId;
  const boundKey = ({ publicJwk }: KeyPair) => ({ ...publicJwk, issuer: v2Issuer(url, '{tenantid}') });
  switch (rest) {
    case `/v2.0${metadata}`: {
      const issuer = isB2c ? b2cIssuer(url, b2cTenantId) : v2Issuer(url, issuerTenant);
      return { on: 'metadata', document: configuration(issuer, base, '/discovery/v2.0/keys') };
    }
    case metadata:
      if (isB2c) return undefined;
      return { on: 'metadata', document: configuration(v1Issuer(url, issuerTenant), base, '/discovery/keys') };
    case '/discovery/v2.0/keys': {
      const published = isB2c ? keys.b2c.map(({ publicJwk }) => publicJwk) : keys.entra.map(boundKey);
      return { on: 'keys', document: { keys: published } };
    }
    case '/discovery/keys':
      return isB2c ? undefined : { on: 'keys', document: { keys: keys.entra.map(({ publicJwk }) => publicJwk) } };
    default:
      return undefined;
  }
}
