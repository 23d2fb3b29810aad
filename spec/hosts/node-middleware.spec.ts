import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { initialize, requiresAuth } from '../../src/express.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());
// Each test begins with keys that are not loaded: a token then has to wait.
beforeEach(() => {
  initialize(issuer.options);
});

/** Sends one request to a server of Node. Resolves to the status and the body, or to what went wrong. */
async function answerOf(listener: RequestListener, token?: string): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  try {
    const response = await fetch(`http://127.0.0.1:${String(port)}/`, { headers });
    return `${String(response.status)} ${await response.text()}`;
  } catch {
    return 'the connection was closed';
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** A token whose key is not known, so that the check has to wait. */
const forged = async () => {
  const [, payload = ''] = (await issuer.token()).split('.');
  const header = Buffer.from(JSON.stringify({ alg: 'RS256', kid: 'made-up' })).toString('base64url');
  return `${header}.${payload}.AAAA`;
};

describe('a middleware in a wrapper that goes on whatever next is given', () => {
  const gate = requiresAuth();

  it('refuses a request whose answer has begun by closing the connection', async () => {
    const ran: string[] = [];
    const answer = await answerOf((request, response) => {
      response.flushHeaders();
      void gate(request, response, () => {
        ran.push('handler');
        response.end('secret');
      });
    });
    expect(answer).toBe('the connection was closed');
    expect(ran).toEqual([]);
  });

  it('leaves an answer that another has given, and does not go on', async () => {
    const ran: string[] = [];
    const settled: Promise<void>[] = [];
    const answer = await answerOf(
      (request, response) => {
        settled.push(
          Promise.resolve(
            gate(request, response, () => {
              ran.push('handler');
            }),
          ),
        );
        response.writeHead(503).end('too late');
      },
      await forged(),
    );
    await Promise.all(settled);
    expect(answer).toBe('503 too late');
    expect(ran).toEqual([]);
  });
});

describe('a middleware that is called as a function', () => {
  const gate = requiresAuth();

  it.each<[string, () => Promise<string | undefined>, string]>([
    ['no token', () => Promise.resolve(undefined), '401'],
    ['a made-up key', forged, '401'],
    ['a valid token', () => issuer.token(), '200'],
  ])('has passed or answered the request once it is awaited: %s', async (_, token, status) => {
    const answer = await answerOf(
      (request, response) => {
        void (async () => {
          await gate(request, response, () => undefined);
          if (!response.headersSent) response.end('passed');
        })();
      },
      await token(),
    );
    expect(answer.slice(0, 3)).toBe(status);
  });

  it('rejects with what next throws, and does not call it again', async () => {
    const given: unknown[] = [];
    const thrown: unknown[] = [];
    const answer = await answerOf(
      (request: IncomingMessage, response) => {
        const next = (error?: unknown) => {
          given.push(error);
          throw new RangeError('of the application');
        };
        Promise.resolve(gate(request, response, next)).catch((error: unknown) => {
          thrown.push(error);
          response.end('caught');
        });
      },
      await issuer.token(),
    );
    expect(answer).toBe('200 caught');
    expect(given).toEqual([undefined]);
    expect(thrown).toEqual([new RangeError('of the application')]);
  });
});
