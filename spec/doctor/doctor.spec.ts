import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { getMetadataArgsStorage } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { IdentityOptions } from '../../src/core/configuration/options.js';
import { createIdentity } from '../../src/core/identity.js';
import { doctor } from '../../src/doctor/doctor.js';
import type { Examination } from '../../src/doctor/examination.js';
import type { Route } from '../../src/doctor/routes.js';
import type { Input } from '../../src/doctor/terminal.js';
import { initialize } from '../../src/gate/initialize.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { start } from '../support/clock.js';
import { forgetIdentity } from '../support/isolation.js';
import { errorOf } from '../support/refusals.js';

const modules = fileURLToPath(new URL('../support/doctor', import.meta.url));

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startTestIssuer({ now: () => start });
});

afterAll(async () => {
  await issuer.close();
});

afterEach(() => {
  issuer.setFault();
  vi.unstubAllEnvs();
});

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Input;
  readonly isTTY?: boolean;
  readonly fetch?: typeof globalThis.fetch;
}

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(argv: readonly string[], given: Given = {}): Promise<Said> {
  const said = { out: '', err: '' };
  const code = await doctor({
    argv: ['doctor', ...argv],
    env: given.env ?? {},
    stdin: given.stdin ?? Readable.from([]),
    stdout: { isTTY: given.isTTY, write: (text) => (said.out += text) },
    stderr: { write: (text) => (said.err += text) },
    cwd: modules,
    now: () => start,
    fetch: given.fetch ?? globalThis.fetch,
    version: () => '1.2.3',
  });
  return { code, ...said };
}

const entraFlags = () => {
  const { tenantId, clientId, instance } = issuer.options;
  return ['--tenant-id', tenantId, '--client-id', clientId, '--instance', instance];
};

const entraEnvironment = () => ({
  AzureAd__TenantId: issuer.options.tenantId,
  AzureAd__ClientId: issuer.options.clientId,
  AzureAd__Instance: issuer.options.instance,
});

/** B2C at a loopback authority has no option of the command line: a module or this is how a test gets there. */
async function examineB2c(token: string, argv: readonly string[] = []): Promise<Said> {
  initialize({ b2c: issuer.b2cOptions, now: () => start });
  return run(['--config', './nothing.ts', '--json', ...argv, token]);
}

const read = (said: Said) => JSON.parse(said.out) as Omit<Examination, 'seen'>;

/** Which steps fail, and by which mistake. */
function failing({ steps }: Pick<Examination, 'steps'>): Record<string, string | undefined> {
  return Object.fromEntries(steps.filter(({ status }) => status === 'fail').map(({ step, cause }) => [step, cause]));
}

/** How the library itself answers, without the doctor. */
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

const seconds = start / 1000;
const elsewhere = 'aaaaaaaa-0000-4000-8000-00000000000a';
const graph = '00000003-0000-0000-c000-000000000000';

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
    remedy: 'It must ask for api://<client id>/<scope> of this API',
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
    fails: { key: 'b2c_token', audience: 'audience', issuer: 'b2c_token' },
    decides: 'key',
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
    fails: { header: 'malformed' },
    decides: 'header',
    remedy: 'quoted',
  },
  {
    name: 'is longer than any header may be',
    token: (to) => to.token({ filler: 'x'.repeat(16 * 1024) }),
    fails: { credential: 'malformed' },
    decides: 'credential',
    remedy: 'This is not a token as Microsoft issues it',
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
    remedy: 'the client must ask for api://<client id>/<scope>',
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
    remedy: 'The role was not assigned',
  },
];

describe('a token', () => {
  it('that is good passes each step', async () => {
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

  it.each(spoiled)('that $name is told so', async ({ token: make, fails, decides, remedy, asks = [] }) => {
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

  it('is told of all mistakes at once', async () => {
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
      issuer: 'wrong_cloud',
      scope: 'scope_missing',
      role: 'role_missing',
    });
    expect(read(said).verdict).toMatchObject({ httpStatus: 401, reason: 'expired' });
  });

  it('is told of mistakes behind a signature that cannot be checked', async () => {
    const token = await issuer.token({ aud: graph }, { alg: 'HS256', kid: 'gone' });
    const { steps } = read(await run([...entraFlags(), '--json', token]));
    expect(failing({ steps })).toEqual({ header: 'algorithm', key: 'graph_token', audience: 'graph_token' });
    expect(steps.find(({ step }) => step === 'signature')?.status).toBe('unknown');
  });

  it('that cannot be read is told so, and nothing is made up about its claims', async () => {
    const said = await run([...entraFlags(), '--json', 'garbage']);
    const { steps } = read(said);
    expect(failing({ steps })).toEqual({ header: 'malformed' });
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

  it('of version 1.0 that is accepted is named one all the same', async () => {
    const said = await run([...entraFlags(), '--json', await issuer.v1Token()]);
    expect(read(said).steps.find(({ step }) => step === 'issuer')).toMatchObject({ status: 'pass', cause: 'v1_token' });
    expect(said.code).toBe(0);
    const foreign = read(await run([...entraFlags(), '--json', await issuer.v1Token({ aud: graph })]));
    expect(foreign.steps.find(({ step }) => step === 'issuer')).not.toHaveProperty('cause');
  });

  it('passes by any of the scopes that are asked for', async () => {
    const flags = ['--scope', 'write', '--scope', 'access_as_user'];
    expect(await run([...entraFlags(), ...flags, await issuer.token()])).toMatchObject({ code: 0 });
  });

  it('of a tenant that is not among the allowed ones is told so', async () => {
    const { clientId, instance } = issuer.options;
    const flags = ['--tenant-id', 'organizations', '--client-id', clientId, '--instance', instance];
    const token = await issuer.token();
    const refused = await run([...flags, '--allowed-tenants', `${elsewhere},${randomUUID()}`, '--json', token]);
    expect(failing(read(refused))).toEqual({ tenant: 'tenant' });
    expect(refused.code).toBe(1);
    expect(await run([...flags, '--allowed-tenants', '*', token])).toMatchObject({ code: 0 });
  });

  it('is judged by the time that is given', async () => {
    const token = await issuer.token();
    const late = new Date(start + 2 * 3_600_000).toISOString();
    expect(failing(read(await run([...entraFlags(), '--now', late, '--json', token])))).toEqual({ times: 'expired' });
    expect(await run([...entraFlags(), '--now', String(seconds + 60), token])).toMatchObject({ code: 0 });
  });
});

describe('a B2C token', () => {
  it('that is good passes', async () => {
    const said = await examineB2c(await issuer.b2cToken());
    expect(read(said).steps.map(({ step }) => step)).toContain('policy');
    expect(said).toMatchObject({ code: 0, err: '' });
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
      fails: { policy: 'no_policy', audience: 'audience', issuer: 'entra_token' },
      remedy: 'The token has no policy',
    },
  ])('$name is told so', async ({ make, fails, remedy }) => {
    const token = await make();
    const said = await examineB2c(token);
    expect(failing(read(said))).toEqual(fails);
    expect(read(said).verdict).toMatchObject(await decisionOn(token, { b2c: issuer.b2cOptions }));
    expect(read(said).verdict.remedy).toContain(remedy);
    expect(said.code).toBe(1);
  });

  it('beside Entra ID is held against B2C, whatever its policy', async () => {
    initialize({ ...issuer.options, b2c: issuer.b2cOptions, now: () => start });
    const examined = async (token: string) => read(await run(['--config', './nothing.ts', '--json', token]));
    expect(failing(await examined(await issuer.b2cToken({ tfp: 'B2C_1_other' })))).toEqual({ policy: 'policy' });
    expect((await examined(await issuer.b2cToken())).verdict.status).toBe('pass');
    expect((await examined(await issuer.token())).verdict.status).toBe('pass');
  });
});

describe('the issuer', () => {
  it('is sent nothing but requests for metadata and keys', async () => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = (input, init) => {
      expect(init?.body ?? init?.method).toBeUndefined();
      expect(init?.headers).toEqual({ accept: 'application/json', connection: 'close' });
      asked.push(new URL(input).pathname);
      return globalThis.fetch(input, init);
    };
    await run([...entraFlags(), await issuer.token()], { fetch });
    const { tenantId } = issuer.options;
    expect(new Set(asked)).toEqual(
      new Set([`/${tenantId}/v2.0/.well-known/openid-configuration`, `/${tenantId}/discovery/v2.0/keys`]),
    );
  });

  it('is sent nothing offline, and the claims are looked at all the same', async () => {
    const fetch = () => Promise.reject(new Error('Nothing was to be sent.'));
    const before = { ...issuer.requests };
    const good = await run([...entraFlags(), '--offline', '--json', await issuer.token()], { fetch });
    const { steps, verdict } = read(good);
    expect(steps.filter(({ status }) => status !== 'pass').map(({ step, status }) => [step, status])).toEqual([
      ['key', 'unknown'],
      ['signature', 'unknown'],
    ]);
    expect(verdict).toEqual({ status: 'unknown' });
    expect(good.code).toBe(0);
    const token = await issuer.token({ aud: graph, iss: `${issuer.url}/${elsewhere}/v2.0`, tid: elsewhere });
    const poor = await run([...entraFlags(), '--offline', '--json', token], { fetch });
    expect(failing(read(poor))).toEqual({ audience: 'graph_token', issuer: 'wrong_tenant' });
    expect(read(poor).verdict).toMatchObject({ status: 'fail', httpStatus: 401, reason: 'audience' });
    expect(poor.code).toBe(1);
    expect(issuer.requests).toEqual(before);
  });

  it('that cannot be reached is said to be, and the claims are looked at all the same', async () => {
    issuer.setFault({ status: 404 });
    const said = await run([...entraFlags(), '--json', await issuer.token({ aud: graph })]);
    const { steps, verdict } = read(said);
    expect(failing({ steps })).toEqual({ key: 'no_keys', audience: 'graph_token' });
    expect(steps.find(({ step }) => step === 'key')?.found).toContain('answered 404');
    expect(verdict).toMatchObject({ httpStatus: 503, code: 'issuer_unavailable' });
    expect(verdict.remedy).toContain('look at tenantId, instance and the network');
    expect(said.code).toBe(1);
  });
});

describe('the configuration', () => {
  it('is read from the environment', async () => {
    const said = await run([await issuer.token()], { env: entraEnvironment() });
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(said.out).toContain('Held against the environment');
  });

  it('is missed where there is none', async () => {
    const said = await run([await issuer.token()]);
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err).toContain('--tenant-id and --client-id');
  });

  it('is refused where it is wrong', async () => {
    const said = await run(['--tenant-id', 'x y', '--client-id', issuer.options.clientId, await issuer.token()]);
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err).toContain('the command line. initialize: tenantId:');
  });

  it('of B2C is taken from options', async () => {
    const { domainName, tenantId, clientId } = issuer.b2cOptions;
    const flags = ['--b2c-domain', domainName, '--b2c-policy', 'B2C_1_susi', '--b2c-policy', 'B2C_1_edit'];
    const ids = ['--b2c-tenant-id', tenantId, '--b2c-client-id', clientId, '--offline', '--json'];
    const token = await issuer.b2cToken({ iss: `https://contoso.b2clogin.com/${tenantId}/v2.0/` });
    expect(await run([...flags, ...ids, token])).toMatchObject({ code: 0, err: '' });
    const halved = await run(['--b2c-domain', domainName, token]);
    expect(halved.err).toContain('b2c.policies');
    expect(halved.code).toBe(1);
  });

  it('is taken from a module that calls initialize', async () => {
    for (const [name, value] of Object.entries(entraEnvironment())) vi.stubEnv(name, value);
    forgetIdentity();
    const now = String(seconds);
    const said = await run(['--config', './configuration.ts', '--now', now, await issuer.token()]);
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(said.out).toContain('initialize() in ./configuration.ts');
    const refused = await run(['--config', 'one-client.ts', '--now', now, '--json', await issuer.token()]);
    expect(failing(read(refused))).toEqual({ client: 'client' });
    expect(read(refused).verdict).toMatchObject({ httpStatus: 403, reason: 'client' });
  });

  it.each([
    ['./nothing.ts', 'does not call initialize()'],
    ['./broken.ts', 'could not be loaded: The database is not there.'],
    ['./missing.ts', 'There is no module ./missing.ts'],
  ])('is missed in a module that is of no use: %s', async (module, message) => {
    forgetIdentity();
    const said = await run(['--config', module, await issuer.token()]);
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err).toContain(message);
  });
});

/** A terminal that shows what it is asked to, and nothing else. */
class FakeTerminal extends Readable {
  readonly isTTY = true;
  readonly modes: boolean[] = [];
  readonly #typed: string[];

  constructor(...typed: string[]) {
    super();
    this.#typed = typed;
  }

  setRawMode(isRaw: boolean) {
    this.modes.push(isRaw);
    return this;
  }

  override _read() {
    const next = this.#typed.shift();
    if (next !== undefined) this.push(next);
  }
}

describe('the token is read', () => {
  it('from standard input, with the header that it was copied with', async () => {
    const token = await issuer.token();
    const stdin = Readable.from(['Authorization: Bear', `er ${token}\r\n`]);
    expect(await run(entraFlags(), { stdin })).toMatchObject({ code: 0, err: '' });
  });

  it('from a prompt that does not echo it', async () => {
    const token = await issuer.token();
    const stdin = new FakeTerminal(token.slice(0, 40), `${token.slice(40)}x\u007f\r`);
    const said = await run(entraFlags(), { stdin });
    expect(said.code).toBe(0);
    expect(said.err).toBe('Token (it is not shown): \n');
    for (const part of token.split('.')) expect(said.out).not.toContain(part);
    expect(stdin.modes).toEqual([true, false]);
  });

  it('not where the prompt is left', async () => {
    const stdin = new FakeTerminal('eyJ', '\u0003');
    const said = await run(entraFlags(), { stdin });
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err).toContain('Interrupted.');
    expect(stdin.modes).toEqual([true, false]);
  });

  it('and missed where there is none', async () => {
    const said = await run(entraFlags());
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err).toContain('There is no token');
  });
});

describe('what is said', () => {
  const person = { name: 'Ada Lovelace', email: 'ada@example.com', oid: 'ada-oid', sub: 'ada-sub', sid: 'ada-sid' };

  it.each([['text', []] as const, ['JSON', ['--json']] as const])(
    'holds no part of the token and nothing of the person, as %s',
    async (_, flags) => {
      for (const token of [await issuer.token(person), await issuer.token({ ...person, aud: graph })]) {
        const said = await run([...entraFlags(), ...flags, token]);
        for (const part of token.split('.')) expect(said.out).not.toContain(part);
        for (const value of Object.values(person)) expect(said.out).not.toContain(value);
        expect(said.out).toContain('email');
      }
    },
  );

  it('puts times in relation to now', async () => {
    const said = await run([...entraFlags(), await issuer.token({ nbf: seconds - 86_400 * 2 })]);
    expect(said.out).toContain('2026-01-01T01:00:00Z (in 1 hour)');
    expect(said.out).toContain('2025-12-30T00:00:00Z (2 days ago)');
  });

  it('holds nothing that a terminal would obey', async () => {
    const hostile = '\u001b[2J\u009b2J\u202e';
    const said = await run([...entraFlags(), await issuer.token({ aud: hostile, scp: hostile, [hostile]: 1 })]);
    expect(said.code).toBe(1);
    for (const character of ['\u001b', '\u009b', '\u202e']) expect(said.out).not.toContain(character);
    expect(said.out).toContain('u{1b}[2J');
  });

  it('names the mistake, what was expected, what was found and what to change', async () => {
    const said = await run([...entraFlags(), await issuer.token({ aud: graph })]);
    const { clientId } = issuer.options;
    expect(said.out).toContain(
      [
        'FAIL   audience',
        `       expected   ${clientId} or api://${clientId}`,
        `       found      ${graph}`,
        '       cause      graph_token',
        '       change     The token is for Microsoft Graph',
      ].join('\n'),
    );
    expect(said.out).toMatch(/The token does not pass: 401 invalid_token \(audience\)\.\ngraph_token: [^\n]+\n$/);
  });

  it('is coloured for a terminal, unless NO_COLOR or TERM says otherwise', async () => {
    const argv = [...entraFlags(), await issuer.token()];
    const isColoured = async (given: Given) => (await run(argv, given)).out.includes('\u001b[32m');
    expect(await isColoured({ isTTY: true })).toBe(true);
    expect(await isColoured({ isTTY: true, env: { NO_COLOR: '' } })).toBe(true);
    expect(await isColoured({ isTTY: true, env: { NO_COLOR: '1' } })).toBe(false);
    expect(await isColoured({ isTTY: true, env: { TERM: 'dumb' } })).toBe(false);
    expect(await isColoured({ isTTY: false })).toBe(false);
  });
});

describe('the command line', () => {
  it.each([
    [['--tenant', 'x'], "Unknown option '--tenant'"],
    [['--now', 'soon', 'token'], '--now takes a time'],
    [['one', 'two'], 'One token at a time'],
    [['--config', 'x', '--client-id', 'y'], 'one of the two is a mistake'],
    [['--routes', 'x', '--offline'], '--routes goes with --json'],
    [['--routes', 'x', 'token'], '--routes goes with --json'],
    [['--scope', 'api://x/read', '--tenant-id', elsewhere, '--client-id', elsewhere, 'token'], 'short name'],
  ])('is refused where it is wrong: %j', async (argv, message) => {
    const said = await run(argv);
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err).toContain(message);
  });

  it('does not repeat a token that stands in the wrong place', async () => {
    const token = await issuer.token();
    for (const argv of [[`--token=${token}`], [token, token], ['--json=', token], ['--now', token]]) {
      const said = await run(argv);
      expect(said.code).toBe(1);
      expect(said.out + said.err).not.toContain(token.slice(0, 20));
    }
  });

  it('knows one command', async () => {
    const said: string[] = [];
    const code = await doctor({
      argv: ['nurse'],
      env: {},
      stdin: Readable.from([]),
      stdout: { write: () => undefined },
      stderr: { write: (text) => said.push(text) },
      cwd: modules,
      now: () => start,
      fetch: globalThis.fetch,
      version: () => '1.2.3',
    });
    expect(code).toBe(1);
    expect(said.join('')).toContain('The one command there is is doctor.');
  });

  it('explains itself', async () => {
    const said = await run(['--help']);
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(said.out).toContain('--routes <module>');
    expect(await run(['--version'])).toMatchObject({ code: 0, out: '1.2.3\n' });
  });
});

describe('the audit of routes', () => {
  beforeEach(() => {
    vi.resetModules();
    getMetadataArgsStorage().reset();
  });

  it('lists every route with what it demands, inherited ones among them', async () => {
    const said = await run(['--routes', './shut.ts', '--json']);
    const { routes, unprotected } = JSON.parse(said.out) as { routes: Route[]; unprotected: number };
    expect(routes.map(({ method, path, action, requirement }) => [method, path, action, requirement])).toEqual([
      ['GET', '/weather/:city', 'WeatherController.report', 'token of Entra ID; scope read or read_all'],
      ['GET', '/weather/open', 'WeatherController.open', null],
      ['GET', '/weather/status', 'WeatherController.status', 'token of Entra ID'],
      ['GET', '/people/', 'PeopleController.list', 'token of B2C by B2C_1_susi or B2C_1_edit'],
      ['POST', '/people/', 'PeopleController.add', 'token of Entra ID of an application; role Admin'],
      [
        'POST',
        '/people/\\/import/',
        'PeopleController.load',
        'token of Entra ID or B2C; scope write of a person, or role write_all of an application; no guests',
      ],
    ]);
    expect(routes.map(({ protection }) => protection)).toEqual([
      'protected',
      'anonymous',
      'protected',
      'protected',
      'protected',
      'protected',
    ]);
    expect({ code: said.code, err: said.err, unprotected }).toEqual({ code: 0, err: '', unprotected: 0 });
  });

  it('fails where a route demands nothing, also one that is inherited', async () => {
    const said = await run(['--routes', 'ajar.ts']);
    expect(said).toEqual({
      code: 1,
      err: '',
      out: [
        'GET     /notes/       NotesController.list      token of Entra ID',
        'DELETE  /notes/:id    NotesController.remove    NOT PROTECTED',
        'GET     /archive/     ArchiveController.list    token of Entra ID',
        'DELETE  /archive/:id  ArchiveController.remove  NOT PROTECTED',
        '',
        '2 of 4 routes demand nothing, and bear no @AllowAnonymous().',
        '',
      ].join('\n'),
    });
  });

  it('counts them for scripts', async () => {
    const said = await run(['--routes', 'ajar.ts', '--json']);
    expect((JSON.parse(said.out) as { unprotected: number }).unprotected).toBe(2);
    expect(said.code).toBe(1);
  });

  it('says that an open route is meant to be', async () => {
    const said = await run(['--routes', './shut.ts']);
    expect(said.out).toMatch(/^GET {3}\/weather\/open +WeatherController\.open +open \(@AllowAnonymous\)$/m);
    expect(said.out).toContain('6 routes, none of them open by oversight.');
  });

  it.each([
    ['./nothing.ts', 'defines no routes'],
    ['./broken.ts', 'could not be loaded'],
    ['./missing.ts', 'There is no module'],
  ])('fails where there is nothing to audit: %s', async (module, message) => {
    const said = await run(['--routes', module]);
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err).toContain(message);
  });
});
