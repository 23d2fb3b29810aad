/** The server of docs/mcp.md, as it stands there, and the SDK's own client. Works on `dist/`, as the program does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { UnauthorizedError, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLocalIssuer, type LocalIssuer } from '../samples/weather/openid-provider/local-issuer.js';
import { colleagues } from '../samples/weather/openid-provider/people.js';
import { compiled, endPrograms, freePort, startProgram } from './support/program.js';

const root = join(import.meta.dirname, '..');
const [, program = ''] = /```ts\n([^]*?)```/.exec(readFileSync(join(root, 'docs', 'mcp.md'), 'utf8')) ?? [];

let issuer: LocalIssuer;
let origin: string;
let resource: string;

beforeAll(async () => {
  const port = await freePort();
  origin = `http://127.0.0.1:${String(port)}`;
  resource = `${origin}/mcp`;
  issuer = await startLocalIssuer({ appIdUris: [resource] });
  await startProgram(compiled(program), port, issuer.options, { MCP_RESOURCE: resource });
});
afterAll(async () => {
  await endPrograms();
  await issuer.close();
});

/** A browser with cookies, in which a person signs in. It ends where it is sent back to the client. */
async function signIn(start: URL, person: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let next: [url: URL, init?: RequestInit] = [start];
  for (let step = 0; step < 10; step++) {
    const [url, init] = next;
    if (url.origin === origin) return url;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    await response.body?.cancel();
    const location = response.headers.get('location');
    next =
      location === null ? [url, { method: 'POST', body: new URLSearchParams({ person }) }] : [new URL(location, url)];
  }
  return expect.fail('The issuer asks for a person again and again.');
}

/** A client that keeps what the SDK hands it, and opens no browser. */
function createClient() {
  const kept: { tokens?: OAuthTokens; verifier: string; asked: URL[] } = { verifier: '', asked: [] };
  const authProvider: OAuthClientProvider = {
    redirectUrl: `${origin}/`,
    clientMetadata: { redirect_uris: [`${origin}/`] },
    clientInformation: () => ({ client_id: issuer.signIns.entra?.clientId ?? '' }),
    tokens: () => kept.tokens,
    saveTokens: (tokens) => {
      kept.tokens = tokens;
    },
    redirectToAuthorization: (url) => {
      kept.asked.push(url);
    },
    saveCodeVerifier: (verifier) => {
      kept.verifier = verifier;
    },
    codeVerifier: () => kept.verifier,
  };
  const transport = () => new StreamableHTTPClientTransport(new URL(resource), { authProvider });
  return { kept, transport };
}

const asked = ({ searchParams }: URL) => [searchParams.get('scope'), searchParams.get('resource')];
const codeIn = (url: URL) => url.searchParams.get('code') ?? expect.fail(`No code: ${url.search}`);

describe("the SDK's client", () => {
  it('finds the issuer, signs in, calls a tool, is refused for a scope, steps up and calls again', async () => {
    const { kept, transport } = createClient();
    const client = new Client({ name: 'spec', version: '1.0.0' });

    const first = transport();
    await expect(client.connect(first)).rejects.toBeInstanceOf(UnauthorizedError);
    const [signInUrl = expect.fail('no sign-in')] = kept.asked;
    const { instance, tenantId } = issuer.options;
    expect(signInUrl.origin + signInUrl.pathname).toBe(`${String(instance)}/${String(tenantId)}/oauth2/v2.0/authorize`);
    expect(asked(signInUrl)).toEqual([`${resource}/access_as_user`, resource]);
    await first.finishAuth(codeIn(await signIn(signInUrl, colleagues.ann.id)));

    const second = transport();
    await client.connect(second);
    const who = await client.callTool({ name: 'who_am_i' });
    expect(JSON.parse((who.content as [{ text: string }])[0].text)).toEqual({
      oid: colleagues.ann.id,
      client: issuer.signIns.entra?.clientId,
      scopes: ['access_as_user', `${resource}/access_as_user`],
    });

    await expect(client.callTool({ name: 'alerts' })).rejects.toBeInstanceOf(UnauthorizedError);
    const [, stepUpUrl = expect.fail('no step-up')] = kept.asked;
    expect(asked(stepUpUrl)).toEqual([`${resource}/alerts.read ${resource}/access_as_user`, resource]);
    await second.finishAuth(codeIn(await signIn(stepUpUrl, colleagues.ann.id)));

    const alerts = await client.callTool({ name: 'alerts' });
    expect(alerts.content).toEqual([{ type: 'text', text: 'Storm in Oslo' }]);
    expect(kept.asked).toHaveLength(2);
    await client.close();
  });
});

describe('the server', () => {
  const call = (body: unknown, token?: string) =>
    fetch(resource, {
      method: 'POST',
      headers: {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
    });
  const toolCall = (name: string, id = 1) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } });

  it('names the scope to ask for where there is no token', async () => {
    const response = await call(toolCall('who_am_i'));
    const metadataUrl = `${origin}/.well-known/oauth-protected-resource/mcp`;
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([
      401,
      `Bearer scope="${resource}/access_as_user", resource_metadata="${metadataUrl}"`,
    ]);
  });

  it('refuses a batch in which one tool needs a scope that the token lacks', async () => {
    const token = await issuer.tokens.token({ scp: 'access_as_user' });
    expect((await call([toolCall('who_am_i'), toolCall('alerts', 2)], token)).status).toBe(403);
    expect((await call(toolCall('who_am_i'), token)).status).toBe(200);
  });
});

describe("the sample's issuer", () => {
  const authorize = (params: Readonly<Record<string, string>>) => {
    const { authority = '', clientId = '' } = issuer.signIns.entra ?? {};
    const url = new URL(`${authority}/oauth2/v2.0/authorize`);
    const challenge = { code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' };
    const common = { response_type: 'code', client_id: clientId, redirect_uri: `${origin}/`, ...challenge };
    for (const [name, value] of Object.entries({ ...common, ...params })) url.searchParams.set(name, value);
    return signIn(url, colleagues.ann.id);
  };

  it.each<[string, () => Readonly<Record<string, string>>]>([
    ['another API', () => ({ resource: 'https://other.example/', scope: `${resource}/access_as_user` })],
    [
      'another Application ID URI than the scopes begin with',
      () => ({ resource, scope: `api://${String(issuer.options.clientId)}/access_as_user` }),
    ],
  ])('refuses, as Entra ID does, a resource that is %s', async (_, params) => {
    const { searchParams } = await authorize(params());
    expect(searchParams.get('error')).toBe('invalid_target');
    expect(searchParams.get('error_description')).toContain('AADSTS9010010');
  });

  it('signs in a client that sends no resource', async () => {
    const scope = `api://${String(issuer.options.clientId)}/access_as_user`;
    expect((await authorize({ scope })).searchParams.get('code')).not.toBeNull();
  });
});
