/** The token endpoint of the local issuer: on-behalf-of and client credentials, checked as Entra checks them. */
import { createHash, randomBytes } from 'node:crypto';
import { isGuid } from '../core/guid.js';
import { clientAuthenticationOf, type ClientAuthentication } from './client-authentication.js';
import { declaredCapabilities, parseClaims } from './claims-request.js';
import { v1Issuer, v2Issuer } from './documents.js';
import type { Fault, RightAnswer } from './fault.js';
import { decodeToken, isSignedByOneOf, signToken, tokenIdentifier, type KeyPair } from './signing-keys.js';
import { refusedAnswer, type TokenErrorDetails } from './token-error.js';
import { audienceOf, openIdScopes, resourceOf, withoutResource } from './token-scopes.js';

/** A token request that the issuer received. It holds no token and no secret. */
export interface ReceivedTokenRequest {
  readonly grant: 'on_behalf_of' | 'client_credentials' | 'other';
  /** The tenant in the path of the request. */
  readonly tenant: string;
  readonly clientId: string;
  /** The scopes, without those of OpenID Connect. */
  readonly scopes: readonly string[];
  /** How the client authenticated: undefined where it did not, or not with what the issuer accepts. */
  readonly clientAuthentication: ClientAuthentication | undefined;
  /** The claims request, parsed. Client capabilities are in it as `xms_cc`. */
  readonly claims: Readonly<Record<string, unknown>> | undefined;
}

/** An on-behalf-of request about which {@link UserPolicy} decides. */
export interface UserPolicyQuestion {
  /** The claims of the user's token. */
  readonly assertion: Readonly<Record<string, unknown>>;
  readonly scopes: readonly string[];
  readonly tenant: string;
  /** The claims request, parsed. */
  readonly claims: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Decides about the on-behalf-of requests of a user, as Conditional Access does: `refuse` takes what `tokenError` returns, or
 * any other fault for this user alone; `claims` are added to the token or replace some of it. Undefined: the user gets the
 * usual token.
 */
export type UserPolicy = (
  question: UserPolicyQuestion,
) => { readonly refuse: Fault } | { readonly claims: Readonly<Record<string, unknown>> } | undefined;

/** What the endpoint needs of its issuer. */
export interface TokenEndpointOptions {
  readonly url: () => string;
  readonly tenantId: string;
  readonly clientSecret: string;
  /** The certificates of the applications, in PEM. */
  readonly certificates: readonly string[];
  /** The keys of the issuer: the one in use is the first. A token that an older one signed stays good. */
  readonly keys: () => readonly KeyPair[];
  readonly now: () => number;
}

/** A refusal on the way. The endpoint answers it. */
class Refused extends Error {
  constructor(readonly answer: RightAnswer) {
    super('The token request was refused.');
  }
}

function refuse(error: string, ...codes: number[]): never {
  throw new Refused(refusedAnswer(error, { codes } satisfies TokenErrorDetails));
}

const lifetimeSeconds = 60 * 60;
const onBehalfOfGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** The one resource that scopes name. */
function oneResourceOf(scopes: readonly string[]): string {
  const resources = new Set(scopes.map(resourceOf));
  const [resource] = resources;
  if (resource === undefined || resource === '') return refuse('invalid_scope', 70011);
  return resources.size > 1 ? refuse('invalid_scope', 28000) : resource;
}

const namesOf = (scopes: readonly string[]) => scopes.map(withoutResource);

/** An id that is the same for the same application in all answers. */
function objectIdOf(clientId: string): string {
  const hex = createHash('sha256').update(clientId).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

/** The claims about the user that a token on behalf of the user repeats. */
const claimsOfUser = ['oid', 'sub', 'name', 'preferred_username', 'email', 'acct', 'idp', 'amr', 'auth_time', 'acrs'];

/** Answers token requests, and keeps what was asked. */
export class TokenEndpoint {
  readonly requests: ReceivedTokenRequest[] = [];
  userPolicy: UserPolicy | undefined;
  readonly #options: TokenEndpointOptions;

  constructor(options: TokenEndpointOptions) {
    this.#options = options;
  }

  /** The tenant of a path that is a token endpoint's, or undefined. */
  static tenantOf(path: string): string | undefined {
    return /^\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(path)?.[1];
  }

  async answer(tenant: string, body: string): Promise<RightAnswer> {
    const form = new URLSearchParams(body);
    const { clientSecret, certificates } = this.#options;
    const keys = this.#options.keys();
    const isRepeated = new Set(form.keys()).size !== [...form.keys()].length;
    const clientId = form.get('client_id') ?? '';
    const grantType = form.get('grant_type');
    const isOnBehalfOf = grantType === onBehalfOfGrant && form.get('requested_token_use') === 'on_behalf_of';
    const authentication = clientAuthenticationOf(form, {
      clientId,
      clientSecret,
      certificates,
      keys,
      tenant,
      nowSeconds: this.#nowSeconds(),
    });
    const asked = (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
    const request: ReceivedTokenRequest = {
      grant: isOnBehalfOf ? 'on_behalf_of' : grantType === 'client_credentials' ? grantType : 'other',
      tenant,
      clientId,
      scopes: asked.filter((scope) => !openIdScopes.includes(scope)),
      clientAuthentication: typeof authentication === 'string' ? authentication : undefined,
      claims: parseClaims(form.get('claims')),
    };
    this.requests.push(request);
    try {
      if (isRepeated) refuse('invalid_request', 9000411);
      if (tenant === 'common' || tenant === 'organizations' || tenant === 'consumers') refuse('invalid_request', 50059);
      if (!isGuid(tenant) && !tenant.includes('.')) refuse('invalid_request', 90002);
      if (!isGuid(clientId)) refuse('unauthorized_client', 700016);
      if (typeof authentication !== 'string') refuse('invalid_client', authentication.code);
      switch (request.grant) {
        case 'on_behalf_of':
          return await this.#onBehalfOf(request, form.get('assertion') ?? '', asked);
        case 'client_credentials':
          return await this.#clientCredentials(request);
        case 'other':
          return refuse('unsupported_grant_type', 70003);
      }
    } catch (error) {
      if (error instanceof Refused) return error.answer;
      throw error;
    }
  }

  async #onBehalfOf(request: ReceivedTokenRequest, text: string, asked: readonly string[]): Promise<RightAnswer> {
    const assertion = this.#verified(request, text);
    const resource = oneResourceOf(request.scopes);
    const { scopes, tenant, claims } = request;
    const decision = this.userPolicy?.({ assertion, scopes, tenant, claims });
    if (decision !== undefined && 'refuse' in decision) {
      return { ...refusedAnswer('invalid_grant'), fault: decision.refuse };
    }
    const names = namesOf(scopes);
    const ofUser = Object.fromEntries(claimsOfUser.map((name) => [name, assertion[name]]));
    const further = {
      ...ofUser,
      scp: names.includes('.default') ? 'access_as_user' : names.join(' '),
      idtyp: 'user',
      ...decision?.claims,
    };
    return this.#granted(request, audienceOf(resource), further, {
      scope: scopes.join(' '),
      // What a client must not keep is there, so that a test can look for it.
      ...(asked.includes('offline_access') && { refresh_token: randomBytes(64).toString('base64url') }),
      ...(asked.includes('openid') && { id_token: await this.#idToken(request, ofUser) }),
    });
  }

  async #clientCredentials(request: ReceivedTokenRequest): Promise<RightAnswer> {
    const resource = oneResourceOf(request.scopes);
    if (request.scopes.length !== 1 || namesOf(request.scopes)[0] !== '.default') refuse('invalid_scope', 1002012);
    const oid = objectIdOf(request.clientId);
    const further = { oid, sub: oid, idtyp: 'app', roles: ['access_as_app'] };
    return this.#granted(request, audienceOf(resource), further, {});
  }

  /** The claims of an assertion, after the checks of Entra. */
  #verified({ clientId, tenant }: ReceivedTokenRequest, text: string): Readonly<Record<string, unknown>> {
    const assertion = decodeToken(text);
    if (assertion === undefined) return refuse('invalid_request', 50027);
    const { claims } = assertion;
    if (!isSignedByOneOf(this.#options.keys(), assertion)) refuse('invalid_grant', 50013);
    const ofAssertion = typeof claims['tid'] === 'string' ? claims['tid'] : this.#options.tenantId;
    const url = this.#options.url();
    const issuers = [v1Issuer(url, ofAssertion), v2Issuer(url, ofAssertion)];
    if (!issuers.includes(String(claims['iss']))) refuse('invalid_grant', 50013);
    if (isGuid(tenant) && tenant !== ofAssertion) refuse('invalid_grant', 50013);
    if (claims['aud'] !== clientId && claims['aud'] !== `api://${clientId}`) refuse('invalid_grant', 500131);
    if (typeof claims['exp'] !== 'number' || claims['exp'] <= this.#nowSeconds()) refuse('invalid_grant', 500133);
    if (claims['idtyp'] === 'app' || claims['scp'] === undefined) refuse('unauthorized_client', 7000114);
    return claims;
  }

  async #granted(
    request: ReceivedTokenRequest,
    aud: string,
    further: Readonly<Record<string, unknown>>,
    members: object,
  ): Promise<RightAnswer> {
    const now = this.#nowSeconds();
    const capabilities = declaredCapabilities(request.claims);
    const claims = { ...this.#commonClaims(request), ...capabilities, aud, uti: tokenIdentifier(), ...further };
    const exp = (claims as { readonly exp?: unknown }).exp;
    const expiresIn = typeof exp === 'number' ? exp - now : lifetimeSeconds;
    const document = {
      token_type: 'Bearer',
      expires_in: expiresIn,
      ext_expires_in: expiresIn,
      access_token: await this.#signed(claims),
      ...members,
    };
    return { on: 'token', status: 200, document };
  }

  #idToken(request: ReceivedTokenRequest, ofUser: object): Promise<string> {
    const notInIdToken = { azp: undefined, azpacr: undefined };
    return this.#signed({ ...this.#commonClaims(request), ...notInIdToken, aud: request.clientId, ...ofUser });
  }

  #commonClaims({ tenant, clientId, clientAuthentication }: ReceivedTokenRequest) {
    const now = this.#nowSeconds();
    const tid = isGuid(tenant) ? tenant : this.#options.tenantId;
    return {
      iat: now,
      nbf: now,
      exp: now + lifetimeSeconds,
      iss: v2Issuer(this.#options.url(), tid),
      azp: clientId,
      azpacr: clientAuthentication === 'secret' ? '1' : '2',
      tid,
      ver: '2.0',
    };
  }

  #signed(claims: object): Promise<string> {
    const [key] = this.#options.keys();
    if (key === undefined) throw new Error('The token endpoint has no key.');
    return signToken(key, claims);
  }

  #nowSeconds(): number {
    return Math.floor(this.#options.now() / 1000);
  }
}
