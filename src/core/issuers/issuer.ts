/** What an issuer, and the claims that name one, tell. Pure functions. An issuer is read from the OpenID configuration, never made up from a host name. */
import { guidLength, isGuid } from '../guid.js';
import { isExternalIdHost } from '../microsoft-hosts.js';
import { parseUrl } from '../url.js';

/** The form of an Entra token: its issuer's, not its `ver`'s. */
export type TokenVersion = 'v1' | 'v2';

export const tenantPlaceholder = '{tenantid}';

/** The tenant that holds personal Microsoft accounts. */
export const consumerTenant = '9188040d-6c67-4c5b-b112-36a304b66dad';

export function segmentsOf(url: URL): readonly string[] {
  // The URL parser percent-encodes the braces of a template.
  return url.pathname.replace('%7Btenantid%7D', tenantPlaceholder).split('/');
}

/** The tenant an Entra issuer names: a GUID, the template's placeholder, or nothing. */
export function tenantOfIssuer(issuer: string): string | undefined {
  const url = parseUrl(issuer);
  return url && segmentsOf(url).find((segment) => segment === tenantPlaceholder || isGuid(segment));
}

/**
 * Entra publishes v1.0 and v2.0 issuers in two documents; the form of the issuer tells which: a v1.0 issuer ends with the
 * tenant and a slash. Anything else is held against the v2.0 document, so that a made-up issuer costs no other request.
 */
export function tokenVersionOf(issuer: unknown): TokenVersion {
  return typeof issuer === 'string' && issuer.endsWith('/') && isGuid(issuer.slice(-guidLength - 1, -1)) ? 'v1' : 'v2';
}

/**
 * What an issuer text says when it is held against an issuer, or an issuer template, of the metadata.
 *
 * @returns the tenant it names where the metadata holds a template, `true` where the two are equal, else `false`
 */
export function matchIssuer(issuer: string, published: string): { readonly tenant: string } | boolean {
  const at = published.indexOf(tenantPlaceholder);
  if (at === -1) return issuer === published;
  const prefix = published.slice(0, at);
  const suffix = published.slice(at + tenantPlaceholder.length);
  if (!issuer.startsWith(prefix) || !issuer.endsWith(suffix)) return false;
  const tenant = issuer.slice(prefix.length, issuer.length - suffix.length);
  return isGuid(tenant) && { tenant };
}

/** An issuer with its placeholder, if any, filled in. */
export function fillTenant(published: string, tenant: string): string {
  return published.replaceAll(tenantPlaceholder, () => tenant);
}

/** Whether an issuer is an Entra External ID tenant's. */
export function isExternalId(issuer: string): boolean {
  return isExternalIdHost(parseUrl(issuer)?.hostname ?? '');
}

/**
 * What belongs to the B2C policy a token names. Only the token's own word: good for choosing a document, never for trust.
 *
 * @param configured - what belongs to each configured policy, by its name in lower case
 * @returns undefined where the token names no policy, or one that is not configured
 */
export function ofPolicy<T>(claims: PolicyClaims, configured: ReadonlyMap<string, T>): T | undefined {
  const named = namedPolicy(claims);
  return typeof named === 'string' ? configured.get(named.toLowerCase()) : undefined;
}

/** The claims that may name a B2C policy. */
type PolicyClaims = Readonly<Partial<Record<'tfp' | 'acr' | 'iss', unknown>>>;

/** What a token gives as its B2C policy, of any type; undefined where it names none. */
export function namedPolicy({ tfp, acr, iss }: PolicyClaims): unknown {
  // Newer user flows put the policy in tfp, older policies in acr, the OIDC-compliant form in the issuer alone.
  return tfp ?? acr ?? policyOfIssuer(iss);
}

function policyOfIssuer(issuer: unknown): string | undefined {
  const url = parseUrl(issuer);
  if (url === undefined) return undefined;
  const [, marker, , policy] = segmentsOf(url);
  return marker === 'tfp' ? policy : undefined;
}
