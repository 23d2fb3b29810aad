/** A stub of another API on loopback, and a source of tokens for it. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { VerifiedContext } from '../../src/core/access/current-request.js';
import type { AccessTokenClaims } from '../../src/core/access-token-claims.js';
import type { DownstreamApiSettings } from '../../src/core/configuration/settings.js';
import type { TokenSource } from '../../src/downstream/token-source.js';
import { addressedTo } from '../../src/gate/refusal.js';
import { listen, type Api } from './api.js';

/** A request as the stub got it. */
export interface ReceivedCall {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface StubApi extends Api {
  readonly received: ReceivedCall[];
  /** Answers the calls from now on. */
  respond: (response: ServerResponse, call: ReceivedCall) => void;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  request.setEncoding('utf8');
  for await (const chunk of request) body += String(chunk);
  return body;
}

/** Starts an API that answers `{"ok":true}` until it is told otherwise. */
export async function startStubApi(): Promise<StubApi> {
  const received: ReceivedCall[] = [];
  const api = await listen((request, response) => {
    const { method, url, headers } = request;
    void bodyOf(request).then((body) => {
      const call = { method, url, headers, body };
      received.push(call);
      stub.respond(response, call);
    });
  });
  const stub: StubApi = {
    ...api,
    received,
    respond: (response) => response.end('{"ok":true}'),
  };
  return stub;
}

/** The answer that asks for claims. */
export function challengeFor(response: ServerResponse, claims: string): void {
  const encoded = Buffer.from(claims).toString('base64');
  response.writeHead(401, {
    'WWW-Authenticate': `Bearer realm="", error="insufficient_claims", claims="${encoded}"`,
  });
  response.end('claims, please');
}

/** A token that no other text holds. */
export const marker = 'marker-of-a-downstream-token';

export interface SpecSource extends TokenSource {
  /** The options of each token that was asked for. */
  readonly asked: { scopes?: readonly string[] | undefined; claims?: string | undefined }[];
}

const caller: VerifiedContext = {
  claims: { oid: 'ada', xms_cc: ['cp1'] } as unknown as AccessTokenClaims,
  authority: { realm: 'tenant', authorizationUri: 'https://login.example/authorize' },
  requirement: undefined,
};

/** A source whose tokens are numbered by how many were asked for. */
export function sourceFor(
  baseUrl: string,
  settings: Partial<DownstreamApiSettings> = {},
  members: Partial<TokenSource> = {},
): SpecSource {
  const asked: SpecSource['asked'] = [];
  return {
    as: 'user',
    isBound: true,
    fetch: globalThis.fetch,
    settings: () => ({
      name: 'graph',
      baseUrl,
      scopes: ['https://graph.microsoft.com/User.Read'],
      resource: 'https://graph.microsoft.com',
      tenantId: undefined,
      timeoutMs: 5_000,
      headers: {},
      ...settings,
    }),
    token: (options) => {
      asked.push(options);
      const expiresAtMs = Date.now() + 3_600_000;
      return Promise.resolve({ token: `${marker}-${String(asked.length)}`, expiresAtMs, refreshAtMs: expiresAtMs });
    },
    addressed: (error) => addressedTo(caller, error),
    ...members,
    asked,
  };
}
