/** A token for another API that is not had: what the developer reads, and how often. */
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import 'reflect-metadata';
import { Get, JsonController } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  asApplication,
  type DownstreamApi,
  initialize,
  OnBehalfOf,
  RequiresAuth,
  type Explanation,
  type IdentityOptions,
} from '../../src/index.js';
import { startTestIssuer, tokenError, type TestIssuer } from '../../src/testing.js';
import { serve, type Api } from '../support/api.js';
import { forgetWarnings } from '../support/isolation.js';
import { errorOf } from '../support/refusals.js';

@JsonController()
@RequiresAuth()
class ProfileController {
  @Get('/me')
  async me(@OnBehalfOf('graph') graph: DownstreamApi) {
    return { hasToken: (await graph.getAccessToken()) !== '' };
  }

  @Get('/perhaps')
  async perhaps(@OnBehalfOf('graph') graph: DownstreamApi) {
    return graph.getAccessToken().then(
      () => ({ hasToken: true }),
      () => ({ hasToken: false }),
    );
  }
}

let issuer: TestIssuer;
let api: Api;
beforeAll(async () => {
  issuer = await startTestIssuer();
  api = await serve([ProfileController]);
});
afterAll(async () => {
  await api.close();
  await issuer.close();
});

const mark = 'm4rk3r';
const apis = { graph: { baseUrl: 'https://graph.example/v1.0', scopes: [`https://graph.example/${mark}-scope`] } };
const configure = (options: IdentityOptions = {}) =>
  initialize({ ...issuer.options, downstream: { ...issuer.downstreamOptions, apis }, ...options });

const explanationChannel = 'microsoft-identity-decorators:explanation';
let heard: Explanation[];
const listener = (message: unknown) => heard.push(message as Explanation);

beforeEach(() => {
  heard = [];
  forgetWarnings();
  vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  vi.stubEnv('NODE_ENV', 'test');
  subscribe(explanationChannel, listener);
});
afterEach(() => {
  unsubscribe(explanationChannel, listener);
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  issuer.setFault();
  configure();
});

const call = async (path: string, oid: string) => api.call(path, { token: await issuer.token({ oid }) });

describe('a failed acquisition', () => {
  it('names what serves an application, which has no user to call on behalf of', async () => {
    configure();
    expect((await api.call('/me', { token: await issuer.appToken() })).status).toBe(403);
    expect(heard).toMatchObject([{ status: 403, code: 'caller', reason: 'caller' }]);
    expect(heard[0]?.hint).toContain("@RequiresAuth({ callers: 'user' })");
    expect(heard[0]?.hint).toContain('@AsApplication()');
  });

  it.each([
    ['invalid_grant', 65001, 403, 'consent_required', 'grant admin consent'],
    ['invalid_client', 7000215, 500, 'invalid_configuration', 'not its id'],
    ['interaction_required', 53003, 401, 'interaction_required', 'Conditional Access'],
    ['invalid_grant', 500133, 401, 'invalid_token', 'The client needs a new one.'],
    ['invalid_grant', 99999, 401, 'interaction_required', 'AADSTS99999. Check downstream.credential'],
  ])('is explained by its number: %s %i', async (error, number, status, code, remedy) => {
    configure();
    issuer.setFault(tokenError(error, { codes: [number] }));
    expect((await call('/me', 'ada')).status).toBe(status);
    expect(heard).toEqual([
      {
        code: `AADSTS${String(number)}`,
        hint: expect.stringContaining(remedy) as string,
        status,
        error: code,
        reason: number === 500133 ? 'expired' : undefined,
      },
    ]);
    expect(Object.isFrozen(heard[0])).toBe(true);
  });

  it('is explained where there is no number', async () => {
    configure();
    issuer.setFault({ on: 'token', status: 500 });
    expect((await call('/me', 'ada')).status).toBe(503);
    expect(heard).toEqual([
      {
        code: 'token_unavailable',
        hint:
          'The authority gave no token for the API graph: it answered with status 500. ' +
          'Look at the network and at instance.',
        status: 503,
        error: 'token_unavailable',
        reason: undefined,
      },
    ]);
  });

  it.each([
    [{ 'Retry-After': '7' }, 'No new token of this tenant is asked for in the next 7 s. '],
    [{}, ''],
  ])('is explained by the throttling where the authority answers 429: %j', async (headers, wait) => {
    configure();
    issuer.setFault({ on: 'token', status: 429, headers });
    expect((await call('/me', 'ada')).status).toBe(503);
    expect(heard.map(({ hint }) => hint)).toEqual([
      'The authority gave no token for the API graph: it answered with status 429, because it throttles this application. ' +
        `${wait}Have fewer tokens asked for: share them between processes with downstream.store.`,
    ]);
  });

  it.each([
    ['with claims', { claims: '{"access_token":{}}' }, 'has to pass the claims of the challenge on'],
    ['without claims', {}, 'no claims that the client could pass on: the user must sign in again'],
  ])('names what the client of a user who needs a second factor can do: %s', async (_, more, remedy) => {
    configure();
    for (const [code, error] of [
      [50076, 'interaction_required'],
      [50079, 'invalid_grant'],
    ] as const) {
      heard.length = 0;
      issuer.setFault(tokenError(error, { codes: [code], ...more }));
      await call('/me', String(code));
      expect(heard.map(({ hint }) => hint)).toEqual([expect.stringContaining(remedy) as string]);
    }
  });

  it('is explained where the function of the credential failed', async () => {
    const credential = () => Promise.reject(new Error(mark));
    configure({ downstream: { credential, apis } });
    expect((await call('/me', 'ada')).status).toBe(503);
    expect(heard.map(({ hint }) => hint)).toEqual([
      expect.stringMatching(/^downstream\.credential: .* failed\. Look at what it depends on\.$/) as string,
    ]);
  });

  it('is explained where no request was sent', async () => {
    configure({ downstream: { credential: { federatedTokenFile: '/no/such/file' }, apis } });
    expect((await call('/me', 'ada')).status).toBe(500);
    expect(heard).toMatchObject([
      { code: 'configuration', hint: 'downstream.credential.federatedTokenFile: could not be read.' },
    ]);
  });

  it('is explained where the action catches the error, and where there is no request', async () => {
    configure();
    issuer.setFault(tokenError('invalid_grant', { codes: [65001] }));
    expect((await call('/perhaps', 'ada')).body).toEqual({ hasToken: false });
    await errorOf(() => asApplication('graph').getAccessToken());
    expect(heard.map(({ code }) => code)).toEqual(['AADSTS65001', 'AADSTS65001']);
  });

  it('is explained once for all who wait for it, and for all who get the refusal that is kept', async () => {
    configure();
    issuer.setFault({ ...tokenError('invalid_grant', { codes: [65001] }), slowMs: 20 });
    const token = await issuer.token({ oid: 'ada' });
    const calls = Array.from({ length: 5 }, () => api.call('/me', { token }));
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    expect((await api.call('/me', { token })).status).toBe(403);
    expect(heard).toHaveLength(1);
  });

  it('is explained once while the authority asks to be left alone', async () => {
    configure();
    issuer.setFault({ on: 'token', status: 429, headers: { 'Retry-After': '30' } });
    expect((await call('/me', 'ada')).status).toBe(503);
    expect((await call('/me', 'eve')).status).toBe(503);
    expect(heard).toHaveLength(1);
  });

  it('is not explained in production, unless diagnostics says so', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    issuer.setFault(tokenError('invalid_grant', { codes: [65001] }));
    configure();
    await call('/me', 'ada');
    expect(heard).toEqual([]);
    configure({ diagnostics: true });
    await call('/me', 'ada');
    expect(heard).toHaveLength(1);
    configure({ diagnostics: false });
    vi.stubEnv('NODE_ENV', 'test');
    await call('/me', 'ada');
    expect(heard).toHaveLength(1);
  });

  it('is one line on standard error with DEBUG', async () => {
    unsubscribe(explanationChannel, listener);
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    issuer.setFault(tokenError('invalid_grant', { codes: [65001] }));
    configure();
    await call('/me', 'ada');
    expect(write).not.toHaveBeenCalled();
    vi.stubEnv('DEBUG', 'microsoft-identity-decorators');
    configure();
    const token = await issuer.token({ oid: 'ada' });
    await api.call('/me', { token });
    await api.call('/me', { token });
    expect(write.mock.calls).toEqual([
      [
        'microsoft-identity-decorators 403 consent_required (AADSTS65001): The authority gave no token for the API graph: ' +
          'AADSTS65001. The permission of this API for the other API has no consent. Add the permission to the app ' +
          'registration of this API, and grant admin consent. Or let users consent to both at once: list the client in ' +
          'knownClientApplications of this API, and have it ask for /.default.\n',
      ],
    ]);
    vi.stubEnv('DEBUG', '');
    configure();
    expect(channel(explanationChannel).hasSubscribers).toBe(false);
  });

  it.each([[65001], [7000215], [50076], [99999], []])(
    'names nothing of tokens, claims, scopes or what Entra wrote: %j',
    async (...codes: number[]) => {
      configure();
      issuer.setFault({
        on: 'token',
        status: 400,
        body: JSON.stringify({
          error: `interaction_required`,
          error_codes: codes,
          error_description: `${mark}-description`,
          suberror: `${mark}-suberror`,
          claims: JSON.stringify({ access_token: { acrs: { essential: true, value: `${mark}-claims` } } }),
          trace_id: `${mark}-trace`,
        }),
      });
      const token = await issuer.token({ oid: `${mark}-oid`, name: `${mark}-name` });
      expect((await api.call('/me', { token })).status).toBe(401);
      expect(heard).toHaveLength(1);
      const said = JSON.stringify(heard);
      expect(said).not.toContain(mark);
      for (const part of [...token.split('.'), issuer.downstreamOptions.credential.clientSecret]) {
        expect(said).not.toContain(part);
      }
    },
  );
});
