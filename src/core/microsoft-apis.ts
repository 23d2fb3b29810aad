/** Is an audience one of Microsoft's own APIs? Tokens for them are no tokens for this API. */
import { guidLength, isGuid } from './guid.js';
import { cloudOfGraph } from './microsoft-hosts.js';
import { parseUrl } from './url.js';

/** An API of Microsoft's, by its name for people. */
export type MicrosoftApi =
  | 'Microsoft Graph'
  | 'Azure AD Graph'
  | 'Azure Resource Manager'
  | 'Azure Key Vault'
  | 'Azure Storage'
  | 'Azure SQL'
  | 'Azure Database for PostgreSQL and MySQL'
  | 'Azure Cosmos DB'
  | 'Azure Service Bus'
  | 'Azure Event Hubs'
  | 'Azure Monitor'
  | 'Azure AI services'
  | 'Azure DevOps'
  | 'SharePoint'
  | 'Exchange Online'
  | 'Office 365 Management'
  | 'OneNote'
  | 'Microsoft Teams'
  | 'Power BI';

/**
 * The application ids of the APIs.
 *
 * @see {@link https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in Microsoft's applications}
 */
const applications: ReadonlyMap<string, MicrosoftApi> = new Map([
  ['00000003-0000-0000-c000-000000000000', 'Microsoft Graph'],
  ['00000002-0000-0000-c000-000000000000', 'Azure AD Graph'],
  ['797f4846-ba00-4fd7-ba43-dac1f8f63013', 'Azure Resource Manager'],
  ['cfa8b339-82a2-471a-a3c9-0fc0be7a4093', 'Azure Key Vault'],
  // The one of the US Government's cloud.
  ['7e7c393b-45d0-48b1-a35e-2905ddf8183c', 'Azure Key Vault'],
  ['e406a681-f3d4-42a8-90b6-c2b029497af1', 'Azure Storage'],
  ['022907d3-0f1b-48f7-badc-1ba6abab6d66', 'Azure SQL'],
  ['123cd850-d9df-40bd-94d5-c9f07b7fa203', 'Azure Database for PostgreSQL and MySQL'],
  ['a232010e-820c-4083-83bb-3ace5fc29d0b', 'Azure Cosmos DB'],
  ['80a10ef9-8168-493d-abf9-3297c4ef6e3c', 'Azure Service Bus'],
  ['80369ed6-5f11-4dd9-bef3-692475845e77', 'Azure Event Hubs'],
  ['ca7f3f0b-7d91-482c-8e09-c5d840d0eac5', 'Azure Monitor'],
  ['7d312290-28c8-473c-a0ed-8e53749b6d6d', 'Azure AI services'],
  ['499b84ac-1321-427f-aa17-267ca6975798', 'Azure DevOps'],
  ['00000003-0000-0ff1-ce00-000000000000', 'SharePoint'],
  ['00000002-0000-0ff1-ce00-000000000000', 'Exchange Online'],
  ['c5393580-f805-4401-95e8-94b7a6ef2fc2', 'Office 365 Management'],
  ['2d4d3d8e-2be3-4bef-9f87-7875a61c29de', 'OneNote'],
  ['cc15fd57-2c6c-4117-a88c-83b1d56b4bbe', 'Microsoft Teams'],
  ['00000009-0000-0000-c000-000000000000', 'Power BI'],
]);

/** The hosts in the Application ID URIs of the APIs, those of Microsoft Graph apart. Hosts below them belong to the same API: one account, one vault. */
const hosts: ReadonlyMap<string, MicrosoftApi> = new Map([
  ['graph.windows.net', 'Azure AD Graph'],
  ['graph.chinacloudapi.cn', 'Azure AD Graph'],
  ['management.azure.com', 'Azure Resource Manager'],
  ['management.core.windows.net', 'Azure Resource Manager'],
  ['management.usgovcloudapi.net', 'Azure Resource Manager'],
  ['management.core.usgovcloudapi.net', 'Azure Resource Manager'],
  ['management.chinacloudapi.cn', 'Azure Resource Manager'],
  ['management.core.chinacloudapi.cn', 'Azure Resource Manager'],
  ['vault.azure.net', 'Azure Key Vault'],
  ['managedhsm.azure.net', 'Azure Key Vault'],
  ['vault.usgovcloudapi.net', 'Azure Key Vault'],
  ['vault.azure.cn', 'Azure Key Vault'],
  ['storage.azure.com', 'Azure Storage'],
  ...['windows.net', 'usgovcloudapi.net', 'chinacloudapi.cn'].flatMap((domain): [string, MicrosoftApi][] => [
    ...['blob', 'dfs', 'file', 'queue', 'table'].map((service): [string, MicrosoftApi] => [
      `${service}.core.${domain}`,
      'Azure Storage',
    ]),
    [`ossrdbms-aad.database.${domain}`, 'Azure Database for PostgreSQL and MySQL'],
    [`database.${domain}`, 'Azure SQL'],
  ]),
  ['cosmos.azure.com', 'Azure Cosmos DB'],
  ['documents.azure.com', 'Azure Cosmos DB'],
  ['servicebus.azure.net', 'Azure Service Bus'],
  ['eventhubs.azure.net', 'Azure Event Hubs'],
  ['api.loganalytics.io', 'Azure Monitor'],
  ['api.loganalytics.azure.com', 'Azure Monitor'],
  ['cognitiveservices.azure.com', 'Azure AI services'],
  ['app.vssps.visualstudio.com', 'Azure DevOps'],
  ['dev.azure.com', 'Azure DevOps'],
  ['sharepoint.com', 'SharePoint'],
  ['sharepoint.us', 'SharePoint'],
  ['sharepoint.cn', 'SharePoint'],
  ['outlook.office.com', 'Exchange Online'],
  ['outlook.office365.com', 'Exchange Online'],
  ['manage.office.com', 'Office 365 Management'],
  ['onenote.com', 'OneNote'],
  ['api.spaces.skype.com', 'Microsoft Teams'],
  ['analysis.windows.net', 'Power BI'],
]);

/** A host, and the domains above it. A dot at its end is left out: it names the same host. */
function domainsOf(host: string): readonly string[] {
  const labels = (host.endsWith('.') ? host.slice(0, -1) : host).split('.');
  return labels.map((_, index) => labels.slice(index).join('.'));
}

/** The API on a host, or on one of the domains above it. The longest domain that is known counts. */
function apiOfHost(host: string): MicrosoftApi | undefined {
  return domainsOf(host)
    .map((domain) => (cloudOfGraph(domain) ? 'Microsoft Graph' : hosts.get(domain)))
    .find(Boolean);
}

const prefixes: readonly string[] = ['spn:', 'api://'];
const longestApplication = Math.max(...prefixes.map(({ length }) => length)) + guidLength + 1;

/** The application id of an audience: alone, after a prefix, or before the host it is for (`<id>/contoso.sharepoint.com`). */
function applicationOf(audience: string): string | undefined {
  const start = prefixes.find((prefix) => audience.startsWith(prefix))?.length ?? 0;
  const id = audience.slice(start, start + guidLength);
  const next = audience.charAt(start + guidLength);
  return isGuid(id) && (next === '' || next === '/') ? id : undefined;
}

/**
 * The API of Microsoft's that an audience names, by its application id or its URI, in any spelling; undefined for an
 * audience of another API. Every client of a tenant can get tokens for these APIs.
 */
export function microsoftApiOf(audience: unknown): MicrosoftApi | undefined {
  if (typeof audience !== 'string') return undefined;
  const application = applicationOf(audience.slice(0, longestApplication).toLowerCase());
  if (application !== undefined) return applications.get(application);
  const url = parseUrl(audience);
  return url?.protocol === 'https:' ? apiOfHost(url.hostname) : undefined;
}

/**
 * Domains of Microsoft's APIs. A tenant cannot verify one of them, so a URI on one is no name of the tenant's own APIs.
 * The apps of customers are on none of them, but on cloudapp.azure.com.
 */
const microsoftDomains: ReadonlySet<string> = new Set([
  'azure.cn',
  'azure.com',
  'azure.net',
  'azure.us',
  'chinacloudapi.cn',
  'dynamics.com',
  'microsoft.com',
  'microsoft.us',
  'microsoftonline.com',
  'office.com',
  'office.net',
  'office365.com',
  'office365.us',
  'powerplatform.com',
  'skype.com',
  'usgovcloudapi.net',
  'visualstudio.com',
  'windows.net',
]);

/** Whether an audience is a URI on a domain of Microsoft's. Such an API may have no name here. */
export function isOnMicrosoftDomain(audience: unknown): boolean {
  const url = parseUrl(audience);
  if (url?.protocol !== 'https:') return false;
  const domains = domainsOf(url.hostname);
  return domains.some((domain) => microsoftDomains.has(domain)) && !domains.includes('cloudapp.azure.com');
}
