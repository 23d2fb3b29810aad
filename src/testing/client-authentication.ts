/** How does a client of the local token endpoint authenticate: with a secret, a certificate, or a federated token? */
import { constants, verify, X509Certificate } from 'node:crypto';
import { decodeToken, isSignedByOneOf, type DecodedToken, type KeyPair } from './signing-keys.js';

/** What a client authenticated with: its secret, its certificate, or a token of a federated or managed identity. */
export type ClientAuthentication = 'secret' | 'certificate' | 'federated';

/** What the client must present. */
export interface Registration {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly certificates: readonly string[];
  /** The keys of the issuer, which stands for the issuer of federated tokens too. */
  readonly keys: readonly KeyPair[];
  readonly tenant: string;
  /** The clock of the issuer. */
  readonly nowSeconds: number;
}

const bearerType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const exchangeAudiences: readonly unknown[] = [
  'api://AzureADTokenExchange',
  'api://AzureADTokenExchangeUSGov',
  'api://AzureADTokenExchangeChina',
];

const isExpired = ({ claims }: DecodedToken, nowSeconds: number) =>
  typeof claims['exp'] !== 'number' || claims['exp'] <= nowSeconds;

function verifiesWith(certificate: X509Certificate, { header, signed, signature }: DecodedToken): boolean {
  const key = certificate.publicKey;
  if (header['alg'] === 'RS256') return verify('sha256', signed, key, signature);
  const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return header['alg'] === 'PS256' && verify('sha256', signed, pss, signature);
}

/** Only the path of the audience is compared: a client may write https where the issuer listens on http. */
function isTokenEndpoint(audience: unknown, tenant: string): boolean {
  return (
    typeof audience === 'string' &&
    URL.canParse(audience) &&
    new URL(audience).pathname === `/${tenant}/oauth2/v2.0/token`
  );
}

function isOfCertificate(assertion: DecodedToken, registration: Registration): boolean {
  const { clientId, certificates, tenant } = registration;
  const { header, claims } = assertion;
  const certificate = certificates
    .map((pem) => new X509Certificate(pem))
    .find(({ fingerprint256 }) => {
      const thumbprint = Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
      return thumbprint === header['x5t#S256'];
    });
  if (certificate === undefined || !verifiesWith(certificate, assertion)) return false;
  if (claims['iss'] !== clientId || claims['sub'] !== clientId) return false;
  // The client signs it by the clock of the machine, whatever the clock of the issuer is.
  return isTokenEndpoint(claims['aud'], tenant) && !isExpired(assertion, Date.now() / 1000);
}

/** What the client authenticated with, or the `AADSTS` number of the refusal. */
export function clientAuthenticationOf(
  form: URLSearchParams,
  registration: Registration,
): ClientAuthentication | { readonly code: number } {
  const secret = form.get('client_secret');
  const assertion = form.get('client_assertion');
  if (secret !== null && assertion !== null) return { code: 7000216 };
  if (secret !== null) return secret === registration.clientSecret ? 'secret' : { code: 7000215 };
  if (assertion === null || form.get('client_assertion_type') !== bearerType) return { code: 7000218 };
  const decoded = decodeToken(assertion);
  if (decoded === undefined) return { code: 50027 };
  if (exchangeAudiences.includes(decoded.claims['aud'])) {
    const isGood = isSignedByOneOf(registration.keys, decoded) && !isExpired(decoded, registration.nowSeconds);
    return isGood ? 'federated' : { code: 700213 };
  }
  return isOfCertificate(decoded, registration) ? 'certificate' : { code: 700027 };
}
