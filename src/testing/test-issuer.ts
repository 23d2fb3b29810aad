/** An OpenID provider on loopback. It publishes documents like Microsoft's, signs tokens for tests, and answers token requests. */
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { b2cIssuer, documentAt, v1Issuer, v2Issuer } from './documents.js';
import { respond, type Fault, type RightAnswer } from './fault.js';
import { createKeyPair, signText, signToken, type KeyPair } from './signing-keys.js';
import { TokenEndpoint, type ReceivedTokenRequest, type UserPolicy } from './token-endpoint.js';

/** Claims to add to a valid token, or to change in it. A claim given as undefined is left out. */
export type TokenOverrides = Readonly<Record<string, unknown>>;

/** How many documents and tokens were requested. */
export interface IssuerRequests {
  metadata: number;
  keys: number;
  tokens: number;
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
  /** The certificates, in PEM, with which clients may authenticate at the token endpoint. Default: none. */
  readonly certificates?: readonly string[];
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
  /** The client id of the application that {@link TestIssuer.b2cAppToken} is for: a value for `b2c.daemonClients`. */
  readonly b2cDaemonClient: string;
  /** Members of the `downstream` option of `initialize`: the secret that the token endpoint accepts from every client. */
  readonly downstreamOptions: { readonly credential: { readonly clientSecret: string } };
  /** How many documents and tokens were requested so far. */
  readonly requests: Readonly<IssuerRequests>;
  /** The token requests so far, the oldest first. */
  readonly tokenRequests: readonly ReceivedTokenRequest[];
  /** Decides about on-behalf-of requests, as Conditional Access does. Undefined: every user gets a token. */
  userPolicy: UserPolicy | undefined;
  /** A delegated v2.0 access token, with the scope `access_as_user`. */
  token(overrides?: TokenOverrides, header?: TokenOverrides): Promise<string>;
  /** An app-only v2.0 access token, with the role `access_as_app`. */
  appToken(overrides?: TokenOverrides, header?: TokenOverrides): Promise<string>;
  /** A delegated v1.0 access token, with the scope `access_as_user`. */
  v1Token(overrides?: TokenOverrides, header?: TokenOverrides): Promise<string>;
  /** A B2C access token of a user flow, with the scope `access_as_user`. */
  b2cToken(overrides?: TokenOverrides, header?: TokenOverrides): Promise<string>;
  /**
   * A B2C access token of an application on its own behalf, with the application permission `access_as_app`, which B2C puts in
   * `scp`.
   *
   * @see {@link https://learn.microsoft.com/azure/active-directory-b2c/client-credentials-grant-flow Client credentials in B2C}
   */
  b2cAppToken(overrides?: TokenOverrides, header?: TokenOverrides): Promise<string>;
  /** A v2.0 ID token. It has the issuer, audience and key of an access token. */
  idToken(overrides?: TokenOverrides, header?: TokenOverrides): Promise<string>;
  /** Signs two texts with the Entra key, unchanged: for tests of malformed tokens. */
  sign(header: string, payload: string): Promise<string>;
  /** Replaces the keys by new ones. The token endpoint goes on accepting assertions that an older key signed. */
  rotateKeys(): Promise<void>;
  /** Sets the fault of all answers from now on. Without an argument it removes the fault. */
  setFault(fault?: Fault): void;
  /** Stops listening and drops all connections. */
  close(): Promise<void>;
}

type Authority = 'entra' | 'b2c';

const lifetimeSeconds = 60 * 60;

class LocalIssuer implements TestIssuer {
  readonly requests: IssuerRequests = { metadata: 0, keys: 0, tokens: 0 };
  readonly b2cDaemonClient = randomUUID();
  readonly downstreamOptions = { credential: { clientSecret: randomBytes(24).toString('base64url') } };
  readonly #settings: Required<TestIssuerSettings>;
  readonly #b2cTenantId = randomUUID();
  readonly #b2cClientId = randomUUID();
  readonly #userId = randomUUID();
  readonly #appId = randomUUID();
  readonly #b2cDaemonId = randomUUID();
  readonly #server = createServer((request, response) => {
    void this.#serve(request, response);
  });
  readonly #entraKeys: KeyPair[];
  readonly #tokenEndpoint: TokenEndpoint;
  #keys: Readonly<Record<Authority, KeyPair>>;
  #fault: Fault | undefined;

  constructor(settings: Required<TestIssuerSettings>, keys: Readonly<Record<Authority, KeyPair>>) {
    this.#settings = settings;
    this.#keys = keys;
    this.#entraKeys = [keys.entra];
    this.#tokenEndpoint = new TokenEndpoint({
      ...settings,
      ...this.downstreamOptions.credential,
      url: () => this.url,
      keys: this.#entraKeys,
    });
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

  get tokenRequests(): readonly ReceivedTokenRequest[] {
    return this.#tokenEndpoint.requests;
  }

  get userPolicy(): UserPolicy | undefined {
    return this.#tokenEndpoint.userPolicy;
  }

  set userPolicy(policy: UserPolicy | undefined) {
    this.#tokenEndpoint.userPolicy = policy;
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
      iss: v1Issuer(this.url, tenantId),
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
      iss: b2cIssuer(this.url, this.#b2cTenantId),
      azp: this.#appId,
      scp: 'access_as_user',
      sub: this.#userId,
      tfp: this.#settings.policies[0],
      ver: '1.0',
    };
    return this.#sign('b2c', { ...claims, ...overrides }, header);
  }

  b2cAppToken(overrides: TokenOverrides = {}, header: TokenOverrides = {}): Promise<string> {
    const app = { azp: this.b2cDaemonClient, sub: this.#b2cDaemonId, scp: 'access_as_app' };
    return this.b2cToken({ ...app, ...overrides }, header);
  }

  sign(header: string, payload: string): Promise<string> {
    return signText(this.#keys.entra, header, payload);
  }

  idToken(overrides: TokenOverrides = {}, header: TokenOverrides = {}): Promise<string> {
    const claims = { ...this.#v2Claims(), azp: undefined, azpacr: undefined, nonce: 'nonce', name: 'Test User' };
    return this.#sign('entra', { ...claims, ...overrides }, header);
  }

  async rotateKeys(): Promise<void> {
    const [entra, b2c] = await Promise.all([createKeyPair(), createKeyPair()]);
    this.#keys = { entra, b2c };
    this.#entraKeys.push(entra);
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
      iss: v2Issuer(this.url, tenantId),
      azp: this.#appId,
      azpacr: '0',
      oid: this.#userId,
      sub: 'v2-pairwise-subject',
      tid: tenantId,
      ver: '2.0',
    };
  }

  #sign(authority: Authority, claims: TokenOverrides, header: TokenOverrides): Promise<string> {
    return signToken(this.#keys[authority], claims, header);
  }

  async #rightAnswer(request: IncomingMessage): Promise<RightAnswer | undefined> {
    const path = new URL(request.url ?? '/', this.url).pathname;
    const tenant = request.method === 'POST' ? TokenEndpoint.tenantOf(path) : undefined;
    if (tenant !== undefined) {
      this.requests.tokens++;
      // A client that went away while it sent its request gets no answer.
      const body = await text(request).catch(() => undefined);
      return body === undefined ? undefined : this.#tokenEndpoint.answer(tenant, body);
    }
    const { tenantId, domainName } = this.#settings;
    const b2cTenantId = this.#b2cTenantId;
    const found = documentAt(path, {
      url: this.url,
      tenantId,
      b2cTenantId,
      b2cDomainName: domainName,
      keys: this.#keys,
    });
    if (found === undefined) return undefined;
    this.requests[found.on]++;
    return { ...found, status: 200 };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.#fault;
    const right = await this.#rightAnswer(request);
    if (right === undefined) response.writeHead(404).end();
    else respond(request, response, right, fault);
  }
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
      certificates: settings.certificates ?? [],
      now: settings.now ?? Date.now,
    },
    { entra, b2c },
  );
  return issuer.listen();
}
