/** The issuer of one tenant: its signing keys, and the OpenID provider that uses them. */
import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import type { Provider } from 'oidc-provider';
import { createProvider, type ProviderSettings } from './provider.js';
import type { Tenant } from './tenant.js';

interface Key {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

/** All of them are published; the current one signs. */
interface SigningKeys {
  readonly current: Key;
  readonly next: Key;
  readonly previous?: Key;
}

type Settings = Omit<ProviderSettings, 'keys'>;

async function createKey(): Promise<Key> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(privateKey)), kid: randomUUID(), use: 'sig' } };
}

export class TenantIssuer {
  readonly tenant: Tenant;
  readonly #settings: Settings;
  #keys: SigningKeys;
  #provider: Provider;

  private constructor(tenant: Tenant, settings: Settings, keys: SigningKeys) {
    this.tenant = tenant;
    this.#settings = settings;
    this.#keys = keys;
    this.#provider = this.#createProvider();
  }

  static async create(tenant: Tenant, settings: Settings): Promise<TenantIssuer> {
    const [current, next] = await Promise.all([createKey(), createKey()]);
    return new TenantIssuer(tenant, settings, { current, next });
  }

  get provider(): Provider {
    return this.#provider;
  }

  /**
   * Signs with the next key from now on. As with Microsoft's keys, that key was published ahead, and the old one stays
   * published, because tokens that it signed are still in use.
   */
  async rotateKeys(): Promise<void> {
    const { current, next } = this.#keys;
    this.#keys = { current: next, next: await createKey(), previous: current };
    this.#provider = this.#createProvider();
  }

  sign(claims: Readonly<Record<string, unknown>>): Promise<string> {
    const { privateKey, jwk } = this.#keys.current;
    return new SignJWT(claims).setProtectedHeader({ typ: 'JWT', alg: 'RS256', kid: jwk.kid ?? '' }).sign(privateKey);
  }

  #createProvider(): Provider {
    const { current, next, previous } = this.#keys;
    const keys = [current, next, ...(previous ? [previous] : [])].map(({ jwk }) => jwk);
    return createProvider(this.tenant, { ...this.#settings, keys }).on('server_error', (_context, error) => {
      // A server error is a defect of this sample.
      console.error(error);
    });
  }
}
