/** The hosts of Microsoft's clouds, and what a host name tells. Pure functions. */

/** The authority hosts of Microsoft's clouds, for {@link IdentityOptions.instance}. */
export const Cloud = Object.freeze({
  Global: 'https://login.microsoftonline.com',
  UsGovernment: 'https://login.microsoftonline.us',
  China: 'https://login.partner.microsoftonline.cn',
});

/** Whether a tenant name stands for more than one tenant, so that the issuer is a template. */
export const isMultiTenant = (tenantId: string) => tenantId === 'organizations' || tenantId === 'common';

/** Whether an address never leaves this machine: the only place where plain http is allowed. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

const externalIdSuffix = '.ciamlogin.com';

/** Whether a host is Entra External ID's. */
export const isExternalIdHost = (hostname: string) => hostname.endsWith(externalIdSuffix);

const knownClouds: ReadonlySet<string> = new Set([
  ...Object.values(Cloud).map((url) => new URL(url).hostname),
  'login-us.microsoftonline.com',
  'login.chinacloudapi.cn',
  // The clouds of the United States' agencies, which no other network reaches.
  'login.microsoftonline.eaglex.ic.gov',
  'login.microsoftonline.microsoft.scloud',
]);

const looksLikeCloud = /(^|\.)(microsoftonline|chinacloudapi)\./;

/** A host that bears a cloud's name and is none of Microsoft's would be handed the say over who may call. */
export const isUnknownCloud = (hostname: string) => looksLikeCloud.test(hostname) && !knownClouds.has(hostname);

export const isB2cHost = (hostname: string) => !isExternalIdHost(hostname) && !isUnknownCloud(hostname);

/** The tenant that stands in the path of an External ID authority. */
export function tenantInPath(instance: string): string | undefined {
  const [, tenant, ...rest] = new URL(instance).pathname.split('/');
  return tenant === undefined || tenant === '' || rest.some((segment) => segment !== '') ? undefined : tenant;
}

// Hosts of Microsoft's security token services. Metadata of one may name an issuer or keys on another:
// v1.0 issuers live on sts.windows.net, China's metadata host differs from its issuer's.
const tokenServiceHosts: ReadonlySet<string> = new Set([
  'login.microsoftonline.com',
  'login.microsoftonline.us',
  'login.partner.microsoftonline.cn',
  'login.chinacloudapi.cn',
  'sts.windows.net',
  'sts.chinacloudapi.cn',
]);

/** Whether a URL is on one of Microsoft's security token services. */
export function isTokenService(url: string): boolean {
  return tokenServiceHosts.has(parseUrl(url)?.host ?? '');
}

export function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

const isHttp = (url: URL) => url.protocol === 'http:' || url.protocol === 'https:';

/** Plain http is for a loopback authority alone, and only towards loopback. */
export function isTrustedHost(url: URL, instance: URL, tenantId: string | undefined): boolean {
  if (isLoopback(instance.hostname) && isLoopback(url.hostname) && isHttp(url)) return true;
  if (url.protocol !== 'https:') return false;
  if (url.host === instance.host || tokenServiceHosts.has(url.host)) return true;
  // Each cloud has its v1.0 issuers on sts.… beside login.…, also one that is not listed above.
  if (instance.host.startsWith('login.') && url.host === `sts.${instance.host.slice('login.'.length)}`) return true;
  return tenantId !== undefined && url.host === `${tenantId}.ciamlogin.com`;
}

/** Microsoft runs every host of External ID, whichever tenant's: a custom domain's keys may be on any of them. */
export function isExternalIdUrl(url: URL): boolean {
  return url.protocol === 'https:' && url.port === '' && isExternalIdHost(url.hostname);
}
