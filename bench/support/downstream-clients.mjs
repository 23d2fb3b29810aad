// Who obtains a token on behalf of a user: ourselves, msal-node as its samples use it, and the credential of the Azure SDKs.
//
// `post` sends the body of a token request, and returns the text of the answer: to the issuer, or to nowhere. Each of these
// returns `enter(token)`, which is what an API does when a request comes in, and `obtain(caller)` for what that returns.
import { createHash } from 'node:crypto';
import { createMicrosoftIdentity } from '../../dist/esm/express.js';

export const scope = 'https://graph.microsoft.com/User.Read';
export const apis = { graph: { baseUrl: 'https://graph.microsoft.com/v1.0', scopes: [scope] } };

/** The token endpoint of the issuer. */
export function postTo({ options }) {
  const url = `${options.instance}/${options.tenantId}/oauth2/v2.0/token`;
  return async (body) => {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    return response.text();
  };
}

/** Only token requests are sent by `post`: the keys come from the issuer. */
const fetchWith = (post) => async (url, init) =>
  init?.method === 'POST'
    ? new globalThis.Response(await post(init.body), { headers: { 'content-type': 'application/json' } })
    : fetch(url, init);

/** Lets a request in, and gives what a handler would call the API with. */
export async function ours({ options, credential }, post, { store, maxEntries } = {}) {
  const identity = createMicrosoftIdentity({
    ...options,
    fetch: fetchWith(post),
    downstream: { credential, apis, ...(store && { store }), ...(maxEntries && { maxEntries }) },
  });
  await identity.ready();
  const gate = identity.requiresAuth();
  const response = { setHeader: () => response, removeHeader: () => undefined, end: () => undefined };
  return {
    enter: async (token) => {
      const authorization = `Bearer ${token}`;
      const request = { headers: { authorization }, rawHeaders: ['Authorization', authorization] };
      await new Promise((resolve, reject) => {
        gate(request, response, (error) => (error === undefined ? resolve() : reject(error)));
      });
      return identity.onBehalfOf('graph', request);
    },
    obtain: (graph) => graph.getAccessToken(),
  };
}

/** The documents that msal-node would ask for. */
function authorityOf({ options }) {
  // It takes https alone.
  const origin = options.instance.replace(/^http:/, 'https:');
  const url = `${origin}/${options.tenantId}`;
  return {
    origin,
    url,
    host: new URL(origin).host,
    metadata: JSON.stringify({
      authorization_endpoint: `${url}/oauth2/v2.0/authorize`,
      token_endpoint: `${url}/oauth2/v2.0/token`,
      issuer: `${url}/v2.0`,
      jwks_uri: `${url}/discovery/v2.0/keys`,
    }),
  };
}

async function msalClients(facts, post) {
  const { ConfidentialClientApplication, DistributedCachePlugin } = await import('@azure/msal-node');
  const { url, host, metadata } = authorityOf(facts);
  const networkClient = {
    sendGetRequestAsync: async () => {
      throw new Error('no document is asked for');
    },
    sendPostRequestAsync: async (_, { body }) => ({ status: 200, headers: {}, body: JSON.parse(await post(body)) }),
  };
  const client = (cachePlugin) =>
    new ConfidentialClientApplication({
      auth: {
        clientId: facts.options.clientId,
        authority: url,
        knownAuthorities: [host],
        authorityMetadata: metadata,
        ...facts.credential,
      },
      ...(cachePlugin && { cache: { cachePlugin } }),
      system: { networkClient },
    });
  return { client, DistributedCachePlugin };
}

const obtainWith = async (client, oboAssertion) =>
  (await client.acquireTokenOnBehalfOf({ oboAssertion, scopes: [scope] })).accessToken;

/** One client for all users, which keeps all their tokens. */
export async function msalShared(facts, post) {
  const { client } = await msalClients(facts, post);
  const shared = client();
  return { enter: async (token) => token, obtain: (token) => obtainWith(shared, token) };
}

/** A client for each request, which keeps nothing. */
export async function msalPerRequest(facts, post) {
  const { client } = await msalClients(facts, post);
  return { enter: async (token) => token, obtain: (token) => obtainWith(client(), token) };
}

/** A client for each request, whose tokens lie in Redis: a partition for each token of a user. */
export async function msalWithRedis(facts, post, redis) {
  const { client, DistributedCachePlugin } = await msalClients(facts, post);
  const cacheClient = {
    get: async (key) => (await redis.get(key)) ?? '',
    set: (key, value) => redis.set(key, value),
  };
  return {
    enter: async (token) => token,
    obtain: async (token) => {
      const key = async () => `msal:${createHash('sha256').update(token).digest('base64url')}`;
      const own = client(new DistributedCachePlugin(cacheClient, { getKey: key, extractKey: key }));
      // On-behalf-of reads what is in memory. As in msal-node's own sample, this has the plugin read it from Redis first.
      await own.getTokenCache().getAllAccounts();
      return obtainWith(own, token);
    },
  };
}

async function azureCredentials(facts, post) {
  const { OnBehalfOfCredential } = await import('@azure/identity');
  const { createHttpHeaders } = await import('@azure/core-rest-pipeline');
  const { origin, metadata } = authorityOf(facts);
  const { tenantId, clientId } = facts.options;
  const httpClient = {
    sendRequest: async (request) => ({
      request,
      status: 200,
      headers: createHttpHeaders({ 'content-type': 'application/json' }),
      bodyAsText: request.method === 'POST' ? await post(request.body) : metadata,
    }),
  };
  return (userAssertionToken) =>
    new OnBehalfOfCredential({
      tenantId,
      clientId,
      ...facts.credential,
      userAssertionToken,
      authorityHost: origin,
      disableInstanceDiscovery: true,
      httpClient,
    });
}

const tokenOf = async (credential) => (await credential.getToken(scope)).token;

/** A credential for each request: the assertion is an argument of its constructor. */
export async function azurePerRequest(facts, post) {
  const credential = await azureCredentials(facts, post);
  return { enter: async (token) => token, obtain: (token) => tokenOf(credential(token)) };
}

/** A credential for each token of a user, which the application keeps. */
export async function azureKept(facts, post) {
  const credential = await azureCredentials(facts, post);
  return { enter: async (token) => credential(token), obtain: tokenOf };
}
