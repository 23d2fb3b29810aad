import { describe, expect, it } from 'vitest';
import { isOnMicrosoftDomain, microsoftApiOf } from '../../src/core/microsoft-apis.js';

describe('microsoftApiOf', () => {
  it.each([
    ['https://management.azure.com', 'Azure Resource Manager'],
    ['https://management.azure.com/', 'Azure Resource Manager'],
    ['https://management.core.windows.net', 'Azure Resource Manager'],
    ['https://management.core.windows.net/', 'Azure Resource Manager'],
    // What clients get that ask for https://management.core.windows.net//.default
    ['https://management.core.windows.net//', 'Azure Resource Manager'],
    ['https://management.core.chinacloudapi.cn/', 'Azure Resource Manager'],
    ['https://management.usgovcloudapi.net', 'Azure Resource Manager'],
    ['797f4846-ba00-4fd7-ba43-dac1f8f63013', 'Azure Resource Manager'],
    ['797F4846-BA00-4FD7-BA43-DAC1F8F63013', 'Azure Resource Manager'],
    ['spn:797f4846-ba00-4fd7-ba43-dac1f8f63013', 'Azure Resource Manager'],
    ['https://graph.microsoft.com', 'Microsoft Graph'],
    ['https://graph.microsoft.com/', 'Microsoft Graph'],
    ['HTTPS://Graph.Microsoft.Com', 'Microsoft Graph'],
    ['https://canary.graph.microsoft.com', 'Microsoft Graph'],
    // The same hosts: a full domain name may end in a dot.
    ['https://graph.microsoft.com.', 'Microsoft Graph'],
    ['https://contoso.vault.azure.net./', 'Azure Key Vault'],
    ['https://microsoftgraph.chinacloudapi.cn', 'Microsoft Graph'],
    ['https://dod-graph.microsoft.us/', 'Microsoft Graph'],
    ['00000003-0000-0000-c000-000000000000', 'Microsoft Graph'],
    ['00000003-0000-0000-c000-000000000000/ags.windows.net', 'Microsoft Graph'],
    ['api://00000003-0000-0000-c000-000000000000', 'Microsoft Graph'],
    ['API://00000003-0000-0000-C000-000000000000/', 'Microsoft Graph'],
    ['api://797f4846-ba00-4fd7-ba43-dac1f8f63013', 'Azure Resource Manager'],
    ['https://graph.windows.net', 'Azure AD Graph'],
    ['https://vault.azure.net', 'Azure Key Vault'],
    ['https://contoso.vault.azure.net/', 'Azure Key Vault'],
    ['cfa8b339-82a2-471a-a3c9-0fc0be7a4093', 'Azure Key Vault'],
    ['https://storage.azure.com/', 'Azure Storage'],
    ['https://contoso.blob.core.windows.net', 'Azure Storage'],
    ['e406a681-f3d4-42a8-90b6-c2b029497af1', 'Azure Storage'],
    ['https://database.windows.net/', 'Azure SQL'],
    ['022907d3-0f1b-48f7-badc-1ba6abab6d66', 'Azure SQL'],
    ['https://ossrdbms-aad.database.windows.net', 'Azure Database for PostgreSQL and MySQL'],
    ['https://app.vssps.visualstudio.com/', 'Azure DevOps'],
    ['499b84ac-1321-427f-aa17-267ca6975798', 'Azure DevOps'],
    ['https://contoso.sharepoint.com', 'SharePoint'],
    ['https://contoso-admin.sharepoint.com/', 'SharePoint'],
    ['00000003-0000-0ff1-ce00-000000000000', 'SharePoint'],
    ['00000003-0000-0ff1-ce00-000000000000/contoso.sharepoint.com@11111111-2222-4333-8444-555555555555', 'SharePoint'],
    ['https://outlook.office365.com', 'Exchange Online'],
    ['00000002-0000-0ff1-ce00-000000000000', 'Exchange Online'],
    ['https://manage.office.com', 'Office 365 Management'],
    ['https://analysis.windows.net/powerbi/api', 'Power BI'],
  ])('knows %s', (audience, api) => {
    expect(microsoftApiOf(audience)).toBe(api);
  });

  it.each([
    'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
    'api://aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
    'api://797f4846-ba00-4fd7-ba43-dac1f8f63013.contoso',
    '797f4846-ba00-4fd7-ba43-dac1f8f630130',
    'https://api.contoso.com',
    'https://contoso.onmicrosoft.com/graph',
    'https://contoso.azurewebsites.net',
    'https://contoso.azure-api.net/management.azure.com',
    'https://management.azure.com.contoso.com',
    'https://notmanagement.azure.com',
    'https://azure.com',
    'http://localhost:3000',
    'constructor',
    '',
    undefined,
    ['https://graph.microsoft.com'],
  ])('does not take %s for one of Microsoft', (audience) => {
    expect(microsoftApiOf(audience)).toBeUndefined();
  });
});

describe('isOnMicrosoftDomain', () => {
  it.each([
    'https://contoso.crm4.dynamics.com',
    'https://batch.core.windows.net/',
    'https://azure.com',
    'https://batch.core.windows.net.',
    'https://api.office.com/x',
  ])('is true for %s', (audience) => {
    expect(isOnMicrosoftDomain(audience)).toBe(true);
  });

  it.each([
    'https://weather.westeurope.cloudapp.azure.com',
    'https://contoso.azurewebsites.net',
    'https://contoso.azure-api.net',
    'https://contoso.onmicrosoft.com/weather',
    'https://azure.com.contoso.com',
    'https://weather.westeurope.cloudapp.azure.com.',
    'api://azure.com',
    'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
    undefined,
    ['https://azure.com'],
  ])('is false for %s', (audience) => {
    expect(isOnMicrosoftDomain(audience)).toBe(false);
  });
});
