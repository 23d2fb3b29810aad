/**
 * A local issuer in place of Microsoft's, so that the sample runs with no tenant and no network: one Entra ID tenant, and
 * one policy of an Azure AD B2C tenant.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IdentityOptions } from 'microsoft-identity-decorators';
import type { SignIn, SignIns } from '../sign-in-settings.js';
import { createIssuerApp } from './issuer-app.js';
import { createMemoryStore } from './memory-store.js';
import { colleagues, customers } from './people.js';
import { TenantIssuer } from './tenant-issuer.js';
import { scopes, warningsScope, type B2cTenant, type EntraTenant, type Tenant } from './tenant.js';
import { createTestTokens, type TestTokens } from './test-tokens.js';

const host = '127.0.0.1';
const domainName = 'contoso';
const policy = 'B2C_1_susi';
const minuteMs = 60 * 1000;

/** The registration of the second API, and what the first one needs to call it. */
export interface WarningsRegistration {
  /** With it, `initialize()` of the second API accepts this issuer's tokens. */
  readonly environment: Readonly<Record<string, string>>;
  readonly scopes: readonly string[];
  readonly clientSecret: string;
}

export interface LocalIssuer {
  /** The options with which the API accepts this issuer's tokens. */
  readonly options: IdentityOptions;
  readonly signIns: SignIns;
  readonly tokens: TestTokens;
  readonly warnings: WarningsRegistration;
  rotateKeys(): Promise<void>;
  /** Sets the API's clock ahead of the issuer's, so that tokens expire sooner. */
  setClockAhead(minutes: number): void;
  close(): Promise<void>;
}

function entraTenant(issuerUrl: string, otherAppIdUris: readonly string[]): EntraTenant {
  const tenantId = randomUUID();
  const clientId = randomUUID();
  return {
    kind: 'entra',
    tenantId,
    path: `/${tenantId}`,
    issuer: `${issuerUrl}/${tenantId}/v2.0`,
    clientId,
    clientSecret: randomUUID(),
    warningsClientId: randomUUID(),
    pageClientId: randomUUID(),
    appIdUri: `api://${clientId}`,
    otherAppIdUris,
    people: Object.values(colleagues),
  };
}

function b2cTenant(issuerUrl: string): B2cTenant {
  const tenantId = randomUUID();
  const clientId = randomUUID();
  return {
    kind: 'b2c',
    policy,
    tenantId,
    path: `/${domainName}.onmicrosoft.com/${policy}`,
    // The issuer of a B2C tenant ends in a slash.
    issuer: `${issuerUrl}/${tenantId}/v2.0/`,
    clientId,
    pageClientId: randomUUID(),
    appIdUri: `https://${domainName}.onmicrosoft.com/${clientId}`,
    otherAppIdUris: [],
    people: Object.values(customers),
  };
}

/**
 * @param apiUrl - the address of the API and of its page: the issuer redirects browsers only there
 * @param appIdUris - Application ID URIs of the API in the Entra ID tenant, beside `api://<client id>`
 */
export async function startLocalIssuer(apiUrl: string, appIdUris: readonly string[] = []): Promise<LocalIssuer> {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  const url = `http://${host}:${String((server.address() as AddressInfo).port)}`;

  const createIssuer = (tenant: Tenant) =>
    TenantIssuer.create(tenant, {
      pageOrigins: [apiUrl, apiUrl.replace(host, 'localhost')],
      store: createMemoryStore(),
      cookieSecret: randomUUID(),
    });
  const tenant = entraTenant(url, appIdUris);
  const [entra, b2c] = await Promise.all([createIssuer(tenant), createIssuer(b2cTenant(url))]);
  server.on('request', createIssuerApp([entra, b2c]));

  const signIn = ({ tenant }: TenantIssuer): SignIn => ({
    authority: url + tenant.path,
    clientId: tenant.pageClientId,
    appIdUri: tenant.appIdUri,
    scopes,
  });
  const registration = ({ tenant: { tenantId, clientId } }: TenantIssuer) => ({ tenantId, clientId, instance: url });
  let clockAheadMinutes = 0;

  return {
    options: {
      ...registration(entra),
      b2c: { ...registration(b2c), domainName, policies: [policy] },
      now: () => Date.now() + clockAheadMinutes * minuteMs,
    },
    signIns: { entra: signIn(entra), b2c: signIn(b2c) },
    tokens: createTestTokens(entra, b2c),
    warnings: {
      environment: {
        AzureAd__TenantId: tenant.tenantId,
        AzureAd__ClientId: tenant.warningsClientId,
        AzureAd__Instance: url,
      },
      scopes: [warningsScope(tenant)],
      clientSecret: tenant.clientSecret,
    },
    rotateKeys: async () => {
      await Promise.all([entra.rotateKeys(), b2c.rotateKeys()]);
    },
    setClockAhead: (minutes) => {
      clockAheadMinutes = minutes;
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
