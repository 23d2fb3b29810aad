/** Which hosts and domains are Microsoft's, of which cloud and of which product? */

/** The authority hosts of Microsoft's clouds, for {@link IdentityOptions.instance}. */
export const Cloud = Object.freeze({
  Global: 'https://login.microsoftonline.com',
  UsGovernment: 'https://login.microsoftonline.us',
  China: 'https://login.partner.microsoftonline.cn',
});

const hostOf = (url: string) => new URL(url).host;

/** The hosts of the global cloud: where people sign in, and in the issuers of v1.0 tokens. */
const globalCloud: readonly string[] = [hostOf(Cloud.Global), 'sts.windows.net'];

const clouds: readonly (readonly string[])[] = [
  globalCloud,
  // The US Government's v1.0 issuers are on the host of the global cloud.
  [hostOf(Cloud.UsGovernment), 'sts.windows.net'],
  [hostOf(Cloud.China), 'login.chinacloudapi.cn', 'sts.chinacloudapi.cn'],
];

const tokenServices: ReadonlySet<string> = new Set(clouds.flat());

/**
 * Whether a host is one of Microsoft's security token services. The OpenID configuration on one of them may name an
 * issuer or keys on another: v1.0 issuers have a host of their own, and China has two authority hosts.
 */
export const isTokenService = (host: string | undefined) => host !== undefined && tokenServices.has(host);

/** Whether two hosts serve one cloud. A host that is not listed counts as one of the global cloud. */
export function serveOneCloud(one: string, other: string): boolean {
  const serves = (cloud: readonly string[], host: string) =>
    cloud.includes(host) || (cloud === globalCloud && !tokenServices.has(host));
  return clouds.some((cloud) => serves(cloud, one) && serves(cloud, other));
}

const authorities: ReadonlySet<string> = new Set([
  ...[...tokenServices].filter((host) => host.startsWith('login.')),
  // An older host of the US Government's cloud.
  'login-us.microsoftonline.com',
  // The clouds of the United States' agencies, which are on networks of their own.
  'login.microsoftonline.eaglex.ic.gov',
  'login.microsoftonline.microsoft.scloud',
]);

const looksLikeCloud = /(^|\.)(microsoftonline|chinacloudapi)\./;

/** The hosts of Microsoft Graph, and the authority of their clouds. */
const graphHosts: ReadonlyMap<string, string> = new Map([
  ['graph.microsoft.com', Cloud.Global],
  ['graph.microsoft.us', Cloud.UsGovernment],
  ['dod-graph.microsoft.us', Cloud.UsGovernment],
  ['microsoftgraph.chinacloudapi.cn', Cloud.China],
]);

/**
 * The authority of the cloud whose Microsoft Graph is on a host. Undefined: it is not Graph's.
 *
 * @see {@link https://learn.microsoft.com/graph/deployments National cloud deployments}
 */
export const cloudOfGraph = (host: string): string | undefined => graphHosts.get(host);

/** Whether a host has the name of a cloud and is not one of Microsoft's authorities. */
export const isUnknownCloud = (hostname: string) => looksLikeCloud.test(hostname) && !authorities.has(hostname);

const initialDomainSuffix = '.onmicrosoft.com';

/** The domain that Microsoft gives a tenant when it is created: `contoso.onmicrosoft.com` for `contoso`. */
export const initialDomain = (tenantName: string) => `${tenantName}${initialDomainSuffix}`;

const externalIdSuffix = '.ciamlogin.com';

/** Whether a host is Entra External ID's. */
export const isExternalIdHost = (hostname: string) => hostname.endsWith(externalIdSuffix);

/** The External ID host of a tenant, which is given by its name or its GUID. */
export const externalIdHost = (tenant: string) => `${tenant}${externalIdSuffix}`;

/** The name or the GUID of the tenant whose External ID host this is. */
export function tenantOfExternalIdHost(hostname: string): string | undefined {
  const tenant = hostname.slice(0, -externalIdSuffix.length);
  return isExternalIdHost(hostname) && !tenant.includes('.') ? tenant : undefined;
}

/** How a B2C tenant's domain and host end, in each cloud. The first is the global one. */
const b2cClouds = [
  { domain: initialDomainSuffix, host: '.b2clogin.com' },
  { domain: '.onmicrosoft.us', host: '.b2clogin.us' },
  { domain: '.partner.onmschina.cn', host: '.b2clogin.cn' },
] as const;
const [globalB2c, , b2cInChina] = b2cClouds;

/** Whether a host is Azure AD B2C's own. B2C can also be behind a custom domain. */
export const isB2cHost = (hostname: string) => b2cClouds.some(({ host }) => hostname.endsWith(host));

const cloudOfDomain = (domain: string) => b2cClouds.find((cloud) => domain.toLowerCase().endsWith(cloud.domain));

/** The name of a B2C tenant that is given by its name alone or by its initial domain. */
export function tenantName(nameOrDomain: string): string {
  const suffix = cloudOfDomain(nameOrDomain)?.domain ?? '';
  return nameOrDomain.slice(0, nameOrDomain.length - suffix.length);
}

/**
 * The initial domain of a B2C tenant that is given by its name alone or by that domain. A name alone is one of the global
 * cloud, unless B2C's host is China's. In the US Government's cloud domains end in either form.
 *
 * @see {@link https://docs.azure.cn/en-us/active-directory-b2c/b2clogin B2C in China}
 */
export function b2cDomain(nameOrDomain: string, hostname: string): string {
  if (cloudOfDomain(nameOrDomain) !== undefined) return nameOrDomain;
  return `${nameOrDomain}${hostname.endsWith(b2cInChina.host) ? b2cInChina.domain : globalB2c.domain}`;
}

/** Whether a tenant with this domain can be at this host: on B2C's own hosts, China has tenants of its own. */
export function mayBeAt(domain: string, hostname: string): boolean {
  return !isB2cHost(hostname) || domain.endsWith(b2cInChina.domain) === hostname.endsWith(b2cInChina.host);
}

/** The B2C host of a tenant that is given by its initial domain. */
export const b2cHost = (domain: string) => `${tenantName(domain)}${(cloudOfDomain(domain) ?? globalB2c).host}`;
