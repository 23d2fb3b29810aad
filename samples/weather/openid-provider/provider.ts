/** oidc-provider, shaped so that its addresses and tokens are those of a Microsoft tenant. */
import { Provider, interactionPolicy, type AccessToken, type RequestContext } from 'oidc-provider';
import type { MemoryStore } from './memory-store.js';
import { accessTokenClaims, scopeOf, type Tenant } from './tenant.js';
import { offeredScopes, type Person } from './people.js';
import { errorPage } from './sign-in-page.js';

const hourSeconds = 60 * 60;
const daySeconds = 24 * hourSeconds;

export interface ProviderSurroundings {
  /** Where pages that may sign people in are served. */
  readonly pageOrigins: readonly string[];
  /** Private keys as JWK, the one that signs first. */
  readonly keys: readonly object[];
  readonly store: MemoryStore;
  readonly cookieSecret: string;
}

export const interactionPath = ({ path }: Tenant, uid: string) => `${path}/interaction/${uid}`;

export function personOf({ people }: Tenant, id: string): Person | undefined {
  return people.find((person) => person.id === id);
}

/** Everyone is asked who they are each time: one browser plays many people here. */
function alwaysAsk() {
  const { base, Check, Prompt } = interactionPolicy;
  const policy = base();
  const check = new Check('pick_a_person', 'a person has to be picked', ({ oidc }) =>
    oidc.result === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
  );
  policy.add(new Prompt({ name: 'select_account', requestable: true }, check), 0);
  return policy;
}

export function createProvider(tenant: Tenant, surroundings: ProviderSurroundings): Provider {
  const { pageOrigins, keys, store, cookieSecret } = surroundings;
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
    clients: [
      {
        client_id: tenant.pageClientId,
        application_type: 'web',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: pageOrigins.flatMap((origin) => [`${origin}/`, `${origin}/docs/oauth2-redirect.html`]),
      },
    ],
    responseTypes: ['code'],
    clientAuthMethods: ['none'],
    clientBasedCORS: (_context: RequestContext, origin: string) => pageOrigins.includes(origin),
    pkce: { required: () => true },
    scopes: ['openid', 'profile', 'offline_access'],
    claims: { openid: ['sub', 'oid', 'tid'], profile: ['name', 'preferred_username'] },
    // Microsoft puts them into the ID token; there is no other place to ask for them here.
    conformIdTokenClaims: false,
    findAccount: (_context: RequestContext, id: string) => {
      const person = personOf(tenant, id);
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
        // Microsoft's clients name the API within the scope, not beside it.
        defaultResource: () => tenant.resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: offeredScopes.map((name) => scopeOf(tenant, name)).join(' '),
          audience: tenant.clientId,
          accessTokenTTL: hourSeconds,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    formats: {
      customizers: {
        jwt: (_context: RequestContext, token: AccessToken, jwt: { header?: object; payload: Claims }) => {
          const person = personOf(tenant, token.accountId);
          if (person === undefined) throw new Error('A token for nobody.');
          const names = (token.scope ?? '').split(' ').map((scope) => scope.replace(`${tenant.resource}/`, ''));
          const { iat, exp } = jwt.payload;
          jwt.header = { typ: 'JWT' };
          jwt.payload = {
            ...accessTokenClaims(tenant, person, token.clientId, { iat, exp }),
            ...(token.scope !== undefined && { scp: names.join(' ') }),
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
