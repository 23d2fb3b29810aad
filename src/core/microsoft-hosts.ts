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

/** The name of a tenant that is given by its name alone or by its initial domain. */
export function tenantName(nameOrDomain: string): string {
  const isDomain = nameOrDomain.toLowerCase().endsWith(initialDomainSuffix);
  return isDomain ? nameOrDomain.slice(0, -initialDomainSuffix.length) : nameOrDomain;
}

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

// The first is the global cloud's. The others are the US Government's and China's.
const b2cSuffixes = ['.b2clogin.com', '.b2clogin.us', '.b2clogin.cn'] as const;

/** Whether a host is Azure AD B2C's own. B2C can also be behind a custom domain. */
export const isB2cHost = (hostname: string) => b2cSuffixes.some((suffix) => hostname.endsWith(suffix));

/** The B2C host of a tenant in the global cloud. */
export const b2cHost = (tenantName: string) => `${tenantName}${b2cSuffixes[0]}`;
