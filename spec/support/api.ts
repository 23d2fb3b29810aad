/** An API under test: controllers behind a real HTTP server, and what it answered, checked whole. */
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
} from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import express5 from 'express';
import { useExpressServer, type RoutingControllersOptions } from 'routing-controllers';
import { expect } from 'vitest';

const express4 = createRequire(import.meta.url)('express4') as typeof express5;

/** The Express releases every host spec runs on. */
export const expressReleases = [
  { release: 'Express 4', express: express4 },
  { release: 'Express 5', express: express5 },
];

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body, where it is JSON. */
  readonly body: unknown;
}

export interface Call {
  readonly method?: string;
  readonly token?: string;
  /** Header lines; a list sends the header several times. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

export interface Api {
  readonly url: string;
  readonly server: Server;
  call(path: string, call?: Call): Promise<Answer>;
  close(): Promise<void>;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Sends one request, without the courtesies of `fetch`: headers go out as they are given. */
export function send(url: string, { method = 'GET', token, headers = {}, body }: Call = {}): Promise<Answer> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    // A connection of its own: after its own errors, routing-controllers has the one it answered on torn down.
    const outgoing = httpRequest(url, {
      agent: false,
      method,
      headers: { ...authorization, ...(headers as Record<string, string>) },
    });
    outgoing.on('error', reject).on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject).on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) });
      });
    });
    outgoing.end(body);
  });
}

/** Starts a server for any request listener. */
export async function listen(listener: RequestListener): Promise<Api> {
  // Larger than by default, so that the bound on tokens is ours to hold.
  const server = createServer({ maxHeaderSize: 64 * 1024 }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    url,
    server,
    call: (path, call) => send(url + path, call),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** Starts controllers on a release of Express. */
export function serve(
  controllers: NonNullable<RoutingControllersOptions['controllers']>,
  { express = express5, ...options }: RoutingControllersOptions & { express?: typeof express5 } = {},
): Promise<Api> {
  const app = express();
  useExpressServer(app, { ...options, controllers });
  return listen(app);
}

const invalidTokenTexts: Readonly<Record<string, string>> = {
  malformed: 'The access token is malformed.',
  algorithm: 'The access token is not signed with RS256.',
  key: 'The access token is not signed with a key of its issuer.',
  signature: 'The signature of the access token is not valid.',
  expired: 'The access token expired.',
  not_yet_valid: 'The access token is not valid yet.',
  issuer: 'The access token comes from another issuer.',
  audience: 'The access token is meant for another API.',
  tenant: 'The access token comes from a tenant that is not accepted.',
  policy: 'The access token comes from a policy that is not accepted.',
  token_type: 'The token is not an access token.',
};

const insufficientScopeTexts: Readonly<Record<string, string>> = {
  scope: 'The access token does not carry the scope this request needs.',
  role: 'The access token does not carry the role this request needs.',
  client: 'The client application is not accepted.',
  check: 'The caller does not satisfy a rule of this API.',
};

export type Refusal =
  | 'missing_token'
  | 'invalid_request'
  | 'issuer_unavailable'
  | 'server_error'
  | { readonly invalidToken: string }
  | { readonly insufficientScope: string; readonly scope?: string };

/** What a refusal looks like on the wire, written out: status, challenge and body. */
function wireOf(refusal: Refusal): { status: number; challenge: string | undefined; body: unknown } {
  if (typeof refusal === 'object' && 'invalidToken' in refusal) {
    const text = invalidTokenTexts[refusal.invalidToken];
    return {
      status: 401,
      challenge: `Bearer error="invalid_token", error_description="${String(text)}"`,
      body: { error: 'invalid_token', error_description: text },
    };
  }
  if (typeof refusal === 'object') {
    const text = insufficientScopeTexts[refusal.insufficientScope];
    const scope = refusal.scope === undefined ? '' : `, scope="${refusal.scope}"`;
    return {
      status: 403,
      challenge: `Bearer error="insufficient_scope", error_description="${String(text)}"${scope}`,
      body: { error: 'insufficient_scope', error_description: text },
    };
  }
  switch (refusal) {
    case 'missing_token':
      return {
        status: 401,
        challenge: 'Bearer',
        body: { error: 'missing_token', error_description: 'This request needs an access token.' },
      };
    case 'invalid_request':
      return {
        status: 400,
        challenge: 'Bearer error="invalid_request"',
        body: {
          error: 'invalid_request',
          error_description: 'The request must carry exactly one Authorization header.',
        },
      };
    case 'issuer_unavailable':
      return {
        status: 503,
        challenge: undefined,
        body: {
          error: 'issuer_unavailable',
          error_description: 'The keys to check access tokens with are not available at the moment.',
        },
      };
    case 'server_error':
      return { status: 500, challenge: undefined, body: { error: 'server_error' } };
  }
}

/** Asserts a refusal whole: status, exact challenge, body, caching. */
export function expectRefusal(answer: Answer, refusal: Refusal): void {
  const { status, challenge, body } = wireOf(refusal);
  expect({ status: answer.status, challenge: answer.headers['www-authenticate'], body: answer.body }).toEqual({
    status,
    challenge,
    body,
  });
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  if (refusal === 'issuer_unavailable') expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
}
