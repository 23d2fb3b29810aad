/** What the SDK of the Model Context Protocol gets of this library, on Express and Fetch. */
import { createRequire } from 'node:module';
import type { OAuthTokenVerifier } from '@modelcontextprotocol/sdk/server/auth/provider.js';
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import express, { type RequestHandler } from 'express';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest';
import { requiresAuth, requiresScope, withAuthInfo } from '../../src/express.js';
import {
  AuthError,
  ConfigurationError,
  createMicrosoftIdentity,
  initialize,
  mcpAuthInfo,
  mcpTokenVerifier,
  MissingTokenError,
  protect,
  resourceMetadata,
} from '../../src/fetch.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { listen, type Api } from '../support/api.js';
import { forgetWarnings } from '../support/isolation.js';

// The SDK declares another type of `request.auth` for a whole program, so its types are not imported here.
const bearerAuthModule = '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
type RequireBearerAuth = (options: {
  verifier: OAuthTokenVerifier;
  requiredScopes?: string[];
  resourceMetadataUrl?: string;
  expectedResource?: URL;
}) => RequestHandler;

const resource = 'https://api.example/mcp';
const metadataUrl = 'https://api.example/.well-known/oauth-protected-resource/mcp';

let issuer: TestIssuer;
let emitWarning: MockInstance;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  forgetWarnings();
  emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  initialize(options());
});
afterEach(() => {
  issuer.setFault();
  vi.restoreAllMocks();
});

const options = () => ({
  ...issuer.options,
  resourceMetadata: { resource, scopes: [`${resource}/access_as_user`, 'other'] },
});
const fullScope = `${resource}/access_as_user`;

function infoOf(token: string): AuthInfo {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
  return {
    token,
    clientId: String(claims['azp']),
    scopes: ['access_as_user', fullScope],
    expiresAt: Number(claims['exp']),
    resource: new URL(resource),
    extra: { claims },
  };
}

describe('mcpTokenVerifier', () => {
  it('gives the AuthInfo of a token', async () => {
    const verifier: OAuthTokenVerifier = mcpTokenVerifier({ scope: 'access_as_user' });
    const token = await issuer.token();
    const info = await verifier.verifyAccessToken(token);
    expect(info).toEqual(infoOf(token));
    expect(Object.isFrozen(info.extra?.['claims'])).toBe(true);
  });

  it('names the roles of an application, and no resource where none is published', async () => {
    const partners = createMicrosoftIdentity(issuer.options);
    const info = await partners.mcpTokenVerifier().verifyAccessToken(await issuer.appToken({ roles: ['read'] }));
    expect([info.scopes, 'resource' in info]).toEqual([['read'], false]);
  });

  it('refuses with the errors of the SDK', async () => {
    const sdk = await import('@modelcontextprotocol/sdk/server/auth/errors.js');
    const verifier = mcpTokenVerifier({ scope: 'access_as_user' });
    const refusal = async (token: string) => verifier.verifyAccessToken(token).catch((error: unknown) => error);
    const expired = await refusal(await issuer.token({ exp: 1 }));
    expect(expired).toBeInstanceOf(sdk.InvalidTokenError);
    expect(expired).toMatchObject({
      message: 'The access token expired.',
      cause: { code: 'invalid_token', reason: 'expired' },
    });
    const withoutScope = await refusal(await issuer.token({ scp: 'other' }));
    expect(withoutScope).toBeInstanceOf(sdk.InsufficientScopeError);
    expect((withoutScope as Error).cause).toBeInstanceOf(AuthError);
    for (const malformed of ['', 'a b', 'a,b', 'x'.repeat(20_000)]) {
      expect(await refusal(malformed)).toBeInstanceOf(sdk.InvalidTokenError);
    }
  });

  it('gives any other refusal as it is', async () => {
    initialize({ ...issuer.options, tokenCache: false });
    issuer.setFault({ down: true });
    const verify = async () => mcpTokenVerifier().verifyAccessToken(await issuer.token());
    await expect(verify()).rejects.toMatchObject({ code: 'issuer_unavailable', status: 503 });
    issuer.setFault();
    const verifier = mcpTokenVerifier({ scheme: 'b2c' });
    await expect(verifier.verifyAccessToken(await issuer.token())).rejects.toBeInstanceOf(ConfigurationError);
    expect(emitWarning).toHaveBeenCalledOnce();
  });

  it('refuses a requirement that is not valid, where it stands', () => {
    expect(() => mcpTokenVerifier({ scopes: 'read' } as never)).toThrow(ConfigurationError);
    expect(() => mcpTokenVerifier({ scope: 'api://x/read' })).toThrow(ConfigurationError);
  });

  it("fits the SDK's requireBearerAuth", async () => {
    const { requireBearerAuth } = (await import(bearerAuthModule)) as { requireBearerAuth: RequireBearerAuth };
    const app = express();
    const bearerAuth = requireBearerAuth({
      verifier: mcpTokenVerifier({ scope: 'access_as_user' }),
      requiredScopes: [fullScope],
      resourceMetadataUrl: metadataUrl,
      expectedResource: new URL(resource),
    });
    app.get('/', bearerAuth, (request, response) => {
      response.json(request.auth);
    });
    const api = await listen(app);
    const token = await issuer.token();
    expect((await api.call('/', { token })).body).toEqual(JSON.parse(JSON.stringify(infoOf(token))));
    const challengeOf = async (refused: string) => {
      const { status, headers } = await api.call('/', { token: refused });
      return [status, headers['www-authenticate']];
    };
    const pointer = `scope="${fullScope}", resource_metadata="${metadataUrl}"`;
    expect(await challengeOf(await issuer.token({ exp: 1 }))).toEqual([
      401,
      `Bearer error="invalid_token", error_description="The access token expired.", ${pointer}`,
    ]);
    expect(await challengeOf(await issuer.token({ scp: 'other' }))).toEqual([
      403,
      `Bearer error="insufficient_scope", error_description="The access token does not carry the scope this request needs.", ${pointer}`,
    ]);
    await api.close();
  });
});

describe('withAuthInfo', () => {
  let api: Api;
  beforeAll(async () => {
    const app = express();
    app.get('/gate', requiresAuth(), requiresScope('access_as_user'), (request, response) => {
      const handed: { auth?: AuthInfo } = withAuthInfo(request);
      response.json({ auth: handed.auth, isSame: Object.is(handed, request) });
    });
    app.get('/open', (request, response) => {
      response.json(withAuthInfo(request));
    });
    api = await listen(app);
  });
  afterAll(() => api.close());

  it('sets auth of the request to what the transport of the SDK takes', async () => {
    const token = await issuer.token();
    const auth = JSON.parse(JSON.stringify(infoOf(token))) as unknown;
    expect((await api.call('/gate', { token })).body).toEqual({ auth, isSame: true });
  });

  it('throws where no gate let the request in', async () => {
    expect((await api.call('/open', { token: await issuer.token() })).status).toBe(401);
  });

  it('lets a challenge name the missing scope first, and then the others that the route demands', async () => {
    const app = express();
    app.get('/', requiresScope('access_as_user'), requiresScope('other'), (_request, response) => {
      response.json({});
    });
    const both = await listen(app);
    const other = `api://${issuer.options.clientId}/other`;
    const scopeOf = async (token?: string) => {
      const { headers } = await both.call('/', token === undefined ? {} : { token });
      return /scope="([^"]*)"/.exec(headers['www-authenticate'] ?? '')?.[1];
    };
    expect(await scopeOf()).toBe(`${fullScope} ${other}`);
    expect(await scopeOf(await issuer.token())).toBe(`${other} ${fullScope}`);
    await both.close();
  });
});

describe('mcpAuthInfo', () => {
  it('gives the AuthInfo of a request that is handled, or of what holds it', async () => {
    const token = await issuer.token();
    const handler = protect({}, (context: { req: { raw: Request } }) =>
      Response.json([mcpAuthInfo(context), mcpAuthInfo(context.req.raw)]),
    );
    const headers = { authorization: `Bearer ${token}` };
    const response = await handler({ req: { raw: new Request(resource, { headers }) } });
    const info = JSON.parse(JSON.stringify(infoOf(token))) as unknown;
    expect(await response.json()).toEqual([info, info]);
  });

  it('throws for a request whose token was not verified', () => {
    expect(() => mcpAuthInfo(new Request(resource))).toThrow(MissingTokenError);
  });
});

describe('resourceMetadata of Fetch', () => {
  const ask = (method: string) => {
    const raw = new Request(metadataUrl, { method });
    return [resourceMetadata()(raw), resourceMetadata()({ req: { raw } })] as const;
  };

  it('answers with the document, from any origin', async () => {
    for (const response of ask('GET')) {
      expect(await response.json()).toEqual(initialize(options()).resourceMetadata);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    }
    for (const response of ask('HEAD')) expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it('answers the preflight of a browser, with the headers of MCP clients', () => {
    for (const { status, headers } of ask('OPTIONS')) {
      expect([
        status,
        ...['origin', 'methods', 'headers'].map((name) => headers.get(`access-control-allow-${name}`)),
      ]).toEqual([204, '*', 'GET, HEAD', 'MCP-Protocol-Version, Authorization']);
    }
  });

  it('takes no other method, and no configuration without the option', () => {
    for (const { status, headers } of ask('POST'))
      expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    expect(() => resourceMetadata(initialize(issuer.options))).toThrow('option resourceMetadata');
  });
});

describe('the CommonJS build', () => {
  it('refuses with the errors of the CommonJS SDK', async () => {
    const require = createRequire(import.meta.url);
    const built = require('microsoft-identity-decorators/fetch') as typeof import('../../src/fetch.js');
    const sdk = require('@modelcontextprotocol/sdk/server/auth/errors.js') as { InvalidTokenError: new () => Error };
    const { mcpTokenVerifier: verifierOf } = built.createMicrosoftIdentity(issuer.options);
    const refused = verifierOf().verifyAccessToken(await issuer.token({ exp: 1 }));
    await expect(refused).rejects.toBeInstanceOf(sdk.InvalidTokenError);
  });
});
