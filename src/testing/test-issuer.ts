/** An OpenID provider on loopback. It publishes documents like Microsoft's, and signs tokens for tests. */
import { generateKeyPair, randomUUID, sign, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';

/** Claims to add to a valid token, or to change in it. A claim given as undefined is left out. */
export type TokenOverrides = Readonly<Record<string, unknown>>;

/** A fault in the answers of the issuer. Members can be combined. */
export interface Fault {
  /** The documents with the fault: OpenID configurations, or key sets. Default: both. */
  readonly on?: 'metadata' | 'keys';
  /** The connection is reset. */
  readonly down?: boolean;
  /** How long the answer is delayed, in milliseconds. */
  readonly slowMs?: number;
  /** The status of the answer. Default 200. */
  readonly status?: number;
  /** Headers that are added to the answer, or that replace its own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The body of the answer, or a function that makes it from the right document. */
  readonly body?: string | Uint8Array | ((document: Record<string, unknown>) => unknown);
  /** Answers instead of the issuer, for slow or endless answers. Of the other members only `on` and `down` apply. */
  readonly answer?: (response: ServerResponse) => void;
}

/** How many documents were requested. */
export interface IssuerRequests {
  metadata: number;
  keys: number;
}

/** The settings of a local issuer. Each has a default. */
export interface TestIssuerSettings {
  /** The workforce tenant, a GUID. Default: a random one. */
  readonly tenantId?: string;
  /** The application (client) id of the API, a GUID. Default: a random one. */
  readonly clientId?: string;
  /** The B2C tenant's name. Default `contoso`. */
  readonly domainName?: string;
  /** The B2C policies. Default `B2C_1_susi` and `B2C_1A_signin`. */
  readonly policies?: readonly string[];
  /** The clock of the tokens, in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
}

/** A running local issuer. */
export interface TestIssuer {
  /** The origin it listens on. */
  readonly url: string;
  /** Options of `initialize` for its Entra tenant. */
  readonly options: { readonly tenantId: string; readonly clientId: string; readonly instance: string };
  /** The `b2c` option of `initialize` for its B2C tenant. */
  readonly b2cOptions: {
    readonly domainName: string;
    readonly policies: readonly string[];
    readonly tenantId: string;
    readonly clientId: string;
    readonly instance: string;
  };
  /** How many documents were requested so far. */
  readonly requests: Readonly<IssuerRequests>;
  /** A delegated v2.0 access token, with the scope `access_as_user`. */
  token(overrides?: TokenOverrides, header?: TokenOverrides): Promise<string>;
  /** An app-only v2.0 access token, with the role `access_as_app`. */
  appToken(overrides?: TokenOverrides, header?: TokenOverrides): Promise<string>;
  /** A delegated v1.0 access token, with the scope `access_as_user`. */
  v1Token(overrides?: TokenOverrides, header?: TokenOverrides): Promise<string>;
  /** A B2C access token of a user flow, with the scope `access_as_user`. */
  b2cToken(overrides?: TokenOverrides, header?: TokenOverrides): Promise<string>;
  /** A v2.0 ID token. It has the issuer, audience and key of an access token. */
  idToken(overrides?: TokenOverrides, header?: TokenOverrides): Promise<string>;
  /** Signs two texts with the Entra key, unchanged: for tests of malformed tokens. */
  sign(header: string, payload: string): Promise<string>;
  /** Replaces the keys by new ones. */
  rotateKeys(): Promise<void>;
  /** Sets the fault of all answers from now on. Without an argument it removes the fault. */
  setFault(fault?: Fault): void;
  /** Stops listening and drops all connections. */
  close(): Promise<void>;
}

type Authority = 'entra' | 'b2c';

interface KeyPair {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: Readonly<Record<string, unknown>>;
}

async function createKeyPair(): Promise<KeyPair> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const { n, e } = publicKey.export({ format: 'jwk' });
  const kid = randomUUID();
  return { kid, privateKey, publicJwk: { kty: 'RSA', use: 'sig', kid, n, e } };
}

const lifetimeSeconds = 60 * 60;

class LocalIssuer implements TestIssuer {
  readonly requests: IssuerRequests = { metadata: 0, keys: 0 };
  readonly #settings: Required<TestIssuerSettings>;
  readonly #b2cTenantId = randomUUID();
  readonly #b2cClientId = randomUUID();
  readonly #userId = randomUUID();
  readonly #appId = randomUUID();
  readonly #server = createServer((request, response) => {
    this.#serve(request, response);
  });
  #keys: Readonly<Record<Authority, KeyPair>>;
  #fault: Fault | undefined;

  constructor(settings: Required<TestIssuerSettings>, keys: Readonly<Record<Authority, KeyPair>>) {
    this.#settings = settings;
    this.#keys = keys;
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  get options(): TestIssuer['options'] {
    const { tenantId, clientId } = this.#settings;
    return { tenantId, clientId, instance: this.url };
  }

  get b2cOptions(): TestIssuer['b2cOptions'] {
    const { domainName, policies } = this.#settings;
    return { domainName, policies, tenantId: this.#b2cTenantId, clientId: this.#b2cClientId, instance: this.url };
  }

  token(overrides: TokenOverrides = {}, header: TokenOverrides = {}): Promise<string> {
    return this.#sign('entra', { ...this.#v2Claims(), scp: 'access_as_user', ...overrides }, header);
  }

  appToken(overrides: TokenOverrides = {}, header: TokenOverrides = {}): Promise<string> {
    const app = { oid: this.#appId, sub: this.#appId, azpacr: '1', idtyp: 'app', roles: ['access_as_app'] };
    return this.#sign('entra', { ...this.#v2Claims(), ...app, ...overrides }, header);
  }

  v1Token(overrides: TokenOverrides = {}, header: TokenOverrides = {}): Promise<string> {
    const { tenantId, clientId } = this.#settings;
    const claims = {
      ...this.#times(),
      aud: `api://${clientId}`,
      iss: this.#v1Issuer(tenantId),
      acr: '1',
      amr: ['pwd'],
      appid: this.#appId,
      appidacr: '0',
      oid: this.#userId,
      scp: 'access_as_user',
      sub: 'v1-pairwise-subject',
      tid: tenantId,
      ver: '1.0',
    };
    return this.#sign('entra', { ...claims, ...overrides }, { x5t: this.#keys.entra.kid, ...header });
  }

  b2cToken(overrides: TokenOverrides = {}, header: TokenOverrides = {}): Promise<string> {
    const claims = {
      ...this.#times(),
      aud: this.#b2cClientId,
      iss: this.#b2cIssuer(),
      azp: this.#appId,
      scp: 'access_as_user',
      sub: this.#userId,
      tfp: this.#settings.policies[0],
      ver: '1.0',
    };
    return this.#sign('b2c', { ...claims, ...overrides }, header);
  }

  sign(header: string, payload: string): Promise<string> {
    return this.#signText('entra', header, payload);
  }

  idToken(overrides: TokenOverrides = {}, header: TokenOverrides = {}): Promise<string> {
    const claims = { ...this.#v2Claims(), azp: undefined, azpacr: undefined, nonce: 'nonce', name: 'Test User' };
    return this.#sign('entra', { ...claims, ...overrides }, header);
  }

  async rotateKeys(): Promise<void> {
    const [entra, b2c] = await Promise.all([createKeyPair(), createKeyPair()]);
    this.#keys = { entra, b2c };
  }

  setFault(fault?: Fault): void {
    this.#fault = fault;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #times() {
    const now = Math.floor(this.#settings.now() / 1000);
    return { iat: now, nbf: now, exp: now + lifetimeSeconds };
  }

  #v2Claims() {
    const { tenantId, clientId } = this.#settings;
    return {
      ...this.#times(),
      aud: clientId,
      iss: this.#v2Issuer(tenantId),
      azp: this.#appId,
      azpacr: '0',
      oid: this.#userId,
      sub: 'v2-pairwise-subject',
      tid: tenantId,
      ver: '2.0',
    };
  }

  #sign(authority: Authority, claims: TokenOverrides, header: TokenOverrides): Promise<string> {
    const fullHeader = { typ: 'JWT', alg: 'RS256', kid: this.#keys[authority].kid, ...header };
    return this.#signText(authority, JSON.stringify(fullHeader), JSON.stringify(claims));
  }

  async #signText(authority: Authority, header: string, payload: string): Promise<string> {
    const signed = `${Buffer.from(header).toString('base64url')}.${Buffer.from(payload).toString('base64url')}`;
    const signature = await promisify(sign)('sha256', Buffer.from(signed), this.#keys[authority].privateKey);
    return `${signed}.${signature.toString('base64url')}`;
  }

  #v1Issuer(tenant: string): string {
    return `${this.url}/sts/${tenant}/`;
  }

  #v2Issuer(tenant: string): string {
    return `${this.url}/${tenant}/v2.0`;
  }

  #b2cIssuer(): string {
    return `${this.url}/${this.#b2cTenantId}/v2.0/`;
  }

  /** The document at a path. Entra publishes v1.0 and v2.0 documents; B2C publishes documents for each policy. */
  #documentAt(path: string): { readonly on: keyof IssuerRequests; readonly document: object } | undefined {
    const metadata = '/.well-known/openid-configuration';
    const segments = path.split('/').slice(1);
    const tenant = segments[0] ?? '';
    const isB2c = tenant.toLowerCase() === `${this.#settings.domainName}.onmicrosoft.com`;
    const rest = `/${segments.slice(isB2c ? 2 : 1).join('/')}`;
    const base = `${this.url}/${segments.slice(0, isB2c ? 2 : 1).join('/')}`;
    const isMultiTenant = tenant === 'organizations' || tenant === 'common';
    const issuerTenant = isMultiTenant ? '{tenantid}' : this.#settings.tenantId;
    const v2Issuer = isB2c ? this.#b2cIssuer() : this.#v2Issuer(issuerTenant);
    switch (rest) {
      case `/v2.0${metadata}`:
        return { on: 'metadata', document: configuration(v2Issuer, `${base}/discovery/v2.0/keys`) };
      case metadata:
        return isB2c
          ? undefined
          : { on: 'metadata', document: configuration(this.#v1Issuer(issuerTenant), `${base}/discovery/keys`) };
      case '/discovery/v2.0/keys': {
        const jwk = isB2c
          ? this.#keys.b2c.publicJwk
          : { ...this.#keys.entra.publicJwk, issuer: this.#v2Issuer('{tenantid}') };
        return { on: 'keys', document: { keys: [jwk] } };
      }
      case '/discovery/keys':
        return isB2c ? undefined : { on: 'keys', document: { keys: [this.#keys.entra.publicJwk] } };
      default:
        return undefined;
    }
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const found = this.#documentAt(new URL(request.url ?? '/', this.url).pathname);
    if (found === undefined) {
      response.writeHead(404).end();
      return;
    }
    this.requests[found.on]++;
    const fault = this.#fault;
    const concerns = fault !== undefined && (fault.on === undefined || fault.on === found.on);
    if (concerns && fault.down === true) {
      request.socket.destroy();
      return;
    }
    if (concerns && fault.answer !== undefined) {
      fault.answer(response);
      return;
    }
    const respond = () => {
      response.writeHead((concerns ? fault.status : undefined) ?? 200, {
        'Content-Type': 'application/json; charset=utf-8',
        'Cache-Control': 'max-age=86400, private',
        ...(concerns && fault.headers),
      });
      response.end(concerns ? faultyBody(fault, found.document) : JSON.stringify(found.document));
    };
    if (concerns && fault.slowMs !== undefined) setTimeout(respond, fault.slowMs).unref();
    else respond();
  }
}

function faultyBody({ body }: Fault, document: object): string | Uint8Array {
  if (typeof body === 'function') return JSON.stringify(body({ ...document }));
  return body ?? JSON.stringify(document);
}

function configuration(issuer: string, keysUrl: string): object {
  return {
    issuer,
    jwks_uri: keysUrl,
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
  };
}

/**
 * Starts an issuer on a free loopback port.
 *
 * @returns the listening issuer; call `close()` at the end
 * @example
 * ```ts
 * import { initialize } from 'microsoft-identity-decorators';
 * import { startTestIssuer } from 'microsoft-identity-decorators/testing';
 *
 * const issuer = await startTestIssuer();
 * initialize({ ...issuer.options, b2c: issuer.b2cOptions });
 * const token = await issuer.token({ scp: 'access_as_user' });
 * ```
 */
export async function startTestIssuer(settings: TestIssuerSettings = {}): Promise<TestIssuer> {
  const [entra, b2c] = await Promise.all([createKeyPair(), createKeyPair()]);
  const issuer = new LocalIssuer(
    {
      tenantId: settings.tenantId ?? randomUUID(),
      clientId: settings.clientId ?? randomUUID(),
      domainName: settings.domainName ?? 'contoso',
      policies: settings.policies ?? ['B2C_1_susi', 'B2C_1A_signin'],
      now: settings.now ?? Date.now,
    },
    { entra, b2c },
  );
  return issuer.listen();
}
