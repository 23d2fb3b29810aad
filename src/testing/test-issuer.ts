/** An OpenID provider on loopback. It publishes documents like Microsoft's, signs tokens for tests, and answers token requests. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { b2cIssuer, documentAt, endpointList, v1Issuer, v2Issuer } from './documents.js';
import { respond, type Fault, type RightAnswer } from './fault.js';
import type { SignInSettings } from './people.js';
import { SignIn } from './sign-in.js';
import { signText, signToken, tokenIdentifier, type KeyPair } from './signing-keys.js';
import {
  createKeys,
  createTenantState,
  readTenantState,
  writeTenantState,
  type TenantKeys,
  type TenantState,
} from './tenant-state.js';
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
  /**
   * The port on 127.0.0.1. Default: the one in `stateFile`, else a free one. A file that has another port keeps its own: it is
   * in the issuer of all tokens that are made from the file.
   */
  readonly port?: number;
  /**
   * A file that keeps ids, port, keys and client secret, so that they are the same at the next start. It is created where
   * there is none. Keep it out of version control: it has private keys. Default: none is kept.
   */
  readonly stateFile?: string;
  /** Lets apps on this machine sign people in with a browser: authorization code with PKCE. Default: no sign-in. */
  readonly signIn?: SignInSettings;
}

/** How keys are replaced. */
export interface KeyRotation {
  /**
   * As Microsoft does: the next key is published ahead, and the old one stays published for the tokens that it signed.
   * Default: the new key is published alone.
   */
  readonly overlap?: boolean;
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
  rotateKeys(rotation?: KeyRotation): Promise<void>;
  /** Sets the fault of all answers from now on. Without an argument it removes the fault. */
  setFault(fault?: Fault): void;
  /** Stops listening and drops all connections. */
  close(): Promise<void>;
}

type Authority = 'entra' | 'b2c';

const lifetimeSeconds = 60 * 60;

/** The settings, with ids and keys. */
export interface CompleteSettings {
  readonly state: TenantState;
  readonly domainName: string;
  readonly policies: readonly string[];
  readonly certificates: readonly string[];
  readonly now: () => number;
  readonly port: number;
  /** Whether the port replaces the one that the file has. */
  readonly replacesPort: boolean;
  readonly stateFile: string | undefined;
  readonly signIn: SignInSettings | undefined;
}

const host = '127.0.0.1';

/** The next key signs. The one that signed until now stays published, and a new one is published ahead. */
function overlapping([current, next]: readonly KeyPair[], created: readonly KeyPair[]): readonly KeyPair[] {
  return [next, ...created, current].filter((key) => key !== undefined);
}

/** The issuer. Where its port is known, it makes tokens before it listens, too. */
export class LocalIssuer implements TestIssuer {
  readonly requests: IssuerRequests = { metadata: 0, keys: 0, tokens: 0 };
  readonly b2cDaemonClient: string;
  readonly downstreamOptions: TestIssuer['downstreamOptions'];
  readonly #settings: CompleteSettings;
  readonly #server = createServer((request, response) => {
    void this.#serve(request, response);
  });
  /** The Entra keys that signed earlier. */
  readonly #earlierKeys: KeyPair[] = [];
  readonly #tokenEndpoint: TokenEndpoint;
  readonly #signIn: SignIn | undefined;
  #keys: TenantKeys;
  #port: number;
  #keptPort: number | undefined;
  #fault: Fault | undefined;

  constructor(settings: CompleteSettings) {
    const { state, domainName, signIn, certificates, now } = settings;
    this.#settings = settings;
    this.#keys = state.keys;
    this.#port = settings.port;
    this.#keptPort = state.port;
    this.b2cDaemonClient = state.ids.b2cDaemonClient;
    this.downstreamOptions = { credential: { clientSecret: state.ids.clientSecret } };
    this.#tokenEndpoint = new TokenEndpoint({
      ...state.ids,
      certificates,
      now,
      url: () => this.url,
      keys: () => [...this.#keys.entra, ...this.#earlierKeys],
    });
    this.#signIn =
      signIn &&
      new SignIn({
        ...signIn,
        ...state.ids,
        domainName,
        now,
        token: (claims) => this.token(claims),
        b2cToken: (claims) => this.b2cToken(claims),
        idToken: (claims) => this.idToken(claims),
      });
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(this.#port, host, resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
    const { replacesPort } = this.#settings;
    if (this.#keptPort === undefined || (replacesPort && this.#keptPort !== this.#port)) {
      this.#keptPort = this.#port;
      await this.#keep();
    }
    return this;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://${host}:${String(this.#port)}`;
  }

  get options(): TestIssuer['options'] {
    const { tenantId, clientId } = this.#ids;
    return { tenantId, clientId, instance: this.url };
  }

  get b2cOptions(): TestIssuer['b2cOptions'] {
    const { domainName, policies } = this.#settings;
    const { b2cTenantId, b2cClientId } = this.#ids;
    return { domainName, policies, tenantId: b2cTenantId, clientId: b2cClientId, instance: this.url };
  }

  get #ids() {
    return this.#settings.state.ids;
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
    const app = { oid: this.#ids.appId, sub: this.#ids.appId, azpacr: '1', idtyp: 'app', roles: ['access_as_app'] };
    return this.#sign('entra', { ...this.#v2Claims(), ...app, ...overrides }, header);
  }

  v1Token(overrides: TokenOverrides = {}, header: TokenOverrides = {}): Promise<string> {
    const { tenantId, clientId } = this.#ids;
    const claims = {
      ...this.#times(),
      aud: `api://${clientId}`,
      iss: v1Issuer(this.url, tenantId),
      acr: '1',
      amr: ['pwd'],
      appid: this.#ids.appId,
      appidacr: '0',
      oid: this.#ids.userId,
      scp: 'access_as_user',
      sub: 'v1-pairwise-subject',
      tid: tenantId,
      uti: tokenIdentifier(),
      ver: '1.0',
    };
    return this.#sign('entra', { ...claims, ...overrides }, { x5t: this.#keyOf('entra').kid, ...header });
  }

  /** An app-only v1.0 access token, with the role `access_as_app`. */
  v1AppToken(overrides: TokenOverrides = {}, header: TokenOverrides = {}): Promise<string> {
    const { appId } = this.#ids;
    const ofPerson = { acr: undefined, amr: undefined, scp: undefined };
    const app = { appidacr: '1', idtyp: 'app', oid: appId, roles: ['access_as_app'], sub: appId };
    return this.v1Token({ ...ofPerson, ...app, ...overrides }, header);
  }

  b2cToken(overrides: TokenOverrides = {}, header: TokenOverrides = {}): Promise<string> {
    const claims = {
      ...this.#times(),
      aud: this.#ids.b2cClientId,
      iss: b2cIssuer(this.url, this.#ids.b2cTenantId),
      azp: this.#ids.appId,
      scp: 'access_as_user',
      sub: this.#ids.userId,
      tfp: this.#settings.policies[0],
      ver: '1.0',
    };
    return this.#sign('b2c', { ...claims, ...overrides }, header);
  }

  b2cAppToken(overrides: TokenOverrides = {}, header: TokenOverrides = {}): Promise<string> {
    const app = { azp: this.b2cDaemonClient, sub: this.#ids.b2cDaemonId, scp: 'access_as_app' };
    return this.b2cToken({ ...app, ...overrides }, header);
  }

  sign(header: string, payload: string): Promise<string> {
    return signText(this.#keyOf('entra'), header, payload);
  }

  idToken(overrides: TokenOverrides = {}, header: TokenOverrides = {}): Promise<string> {
    const claims = { ...this.#v2Claims(), azp: undefined, azpacr: undefined, nonce: 'nonce', name: 'Test User' };
    return this.#sign('entra', { ...claims, ...overrides }, header);
  }

  async rotateKeys({ overlap = false }: KeyRotation = {}): Promise<void> {
    const created = await createKeys(1);
    const old = this.#keys;
    this.#keys = overlap
      ? { entra: overlapping(old.entra, created.entra), b2c: overlapping(old.b2c, created.b2c) }
      : created;
    this.#earlierKeys.push(...old.entra);
    await this.#keep();
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
    const { tenantId, clientId } = this.#ids;
    return {
      ...this.#times(),
      aud: clientId,
      iss: v2Issuer(this.url, tenantId),
      azp: this.#ids.appId,
      azpacr: '0',
      oid: this.#ids.userId,
      sub: 'v2-pairwise-subject',
      tid: tenantId,
      uti: tokenIdentifier(),
      ver: '2.0',
    };
  }

  #sign(authority: Authority, claims: TokenOverrides, header: TokenOverrides): Promise<string> {
    return signToken(this.#keyOf(authority), claims, header);
  }

  #keyOf(authority: Authority): KeyPair {
    const [key] = this.#keys[authority];
    if (key === undefined) throw new Error('The issuer has no key.');
    return key;
  }

  async #keep(): Promise<void> {
    const { stateFile } = this.#settings;
    if (stateFile !== undefined)
      await writeTenantState(stateFile, { ids: this.#ids, keys: this.#keys, port: this.#keptPort });
  }

  async #rightAnswer(request: IncomingMessage, path: string): Promise<RightAnswer | undefined> {
    if (request.method === 'POST' && path.endsWith('/oauth2/v2.0/token')) {
      this.requests.tokens++;
      // A client that went away while it sent its request gets no answer.
      const body = await text(request).catch(() => undefined);
      if (body === undefined) return undefined;
      const redeemed = await this.#signIn?.redeem(path, body);
      const tenant = TokenEndpoint.tenantOf(path);
      return redeemed ?? (tenant === undefined ? undefined : this.#tokenEndpoint.answer(tenant, body));
    }
    const { tenantId, b2cTenantId } = this.#ids;
    const found = documentAt(path, {
      url: this.url,
      tenantId,
      b2cTenantId,
      b2cDomainName: this.#settings.domainName,
      keys: this.#keys,
    });
    if (found === undefined) return undefined;
    this.requests[found.on]++;
    return { ...found, status: 200 };
  }

  #answerNotFound(response: ServerResponse): void {
    const { tenantId } = this.#ids;
    const addresses = { url: this.url, tenantId, b2cDomainName: this.#settings.domainName };
    response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' });
    response.end(endpointList(addresses, this.#signIn !== undefined));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.#fault;
    const target = `http://${request.headers.host ?? host}${request.url ?? '/'}`;
    if (!URL.canParse(target)) {
      response.writeHead(400).end();
      return;
    }
    const url = new URL(target);
    if ((await this.#signIn?.serves(request, response, url)) === true) return;
    const right = await this.#rightAnswer(request, url.pathname);
    if (right === undefined) this.#answerNotFound(response);
    else respond(request, response, right, fault);
  }
}

/**
 * An issuer that does not listen yet.
 *
 * @param replacesPort - whether the port it listens on replaces the one that the file has
 */
export async function localIssuer(settings: TestIssuerSettings, replacesPort = false): Promise<LocalIssuer> {
  const { stateFile } = settings;
  const kept = stateFile === undefined ? undefined : await readTenantState(stateFile);
  // A key that is published ahead takes time to create, and tests would wait for it.
  const state = kept ?? (await createTenantState(stateFile === undefined ? 1 : 2));
  if (stateFile !== undefined && kept === undefined) await writeTenantState(stateFile, state);
  const { tenantId = state.ids.tenantId, clientId = state.ids.clientId } = settings;
  return new LocalIssuer({
    state: { ...state, ids: { ...state.ids, tenantId, clientId } },
    domainName: settings.domainName ?? 'contoso',
    policies: settings.policies ?? ['B2C_1_susi', 'B2C_1A_signin'],
    certificates: settings.certificates ?? [],
    now: settings.now ?? Date.now,
    port: settings.port ?? state.port ?? 0,
    replacesPort,
    stateFile,
    signIn: settings.signIn,
  });
}

/**
 * Starts an issuer on loopback, by default on a free port.
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
  return (await localIssuer(settings)).listen();
}
