/** Which B2C policy does a token come from? */
import { segmentsOf } from '../issuers/issuer.js';
import { ownMember } from '../json.js';
import { parseUrl } from '../url.js';

/** The claims that may name a B2C policy. */
type PolicyClaims = Readonly<Partial<Record<'tfp' | 'acr' | 'iss', unknown>>>;

/**
 * The value that belongs to the B2C policy of a token. The claims are not verified, so the result may choose an OpenID
 * configuration and decide nothing else.
 *
 * @param configured - a value for each configured policy, by the name of the policy in lower case
 * @returns undefined if the token names no policy, or one that is not configured
 */
export function ofPolicy<T>(claims: PolicyClaims, configured: ReadonlyMap<string, T>): T | undefined {
  const named = namedPolicy(claims);
  return typeof named === 'string' ? configured.get(named.toLowerCase()) : undefined;
}

/** The B2C policy that a token names, of any type; undefined if it names none. */
export function namedPolicy(claims: PolicyClaims): unknown {
  // Newer user flows put the policy in tfp, older policies in acr. The OIDC-compliant form has it only in the issuer.
  return ownMember(claims, 'tfp') ?? ownMember(claims, 'acr') ?? policyOfIssuer(ownMember(claims, 'iss'));
}

function policyOfIssuer(issuer: unknown): string | undefined {
  const url = parseUrl(issuer);
  if (url === undefined) return undefined;
  const [, marker, , policy] = segmentsOf(url);
  return marker === 'tfp' ? policy : undefined;
}
