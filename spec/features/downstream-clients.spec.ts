/** Clients of others take our object as their credential, without a cast: the Graph client, Azure SDKs, Kiota. */
import type { TokenCredential } from '@azure/core-auth';
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createEmptyPipeline,
  createPipelineRequest,
  type HttpClient,
} from '@azure/core-rest-pipeline';
import {
  AuthenticationHandler,
  AuthenticationHandlerOptions,
  Client,
  HTTPMessageHandler,
  type AuthenticationProvider,
  type Context,
} from '@microsoft/microsoft-graph-client';
import { TokenCredentialAuthenticationProvider } from '@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../src/core/errors.js';
import { downstreamApi, type DownstreamApi } from '../../src/downstream/downstream-api.js';
import { ConsentRequiredError } from '../../src/downstream/errors.js';
import type { TokenSource } from '../../src/downstream/token-source.js';
import {
  challengeFor,
  marker,
  sourceFor,
  startStubApi,
  type SpecSource,
  type StubApi,
} from '../support/downstream-api.js';
import { errorOf } from '../support/refusals.js';

let stub: StubApi;
beforeAll(async () => {
  stub = await startStubApi();
});
afterAll(() => stub.close());
beforeEach(() => {
  stub.received.length = 0;
  stub.respond = (response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"displayName":"Ada"}');
  };
});

const claims = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}';
const scope = 'https://graph.microsoft.com/.default';
const authorizations = () => stub.received.map(({ headers }) => headers.authorization);

function apiOf(members: Partial<TokenSource> = {}): { api: DownstreamApi; source: SpecSource } {
  const source = sourceFor('https://graph.microsoft.com/v1.0', {}, members);
  return { api: downstreamApi(source), source };
}

const refused = () => {
  throw new ConsentRequiredError({ api: 'graph', scopes: ['User.Read'] });
};

describe('the Graph client', () => {
  /** Sends to the stub what is meant for Graph: the client adds tokens only to its calls over https. */
  class ToStub extends HTTPMessageHandler {
    override async execute(context: Context): Promise<void> {
      const { pathname, search } = new URL(String(context.request));
      context.response = await fetch(stub.url + pathname + search, context.options);
    }
  }

  function clientOf(authProvider: AuthenticationProvider): Client {
    const first = new AuthenticationHandler(authProvider);
    first.setNext(new ToStub());
    return Client.initWithMiddleware({ middleware: first });
  }

  it('asks our object for a token at each call', async () => {
    const { api, source } = apiOf();
    const client = clientOf(api);
    expect(await client.api('/me').get()).toEqual({ displayName: 'Ada' });
    await client.api('/me').select('id').get();
    expect(authorizations()).toEqual([`Bearer ${marker}-1`, `Bearer ${marker}-2`]);
    expect(source.asked).toEqual([{ scopes: undefined }, { scopes: undefined }]);
    expect(stub.received.map(({ url }) => url)).toEqual(['/v1.0/me', '/v1.0/me?$select=id']);
  });

  it('takes an object that serves every request', async () => {
    await clientOf(apiOf({ isBound: false }).api)
      .api('/me')
      .get();
    expect(authorizations()).toEqual([`Bearer ${marker}-1`]);
  });

  it('may ask for scopes of its own', async () => {
    const { api, source } = apiOf();
    const options = new AuthenticationHandlerOptions(api, { scopes: ['https://graph.microsoft.com/Mail.Read'] });
    await clientOf(api).api('/me').middlewareOptions([options]).get();
    expect(source.asked).toEqual([{ scopes: ['https://graph.microsoft.com/Mail.Read'] }]);
  });

  it('takes it as a credential of Azure', async () => {
    const { api, source } = apiOf();
    await clientOf(new TokenCredentialAuthenticationProvider(api, { scopes: [scope] }))
      .api('/me')
      .get();
    expect(source.asked).toEqual([{ scopes: [scope], claims: undefined }]);
    expect(authorizations()).toEqual([`Bearer ${marker}-1`]);
  });

  it('has an error of its own for the refusal of a token, which names it', async () => {
    const { api } = apiOf({ token: refused });
    expect(await errorOf(() => clientOf(api).api('/me').get())).toMatchObject({ code: 'ConsentRequiredError' });
    expect(await errorOf(() => api.getAccessToken())).toBeInstanceOf(ConsentRequiredError);
    expect(stub.received).toEqual([]);
  });
});

describe('a client of an Azure SDK', () => {
  /** Sends to the stub what is meant for Graph: the policy adds tokens only to calls over https. */
  const toStub: HttpClient = {
    sendRequest(request) {
      const { pathname } = new URL(request.url);
      request.url = stub.url + pathname;
      request.allowInsecureConnection = true;
      return createDefaultHttpClient().sendRequest(request);
    },
  };

  function clientOf(credential: TokenCredential): () => Promise<number> {
    const pipeline = createEmptyPipeline();
    pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes: [scope] }));
    return async () => {
      const request = createPipelineRequest({ url: 'https://graph.microsoft.com/v1.0/me' });
      return (await pipeline.sendRequest(toStub, request)).status;
    };
  }

  it('keeps the token of our object until it ends', async () => {
    const { api, source } = apiOf();
    const call = clientOf(api);
    expect([await call(), await call(), await call()]).toEqual([200, 200, 200]);
    expect(authorizations()).toEqual([1, 1, 1].map((number) => `Bearer ${marker}-${String(number)}`));
    expect(source.asked).toEqual([{ scopes: [scope], claims: undefined }]);
  });

  it('asks again for a token that ends', async () => {
    let asked = 0;
    const { api } = apiOf({
      token: () => ({ token: `${marker}-${String(++asked)}`, expiresAtMs: Date.now() + 900, refreshAtMs: 0 }),
    });
    const call = clientOf(api);
    expect([await call(), await call()]).toEqual([200, 200]);
    expect(authorizations()).toEqual([`Bearer ${marker}-1`, `Bearer ${marker}-2`]);
  });

  it('asks for the claims of a challenge', async () => {
    stub.respond = (response) => {
      if (stub.received.length === 1) challengeFor(response, claims);
      else response.end('{}');
    };
    const { api, source } = apiOf();
    expect(await clientOf(api)()).toBe(200);
    expect(source.asked).toEqual([
      { scopes: [scope], claims: undefined },
      { scopes: [scope], claims },
    ]);
    expect(authorizations()).toEqual([`Bearer ${marker}-1`, `Bearer ${marker}-2`]);
  });

  it('throws the refusal of a token as it is', async () => {
    expect(await errorOf(clientOf(apiOf({ token: refused }).api))).toBeInstanceOf(ConsentRequiredError);
    expect(stub.received).toEqual([]);
  });

  it('would give one user the token of another, so an object that serves every request refuses it', async () => {
    let user = 'ada';
    const token = () => ({ token: `token-of-${user}`, expiresAtMs: Date.now() + 3_600_000, refreshAtMs: 0 });
    // What the client does with a credential that answers for the caller of the moment:
    const shared = clientOf(apiOf({ token }).api);
    await shared();
    user = 'bob';
    await shared();
    expect(authorizations()).toEqual(['Bearer token-of-ada', 'Bearer token-of-ada']);
    // So:
    const error = await errorOf(clientOf(apiOf({ token, isBound: false }).api));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toMatch(/serves many users, and a client of an Azure SDK keeps the token of one/);
    expect(stub.received).toHaveLength(2);
  });
});

describe('a client that Kiota made', () => {
  /** The method of `AccessTokenProvider` in `@microsoft/kiota-abstractions`. */
  interface AccessTokenProvider {
    getAuthorizationToken: (url?: string, additionalAuthenticationContext?: Record<string, unknown>) => Promise<string>;
  }

  it('asks our object for a token of a URL, and for the claims of a challenge', async () => {
    const { api, source } = apiOf();
    const provider: AccessTokenProvider = api;
    expect(await provider.getAuthorizationToken('https://graph.microsoft.com/v1.0/me')).toBe(`${marker}-1`);
    const context = { claims: Buffer.from(claims).toString('base64') };
    expect(await provider.getAuthorizationToken('https://graph.microsoft.com/beta/me', context)).toBe(`${marker}-2`);
    expect(await provider.getAuthorizationToken('https://graph.microsoft.com.evil.example/v1.0/me')).toBe('');
    expect(source.asked).toEqual([{ claims: undefined }, { claims }]);
  });
});
