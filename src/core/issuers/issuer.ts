/** Which tenant, token version or B2C policy does an issuer name, and does it match the published issuer? */
import { guidLength, isGuid } from '../guid.js';
import { isExternalIdHost } from '../microsoft-hosts.js';
import { parseUrl } from '../url.js';

/** The version of an Entra token, by the form of its issuer and not by `ver`. */
export type TokenVersion = 'v1' | 'v2';

export const tenantPlaceholder = '{tenantid}';

/** The tenant of all personal Microsoft accounts. */
export const consumerTenant = '9188040d-6c67-4c5b-b112-36a304b66dad';

export function segmentsOf(url: URL): readonly string[] {
  // The URL parser percent-encodes the braces of a template.
  return url.pathname.replace('%7Btenantid%7D', tenantPlaceholder).split('/');
}

/** The tenant that an issuer names: a GUID, or the placeholder of a template. */
export function tenantOfIssuer(issuer: string): string | undefined {
  const url = parseUrl(issuer);
  return url && segmentsOf(url).find((segment) => segment === tenantPlaceholder || isGuid(segment));
}

/**
 * The version of a token by its issuer. Entra publishes v1.0 and v2.0 issuers in two documents. A v1.0 issuer ends with
 * the tenant and a slash. Every other text counts as v2.0, so that an invented issuer does not cause a second download.
 */
export function tokenVersionOf(issuer: unknown): TokenVersion {
  return typeof issuer === 'string' && issuer.endsWith('/') && isGuid(issuer.slice(-guidLength - 1, -1)) ? 'v1' : 'v2';
}

/**
 * Compares the issuer of a token with a published issuer, which may be a template.
 *
 * @returns for a template the tenant in the issuer, else whether the two are equal
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

/** A published issuer, with the tenant in place of the placeholder. */
export function fillTenant(published: string, tenant: string): string {
  return published.replaceAll(tenantPlaceholder, () => tenant);
}

/** Whether an issuer has a form of B2C. Those of Entra ID end in `/v2.0`, or in the tenant and a slash. */
export function isB2cIssuer(issuer: unknown): boolean {
  // Not parsed: the helpers ask it of every token.
  return typeof issuer === 'string' && (issuer.endsWith('/v2.0/') || issuer.includes('.b2clogin.'));
}

/** Whether an issuer belongs to Entra External ID. */
export function isExternalId(issuer: string): boolean {
  return isExternalIdHost(parseUrl(issuer)?.hostname ?? '');
}
