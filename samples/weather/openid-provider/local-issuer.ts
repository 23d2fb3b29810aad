/** A local issuer in place of Microsoft's, so that the sample runs with no tenant and no network. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import express, { type Express } from 'express';
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';
import { initialize } from 'microsoft-identity-decorators';
import type { Provider } from 'oidc-provider';
import type { Authority, SignIn } from '../authority.js';
import { createMemoryStore } from './memory-store.js';
import { accessTokenClaims, scopeOf, type Tenant } from './tenant.js';
import { createProvider, interactionPath, personOf, type ProviderSurroundings } from './provider.js';
import { colleagues, customers, offeredScopes } from './people.js';
import { requestsToTry, type TokenMint } from '../requests-to-try.js';
import { signInPage } from './sign-in-page.js';

const host = '127.0.0.1';
const domainName = 'contoso';
const policy = 'B2C_1_susi';
const hourSeconds = 60 * 60;
const minuteMs = 60 * 1000;

interface Key {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

async function createKey(): Promise<Key> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(privateKey)), kid: randomUUID(), use: 'sig' } };
}

/** A tenant, the keys it signs with, and the provider that speaks for it. */
class RunningTenant {
  readonly tenant: Tenant;
  readonly #surroundings: Omit<ProviderSurroundings, 'keys'>;
  /** The one that signs, the one that will, and the one that did. */
  #keys: readonly [Key, Key, Key?];
  #provider: Provider;

  constructor(tenant: Tenant, surroundings: Omit<ProviderSurroundings, 'keys'>, keys: readonly [Key, Key]) {
    this.tenant = tenant;
    this.#surroundings = surroundings;
    this.#keys = keys;
    this.#provider = this.#createProvider();
  }

  get provider(): Provider {
    return this.#provider;
  }

  /**
   * The next key signs from now on. Like Microsoft's keys, it was published ahead; the old one stays published, since
   * tokens that it signed are about.
   */
  async rotateKeys(): Promise<void> {
    const [old, next] = this.#keys;
    this.#keys = [next, await createKey(), old];
    this.#provider = this.#createProvider();
  }

  sign(claims: Readonly<Record<string, unknown>>): Promise<string> {
    const [{ privateKey, jwk }] = this.#keys;
    return new SignJWT(claims).setProtectedHeader({ typ: 'JWT', alg: 'RS256', kid: jwk.kid ?? '' }).sign(privateKey);
  }

  #createProvider(): Provider {
    const provider = createProvider(this.tenant, {
      ...this.#surroundings,
      keys: this.#keys.flatMap((key) => key?.jwk ?? []),
    });
    // What is wrong here is wrong in the sample.
    return provider.on('server_error', (_context, error) => {
      console.error(error);
    });
  }
}

/** Where people are picked: oidc-provider sends the browser here, and takes it back. */
function servePeople(app: Express, running: RunningTenant): void {
  const { tenant } = running;
  const path = interactionPath(tenant, ':uid');
  app.get(path, async (request, response) => {
    await running.provider.interactionDetails(request, response);
    response.set('Content-Security-Policy', "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'");
    response.set('Cache-Control', 'no-store').send(signInPage(tenant));
  });
  app.post(path, express.urlencoded({ extended: false }), async (request, response) => {
    const { provider } = running;
    const { params } = await provider.interactionDetails(request, response);
    const { person: id } = request.body as { readonly person?: unknown };
    const person = typeof id === 'string' ? personOf(tenant, id) : undefined;
    const finish = (result: Readonly<Record<string, unknown>>) =>
      provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    if (person === undefined) {
      await finish({ error: 'access_denied', error_description: 'Nobody was picked.' });
      return;
    }
    const grant = new provider.Grant({ accountId: person.id, clientId: params['client_id'] ?? '' });
    grant.addOIDCScope('openid profile offline_access');
    for (const name of offeredScopes) {
      const scope = scopeOf(tenant, name);
      if (person.scopes.includes(name)) grant.addResourceScope(tenant.resource, scope);
      else grant.rejectResourceScope(tenant.resource, scope);
    }
    const grantId = await grant.save();
    await finish({ login: { accountId: person.id }, consent: { grantId }, select_account: {} });
  });
}

/** What oidc-provider calls an address that is Microsoft's. */
function providerUrl({ path }: Tenant, requested: string): string {
  const url = new URL(requested, 'http://localhost');
  // oidc-provider publishes its configuration at the root, Microsoft below the tenant.
  url.pathname = url.pathname.replace(`${path}/v2.0/.well-known/`, '/.well-known/');
  const { searchParams } = url;
  const prompt = searchParams.get('prompt') ?? '';
  // OpenID Connect Core §11 wants consent for offline access, and MSAL always asks for the one without the other.
  if (searchParams.get('scope')?.split(' ').includes('offline_access') === true && prompt !== 'none') {
    searchParams.set('prompt', `${prompt} consent`.trim());
  }
  return url.pathname + url.search;
}

function createIssuerApp(tenants: readonly RunningTenant[]): Express {
  const app = express();
  app.disable('x-powered-by');
  app.get('/sign-in-page.css', (_request, response) => {
    response.sendFile(fileURLToPath(new URL('../../openid-provider/sign-in-page.css', import.meta.url)));
  });
  for (const running of tenants) {
    servePeople(app, running);
    app.use((request, response, next) => {
      if (!request.url.startsWith(`${running.tenant.path}/`)) {
        next();
        return;
      }
      request.url = providerUrl(running.tenant, request.url);
      request.originalUrl = request.url;
      running.provider.callback()(request, response).catch(next);
    });
  }
  return app;
}

/** Tokens for the command line, where nobody signs in. */
function createMint(entra: RunningTenant, b2c: RunningTenant): TokenMint {
  const [ann] = colleagues as [(typeof colleagues)[number]];
  const [dora] = customers as [(typeof customers)[number]];
  const times = () => {
    const iat = Math.floor(Date.now() / 1000);
    return { iat, exp: iat + hourSeconds };
  };
  const delegated = () => accessTokenClaims(entra.tenant, ann, entra.tenant.pageClientId, times());
  const scp = 'access_as_user';
  return {
    token: (overrides) => entra.sign({ ...delegated(), scp, ...overrides }),
    appToken: (overrides) => {
      const app = entra.tenant.pageClientId;
      const nobody = { name: undefined, preferred_username: undefined };
      return entra.sign({ ...delegated(), ...nobody, azpacr: '1', idtyp: 'app', oid: app, sub: app, ...overrides });
    },
    idToken: () => entra.sign({ ...delegated(), azp: undefined, azpacr: undefined, nonce: randomUUID() }),
    b2cToken: (overrides) =>
      b2c.sign({ ...accessTokenClaims(b2c.tenant, dora, b2c.tenant.pageClientId, times()), scp, ...overrides }),
  };
}

/**
 * @param apiUrl - where the API listens, and with it the page that signs people in
 */
export async function startLocalIssuer(apiUrl: string): Promise<Authority> {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  const url = `http://${host}:${String((server.address() as AddressInfo).port)}`;

  const [tenantId, clientId, b2cTenantId, b2cClientId] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  const entraTenant: Tenant = {
    kind: 'entra',
    tenantId,
    path: `/${tenantId}`,
    issuer: `${url}/${tenantId}/v2.0`,
    clientId,
    pageClientId: randomUUID(),
    resource: `api://${clientId}`,
    people: colleagues,
  };
  const b2cTenant: Tenant = {
    kind: 'b2c',
    tenantId: b2cTenantId,
    path: `/${domainName}.onmicrosoft.com/${policy}`,
    issuer: `${url}/${b2cTenantId}/v2.0/`,
    clientId: b2cClientId,
    pageClientId: randomUUID(),
    resource: `https://${domainName}.onmicrosoft.com/${b2cClientId}`,
    policy,
    people: customers,
  };
  const surroundings = () => ({
    pageOrigins: [apiUrl, apiUrl.replace(host, 'localhost')],
    store: createMemoryStore(),
    cookieSecret: randomUUID(),
  });
  const keys = await Promise.all([createKey(), createKey(), createKey(), createKey()]);
  const entra = new RunningTenant(entraTenant, surroundings(), [keys[0], keys[1]]);
  const b2c = new RunningTenant(b2cTenant, surroundings(), [keys[2], keys[3]]);
  server.on('request', createIssuerApp([entra, b2c]));

  let clockAheadMinutes = 0;
  const identity = initialize({
    tenantId,
    clientId,
    instance: url,
    b2c: { domainName, policies: [policy], tenantId: b2cTenantId, clientId: b2cClientId, instance: url },
    now: () => Date.now() + clockAheadMinutes * minuteMs,
  });
  const signIn = ({ tenant }: RunningTenant): SignIn => ({
    base: url + tenant.path,
    clientId: tenant.pageClientId,
    scopes: offeredScopes.map((name) => scopeOf(tenant, name)),
  });

  return {
    entra: signIn(entra),
    b2c: signIn(b2c),
    controls: {
      rotateKeys: async () => {
        await Promise.all([entra.rotateKeys(), b2c.rotateKeys()]);
      },
      setClockAhead: (minutes) => {
        clockAheadMinutes = minutes;
      },
    },
    introduce: async () =>
      [
        'No tenant is configured, so a local issuer stands in for Microsoft Entra ID and Azure AD B2C.',
        'For a real one, set AzureAd__TenantId and AzureAd__ClientId, or AzureAdB2C__Domain and its companions.',
        '',
        'Requests to try in a POSIX shell, each after the status to expect. The tokens are good for an hour.',
        '',
        await requestsToTry(apiUrl, createMint(entra, b2c)),
      ].join('\n'),
    close: async () => {
      identity.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
