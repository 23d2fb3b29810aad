import { describe, expect, it } from 'vitest';
import {
  b2cHost,
  Cloud,
  cloudOfGraph,
  externalIdHost,
  initialDomain,
  isB2cHost,
  isExternalIdHost,
  isTokenService,
  isUnknownCloud,
  serveOneCloud,
  tenantName,
  tenantOfExternalIdHost,
} from '../../src/core/microsoft-hosts.js';

const tenantId = '11111111-2222-4333-8444-555555555555';

describe('isUnknownCloud', () => {
  it.each([
    ...Object.values(Cloud).map((url) => new URL(url).hostname),
    'login-us.microsoftonline.com',
    'login.chinacloudapi.cn',
    'login.microsoftonline.eaglex.ic.gov',
    'login.microsoftonline.microsoft.scloud',
  ])('accepts %s, an authority of Microsoft', (hostname) => {
    expect(isUnknownCloud(hostname)).toBe(false);
  });

  it.each(['login.contoso.com', 'contoso.ciamlogin.com', 'mymicrosoftonline.com', 'localhost'])(
    'accepts %s, which does not have the name of a cloud',
    (hostname) => {
      expect(isUnknownCloud(hostname)).toBe(false);
    },
  );

  it.each([
    'microsoftonline.com',
    'evil.microsoftonline.com',
    'evil.login.microsoftonline.com',
    'login.microsoftonline.com.example',
    'login.microsoftonline.uk',
    'login.microsoftonline.de',
    'login.chinacloudapi.com',
    'sts.chinacloudapi.cn',
  ])('reports %s, which has the name of a cloud and is no authority', (hostname) => {
    expect(isUnknownCloud(hostname)).toBe(true);
  });
});

describe('isTokenService', () => {
  it.each([
    ...Object.values(Cloud).map((url) => new URL(url).host),
    'login.chinacloudapi.cn',
    'sts.windows.net',
    'sts.chinacloudapi.cn',
  ])('accepts %s', (host) => {
    expect(isTokenService(host)).toBe(true);
  });

  it.each([
    undefined,
    '',
    'windows.net',
    'evilsts.windows.net',
    'sts.windows.net.example',
    'login.microsoftonline.com:8443',
    'contoso.ciamlogin.com',
    'contoso.b2clogin.com',
    'login-us.microsoftonline.com',
    'login.microsoftonline.eaglex.ic.gov',
    'login.microsoftonline.microsoft.scloud',
  ])('refuses %s', (host) => {
    expect(isTokenService(host)).toBe(false);
  });
});

describe('cloudOfGraph', () => {
  it.each([
    ['graph.microsoft.com', 'https://login.microsoftonline.com'],
    ['graph.microsoft.us', 'https://login.microsoftonline.us'],
    ['dod-graph.microsoft.us', 'https://login.microsoftonline.us'],
    ['microsoftgraph.chinacloudapi.cn', 'https://login.partner.microsoftonline.cn'],
  ])('gives of %s the authority %s', (host, authority) => {
    expect(cloudOfGraph(host)).toBe(authority);
  });

  it.each([
    'graph.windows.net',
    'evilgraph.microsoft.com',
    'graph.microsoft.com.example',
    'graph.microsoft.com:8443',
    '',
  ])('gives none of %s, which is not a host of Microsoft Graph', (host) => {
    expect(cloudOfGraph(host)).toBeUndefined();
  });
});

describe('serveOneCloud', () => {
  it.each([
    ['login.microsoftonline.com', 'sts.windows.net'],
    ['login.microsoftonline.us', 'sts.windows.net'],
    ['login.partner.microsoftonline.cn', 'login.chinacloudapi.cn'],
    ['login.partner.microsoftonline.cn', 'sts.chinacloudapi.cn'],
    ['login.microsoftonline.com', 'login.contoso.us'],
    ['login.contoso.com', 'contoso.ciamlogin.com'],
  ])('holds of %s and %s', (one, other) => {
    expect(serveOneCloud(one, other)).toBe(true);
    expect(serveOneCloud(other, one)).toBe(true);
    expect(serveOneCloud(one, one)).toBe(true);
  });

  it.each([
    ['login.microsoftonline.com', 'login.microsoftonline.us'],
    ['login.microsoftonline.com', 'login.partner.microsoftonline.cn'],
    ['login.microsoftonline.us', 'sts.chinacloudapi.cn'],
    ['login.chinacloudapi.cn', 'sts.windows.net'],
    ['login.contoso.cn', 'sts.chinacloudapi.cn'],
  ])('does not hold of %s and %s', (one, other) => {
    expect(serveOneCloud(one, other)).toBe(false);
    expect(serveOneCloud(other, one)).toBe(false);
  });
});

describe('the initial domain of a tenant', () => {
  it('is made of the name of the tenant', () => {
    expect(initialDomain('contoso')).toBe('contoso.onmicrosoft.com');
  });

  it.each([
    ['contoso', 'contoso'],
    ['contoso.onmicrosoft.com', 'contoso'],
    ['Contoso.OnMicrosoft.COM', 'Contoso'],
    ['contoso.partner.onmschina.cn', 'contoso'],
    ['contoso.onmicrosoft.us', 'contoso'],
    ['contoso.com', 'contoso.com'],
    ['contoso.onmicrosoft.com.example', 'contoso.onmicrosoft.com.example'],
    ['contosoonmicrosoft.com', 'contosoonmicrosoft.com'],
  ])('gives the name back: %s is %s', (nameOrDomain, name) => {
    expect(tenantName(nameOrDomain)).toBe(name);
  });
});

describe('a host of External ID', () => {
  it.each(['contoso', tenantId])('is made of the name or the GUID %s, and gives it back', (tenant) => {
    const host = externalIdHost(tenant);
    expect(host).toBe(`${tenant}.ciamlogin.com`);
    expect(isExternalIdHost(host)).toBe(true);
    expect(tenantOfExternalIdHost(host)).toBe(tenant);
  });

  it.each(['ciamlogin.com', 'evilciamlogin.com', 'contoso.ciamlogin.com.example', 'login.microsoftonline.com', ''])(
    'is not %s',
    (hostname) => {
      expect(isExternalIdHost(hostname)).toBe(false);
      expect(tenantOfExternalIdHost(hostname)).toBeUndefined();
    },
  );

  it('names no tenant where more than one label is in front of the domain', () => {
    expect(isExternalIdHost('a.contoso.ciamlogin.com')).toBe(true);
    expect(tenantOfExternalIdHost('a.contoso.ciamlogin.com')).toBeUndefined();
  });
});

describe('a host of B2C', () => {
  it.each([
    ['contoso.onmicrosoft.com', 'contoso.b2clogin.com'],
    ['contoso.onmicrosoft.us', 'contoso.b2clogin.us'],
    ['contoso.partner.onmschina.cn', 'contoso.b2clogin.cn'],
  ])('is made of the domain %s of the tenant', (domain, host) => {
    expect(b2cHost(domain)).toBe(host);
  });

  it.each(['contoso.b2clogin.com', 'contoso.b2clogin.us', 'contoso.b2clogin.cn'])('is %s', (hostname) => {
    expect(isB2cHost(hostname)).toBe(true);
  });

  it.each(['b2clogin.com', 'evilb2clogin.com', 'contoso.b2clogin.com.example', 'contoso.b2clogin.uk', ''])(
    'is not %s',
    (hostname) => {
      expect(isB2cHost(hostname)).toBe(false);
    },
  );
});
