/** The authorities of the settings, and what each publishes: requested, or offline the most likely values. */
import type { UnverifiedClaims } from '../core/access-token-claims.js';
import type { Scheme, Settings } from '../core/configuration/settings.js';
import { IssuerUnavailableError } from '../core/errors.js';
import { isGuid } from '../core/guid.js';
import { b2cAuthority, entraAuthority, type Authority } from '../core/issuers/authority.js';
import { consumerTenant, fillTenant, tenantOfIssuer } from '../core/issuers/issuer.js';
import { IssuerKeys } from '../core/keys/issuer-keys.js';
import type { PublishedIssuer } from '../core/keys/openid-configuration.js';
import { externalIdHost, isExternalIdHost, isTokenService, serveOneCloud } from '../core/microsoft-hosts.js';
import { parseUrl } from '../core/url.js';

/** An authority of the settings. */
export interface KnownAuthority extends Authority {
  readonly kind: Scheme;
}

/** Every authority of the settings, by the URL of its OpenID configuration. */
export function authoritiesOf({ entra, b2c }: Settings): ReadonlyMap<string, KnownAuthority> {
  const ofEntra = entra === undefined ? [] : [entraAuthority(entra, 'v2'), entraAuthority(entra, 'v1')];
  const ofB2c =
    b2c === undefined
      ? []
      : b2c.policies.flatMap((policy) => b2c.instances.map((instance) => b2cAuthority(b2c, policy, instance)));
  const known = [
    ...ofEntra.map((authority) => ({ ...authority, kind: 'entra' as const })),
    ...ofB2c.map((authority) => ({ ...authority, kind: 'b2c' as const })),
  ];
  return new Map(known.map((authority) => [authority.metadataUrl, authority]));
}

const template = '{tenantid}';

/** A tenant id that no tenant has, where any GUID is enough. */
export const anyTenant = '00000000-0000-4000-8000-000000000000';

/**
 * Whether the authority on a host is likely to publish an issuer. Each cloud, and External ID, publishes issuers of its
 * own, and the settings allow more than those. Of a custom domain it is not known which of them it belongs to.
 */
function isLikelyOn(hostname: string, issuer: string): boolean {
  const ofIssuer = parseUrl(issuer)?.hostname ?? '';
  if (isExternalIdHost(hostname)) return isExternalIdHost(ofIssuer);
  return !isTokenService(hostname) || (!isExternalIdHost(ofIssuer) && serveOneCloud(hostname, ofIssuer));
}

/** The v2.0 issuer of a tenant. That of an External ID tenant is on the host named by the GUID of the tenant. */
function issuerOfTenant({ hostname, origin }: URL, tenant: string): string {
  const hasOwnHost = isExternalIdHost(hostname) && isGuid(tenant);
  return `${hasOwnHost ? `https://${externalIdHost(tenant)}` : origin}/${tenant}/v2.0`;
}

/**
 * The issuer that an authority would publish, without a request: the issuer of the token if the authority owns it, else
 * the most likely one.
 */
export function likelyIssuer(authority: Authority, claims: UnverifiedClaims, settings: Settings): string {
  const claimed = typeof claims['iss'] === 'string' ? claims['iss'] : '';
  const metadataUrl = new URL(authority.metadataUrl);
  const tenants = [settings.entra?.tenantId, settings.b2c?.tenantId, anyTenant, consumerTenant, template];
  const candidates = [
    claimed,
    claimed.replace(tenantOfIssuer(claimed) ?? template, template),
    ...tenants.filter((tenant) => tenant !== undefined).map((tenant) => issuerOfTenant(metadataUrl, tenant)),
  ];
  const isLikely = (issuer: string) => authority.ownsIssuer(issuer) && isLikelyOn(metadataUrl.hostname, issuer);
  return candidates.find(isLikely) ?? claimed;
}

/** An issuer without placeholder, for repaired claims, and the tenant it names. */
export function filled(issuer: string): { readonly iss: string; readonly tid: string | undefined } {
  const iss = fillTenant(issuer, anyTenant);
  return { iss, tid: tenantOfIssuer(iss) };
}

/** What is used of an OpenID configuration. */
export type Publication = Pick<PublishedIssuer, 'issuer' | 'cloudInstanceName'>;

/** What the authorities publish. Each is requested once; offline none is. */
export class Publications {
  readonly #settings: Settings;
  readonly #claims: UnverifiedClaims;
  readonly #offline: boolean;
  readonly #issuerKeys = new Map<string, IssuerKeys>();

  /** @param claims - those of the token, used in place of what is not requested */
  constructor(settings: Settings, claims: UnverifiedClaims, offline: boolean) {
    this.#settings = settings;
    this.#claims = claims;
    this.#offline = offline;
  }

  /** The keys of an authority. */
  issuerKeysOf(authority: Authority): IssuerKeys {
    const { fetch, now } = this.#settings;
    const known = this.#issuerKeys.get(authority.metadataUrl);
    const issuerKeys = known ?? new IssuerKeys(authority, { fetch, now, closing: new AbortController().signal });
    this.#issuerKeys.set(authority.metadataUrl, issuerKeys);
    return issuerKeys;
  }

  /** What an authority publishes; the most likely values if it cannot be requested. */
  async issuerOf(authority: Authority): Promise<Publication> {
    if (!this.#offline) {
      try {
        return await this.issuerKeysOf(authority).loadIssuer();
      } catch (error) {
        // The step `key` reports the outage. The claims are still checked.
        if (!(error instanceof IssuerUnavailableError)) throw error;
      }
    }
    return { issuer: likelyIssuer(authority, this.#claims, this.#settings), cloudInstanceName: undefined };
  }
}
