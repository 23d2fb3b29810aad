/** Which OpenID configuration an authority publishes, and whether an issuer named in it belongs to the settings. Pure functions. */
import type { B2cSettings, EntraSettings } from '../configuration/settings.js';
import { isMultiTenant } from '../configuration/tenant.js';
import { isGuid } from '../guid.js';
import { b2cHost, externalIdHost, initialDomain, isExternalIdHost, isTokenService } from '../microsoft-hosts.js';
import { isLoopback, parseUrl } from '../url.js';
import {
  consumerTenant,
  isExternalId,
  segmentsOf,
  tenantOfIssuer,
  tenantPlaceholder,
  type TokenVersion,
} from './issuer.js';

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

export const wellKnown = '.well-known/openid-configuration';

/** Where a client goes for a token that says more. */
export interface ChallengeAuthority {
  readonly realm: string;
  readonly authorizationUri: string;
}

const isHttp = (url: URL) => url.protocol === 'http:' || url.protocol === 'https:';

/** Whether an OpenID configuration at `instance` may name a URL. Plain http is for loopback, and only towards loopback. */
function mayName(instance: URL, url: URL, tenantId: string | undefined): boolean {
  if (isLoopback(instance.hostname) && isLoopback(url.hostname) && isHttp(url)) return true;
  if (url.protocol !== 'https:') return false;
  if (url.host === instance.host || isTokenService(url.host)) return true;
  // Each cloud has its v1.0 issuers on sts.… beside login.…, also one that is not listed.
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

/** The document that speaks for Entra tokens of one version. */
export function entraAuthority(settings: EntraSettings, version: TokenVersion): Authority {
  const instance = new URL(settings.instance);
  const base = `${settings.instance}/${settings.tenantPath}`;
  return {
    metadataUrl: version === 'v2' ? `${base}/v2.0/${wellKnown}` : `${base}/${wellKnown}`,
    ownsIssuer: (issuer) => ownsEntraIssuer(settings, instance, issuer),
    ownsKeysUrl: (text, issuer) => {
      const url = parseUrl(text);
      if (url === undefined) return false;
      const tenantId = isGuid(settings.tenantId) ? settings.tenantId : undefined;
      return mayName(instance, url, tenantId) || (isExternalId(issuer) && isExternalIdUrl(url));
    },
    options: 'tenantId and instance',
  };
}

/** The document that speaks for the tokens of one B2C policy. */
export function b2cAuthority(settings: B2cSettings, policy: string, authorityOrigin: string): Authority {
  const instance = new URL(authorityOrigin);
  return {
    metadataUrl: `${instance.origin}/${initialDomain(settings.domainName)}/${policy}/v2.0/${wellKnown}`,
    ownsIssuer: (issuer) => {
      const url = parseUrl(issuer);
      // A custom domain stands beside b2clogin.com, it does not replace it.
      const origins = [...settings.instances, `https://${b2cHost(settings.domainName)}`];
      if (url === undefined || !origins.includes(url.origin)) return false;
      const tenant = segmentsOf(url).find(isGuid);
      return tenant !== undefined && (settings.tenantId === undefined || tenant === settings.tenantId);
    },
    ownsKeysUrl: (text) => {
      const url = parseUrl(text);
      return url !== undefined && mayName(instance, url, undefined);
    },
    options: 'b2c.domainName, b2c.policies and b2c.tenantId',
  };
}

/** Where a client goes for another token of an Entra tenant. */
export function entraChallenge({ instance, tenantId, tenantPath }: EntraSettings): ChallengeAuthority {
  return Object.freeze({ realm: tenantId, authorizationUri: `${instance}/${tenantPath}/oauth2/v2.0/authorize` });
}

/** Where a client goes for another token of a B2C policy. */
export function b2cChallenge({ domainName }: B2cSettings, policy: string, instance: string): ChallengeAuthority {
  const realm = initialDomain(domainName);
  return Object.freeze({ realm, authorizationUri: `${instance}/${realm}/${policy}/oauth2/v2.0/authorize` });
}
