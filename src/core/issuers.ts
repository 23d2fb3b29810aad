/**
 * Where the truth about an issuer is published, and whether an issuer is the one that was configured. Pure functions.
 *
 * An issuer is never made up from a host name: it is read from the OpenID configuration. What is decided here is which
 * document to read, and whether what it says belongs to the settings.
 */
import type { B2cSettings, EntraSettings } from './configuration/settings.js';
import { guidLength, isGuid } from './guid.js';
import { isExternalIdHost, isExternalIdUrl, isMultiTenant, isTrustedHost, parseUrl } from './microsoft-hosts.js';

/** The form of an Entra token: its issuer's, not its `ver`'s. */
export type TokenVersion = 'v1' | 'v2';

/** One OpenID configuration, and what its issuer must look like. */
export interface Authority {
  readonly metadataUrl: string;
  /** Whether an issuer read from the OpenID configuration belongs to what was configured. */
  readonly ownsIssuer: (issuer: string) => boolean;
  /** Whether a URL read from the OpenID configuration may be asked for keys. */
  readonly ownsKeysUrl: (url: string, issuer: string) => boolean;
  /** The options to look at when the document cannot be had. */
  readonly options: string;
}

const tenantPlaceholder = '{tenantid}';
export const wellKnown = '.well-known/openid-configuration';

/** The tenant that holds personal Microsoft accounts. */
export const consumerTenant = '9188040d-6c67-4c5b-b112-36a304b66dad';

function segmentsOf(url: URL): readonly string[] {
  // The URL parser percent-encodes the braces of a template.
  return url.pathname.replace('%7Btenantid%7D', tenantPlaceholder).split('/');
}

/** The tenant an Entra issuer names: a GUID, the template's placeholder, or nothing. */
export function tenantOfIssuer(issuer: string): string | undefined {
  const url = parseUrl(issuer);
  return url && segmentsOf(url).find((segment) => segment === tenantPlaceholder || isGuid(segment));
}

function ownsEntraIssuer(settings: EntraSettings, instance: URL, issuer: string): boolean {
  const url = parseUrl(issuer);
  const tenant = tenantOfIssuer(issuer);
  if (url === undefined || tenant === undefined || !isTrustedHost(url, instance, tenant)) return false;
  if (isMultiTenant(settings.tenantId)) return tenant === tenantPlaceholder;
  if (settings.tenantId === 'consumers') return tenant === consumerTenant;
  return isGuid(settings.tenantId) ? tenant === settings.tenantId : tenant !== tenantPlaceholder;
}

/** The document that speaks for Entra tokens of one version. */
export function entraAuthority(settings: EntraSettings, version: TokenVersion): Authority {
  const instance = new URL(settings.instance);
  const base = `${settings.instance}/${settings.tenantPath}`;
  return {
    metadataUrl: version === 'v2' ? `${base}/v2.0/${wellKnown}` : `${base}/${wellKnown}`,
    ownsIssuer: (issuer) => ownsEntraIssuer(settings, instance, issuer),
    ownsKeysUrl: (url, issuer) =>
      ownsKeysUrl(url, instance, isGuid(settings.tenantId) ? settings.tenantId : undefined) ||
      (isExternalId(issuer) && URL.canParse(url) && isExternalIdUrl(new URL(url))),
    options: 'tenantId and instance',
  };
}

/** Where a client goes for another token of an Entra tenant. */
export function entraChallenge({ instance, tenantId, tenantPath }: EntraSettings): ChallengeAuthority {
  return Object.freeze({ realm: tenantId, authorizationUri: `${instance}/${tenantPath}/oauth2/v2.0/authorize` });
}

/** Where a client goes for another token of a B2C policy. */
export function b2cChallenge({ domainName }: B2cSettings, policy: string, instance: string): ChallengeAuthority {
  const realm = `${domainName}.onmicrosoft.com`;
  return Object.freeze({ realm, authorizationUri: `${instance}/${realm}/${policy}/oauth2/v2.0/authorize` });
}

/** The document that speaks for the tokens of one B2C policy. */
export function b2cAuthority(settings: B2cSettings, policy: string, authorityOrigin: string): Authority {
  const instance = new URL(authorityOrigin);
  return {
    metadataUrl: `${instance.origin}/${settings.domainName}.onmicrosoft.com/${policy}/v2.0/${wellKnown}`,
    ownsIssuer: (issuer) => {
      const url = parseUrl(issuer);
      // A custom domain stands beside b2clogin.com, it does not replace it.
      const origins = [...settings.instances, `https://${settings.domainName}.b2clogin.com`];
      if (url === undefined || !origins.includes(url.origin)) return false;
      const tenant = segmentsOf(url).find(isGuid);
      return tenant !== undefined && (settings.tenantId === undefined || tenant === settings.tenantId);
    },
    ownsKeysUrl: (url) => ownsKeysUrl(url, instance, undefined),
    options: 'b2c.domainName, b2c.policies and b2c.tenantId',
  };
}

function ownsKeysUrl(text: string, instance: URL, tenantId: string | undefined): boolean {
  const url = parseUrl(text);
  return url !== undefined && isTrustedHost(url, instance, tenantId);
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
  const url = typeof issuer === 'string' ? parseUrl(issuer) : undefined;
  if (url === undefined) return undefined;
  const [, marker, , policy] = segmentsOf(url);
  return marker === 'tfp' ? policy : undefined;
}

/** Where a client goes for a token that says more. */
export interface ChallengeAuthority {
  readonly realm: string;
  readonly authorizationUri: string;
}
