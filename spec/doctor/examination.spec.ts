import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { B2cOptions, IdentityOptions } from '../../src/core/configuration/options.js';
import { createIdentity } from '../../src/core/identity.js';
import { initialize } from '../../src/gate/initialize.js';
import type { TestIssuer } from '../../src/testing.js';
import { start } from '../support/clock.js';
import { errorOf } from '../support/refusals.js';
import { elsewhere, entraFlags, failing, graph, issuer, read, run, seconds, useIssuer, type Said } from './run.js';

useIssuer();

/** The command line has no option for a B2C authority on loopback, so the configuration is in force already. */
async function examineB2c(
  token: string,
  argv: readonly string[] = [],
  options?: Pick<B2cOptions, 'daemonClients'>,
): Promise<Said> {
  initialize({ b2c: { ...issuer.b2cOptions, ...options }, now: () => start });
  return run(['--config', './nothing.ts', '--json', ...argv, token]);
}

/** The answer of the library itself. */
async function decisionOn(
  token: string,
  options: IdentityOptions,
  demands: readonly ['scope' | 'role', string][] = [],
) {
  const error = await errorOf(() =>
    createIdentity({ ...options, now: () => start }).authenticate(
      { headers: { authorization: `Bearer ${token}` } },
      { scheme: undefined, demands: demands.map(([kind, name]) => ({ kind, anyOf: [name] })) },
    ),
  );
  const { status, code, reason } = error as { status: number; code: string; reason?: string };
  return { httpStatus: status, code, reason };
}

interface Spoiled {
  readonly name: string;
  readonly token: (issuer: TestIssuer) => string | Promise<string>;
  /** The failing steps and their causes. */
  readonly fails: Readonly<Record<string, string>>;
  /** The step at which the library stops. */
  readonly decides: string;
  readonly remedy: string;
  readonly asks?: readonly ['scope' | 'role', string][];
}

const spoiled: readonly Spoiled[] = [
  {
    name: 'is too old',
    token: (to) => to.token({ exp: seconds - 3600, iat: seconds - 7200, nbf: seconds - 7200 }),
    fails: { times: 'expired' },
    decides: 'times',
    remedy: 'The client must not store tokens itself',
  },
  {
    name: 'comes from the future, by clocks that differ',
    token: (to) => to.token({ nbf: seconds + 600, iat: seconds + 600 }),
    fails: { times: 'clock_skew' },
    decides: 'times',
    remedy: "look at this machine's clock",
  },
  {
    name: 'is for Microsoft Graph',
    token: (to) => to.token({ aud: graph }),
    fails: { audience: 'graph_token' },
    decides: 'audience',
    remedy: 'It must ask for api://',
  },
  {
    name: 'is an ID token',
    token: (to) => to.idToken(),
    fails: { kind: 'id_token' },
    decides: 'kind',
    remedy: 'The client must send the access token',
  },
  {
    name: 'names the audience in another form',
    token: (to) => to.token({ aud: `api://${to.options.clientId.toUpperCase()}` }),
    fails: { audience: 'audience_form' },
    decides: 'audience',
    remedy: 'Add it to audience',
  },
  {
    name: 'is a v1.0 token for the application id URI',
    token: (to) => to.v1Token({ aud: 'api://weather' }),
    fails: { audience: 'v1_token' },
    decides: 'audience',
    remedy: 'requestedAccessTokenVersion in the manifest of this API is not 2',
  },
  {
    name: 'is for another API',
    token: (to) => to.token({ aud: elsewhere }),
    fails: { audience: 'audience' },
    decides: 'audience',
    remedy: 'The token is for another API',
  },
  {
    name: 'is for the client itself',
    token: (to) => to.token({ aud: elsewhere, azp: elsewhere }),
    fails: { audience: 'client_token' },
    decides: 'audience',
    remedy: 'The token is for the client itself',
  },
  {
    name: 'comes from another cloud',
    token: (to) => to.token({ iss: `https://login.microsoftonline.us/${to.options.tenantId}/v2.0` }),
    fails: { issuer: 'wrong_cloud' },
    decides: 'issuer',
    remedy: 'look at instance, and at the authority of the client',
  },
  {
    name: 'comes from another tenant',
    token: (to) => to.token({ iss: `${to.url}/${elsewhere}/v2.0`, tid: elsewhere }),
    fails: { issuer: 'wrong_tenant' },
    decides: 'issuer',
    remedy: 'look at tenantId',
  },
  {
    name: 'comes from External ID where a workforce tenant is configured',
    token: (to) => to.token({ iss: `https://contoso.ciamlogin.com/${to.options.tenantId}/v2.0` }),
    fails: { issuer: 'wrong_instance' },
    decides: 'issuer',
    remedy: 'another kind of authority',
  },
  {
    name: 'names a tenant that is not in its issuer',
    token: (to) => to.token({ tid: elsewhere }),
    fails: { tenant: 'tenant' },
    decides: 'tenant',
    remedy: 'allowedTenants',
  },
  {
    name: 'comes from B2C where only Entra ID is configured',
    token: (to) => to.b2cToken(),
    fails: { audience: 'audience', issuer: 'b2c_token' },
    decides: 'issuer',
    remedy: 'initialize() was given no b2c',
  },
  {
    name: 'has no scope, for want of consent',
    token: (to) => to.token({ scp: undefined }),
    fails: { kind: 'no_permission' },
    decides: 'kind',
    remedy: 'the scope was not consented to',
  },
  {
    name: 'is of an application without a role',
    token: (to) => to.appToken({ roles: undefined }),
    fails: { kind: 'no_permission' },
    decides: 'kind',
    remedy: 'no app role was assigned',
  },
  {
    name: 'is signed with a key that the issuer does not have',
    token: (to) => to.token({}, { kid: 'gone' }),
    fails: { key: 'unknown_key' },
    decides: 'key',
    remedy: 'The issuer has no such key',
  },
  {
    name: 'was changed after it was signed',
    token: async (to) => {
      const [header = '', , signature = ''] = (await to.token()).split('.');
      const [, payload = ''] = (await to.token({ oid: 'somebody else' })).split('.');
      return `${header}.${payload}.${signature}`;
    },
    fails: { signature: 'signature' },
    decides: 'signature',
    remedy: 'The signature does not match',
  },
  {
    name: 'is signed by another algorithm',
    token: (to) => to.token({}, { alg: 'HS256' }),
    fails: { header: 'algorithm' },
    decides: 'header',
    remedy: 'not signed with RS256',
  },
  {
    name: 'names no key',
    token: (to) => to.token({}, { kid: undefined }),
    fails: { header: 'no_kid' },
    decides: 'header',
    remedy: 'The token has no kid',
  },
  {
    name: 'was quoted on its way',
    token: async (to) => `"${await to.token()}"`,
    fails: { header: 'quoted_token' },
    decides: 'header',
    remedy: 'quotes',
  },
  {
    name: 'is longer than any header may be',
    token: (to) => to.token({ filler: 'x'.repeat(16 * 1024) }),
    fails: { credential: 'long_token' },
    decides: 'credential',
    remedy: 'longer than 16 KiB',
  },
  {
    name: 'never ends',
    token: (to) => to.token({ exp: undefined }),
    fails: { claims: 'malformed' },
    decides: 'claims',
    remedy: 'This is not a token as Microsoft issues it',
  },
  {
    name: 'lacks the scope of the route',
    token: (to) => to.token({ scp: 'profile' }),
    asks: [['scope', 'access_as_user']],
    fails: { scope: 'scope_missing' },
    decides: 'scope',
    remedy: 'The scope access_as_user was not asked for or not consented to: the client must ask for api://',
  },
  {
    name: 'is of an application that lacks the role in place of the scope',
    token: (to) => to.appToken({ roles: ['other'] }),
    asks: [['scope', 'access_as_app']],
    fails: { scope: 'app_role_missing' },
    decides: 'scope',
    remedy: 'Define an app role of that name',
  },
  {
    name: 'lacks the role of the route',
    token: (to) => to.token({ roles: ['Reader'] }),
    asks: [['role', 'Admin']],
    fails: { role: 'role_missing' },
    decides: 'role',
    remedy: 'The role Admin was not assigned',
  },
];

describe('a token', () => {
  it('passes each step if it is valid', async () => {
    const said = await run([...entraFlags(), '--scope', 'access_as_user', '--json', await issuer.token()]);
    const { steps, verdict } = read(said);
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(verdict).toEqual({ status: 'pass' });
    expect(steps.map(({ step, status }) => `${step} ${status}`)).toEqual([
      'credential pass',
      'header pass',
      'key pass',
      'signature pass',
      'claims pass',
      'times pass',
      'audience pass',
      'issuer pass',
      'tenant pass',
      'kind pass',
      'client pass',
      'scope pass',
    ]);
  });

  it.each(spoiled)('fails the right step if it $name', async ({ token: make, fails, decides, remedy, asks = [] }) => {
    const token = await make(issuer);
    const flags = asks.flatMap(([kind, name]) => [`--${kind}`, name]);
    const said = await run([...entraFlags(), ...flags, '--json', token]);
    const examination = read(said);
    expect(failing(examination)).toEqual(fails);
    expect(examination.verdict).toMatchObject({ status: 'fail', cause: fails[decides] });
    expect(examination.verdict.remedy).toContain(remedy);
    expect(examination.verdict).toMatchObject(await decisionOn(token, issuer.options, asks));
    expect(said).toMatchObject({ code: 1, err: '' });
  });

  it('fails every step that finds a mistake', async () => {
    const token = await issuer.token({
      exp: seconds - 60,
      aud: graph,
      iss: `https://login.microsoftonline.us/${issuer.options.tenantId}/v2.0`,
      scp: 'profile',
    });
    const said = await run([...entraFlags(), '--scope', 'read', '--role', 'Admin', '--json', token]);
    expect(failing(read(said))).toEqual({
      times: 'expired',
      audience: 'graph_token',
      issuer: 'graph_token',
      scope: 'scope_missing',
      role: 'role_missing',
    });
    expect(read(said).verdict).toMatchObject({ httpStatus: 401, reason: 'issuer' });
  });

  it.each<[string, string, Readonly<Record<string, unknown>>, string]>([
    ['role', 'Admin', { roles: ['Reader', 'admin'] }, 'roles Reader, admin; only the letter case of admin differs'],
    ['role', 'Admin', { roles: ['admin', 'Admin'] }, 'roles admin, Admin'],
    ['role', 'Admin', { roles: ['Reader'] }, 'roles Reader'],
    ['scope', 'Access_As_User', {}, 'roles none; only the letter case of access_as_user differs'],
    ['scope', 'Orders.Read', { roles: ['orders.read'] }, 'roles orders.read'],
  ])('compares the letter case with the %s %s where the token has %j', async (kind, name, claims, found) => {
    const { steps } = read(await run([...entraFlags(), `--${kind}`, name, '--json', await issuer.token(claims)]));
    expect(steps.find(({ step }) => step === kind)?.found).toBe(`scp access_as_user; ${found}`);
  });

  it('fails further steps if its signature cannot be checked', async () => {
    const token = await issuer.token({ aud: graph }, { alg: 'HS256', kid: 'gone' });
    const { steps } = read(await run([...entraFlags(), '--json', token]));
    expect(failing({ steps })).toEqual({ header: 'algorithm', key: 'graph_token', audience: 'graph_token' });
    expect(steps.find(({ step }) => step === 'signature')?.status).toBe('unknown');
  });

  it('fails the step `header` if it cannot be read, and leaves the other steps unknown', async () => {
    const said = await run([...entraFlags(), '--json', 'garbage']);
    const { steps } = read(said);
    expect(failing({ steps })).toEqual({ header: 'opaque_token' });
    expect(steps.filter(({ status }) => status === 'unknown').map(({ step }) => step)).toEqual([
      'key',
      'signature',
      'claims',
      'times',
      'audience',
      'issuer',
      'tenant',
      'kind',
      'client',
      'scope',
    ]);
    expect(steps.at(-1)).toMatchObject({ because: 'the claims cannot be read' });
    expect(said.code).toBe(1);
  });

  it('is named v1.0 even if it is accepted', async () => {
    const said = await run([...entraFlags(), '--json', await issuer.v1Token()]);
    expect(read(said).steps.find(({ step }) => step === 'issuer')).toMatchObject({ status: 'pass', cause: 'v1_token' });
    expect(said.code).toBe(0);
    const foreign = read(await run([...entraFlags(), '--json', await issuer.v1Token({ aud: graph })]));
    expect(foreign.steps.find(({ step }) => step === 'issuer')).not.toHaveProperty('cause');
  });

  it('passes with any of the required scopes', async () => {
    const flags = ['--scope', 'write', '--scope', 'access_as_user'];
    expect(await run([...entraFlags(), ...flags, await issuer.token()])).toMatchObject({ code: 0 });
  });

  it('fails the step `tenant` if its tenant is not allowed', async () => {
    const { clientId, instance } = issuer.options;
    const flags = ['--tenant-id', 'organizations', '--client-id', clientId, '--instance', instance];
    const token = await issuer.token();
    const refused = await run([...flags, '--allowed-tenants', `${elsewhere},${randomUUID()}`, '--json', token]);
    expect(failing(read(refused))).toEqual({ tenant: 'tenant' });
    expect(refused.code).toBe(1);
    expect(await run([...flags, '--allowed-tenants', '*', token])).toMatchObject({ code: 0 });
  });

  it('is checked against the keys of the application with --own-signing-key', async () => {
    const requested: string[] = [];
    const given = {
      fetch: (url: string | URL | Request) => {
        requested.push(url instanceof Request ? url.url : String(url));
        return fetch(url);
      },
    };
    const said = await run([...entraFlags(), '--own-signing-key', '--json', await issuer.token()], given);
    expect(read(said).verdict).toEqual({ status: 'pass' });
    const { instance, tenantId, clientId } = issuer.options;
    const metadata = `${instance}/${tenantId}/v2.0/.well-known/openid-configuration`;
    expect(requested).toContain(`${metadata}?appid=${clientId}`);
    expect(requested).not.toContain(metadata);
  });

  it('is checked at the given time', async () => {
    const token = await issuer.token();
    const late = new Date(start + 2 * 3_600_000).toISOString();
    expect(failing(read(await run([...entraFlags(), '--now', late, '--json', token])))).toEqual({ times: 'expired' });
    expect(await run([...entraFlags(), '--now', String(seconds + 60), token])).toMatchObject({ code: 0 });
  });
});

describe('a B2C token', () => {
  it('passes if it is valid', async () => {
    const said = await examineB2c(await issuer.b2cToken());
    expect(read(said).steps.map(({ step }) => step)).toContain('policy');
    expect(said).toMatchObject({ code: 0, err: '' });
  });

  it("fails for the client if it is a person's of a client that is configured as a daemon", async () => {
    const token = await issuer.b2cAppToken({ name: 'Ada' });
    const b2c = { ...issuer.b2cOptions, daemonClients: [issuer.b2cDaemonClient] };
    const said = read(await examineB2c(token, ['--scope', 'another'], b2c));
    expect(failing(said)).toEqual({ client: 'daemon_client', scope: 'scope_missing' });
    expect(said.verdict).toMatchObject(await decisionOn(token, { b2c }, [['scope', 'another']]));
    expect(said.steps.find(({ step }) => step === 'client')).toMatchObject({
      expected: 'any; for a client of b2c.daemonClients, no token of a person',
      found: issuer.b2cDaemonClient,
    });
  });

  it("passes if it is a daemon's with the permission in scp", async () => {
    const b2c = { daemonClients: [issuer.b2cDaemonClient] };
    const permission = ['--scope', 'access_as_app', '--role', 'access_as_app'];
    const token = await issuer.b2cAppToken();
    expect(await examineB2c(token, permission, b2c)).toMatchObject({ code: 0, err: '' });
    const without = read(await examineB2c(token, ['--scope', 'another'], b2c));
    expect(failing(without)).toEqual({ scope: 'app_role_missing' });
  });

  it.each([
    {
      name: 'of another policy',
      make: () => issuer.b2cToken({ tfp: 'B2C_1_other' }),
      fails: { policy: 'policy' },
      remedy: 'not among b2c.policies',
    },
    {
      name: 'of another issuer form',
      make: () => issuer.b2cToken({ iss: `${issuer.url}/tfp/${elsewhere}/B2C_1_susi/v2.0/` }),
      fails: { issuer: 'b2c_issuer' },
      remedy: 'b2c.domainName',
    },
    {
      name: 'of another host',
      make: () => issuer.b2cToken({ iss: `https://contoso.b2clogin.com/${elsewhere}/v2.0/` }),
      fails: { issuer: 'b2c_host' },
      remedy: 'b2c.customDomain',
    },
    {
      name: 'that is none, but of Entra ID',
      make: () => issuer.token(),
      fails: { policy: 'entra_token', audience: 'audience', issuer: 'entra_token' },
      remedy: 'The token comes from Entra ID or External ID, and only b2c is configured',
    },
  ])('fails the right step: $name', async ({ make, fails, remedy }) => {
    const token = await make();
    const said = await examineB2c(token);
    expect(failing(read(said))).toEqual(fails);
    expect(read(said).verdict).toMatchObject(await decisionOn(token, { b2c: issuer.b2cOptions }));
    expect(read(said).verdict.remedy).toContain(remedy);
    expect(said.code).toBe(1);
  });

  it('is checked against the policies of the route', async () => {
    const token = await issuer.b2cToken({ scp: 'profile' });
    const { steps, verdict } = read(await examineB2c(token, ['--policy', 'b2c_1a_SIGNIN', '--scope', 'read']));
    expect(failing({ steps })).toEqual({ policy: 'route_policy', scope: 'scope_missing' });
    expect(steps.find(({ step }) => step === 'policy')?.expected).toBe('b2c_1a_SIGNIN');
    expect(verdict).toMatchObject({ httpStatus: 401, reason: 'policy', cause: 'route_policy' });
    const ofEither = ['--policy', 'B2C_1A_signin', '--policy', 'B2C_1_susi'];
    expect(read(await examineB2c(await issuer.b2cToken(), ofEither)).verdict).toEqual({ status: 'pass' });
  });

  it('is refused whatever it is, if the route does not fit the configuration', async () => {
    const token = await issuer.b2cToken();
    for (const argv of [
      ['--scheme', 'entra'],
      ['--scheme', 'any'],
      ['--policy', 'B2C_1_other'],
    ]) {
      for (const offline of [[], ['--offline']]) {
        const said = await examineB2c(token, [...argv, ...offline]);
        expect(failing(read(said))).toEqual({});
        expect(read(said).verdict).toMatchObject({ httpStatus: 500, cause: 'configuration' });
        expect(said.code).toBe(1);
      }
    }
  });

  it('is checked against B2C, whatever its policy, if both are configured', async () => {
    initialize({ ...issuer.options, b2c: issuer.b2cOptions, now: () => start });
    const examined = async (token: string) => read(await run(['--config', './nothing.ts', '--json', token]));
    expect(failing(await examined(await issuer.b2cToken({ tfp: 'B2C_1_other' })))).toEqual({ policy: 'policy' });
    expect((await examined(await issuer.b2cToken())).verdict.status).toBe('pass');
    expect((await examined(await issuer.token())).verdict.status).toBe('pass');
  });
});
