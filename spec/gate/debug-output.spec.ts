import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import 'reflect-metadata';
import { Get, JsonController } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createMicrosoftIdentity,
  DenyGuests,
  initialize,
  RequiresAnyAuth,
  RequiresAuth,
  RequiresAuthContext,
  RequiresB2cAuth,
  RequiresGroup,
  RequiresRole,
  ValidateScope,
  validateScope,
  type Explanation,
  type IdentityOptions,
  type KeysEvent,
  type RequestEvent,
} from '../../src/index.js';
import { startTestIssuer, type TokenOverrides } from '../../src/testing.js';
import { serve, type Answer, type Api } from '../support/api.js';

const issuer = await startTestIssuer();
afterAll(() => issuer.close());

const explained = createMicrosoftIdentity({ ...issuer.options, diagnostics: true });
const silent = createMicrosoftIdentity({ ...issuer.options, diagnostics: false });

@JsonController()
class DiagnosedController {
  @Get('/plain')
  @RequiresAuth()
  plain() {
    return {};
  }

  @Get('/b2c')
  @RequiresB2cAuth()
  b2c() {
    return {};
  }

  @Get('/no-scheme')
  @ValidateScope('access_as_user')
  noScheme() {
    return {};
  }

  @Get('/any')
  @RequiresAnyAuth()
  any() {
    return {};
  }

  @Get('/scope')
  @RequiresAuth()
  @ValidateScope('write')
  scope() {
    return {};
  }

  @Get('/role')
  @RequiresAuth()
  @RequiresRole('Admin')
  role() {
    return {};
  }

  @Get('/app')
  @RequiresAuth({ callers: 'app' })
  app() {
    return {};
  }

  @Get('/members')
  @RequiresAuth()
  @DenyGuests()
  members() {
    return {};
  }

  @Get('/group')
  @RequiresAuth()
  @RequiresGroup('readers')
  group() {
    return {};
  }

  @Get('/context')
  @RequiresAuth()
  @RequiresAuthContext('c1')
  context() {
    return {};
  }

  @Get('/throws')
  @RequiresAuth()
  throws() {
    validateScope('write');
  }

  @Get('/explained')
  @explained.RequiresAuth()
  explained() {
    return {};
  }

  @Get('/silent')
  @silent.RequiresAuth()
  silent() {
    return {};
  }
}

let api: Api;
beforeAll(async () => {
  api = await serve([DiagnosedController]);
});
afterAll(() => api.close());

const requestChannel = 'microsoft-identity-decorators:request';
const keysChannel = 'microsoft-identity-decorators:keys';
const explanationChannel = 'microsoft-identity-decorators:explanation';

const listening: (() => void)[] = [];

/** Hears what a channel says until the test ends. */
function hear<T>(name: string): T[] {
  const heard: T[] = [];
  const listener = (message: unknown) => heard.push(message as T);
  subscribe(name, listener);
  listening.push(() => unsubscribe(name, listener));
  return heard;
}

/** What the developer was warned of. */
let warnings: unknown[] = [];

beforeEach(() => {
  warnings = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => {
    warnings.push(warning);
  });
  vi.stubEnv('NODE_ENV', 'test');
  configure();
});
afterEach(() => {
  for (const stop of listening.splice(0)) stop();
  issuer.setFault();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const configure = (options: IdentityOptions = {}) =>
  initialize({ ...issuer.options, b2c: issuer.b2cOptions, ...options });
const get = async (path: string, token?: string | Promise<string>): Promise<Answer> =>
  api.call(path, token === undefined ? {} : { token: await token });

it('without listeners nothing is said, and nothing is looked at', async () => {
  for (const name of [requestChannel, keysChannel, explanationChannel]) {
    expect([name, channel(name).hasSubscribers]).toEqual([name, false]);
  }
  const publish = vi.spyOn(Object.getPrototypeOf(channel(requestChannel)) as { publish: () => void }, 'publish');
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect((await get('/plain', issuer.token())).status).toBe(200);
  expect((await get('/plain', issuer.token({ exp: 1 }))).status).toBe(401);
  expect((await get('/plain')).status).toBe(401);
  expect(publish).not.toHaveBeenCalled();
  expect(write).not.toHaveBeenCalled();
});

describe('the channel for requests', () => {
  const at = (method: string) => ({
    route: `DiagnosedController.${method}`,
    milliseconds: expect.any(Number) as number,
  });

  it('says how each request ended, and no more', async () => {
    const events = hear<RequestEvent>(requestChannel);
    const token = await issuer.token();
    await get('/plain', token);
    await get('/plain', token);
    await get('/plain');
    await get('/plain', issuer.token({ exp: 1 }));
    await get('/scope', token);
    await get('/scope', issuer.token({ scp: 'other' }));
    await api.call('/plain', { headers: { authorization: ['Bearer a', 'Bearer b'] } });
    await get('/plain', 'no token');
    expect(events).toEqual([
      { outcome: 'verified', ...at('plain') },
      { outcome: 'cached', ...at('plain') },
      { outcome: 'refused', code: 'missing_token', status: 401, ...at('plain') },
      { outcome: 'refused', code: 'invalid_token', reason: 'expired', status: 401, ...at('plain') },
      { outcome: 'refused', code: 'insufficient_scope', reason: 'scope', status: 403, ...at('scope') },
      { outcome: 'refused', code: 'insufficient_scope', reason: 'scope', status: 403, ...at('scope') },
      { outcome: 'refused', code: 'invalid_request', status: 400, ...at('plain') },
      { outcome: 'refused', code: 'invalid_token', reason: 'malformed', status: 401, ...at('plain') },
    ]);
  });

  it('says so of an outage, of a wrong set-up, and of who had to be asked first', async () => {
    const events = hear<RequestEvent>(requestChannel);
    issuer.setFault({ down: true });
    await get('/plain', issuer.token());
    issuer.setFault();
    initialize(issuer.options);
    await get('/b2c', issuer.b2cToken());
    const overage = { _claim_names: { groups: 'src1' } };
    configure({ resolveGroups: () => ['readers'] });
    await get('/group', issuer.token(overage));
    configure({
      resolveGroups: () => {
        throw new Error('down');
      },
    });
    await get('/group', issuer.token(overage));
    expect(events).toEqual([
      { outcome: 'refused', code: 'issuer_unavailable', status: 503, ...at('plain') },
      { outcome: 'refused', code: 'invalid_configuration', status: 500, ...at('b2c') },
      { outcome: 'verified', ...at('group') },
      { outcome: 'refused', code: 'invalid_configuration', status: 500, ...at('group') },
    ]);
  });

  it('speaks in production too, and for bound decorators', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const events = hear<RequestEvent>(requestChannel);
    await get('/silent', issuer.token());
    await get('/silent');
    expect(events).toEqual([
      { outcome: 'verified', ...at('silent') },
      { outcome: 'refused', code: 'missing_token', status: 401, ...at('silent') },
    ]);
  });

  it('changes no answer: with listeners and without them, requests end alike', async () => {
    const tokens = [issuer.token(), issuer.token({ exp: 1 }), issuer.token({ scp: 'other' }), issuer.appToken()];
    const seen = async () => {
      configure();
      const answers = await Promise.all(tokens.map((token) => get('/scope', token)));
      return answers.map(({ status, headers, text }) => [status, headers['www-authenticate'], text]);
    };
    const unheard = await seen();
    hear(requestChannel);
    hear(keysChannel);
    hear(explanationChannel);
    expect(await seen()).toEqual(unheard);
  });
});

describe('the channel for keys', () => {
  const metadataUrl = `${issuer.url}/${issuer.options.tenantId}/v2.0/.well-known/openid-configuration`;

  it('says which documents were loaded', async () => {
    const events = hear<KeysEvent>(keysChannel);
    initialize(issuer.options);
    await get('/plain', issuer.token());
    expect(events).toEqual([
      { outcome: 'loaded', document: 'configuration', metadataUrl },
      { outcome: 'loaded', document: 'keys', metadataUrl },
    ]);
  });

  it('says which could not be', async () => {
    const events = hear<KeysEvent>(keysChannel);
    issuer.setFault({ on: 'keys', status: 500 });
    await get('/plain', issuer.token());
    expect(events).toEqual([
      { outcome: 'loaded', document: 'configuration', metadataUrl },
      { outcome: 'failed', document: 'keys', metadataUrl },
    ]);
    issuer.setFault({ on: 'metadata', down: true });
    configure();
    await get('/plain', issuer.token());
    expect(events.slice(2)).toEqual([{ outcome: 'failed', document: 'configuration', metadataUrl }]);
  });
});

describe('the channel for explanations', () => {
  const other = '5e1f9b72-84c6-4d13-9f2a-8b7c6d5e4f30';
  const idToken = () => issuer.idToken();
  const entra = (claims?: TokenOverrides, header?: TokenOverrides) => () => issuer.token(claims, header);

  it.each<[string, string, (() => string | Promise<string>) | undefined, Omit<Explanation, 'hint'>]>([
    ['no token', '/plain', undefined, { code: 'no_token', status: 401, error: 'missing_token' }],
    [
      'what is no token',
      '/plain',
      () => 'x.y',
      { code: 'malformed', status: 401, error: 'invalid_token', reason: 'malformed' },
    ],
    ['another algorithm', '/plain', entra({}, { alg: 'HS256' }), invalid('algorithm', 'algorithm')],
    ['an unknown key', '/plain', entra({}, { kid: 'unknown' }), invalid('unknown_key', 'key')],
    ['no kid', '/plain', entra({}, { kid: undefined }), invalid('no_kid', 'key')],
    ["Graph's own token", '/plain', entra({}, { kid: 'unknown', nonce: 'n' }), invalid('graph_token', 'key')],
    [
      'a token for Graph',
      '/plain',
      entra({ aud: '00000003-0000-0000-c000-000000000000' }),
      invalid('graph_token', 'audience'),
    ],
    ['a token for another API', '/plain', entra({ aud: `api://${other}` }), invalid('audience', 'audience')],
    [
      'a token for the API in capitals',
      '/plain',
      entra({ aud: issuer.options.clientId.toUpperCase() }),
      invalid('audience_form', 'audience'),
    ],
    ['a token for the client', '/plain', entra({ aud: other, azp: other }), invalid('client_token', 'audience')],
    [
      'a v1.0 token for what may be another name of the API',
      '/plain',
      () => issuer.v1Token({ aud: 'api://weather' }),
      invalid('v1_token', 'audience'),
    ],
    ['an old token', '/plain', entra({ exp: 1 }), invalid('expired', 'expired')],
    ['a token from the future', '/plain', entra({ nbf: 99_999_999_999 }), invalid('clock_skew', 'not_yet_valid')],
    ['a tid of another tenant', '/plain', entra({ tid: other }), invalid('tenant', 'tenant')],
    [
      'an issuer of another tenant',
      '/plain',
      entra({ iss: `${issuer.url}/${other}/v2.0`, tid: other }),
      invalid('wrong_tenant', 'issuer'),
    ],
    ['an ID token', '/plain', idToken, invalid('id_token', 'token_type')],
    ['a token that permits nothing', '/plain', entra({ scp: undefined }), invalid('no_permission', 'token_type')],
    ['an Entra token where B2C is asked for', '/b2c', entra(), invalid('b2c_route', 'policy')],
    ['a B2C token where Entra ID is asked for', '/plain', () => issuer.b2cToken(), invalid('entra_route', 'issuer')],
    [
      'a policy that is not configured',
      '/b2c',
      () => issuer.b2cToken({ tfp: 'B2C_1_reset' }),
      invalid('policy', 'policy'),
    ],
    ['a scope that is missing', '/scope', entra(), insufficient('scope_missing', 'scope')],
    [
      "an application's role that is missing",
      '/scope',
      () => issuer.appToken(),
      insufficient('app_role_missing', 'scope'),
    ],
    ['a role that is missing', '/role', entra(), insufficient('role_missing', 'role')],
    ['a person where applications call', '/app', entra(), insufficient('caller', 'caller')],
    ['a guest', '/members', entra({ acct: 1 }), insufficient('guest', 'guest')],
    ['no groups', '/group', entra(), insufficient('no_groups', 'group')],
    ['another group', '/group', entra({ groups: ['writers'] }), insufficient('group', 'group')],
    ['too many groups', '/group', entra({ hasgroups: true }), insufficient('groups_overage', 'groups_overage')],
    [
      'a stronger sign-in that the client can ask for',
      '/context',
      entra({ xms_cc: ['cp1'] }),
      { code: 'claims_challenge', status: 401, error: 'insufficient_claims' },
    ],
    [
      'a stronger sign-in that the client cannot ask for',
      '/context',
      entra(),
      insufficient('auth_context', 'auth_context'),
    ],
    ['what an action refused', '/throws', entra(), insufficient('scope_missing', 'scope')],
  ])('explains %s', async (_, path, make, explanation) => {
    const explanations = hear<Explanation>(explanationChannel);
    const answer = await get(path, make?.());
    expect(explanations).toEqual([
      {
        reason: undefined,
        ...explanation,
        hint: expect.stringMatching(/^[A-Z].{20,}\.$/) as string,
        route: expect.stringMatching(/^DiagnosedController\.\w+$/) as string,
        request: `GET ${path}`,
      },
    ]);
    expect(answer.status).toBe(explanation.status);
    expect(answer.text).not.toContain(explanations[0]?.hint);
  });

  it('explains a token of the other authority', async () => {
    const explanations = hear<Explanation>(explanationChannel);
    initialize(issuer.options);
    await get('/b2c', issuer.b2cToken());
    initialize({ b2c: issuer.b2cOptions });
    await get('/b2c', issuer.token());
    await get('/no-scheme', issuer.token());
    await get('/no-scheme', issuer.v1Token());
    await get('/no-scheme', issuer.b2cToken({ tfp: undefined, iss: 'https://contoso.b2clogin.com/x/v2.0/' }));
    await get('/any', issuer.token());
    expect(explanations.map(({ code, status }) => [code, status])).toEqual([
      ['configuration', 500],
      ['entra_token', 401],
      ['entra_token', 401],
      ['entra_token', 401],
      ['no_policy', 401],
      ['configuration', 500],
    ]);
  });

  it('explains nothing that was let in', async () => {
    const explanations = hear<Explanation>(explanationChannel);
    await get('/plain', issuer.token());
    await get('/any', issuer.b2cToken());
    expect(explanations).toEqual([]);
  });

  it.each<[string, string, boolean | undefined, number]>([
    ['speaks outside production', 'development', undefined, 1],
    ['speaks where the environment is not named', '', undefined, 1],
    ['is silent in production', 'production', undefined, 0],
    ['speaks in production where diagnostics says so', 'production', true, 1],
    ['is silent outside production where diagnostics says so', 'development', false, 0],
  ])('%s', async (_, environment, diagnostics, count) => {
    vi.stubEnv('NODE_ENV', environment);
    const explanations = hear<Explanation>(explanationChannel);
    configure({ diagnostics });
    await get('/plain');
    await get('/throws', issuer.token());
    expect(explanations).toHaveLength(count * 2);
  });

  it('heeds the configuration that refuses', async () => {
    const explanations = hear<Explanation>(explanationChannel);
    configure({ diagnostics: false });
    await get('/explained');
    expect(explanations).toHaveLength(1);
    configure({ diagnostics: true });
    await get('/silent');
    expect(explanations).toHaveLength(1);
    vi.stubEnv('NODE_ENV', 'production');
    await get('/explained');
    expect(explanations).toHaveLength(2);
  });

  function invalid(code: string, reason: string): Omit<Explanation, 'hint'> {
    return { code, status: 401, error: 'invalid_token', reason };
  }

  function insufficient(code: string, reason: string): Omit<Explanation, 'hint'> {
    return { code, status: 403, error: 'insufficient_scope', reason };
  }
});

const debugName = 'microsoft-identity-decorators';

describe('DEBUG', () => {
  it.each(['', 'express:*', 'microsoft', 'microsoft-identity-decorators2', `*,-${debugName}`, `-*,${debugName}`])(
    'prints nothing for %j',
    async (names) => {
      vi.stubEnv('DEBUG', names);
      const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
      configure();
      await get('/plain');
      expect(write).not.toHaveBeenCalled();
      expect(channel(explanationChannel).hasSubscribers).toBe(false);
    },
  );

  it('prints one line for each refusal, however often something is configured', async () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    vi.stubEnv('DEBUG', `express:*, ${debugName}`);
    configure();
    vi.stubEnv('DEBUG', '*');
    configure();
    createMicrosoftIdentity(issuer.options);
    await get('/plain', issuer.token());
    expect(write).not.toHaveBeenCalled();
    await get('/plain');
    await get('/scope', issuer.token());
    expect(write.mock.calls).toEqual([
      [
        `${debugName} 401 missing_token (no_token) GET /plain to DiagnosedController.plain: The request has no Authorization: Bearer header. A proxy may have removed it.\n`,
      ],
      [
        `${debugName} 403 insufficient_scope/scope (scope_missing) GET /scope to DiagnosedController.scope: The scope write was not asked for or not consented to: ` +
          `the client must ask for api://${issuer.options.clientId}/write. ` +
          'Or the name in the decorator is another than the one in Expose an API.\n',
      ],
    ]);
  });

  it.each<[string, string, () => unknown]>([
    ['initialize is called', '', configure],
    ['initialize is called', `*,-${debugName}`, configure],
    ['createMicrosoftIdentity is called', '', () => createMicrosoftIdentity(issuer.options)],
  ])('stops printing when %s and DEBUG is %j, and starts again', async (_, names, configureAgain) => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    vi.stubEnv('DEBUG', debugName);
    configure();
    await get('/plain');
    expect(write).toHaveBeenCalledOnce();
    vi.stubEnv('DEBUG', names);
    configureAgain();
    await get('/plain');
    expect(write).toHaveBeenCalledOnce();
    expect(channel(explanationChannel).hasSubscribers).toBe(false);
    vi.stubEnv('DEBUG', debugName);
    configureAgain();
    await get('/plain');
    expect(write).toHaveBeenCalledTimes(2);
  });

  it('stops printing what another copy of the library prints', async () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    vi.stubEnv('DEBUG', debugName);
    vi.resetModules();
    const copy = await import('../../src/index.js');
    copy.initialize(issuer.options);
    vi.stubEnv('DEBUG', '');
    configure();
    await get('/plain');
    expect(write).not.toHaveBeenCalled();
  });

  it('prints nothing in production, unless diagnostics says so', async () => {
    vi.stubEnv('DEBUG', '*');
    vi.stubEnv('NODE_ENV', 'production');
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    configure();
    await get('/plain');
    expect(write).not.toHaveBeenCalled();
    configure({ diagnostics: true });
    await get('/plain');
    expect(write).toHaveBeenCalledOnce();
  });
});

describe('nothing of a token', () => {
  const mark = 'MARKED';
  let marks = 0;
  const marked = () => `${mark}${String(marks++)}`;
  /** Something to be found again in every claim that can hold it. */
  const everywhere = () => ({
    acrs: [marked()],
    acct: marked(),
    amr: [marked()],
    email: marked(),
    groups: [marked()],
    idp: marked(),
    name: marked(),
    oid: marked(),
    preferred_username: marked(),
    roles: [marked()],
    sid: marked(),
    sub: marked(),
    uti: marked(),
    wids: [marked()],
    xms_cc: [marked()],
    [marked()]: { [marked()]: marked() },
  });

  it.each<[string, string, TokenOverrides, TokenOverrides?]>([
    ['of a valid one', '/plain', {}],
    ['by audience', '/plain', { aud: `api://${mark}` }],
    ['by issuer', '/plain', { iss: `https://${mark}.example/${mark}/v2.0` }],
    ['by tenant', '/plain', { tid: mark }],
    ['by client', '/plain', { azp: mark, aud: mark }],
    ['by key', '/plain', {}, { kid: mark, nonce: mark }],
    ['by algorithm', '/plain', {}, { alg: mark }],
    ['by type', '/plain', {}, { typ: mark }],
    ['by policy', '/b2c', { tfp: mark }],
    ['of either authority', '/any', { tfp: mark, iss: mark }],
    ['by scope', '/scope', { scp: mark }],
    ['by role', '/role', {}],
    ['by caller', '/app', { idtyp: mark }],
    ['by guest', '/members', {}],
    ['by group', '/group', {}],
    ['by context', '/context', {}],
    ['by time', '/plain', { exp: 1 }],
    ['by an action', '/throws', { scp: mark }],
  ])('is said on any channel, printed or answered: refused %s', async (_, path, claims, header) => {
    vi.stubEnv('DEBUG', '*');
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    configure();
    const events = [hear(requestChannel), hear(keysChannel), hear(explanationChannel)];
    const token = await issuer.token({ ...everywhere(), ...claims }, header);
    const answer = await get(path, token);
    // What an action refuses, its gate let in.
    expect(events[0]).toHaveLength(path === '/throws' ? 2 : 1);
    const said = JSON.stringify([events, write.mock.calls, warnings, answer.text, answer.headers]);
    expect(said.toLowerCase()).not.toContain(mark.toLowerCase());
    for (const part of token.split('.')) expect(said).not.toContain(part);
  });
});
