import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DownstreamOptions } from '../../src/core/configuration/downstream-options.js';
import type { IdentityOptions } from '../../src/core/configuration/options.js';
import { parseSettings } from '../../src/core/configuration/parse-settings.js';
import { ConfigurationError } from '../../src/core/errors.js';
import { createIdentity } from '../../src/core/identity.js';
import type { TokenRequest } from '../../src/downstream/acquire-token.js';
import { tokenClientOf } from '../../src/downstream/acquisition.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js';
import { tokenError } from '../../src/testing/token-error.js';
import { selfSignedCertificate } from '../support/certificate.js';

const downstreamId = 'bbbbbbbb-0000-4000-8000-000000000001';
const scopes = [`api://${downstreamId}/stock.read`];
const open = new AbortController().signal;

let issuer: TestIssuer;
let assertion: string;

let earlier: number;

beforeAll(async () => {
  issuer = await startTestIssuer();
  assertion = await issuer.token({ oid: 'user-1' });
});

beforeEach(() => {
  earlier = issuer.requests.tokens;
});

afterEach(() => {
  issuer.setFault();
});

afterAll(() => issuer.close());

/** How many token requests a test sent. */
const sent = () => issuer.requests.tokens - earlier;

/** The token requests of a test. */
const requests = () => issuer.tokenRequests.slice(earlier);

type Acquisition = (changes?: Partial<TokenRequest>, signal?: AbortSignal) => Promise<{ readonly token: string }>;

function clientOf(
  options: IdentityOptions = {},
  downstream: DownstreamOptions = issuer.downstreamOptions,
): Acquisition {
  const acquire = tokenClientOf(parseSettings({ ...issuer.options, downstream, ...options }));
  const authority = `${options.instance ?? issuer.url}/${issuer.options.tenantId}`;
  return (changes = {}, signal = open) =>
    acquire({ api: 'inventory', authority, scopes, assertion, claims: undefined, ...changes }, signal);
}

const failure = (acquisition: Promise<unknown>) =>
  acquisition.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a token on behalf of a user', () => {
  it('is one that a second protected API verifies', async () => {
    const acquired = await clientOf()();
    expect(acquired).toEqual({ token: acquired.token, expiresInSeconds: 3600, refreshInSeconds: undefined });
    const second = createIdentity({ ...issuer.options, clientId: downstreamId });
    const { token } = await second.authenticate(
      { headers: { authorization: `Bearer ${acquired.token}` } },
      { scheme: { kind: 'entra' }, demands: [] },
    );
    expect(token.claims).toMatchObject({ oid: 'user-1', scp: 'stock.read', azp: issuer.options.clientId });
  });

  it('costs one request, without discovery, and declares cp1', async () => {
    const before = { ...issuer.requests };
    await clientOf()();
    expect(issuer.requests).toEqual({ ...before, tokens: before.tokens + 1 });
    expect(requests()).toMatchObject([
      {
        grant: 'on_behalf_of',
        tenant: issuer.options.tenantId,
        scopes,
        clientAuthentication: 'secret',
        claims: { access_token: { xms_cc: { values: ['cp1'] } } },
      },
    ]);
  });

  it('is asked for anew each time: no client keeps one', async () => {
    const acquire = clientOf();
    await acquire();
    await acquire();
    expect(sent()).toBe(2);
  });

  it('passes on the claims that are asked for', async () => {
    const claims = JSON.stringify({ access_token: { acrs: { essential: true, value: 'c1' } } });
    await clientOf()({ claims });
    expect(requests()[0]?.claims).toMatchObject({
      access_token: { acrs: { essential: true, value: 'c1' }, xms_cc: { values: ['cp1'] } },
    });
  });

  it('has the life that the answer names, also as a text, and when to renew it', async () => {
    issuer.setFault({ on: 'token', body: (body) => ({ ...body, expires_in: '600', refresh_in: 300 }) });
    expect(await clientOf()()).toMatchObject({ expiresInSeconds: 600, refreshInSeconds: 300 });
  });
});

describe('a token of the application', () => {
  it('is asked for by client credentials, also where the environment names a region', async () => {
    process.env['MSAL_FORCE_REGION'] = 'westeurope';
    try {
      await clientOf()({ assertion: undefined, scopes: [`api://${downstreamId}/.default`] });
    } finally {
      delete process.env['MSAL_FORCE_REGION'];
    }
    expect(requests()).toMatchObject([{ grant: 'client_credentials' }]);
  });
});

describe('an answer that is a refusal', () => {
  it('keeps the claims byte for byte, which msal-node loses for an invalid_grant', async () => {
    const claims = '{"access_token":{"acrs":{"essential":true, "value":"c1"}}}';
    issuer.setFault(tokenError('invalid_grant', { codes: [50076], claims }));
    const error = await failure(clientOf()());
    expect(error).toMatchObject({ name: 'ClaimsChallengeError', status: 401, aadsts: 50076 });
    expect((error as { headers: Record<string, string> }).headers['WWW-Authenticate']).toContain(
      `claims="${Buffer.from(claims).toString('base64')}"`,
    );
  });

  it('keeps Retry-After, and is sent once', async () => {
    issuer.setFault({ on: 'token', status: 429, headers: { 'Retry-After': '7' } });
    expect(await failure(clientOf()())).toMatchObject({
      status: 503,
      headers: { 'Retry-After': '7' },
      throttled: true,
    });
    expect(sent()).toBe(1);
  });

  it('holds nothing of the description, the trace, the secret or the assertion', async () => {
    issuer.setFault(tokenError('invalid_client', { codes: [7000215] }));
    const error = (await failure(clientOf()())) as Error;
    expect(error.name).toBe('ConfigurationError');
    const text = JSON.stringify([error.message, error, error.cause, error.stack]);
    expect(text).toContain('AADSTS7000215');
    for (const secret of [
      'Trace ID',
      'The request was refused',
      issuer.downstreamOptions.credential.clientSecret,
      assertion,
    ])
      expect(text).not.toContain(secret);
  });
});

describe('an authority that does not answer well', () => {
  it.each([502, 503, 504])('is asked once more after a %i without Retry-After', async (status) => {
    issuer.setFault({ on: 'token', status });
    expect(await failure(clientOf()())).toMatchObject({ status: 503, code: 'token_unavailable', throttled: false });
    expect(sent()).toBe(2);
  });

  it('gets one more try after a reset, and the token of that one counts', async () => {
    let calls = 0;
    const fetch: typeof globalThis.fetch = (input, init) => {
      issuer.setFault(calls++ === 0 ? { on: 'token', down: true } : undefined);
      return globalThis.fetch(input, init);
    };
    await clientOf({ fetch })();
    expect(sent()).toBe(2);
  });

  it('is unavailable where it is down', async () => {
    issuer.setFault({ on: 'token', down: true });
    const error = await failure(clientOf()());
    expect(error).toMatchObject({ name: 'TokenUnavailableError', headers: { 'Retry-After': '5' } });
    expect((error as Error).cause).toMatchObject({ name: 'TypeError', message: 'fetch failed' });
    expect(sent()).toBe(2);
  });

  it.each([
    ['a 500', { status: 500 }],
    ['a 503 with Retry-After', { status: 503, headers: { 'Retry-After': '30' } }],
    ['a redirect', { status: 307, headers: { Location: '/elsewhere' } }],
    ['no JSON', { body: '<html>' }],
    ['more than 1 MiB', { body: `"${'x'.repeat(1024 * 1024)}"` }],
    ['no token', { body: '{"token_type":"Bearer","expires_in":3600}' }],
    ['an empty token', { body: '{"token_type":"Bearer","expires_in":3600,"access_token":""}' }],
    ['no life', { body: '{"token_type":"Bearer","access_token":"x"}' }],
    ['a token that is no header', { body: '{"token_type":"Bearer","expires_in":3600,"access_token":"a\\r\\nb"}' }],
    ['a token of another type', { body: '{"token_type":"pop","expires_in":3600,"access_token":"x"}' }],
  ])('is unavailable where it answers with %s', async (_, fault) => {
    issuer.setFault({ on: 'token', ...fault });
    expect(await failure(clientOf()())).toMatchObject({ name: 'TokenUnavailableError', status: 503 });
    expect(sent()).toBe(1);
  });

  it('gets 5 seconds, and 8 seconds with the one more try', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      let calls = 0;
      const hangs = () => (calls++, new Promise<never>(() => undefined));
      const once = failure(clientOf({ fetch: hangs })());
      await vi.waitFor(() => {
        expect(calls).toBe(1);
      });
      await vi.advanceTimersByTimeAsync(5_000);
      expect(await once).toMatchObject({
        status: 503,
        cause: { message: 'The token endpoint took longer than 5000 ms.' },
      });
      expect(calls).toBe(1);
      const slow = async () => {
        if (calls++ > 1) return hangs();
        await vi.advanceTimersByTimeAsync(4_000);
        return new Response('', { status: 503 });
      };
      const twice = failure(clientOf({ fetch: slow })());
      await vi.waitFor(() => {
        expect(calls).toBe(4);
      });
      await vi.advanceTimersByTimeAsync(4_000);
      expect(await twice).toMatchObject({ status: 503, cause: { message: 'A token took longer than 8000 ms.' } });
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends with the signal, also where the fetch of the application ignores it', async () => {
    const closing = new AbortController();
    const fetch = () => {
      closing.abort(new Error('closed'));
      return new Promise<never>(() => undefined);
    };
    expect(await failure(clientOf({ fetch })({}, closing.signal))).toMatchObject({
      name: 'TokenUnavailableError',
      cause: { message: 'closed' },
    });
    expect(await failure(clientOf()({}, AbortSignal.abort(new Error('closed'))))).toMatchObject({ status: 503 });
    expect(sent()).toBe(0);
  });
});

describe('the endpoint', () => {
  it('of many tenants gets no request of the application', async () => {
    const authority = `${issuer.url}/common`;
    const error = await failure(
      clientOf()({ authority, assertion: undefined, scopes: ['https://x.example/.default'] }),
    );
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toMatch(/^msal-node sent no token request for the API inventory: [a-z_]+\.$/);
    expect(sent()).toBe(0);
  });

  it('is built from the authority: a secret goes to no other host', async () => {
    const urls: string[] = [];
    const fetch: typeof globalThis.fetch = (input) => {
      urls.push(input instanceof Request ? input.url : input.toString());
      return Promise.resolve(Response.json({ token_type: 'Bearer', expires_in: 60, access_token: 'x' }));
    };
    for (const instance of [
      'https://login.microsoftonline.us',
      'https://login.contoso.com',
      'https://contoso.ciamlogin.com',
    ])
      await clientOf({ fetch, instance })();
    const { tenantId } = issuer.options;
    expect(urls).toEqual([
      `https://login.microsoftonline.us/${tenantId}/oauth2/v2.0/token`,
      `https://login.contoso.com/${tenantId}/oauth2/v2.0/token`,
      `https://contoso.ciamlogin.com/${tenantId}/oauth2/v2.0/token`,
    ]);
  });
});

describe('the credential', () => {
  const federated = () => issuer.token({ aud: 'api://AzureADTokenExchange' });

  it('is asked of the function of the application for each token request', async () => {
    let asked = 0;
    const acquire = clientOf({}, { credential: () => ({ assertion: federated, asked: asked++ }) });
    expect(await failure(acquire())).toMatchObject({ name: 'ConfigurationError' });
    const good = clientOf({}, { credential: () => (asked++, { assertion: federated }) });
    await good();
    await good();
    expect(asked).toBe(3);
    expect(requests()).toMatchObject([{ clientAuthentication: 'federated' }, { clientAuthentication: 'federated' }]);
  });

  it('is unavailable where the function of the application throws', async () => {
    const cause = new Error('vault');
    const credential = () => Promise.reject(cause);
    expect(await failure(clientOf({}, { credential })())).toMatchObject({
      status: 503,
      headers: { 'Retry-After': '5' },
      cause,
    });
  });

  it('can be a certificate, whose assertion is signed for the token endpoint', async () => {
    const { certificate, privateKey } = selfSignedCertificate();
    const { tenantId, clientId } = issuer.options;
    const registered = await startTestIssuer({ tenantId, clientId, certificates: [certificate] });
    try {
      const own = { instance: registered.url };
      const token = { assertion: await registered.token() };
      await clientOf(own, { credential: { certificate, privateKey } })(token);
      await clientOf(own, { credential: { certificate, privateKey, sendX5c: true } })(token);
      expect(registered.tokenRequests).toMatchObject([
        { clientAuthentication: 'certificate' },
        { clientAuthentication: 'certificate' },
      ]);
      const other = selfSignedCertificate();
      const credential = { certificate: other.certificate, privateKey: other.privateKey };
      expect(await failure(clientOf(own, { credential })(token))).toMatchObject({ status: 500, aadsts: 700027 });
    } finally {
      await registered.close();
    }
  });

  it('of a managed identity is exchanged, for a user and for the application', async () => {
    const resources: unknown[] = [];
    const server = createServer((request, response) => {
      resources.push(
        new URL(request.url ?? '', 'http://x').searchParams.get('resource'),
        request.headers['x-identity-header'],
      );
      void federated().then((token) => {
        const expires_on = String(Math.floor(Date.now() / 1000) + 3600);
        response.end(JSON.stringify({ access_token: token, expires_on, token_type: 'Bearer', resource: 'r' }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    process.env['IDENTITY_ENDPOINT'] = `http://127.0.0.1:${String(port)}/msi/token`;
    process.env['IDENTITY_HEADER'] = 'header';
    try {
      const acquire = clientOf({}, { credential: { managedIdentity: 'system' } });
      await acquire();
      await acquire({ assertion: undefined, scopes: [`api://${downstreamId}/.default`] });
      expect(resources.slice(0, 2)).toEqual(['api://AzureADTokenExchange', 'header']);
      expect(requests().map(({ grant, clientAuthentication }) => [grant, clientAuthentication])).toEqual([
        ['on_behalf_of', 'federated'],
        ['client_credentials', 'federated'],
      ]);
      server.closeAllConnections();
      server.close();
      const other = clientOf({}, { credential: { managedIdentity: downstreamId } });
      expect(await failure(other())).toMatchObject({ name: 'TokenUnavailableError', headers: { 'Retry-After': '5' } });
    } finally {
      delete process.env['IDENTITY_ENDPOINT'];
      delete process.env['IDENTITY_HEADER'];
    }
  });
});

it('needs the options tenantId, clientId and downstream', () => {
  expect(() => tokenClientOf(parseSettings(issuer.options))).toThrow(
    'need the options tenantId, clientId and downstream',
  );
});
