/**
 * Signing in at the local issuer with a browser: authorization code with PKCE, for apps on this machine. A person is picked,
 * there is no password.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { isGuid } from '../core/guid.js';
import { isLoopback } from '../core/url.js';
import { declaredCapabilities, parseClaims } from './claims-request.js';
import type { RightAnswer } from './fault.js';
import type { Person, SignInSettings } from './people.js';
import { errorPage, secondFactorPage, sendPage, signInPage } from './sign-in-page.js';
import { refusedAnswer } from './token-error.js';
import { audienceOf, openIdScopes, resourceOf, withoutResource } from './token-scopes.js';

type Claims = Readonly<Record<string, unknown>>;
type Sign = (claims: Claims) => Promise<string>;

/** What signing in needs of its issuer. */
export interface SignInOptions extends SignInSettings {
  readonly clientId: string;
  readonly b2cClientId: string;
  readonly domainName: string;
  readonly now: () => number;
  /** Each takes the claims that differ from those of a valid token. */
  readonly token: Sign;
  readonly b2cToken: Sign;
  readonly idToken: Sign;
}

/** Where a person signs in: the Entra tenant, or a policy of the B2C tenant. */
interface Place {
  readonly endpoint: 'authorize' | 'token';
  readonly policy: string | undefined;
}

/** A sign-in request that was checked. */
interface SignInRequest {
  readonly clientId: string;
  readonly redirectUri: URL;
  readonly isFragment: boolean;
  readonly state: string | null;
}

/** What a person granted to an app. */
interface Grant {
  readonly policy: string | undefined;
  readonly clientId: string;
  readonly person: Person;
  readonly scopes: readonly string[];
  readonly acrs: string | undefined;
  readonly nonce: string | undefined;
  readonly expiresAt: number;
}

interface CodeGrant extends Grant {
  readonly redirectUri: string;
  readonly challenge: string;
}

const lifetimeSeconds = 60 * 60;
const codeLifetimeMs = 60 * 1000;
const refreshTokenLifetimeMs = 24 * 60 * 60 * 1000;

/** Microsoft Graph: the audience of a token that is asked for without a scope, or with scopes that name no API. */
const graph = '00000003-0000-0000-c000-000000000000';

/** A refusal that the app gets, in its redirect URI or from the token endpoint. */
class Refused extends Error {
  constructor(
    readonly error: string,
    readonly code: number,
    message: string,
  ) {
    super(`AADSTS${String(code)}: ${message}`);
  }
}

const hash = (verifier: string) => createHash('sha256').update(verifier).digest('base64url');

const words = (list: string | null) => (list ?? '').split(' ').filter((word) => word !== '');

/** Whether a browser states that another site sent a request. Clients that are no browser state nothing. */
function isFromAnotherSite({ headers }: IncomingMessage): boolean {
  const site: unknown = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin';
}

const isRepeated = (form: URLSearchParams) => new Set(form.keys()).size !== [...form.keys()].length;

/** Codes are sent only to this machine. */
function loopbackUrl(given: string | null): URL | undefined {
  const url = given !== null && URL.canParse(given) ? new URL(given) : undefined;
  const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:';
  return isWeb && isLoopback(url.hostname) && url.hash === '' ? url : undefined;
}

/** The authentication context that a claims request asks for (OpenID Connect Core §5.5). */
function askedAcrs(claims: string | null): string | undefined {
  if (claims === null) return undefined;
  try {
    const request = JSON.parse(claims) as { readonly access_token?: { readonly acrs?: { readonly value?: unknown } } };
    const value = request.access_token?.acrs?.value;
    return typeof value === 'string' ? value : undefined;
  } catch {
    throw new Refused('invalid_request', 90014, 'The claims request is not JSON.');
  }
}

/** Answers browsers, and redeems the codes and refresh tokens that it gave. */
export class SignIn {
  readonly #options: SignInOptions;
  readonly #codes = new Map<string, CodeGrant>();
  readonly #refreshTokens = new Map<string, Grant>();

  constructor(options: SignInOptions) {
    this.#options = options;
  }

  /**
   * Answers what concerns a browser. Returns false for all other requests, with headers set that let an app on this
   * machine read the answer.
   */
  async serves(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean> {
    // A name that an attacker points at this machine (DNS rebinding) is not one of this machine.
    if (!isLoopback(url.hostname)) {
      sendPage(response, 403, errorPage('This issuer answers on this machine alone.'));
      return true;
    }
    const { origin } = request.headers;
    if (origin !== undefined && loopbackUrl(origin) !== undefined) {
      response.setHeader('Access-Control-Allow-Origin', origin).setHeader('Vary', 'Origin');
      if (request.method === 'OPTIONS') {
        response
          .writeHead(204, { 'Access-Control-Allow-Headers': '*', 'Access-Control-Allow-Methods': 'GET, POST' })
          .end();
        return true;
      }
    }
    const place = this.#placeOf(url.pathname);
    if (place?.endpoint !== 'authorize') return false;
    await this.#authorize(request, response, url.searchParams, place);
    return true;
  }

  /** The answer of the token endpoint, or undefined where the request is about no sign-in. */
  async redeem(path: string, body: string): Promise<RightAnswer | undefined> {
    const place = this.#placeOf(path);
    const form = new URLSearchParams(body);
    const grantType = form.get('grant_type');
    if (place?.endpoint !== 'token' || (grantType !== 'authorization_code' && grantType !== 'refresh_token'))
      return undefined;
    try {
      if (isRepeated(form)) throw new Refused('invalid_request', 9000411, 'A parameter is repeated.');
      const grant = grantType === 'refresh_token' ? this.#refreshed(form) : this.#ofCode(form);
      if (grant.clientId !== form.get('client_id') || grant.policy !== place.policy) {
        throw new Refused('invalid_grant', 700005, 'The grant was issued to another client, or for another policy.');
      }
      return { on: 'token', status: 200, document: await this.#granted(grant, form) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return refusedAnswer(error.error, { codes: [error.code] });
    }
  }

  #placeOf(path: string): Place | undefined {
    const found = /^\/([^/]+)(?:\/([^/]+))?\/oauth2\/v2\.0\/(authorize|token)$/.exec(path);
    if (found === null) return undefined;
    const [, tenant = '', policy, endpoint] = found;
    const isB2c = tenant.toLowerCase() === `${this.#options.domainName}.onmicrosoft.com`;
    if (isB2c !== (policy !== undefined)) return undefined;
    return { endpoint: endpoint === 'token' ? 'token' : 'authorize', policy };
  }

  #peopleAt({ policy }: Place): readonly Person[] {
    const { people, customers } = this.#options;
    return policy === undefined ? people : (customers ?? people);
  }

  async #authorize(
    request: IncomingMessage,
    response: ServerResponse,
    asked: URLSearchParams,
    place: Place,
  ): Promise<void> {
    const redirectUri = loopbackUrl(asked.get('redirect_uri'));
    const clientId = asked.get('client_id') ?? '';
    if (isRepeated(asked) || !isGuid(clientId) || redirectUri === undefined) {
      const problem = 'The app needs a client_id that is a GUID, and a redirect_uri on this machine, each once.';
      sendPage(response, 400, errorPage(problem));
      return;
    }
    const signIn: SignInRequest = {
      clientId,
      redirectUri,
      isFragment: asked.get('response_mode') === 'fragment',
      state: asked.get('state'),
    };
    try {
      await this.#ask(request, response, asked, { place, signIn });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#return(response, signIn, { error: error.error, error_description: error.message });
    }
  }

  /** Shows the page; after it was answered, sends the browser back with a code. */
  async #ask(
    request: IncomingMessage,
    response: ServerResponse,
    asked: URLSearchParams,
    { place, signIn }: { readonly place: Place; readonly signIn: SignInRequest },
  ): Promise<void> {
    const challenge = this.#checked(asked);
    const acrs = askedAcrs(asked.get('claims'));
    const people = this.#peopleAt(place);
    const where = place.policy === undefined ? 'Microsoft Entra ID' : `Azure AD B2C, policy ${place.policy}`;
    if (request.method !== 'POST') {
      if (asked.get('prompt') === 'none') throw new Refused('login_required', 50058, 'A person has to be picked.');
      const hinted = acrs === undefined ? undefined : people.find(({ email }) => email === asked.get('login_hint'));
      sendPage(response, 200, hinted === undefined ? signInPage(where, people) : secondFactorPage(where, hinted));
      return;
    }
    // Another site must not answer in place of the person.
    if (isFromAnotherSite(request)) {
      sendPage(response, 403, errorPage('The answer came from another site.'));
      return;
    }
    const form = new URLSearchParams(await text(request));
    const [id, ...more] = form.getAll('person');
    // Cancel sends an empty one, on the second page beside the hidden one.
    const person = more.length > 0 ? undefined : people.find((person) => person.id === id);
    if (person === undefined) throw new Refused('access_denied', 65004, 'No person was picked.');
    if (acrs !== undefined && !form.has('second-factor')) {
      sendPage(response, 200, secondFactorPage(where, person));
      return;
    }
    const code = randomBytes(32).toString('base64url');
    this.#codes.set(code, {
      policy: place.policy,
      clientId: signIn.clientId,
      person,
      scopes: this.#grantedBy(person, words(asked.get('scope'))),
      acrs,
      nonce: asked.get('nonce') ?? undefined,
      redirectUri: asked.get('redirect_uri') ?? '',
      challenge,
      expiresAt: this.#options.now() + codeLifetimeMs,
    });
    this.#return(response, signIn, { code });
  }

  /** The PKCE challenge of a request whose other parameters are right. */
  #checked(asked: URLSearchParams): string {
    if (asked.get('response_type') !== 'code') {
      throw new Refused('unsupported_response_type', 700051, 'The response_type is code.');
    }
    if (!['query', 'fragment', null].includes(asked.get('response_mode'))) {
      throw new Refused('invalid_request', 900144, 'The response_mode is query or fragment.');
    }
    const challenge = asked.get('code_challenge') ?? '';
    // RFC 7636 §4.2: the challenge is a hash of 43 characters.
    if (asked.get('code_challenge_method') !== 'S256' || !/^[\w-]{43}$/.test(challenge)) {
      throw new Refused('invalid_request', 9002325, 'Proof Key for Code Exchange with S256 is required.');
    }
    const resource = asked.get('resource');
    const scopes = words(asked.get('scope'));
    const isOther = (scope: string) => scope.includes('://') && !scope.startsWith(`${String(resource)}/`);
    if (resource !== null && scopes.some(isOther)) {
      const problem = "The resource parameter provided in the request doesn't match with the requested scopes.";
      throw new Refused('invalid_target', 9010010, problem);
    }
    const ofApis = scopes.filter((scope) => !openIdScopes.includes(scope));
    if (new Set(ofApis.map(resourceOf)).size > 1) {
      throw new Refused('invalid_scope', 28000, 'The scopes are of more than one resource.');
    }
    return challenge;
  }

  /** The scopes that a person grants of those that are asked for. */
  #grantedBy({ scopes }: Person, asked: readonly string[]): readonly string[] {
    const ofApis = asked.filter((scope) => !openIdScopes.includes(scope));
    const grants = (scope: string) =>
      scopes === undefined || scope.endsWith('/.default') || scopes.includes(withoutResource(scope));
    const granted = ofApis.filter(grants);
    if (granted.length === 0 && ofApis.length > 0) {
      throw new Refused('access_denied', 65004, 'The person granted none of the scopes.');
    }
    return [...asked.filter((scope) => openIdScopes.includes(scope)), ...granted];
  }

  #return(
    response: ServerResponse,
    { redirectUri, isFragment, state }: SignInRequest,
    answer: Readonly<Record<string, string>>,
  ): void {
    const target = new URL(redirectUri);
    const params = new URLSearchParams(isFragment ? '' : target.search);
    for (const [name, value] of Object.entries(answer)) params.set(name, value);
    if (state !== null) params.set('state', state);
    if (isFragment) target.hash = params.toString();
    else target.search = params.toString();
    response.writeHead(302, { Location: target.href, 'Cache-Control': 'no-store' }).end();
  }

  /** The grant of a code. A code is good once (RFC 6749 §4.1.2). */
  #ofCode(form: URLSearchParams): Grant {
    const code = form.get('code') ?? '';
    const found = this.#codes.get(code);
    this.#codes.delete(code);
    if (found === undefined) throw new Refused('invalid_grant', 54005, 'The code is unknown, or was redeemed already.');
    if (found.expiresAt <= this.#options.now()) throw new Refused('invalid_grant', 70008, 'The code expired.');
    if (found.redirectUri !== form.get('redirect_uri')) {
      throw new Refused('invalid_grant', 500112, 'The redirect_uri is another one than that of the sign-in.');
    }
    if (hash(form.get('code_verifier') ?? '') !== found.challenge) {
      throw new Refused('invalid_grant', 501481, 'The code_verifier does not match the code_challenge.');
    }
    return found;
  }

  #refreshed(form: URLSearchParams): Grant {
    const found = this.#refreshTokens.get(form.get('refresh_token') ?? '');
    if (found === undefined || found.expiresAt <= this.#options.now()) {
      throw new Refused('invalid_grant', 700082, 'The refresh token is unknown or expired.');
    }
    const asked = words(form.get('scope'));
    const scopes = asked.length === 0 ? found.scopes : asked.filter((scope) => found.scopes.includes(scope));
    return { ...found, scopes };
  }

  async #granted(grant: Grant, form: URLSearchParams): Promise<object> {
    const { token, b2cToken } = this.#options;
    const isB2c = grant.policy !== undefined;
    const ofApis = grant.scopes.filter((scope) => !openIdScopes.includes(scope));
    const access = {
      ...this.#claimsOf(grant),
      ...(isB2c ? {} : declaredCapabilities(parseClaims(form.get('claims')))),
      ...grant.person.claims,
      aud: this.#audience(ofApis, isB2c),
      azp: grant.clientId,
      scp:
        ofApis.length === 0
          ? 'openid profile'
          : ofApis.map(withoutResource).join(' ').replace('.default', 'access_as_user'),
      acrs: grant.acrs === undefined ? undefined : [grant.acrs],
    };
    return {
      token_type: 'Bearer',
      scope: grant.scopes.join(' '),
      expires_in: lifetimeSeconds,
      ext_expires_in: lifetimeSeconds,
      access_token: await (isB2c ? b2cToken : token)(access),
      ...(grant.scopes.includes('openid') && { id_token: await this.#idToken(grant) }),
      ...(grant.scopes.includes('offline_access') && { refresh_token: this.#refreshToken(grant, form) }),
    };
  }

  /** The audience in v2.0 tokens is a client id, by whatever name the client asks for the API. */
  #audience([scope]: readonly string[], isB2c: boolean): string {
    if (scope === undefined) return graph;
    const { appIdUris = [], clientId, b2cClientId } = this.#options;
    const resource = resourceOf(scope);
    if (isB2c) return isGuid(resource.slice(-b2cClientId.length)) ? resource.slice(-b2cClientId.length) : b2cClientId;
    if (resource === '') return graph;
    return appIdUris.includes(resource) ? clientId : audienceOf(resource);
  }

  #claimsOf({ person, policy, clientId }: Grant): Claims {
    const { id, name, email } = person;
    if (policy !== undefined) return { sub: id, name, tfp: policy };
    // In Entra ID, one person has a different subject for each application.
    return { oid: id, sub: hash(`${id} ${clientId}`), name, preferred_username: email };
  }

  #idToken(grant: Grant): Promise<string> {
    const { idToken, b2cToken } = this.#options;
    const claims = { ...this.#claimsOf(grant), aud: grant.clientId, nonce: grant.nonce };
    return grant.policy === undefined ? idToken(claims) : b2cToken({ ...claims, azp: undefined, scp: undefined });
  }

  /** A refresh token stays the same until it expires. */
  #refreshToken(grant: Grant, form: URLSearchParams): string {
    const known = form.get('refresh_token');
    if (known !== null) return known;
    const created = randomBytes(32).toString('base64url');
    this.#refreshTokens.set(created, { ...grant, expiresAt: this.#options.now() + refreshTokenLifetimeMs });
    return created;
  }
}
