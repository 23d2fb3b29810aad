/** oidc-provider, configured so that its addresses and tokens are those of a Microsoft tenant. */
import { errors, Provider, interactionPolicy, type AccessToken, type RequestContext } from 'oidc-provider';
import { accessTokenClaims } from './access-token-claims.js';
import type { MemoryStore } from './memory-store.js';
import { onBehalfOfGrant } from './on-behalf-of.js';
import { errorPage } from './sign-in-page.js';
import { findPerson, fullScope, scopes, shortScope, type Tenant } from './tenant.js';

const hourSeconds = 60 * 60;
const daySeconds = 24 * hourSeconds;

export interface ProviderSettings {
  /** The origins of the page that signs people in. */
  readonly pageOrigins: readonly string[];
  /** Private keys as JWK. The first one signs, all are published. */
  readonly keys: readonly object[];
  readonly store: MemoryStore;
  readonly cookieSecret: string;
}

/** Where oidc-provider redirects a browser that has to sign in. */
export const interactionPath = ({ path }: Tenant, uid: string) => `${path}/interaction/${uid}`;

/** Asks for a person at every sign-in: one browser signs in as several people here. */
function alwaysAsk() {
  const { base, Check, Prompt } = interactionPolicy;
  const policy = base();
  const check = new Check('pick_a_person', 'a person has to be picked', ({ oidc }) =>
    oidc.result === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
  );
  policy.add(new Prompt({ name: 'select_account', requestable: true }, check), 0);
  return policy;
}

/** The registrations that ask for tokens: the page, and in Entra ID the API, which calls the second one. */
function clientsOf(tenant: Tenant, pageOrigins: readonly string[]) {
  const page = {
    client_id: tenant.pageClientId,
    application_type: 'web',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: pageOrigins.flatMap((origin) => [`${origin}/`, `${origin}/docs/oauth2-redirect.html`]),
  };
  if (tenant.kind === 'b2c') return [page];
  const api = {
    client_id: tenant.clientId,
    client_secret: tenant.clientSecret,
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: [onBehalfOfGrant],
    response_types: [],
    redirect_uris: [],
  };
  return [page, api];
}

/**
 * Refuses a `resource` (RFC 8707) that is no Application ID URI of the API, or that another URI than the scopes begin with,
 * as Entra ID does.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
function checkResource({ appIdUri, otherAppIdUris }: Tenant, { oidc }: RequestContext, resource: string): void {
  const names = oidc.params?.['scope']?.split(' ') ?? [];
  const isOwn = [appIdUri, ...otherAppIdUris].includes(resource);
  if (isOwn && names.every((name) => !name.includes('://') || name.startsWith(`${resource}/`))) return;
  throw new errors.InvalidTarget(
    "AADSTS9010010: The resource parameter provided in the request doesn't match with the requested scopes.",
  );
}

export function createProvider(tenant: Tenant, settings: ProviderSettings): Provider {
  const { pageOrigins, keys, store, cookieSecret } = settings;
  const cookie = (name: string) => `_${tenant.kind}_${name}`;
  const endpoint = (name: string) => `${tenant.path}/oauth2/v2.0/${name}`;
  return new Provider(tenant.issuer, {
    adapter: store,
    jwks: { keys },
    routes: {
      authorization: endpoint('authorize'),
      token: endpoint('token'),
      end_session: endpoint('logout'),
      jwks: `${tenant.path}/discovery/v2.0/keys`,
    },
    clients: clientsOf(tenant, pageOrigins),
    responseTypes: ['code'],
    clientAuthMethods: ['none', 'client_secret_post'],
    clientBasedCORS: (_context: RequestContext, origin: string) => pageOrigins.includes(origin),
    pkce: { required: () => true },
    scopes: ['openid', 'profile', 'offline_access'],
    // The sign-in page reads it: with it, a client asks for more than a name.
    extraParams: ['claims'],
    claims: { openid: ['sub', 'oid', 'tid'], profile: ['name', 'preferred_username'] },
    // Microsoft puts these claims into the ID token. oidc-provider would leave them to the userinfo endpoint.
    conformIdTokenClaims: false,
    findAccount: (_context: RequestContext, id: string) => {
      const person = findPerson(tenant, id);
      return (
        person && {
          accountId: id,
          claims: () => ({
            sub: id,
            oid: id,
            tid: tenant.tenantId,
            name: person.name,
            preferred_username: person.email,
          }),
        }
      );
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      resourceIndicators: {
        enabled: true,
        // Microsoft's own clients name the API in the scope alone. MCP clients send `resource` too.
        defaultResource: () => tenant.appIdUri,
        useGrantedResource: () => true,
        getResourceServerInfo: (context: RequestContext, resource: string) => {
          checkResource(tenant, context, resource);
          return {
            scope: scopes.map((scope) => fullScope(resource, scope)).join(' '),
            audience: tenant.clientId,
            accessTokenTTL: hourSeconds,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          };
        },
      },
    },
    formats: {
      customizers: {
        jwt: ({ oidc }: RequestContext, token: AccessToken, jwt: { header?: object; payload: Claims }) => {
          const person = findPerson(tenant, token.accountId);
          if (person === undefined) throw new Error('A token was asked for a person who does not exist.');
          const names = (token.scope ?? '').split(' ').map((scope) => shortScope(tenant, scope));
          const { iat, exp } = jwt.payload;
          const acr = (oidc.entities.AuthorizationCode ?? oidc.entities.RefreshToken)?.acr;
          jwt.header = { typ: 'JWT' };
          jwt.payload = {
            ...accessTokenClaims(tenant, person, token.clientId, { iat, exp }),
            ...(token.scope !== undefined && { scp: names.join(' ') }),
            ...(acr !== undefined && { acrs: [acr] }),
          };
        },
      },
    },
    interactions: {
      policy: alwaysAsk(),
      url: (_context: RequestContext, { uid }: { readonly uid: string }) => interactionPath(tenant, uid),
    },
    expiresWithSession: () => false,
    renderError: (context: RequestContext, { error, error_description }: Readonly<Record<string, string>>) => {
      context.type = 'html';
      context.body = errorPage(error ?? 'error', error_description ?? '');
    },
    cookies: {
      keys: [cookieSecret],
      names: { session: cookie('session'), interaction: cookie('interaction'), resume: cookie('resume') },
    },
    ttl: {
      AccessToken: hourSeconds,
      AuthorizationCode: 60,
      Grant: daySeconds,
      IdToken: hourSeconds,
      Interaction: hourSeconds,
      RefreshToken: daySeconds,
      Session: daySeconds,
    },
  });
}

interface Claims extends Record<string, unknown> {
  readonly iat: number;
  readonly exp: number;
}
