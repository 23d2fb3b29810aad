/** Where is the OpenID configuration of an authority, and which issuer and key set may it name? */
import type { ChallengeAuthority } from '../challenge.js';
import { isMultiTenant } from '../configuration/configured-tenant.js';
import type { B2cSettings, EntraSettings } from '../configuration/settings.js';
import { isGuid } from '../guid.js';
import { b2cHost, externalIdHost, isExternalIdHost, isTokenService } from '../microsoft-hosts.js';
import { isLoopback, isSecure, parseUrl } from '../url.js';
import {
  consumerTenant,
  isExternalId,
  segmentsOf,
  tenantOfIssuer,
  tenantPlaceholder,
  type TokenVersion,
} from './issuer.js';

/** The address of one OpenID configuration, and what may be in it. */
export interface Authority {
  readonly metadataUrl: string;
  /** Whether an issuer in the OpenID configuration belongs to the configured tenant. */
  readonly ownsIssuer: (issuer: string) => boolean;
  /**
   * Whether the issuer in a token can be this authority's, by its form alone. An issuer that {@link ownsIssuer} accepts
   * is accepted, and so is each issuer of a template.
   */
  readonly mayIssueAs: (issuer: string) => boolean;
  /** Whether keys may be loaded from a URL in the OpenID configuration. */
  readonly ownsKeysUrl: (url: string, issuer: string) => boolean;
  /** The options to check if the document is not there, or does not fit. */
  readonly options: string;
  /** The options to check if the host cannot be reached. */
  readonly hostOptions: string;
}

export const wellKnown = '.well-known/openid-configuration';

/** Whether an OpenID configuration at `instance` may name a URL. On loopback it may name any http URL on loopback. */
function mayName(instance: URL, url: URL, tenantId: string | undefined): boolean {
  if (!isSecure(url)) return false;
  if (isLoopback(instance.hostname) && isLoopback(url.hostname)) return true;
  if (url.host === instance.host || isTokenService(url.host)) return true;
  // A cloud that is not in our list also has its v1.0 issuers at sts.… and its authority at login.…
  if (instance.host.startsWith('login.') && url.host === `sts.${instance.host.slice('login.'.length)}`) return true;
  return tenantId !== undefined && url.host === externalIdHost(tenantId);
}

// Microsoft runs every host of External ID, so the keys of a custom domain may be on any of them.
const isExternalIdUrl = (url: URL) => url.protocol === 'https:' && url.port === '' && isExternalIdHost(url.hostname);

function ownsEntraIssuer(settings: EntraSettings, instance: URL, issuer: string): boolean {
  const url = parseUrl(issuer);
  const tenant = tenantOfIssuer(issuer);
  if (url === undefined || tenant === undefined || !mayName(instance, url, tenant)) return false;
  if (isMultiTenant(settings.tenantId)) return tenant === tenantPlaceholder;
  if (settings.tenantId === 'consumers') return tenant === consumerTenant;
  return isGuid(settings.tenantId) ? tenant === settings.tenantId : tenant !== tenantPlaceholder;
}

/** The issuer in a token has a tenant where the published issuer of many tenants has the placeholder. */
function mayIssueEntraAs(settings: EntraSettings, instance: URL, issuer: string): boolean {
  if (!isMultiTenant(settings.tenantId)) return ownsEntraIssuer(settings, instance, issuer);
  const tenant = tenantOfIssuer(issuer);
  return (
    tenant !== undefined &&
    isGuid(tenant) &&
    ownsEntraIssuer(settings, instance, issuer.replace(tenant, tenantPlaceholder))
  );
}

/** Whether an authority may publish documents of v1.0 tokens. External ID and personal accounts have v2.0 tokens only. */
const mayPublishV1 = ({ tenantId }: EntraSettings, instance: URL) =>
  tenantId !== 'consumers' && !isExternalIdHost(instance.hostname);

/** The authority of Entra tokens of one version. */
export function entraAuthority(settings: EntraSettings, version: TokenVersion): Authority {
  const instance = new URL(settings.instance);
  const base = `${settings.instance}/${settings.tenantPath}`;
  const query = settings.ownSigningKey ? `?appid=${settings.clientId}` : '';
  return {
    metadataUrl: `${version === 'v2' ? `${base}/v2.0` : base}/${wellKnown}${query}`,
    ownsIssuer: (issuer) => ownsEntraIssuer(settings, instance, issuer),
    mayIssueAs: (issuer) =>
      (version === 'v2' || mayPublishV1(settings, instance)) && mayIssueEntraAs(settings, instance, issuer),
    ownsKeysUrl: (text, issuer) => {
      const url = parseUrl(text);
      if (url === undefined) return false;
      const tenantId = isGuid(settings.tenantId) ? settings.tenantId : undefined;
      return mayName(instance, url, tenantId) || (isExternalId(issuer) && isExternalIdUrl(url));
    },
    options: settings.ownSigningKey ? 'tenantId, instance and ownSigningKey' : 'tenantId and instance',
    hostOptions: 'instance',
  };
}

/** The authority of the tokens of one B2C policy. */
export function b2cAuthority(settings: B2cSettings, policy: string, authorityOrigin: string): Authority {
  const instance = new URL(authorityOrigin);
  const ownOrigin = `https://${b2cHost(settings.domain)}`;
  // The tenant's host on b2clogin.com stays in use beside a custom domain.
  const origins = [...settings.instances, ownOrigin];
  const ownsIssuer = (issuer: string) => {
    const url = parseUrl(issuer);
    if (url === undefined || !origins.includes(url.origin)) return false;
    const tenant = segmentsOf(url).find(isGuid);
    return tenant !== undefined && (settings.tenantId === undefined || tenant === settings.tenantId);
  };
  return {
    metadataUrl: `${instance.origin}/${settings.domain}/${policy}/v2.0/${wellKnown}`,
    ownsIssuer,
    mayIssueAs: ownsIssuer,
    ownsKeysUrl: (text) => {
      const url = parseUrl(text);
      return url !== undefined && mayName(instance, url, undefined);
    },
    options: 'b2c.domainName, b2c.policies and b2c.tenantId',
    hostOptions: instance.origin === ownOrigin ? 'b2c.domainName' : 'b2c.customDomain or b2c.instance',
  };
}

/** Where a client gets another token of an Entra tenant. */
export function entraChallenge({ instance, tenantId, tenantPath }: EntraSettings): ChallengeAuthority {
  return Object.freeze({ realm: tenantId, authorizationUri: `${instance}/${tenantPath}/oauth2/v2.0/authorize` });
}

/** Where a client gets another token of a B2C policy. */
export function b2cChallenge({ domain }: B2cSettings, policy: string, instance: string): ChallengeAuthority {
  return Object.freeze({ realm: domain, authorizationUri: `${instance}/${domain}/${policy}/oauth2/v2.0/authorize` });
}
