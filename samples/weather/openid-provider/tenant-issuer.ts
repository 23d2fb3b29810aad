/** The issuer of one tenant: its signing keys, and the OpenID provider that uses them. */
import { randomUUID } from 'node:crypto';
import {
  errors,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';
import type { Provider } from 'oidc-provider';
import { answerOnBehalfOf } from './on-behalf-of.js';
import { createProvider, type ProviderSettings } from './provider.js';
import type { Tenant } from './tenant.js';

interface Key {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
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
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  return { privateKey, publicKey, jwk: { ...(await exportJWK(privateKey)), kid: randomUUID(), use: 'sig' } };
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

  /** The claims of a token that this issuer signed for the API. Rejects for any other. */
  async verify(token: string): Promise<JWTPayload> {
    const { issuer, clientId } = this.tenant;
    const keyOf = ({ kid }: { readonly kid?: string }) => {
      const key = this.#published().find(({ jwk }) => jwk.kid === kid);
      if (key === undefined) throw new errors.JWKSNoMatchingKey();
      return key.publicKey;
    };
    const { payload } = await jwtVerify(token, keyOf, { issuer, audience: clientId, algorithms: ['RS256'] });
    return payload;
  }

  #published(): readonly Key[] {
    const { current, next, previous } = this.#keys;
    return [current, next, ...(previous ? [previous] : [])];
  }

  #createProvider(): Provider {
    const keys = this.#published().map(({ jwk }) => jwk);
    const provider = createProvider(this.tenant, { ...this.#settings, keys });
    if (this.tenant.kind === 'entra') answerOnBehalfOf(provider, this.tenant, this);
    return provider.on('server_error', (_context, error) => {
      // A server error is a defect of this sample.
      console.error(error);
    });
  }
}
