import Koa from 'koa';
import 'reflect-metadata';
import { Get, JsonController, useKoaServer } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AllowAnonymous,
  DenyGuests,
  initialize,
  RequiresAnyAuth,
  RequiresAuth,
  RequiresB2cAuth,
  RequiresGroup,
  RequiresScopeOrAppPermission,
  TokenClaims,
  ValidateScope,
  type AccessTokenClaims,
  type IdentityOptions,
} from '../../src/index.js';
import { startTestIssuer, type TestIssuer, type TokenOverrides } from '../../src/testing.js';
import { expectRefusal, listen, serve, type Answer, type Api } from '../support/api.js';

const readers = '0f6a1d52-3b8e-4c17-9d20-5a6b7c8d9e01';
const writers = '1a7b2e63-4c9f-4d28-8e31-6b7c8d9e0f12';

/** The routes that ran, and the claims they were given. */
let ran: string[] = [];

@JsonController('/callers')
class CallersController {
  @Get('/user')
  @RequiresAuth({ callers: 'user' })
  user() {
    ran.push('user');
    return {};
  }

  @Get('/app')
  @RequiresAuth({ callers: 'app' })
  app() {
    ran.push('app');
    return {};
  }

  @Get('/any')
  @RequiresAuth({ callers: 'any' })
  any() {
    ran.push('any');
    return {};
  }

  @Get('/twice')
  @RequiresAuth()
  @RequiresAuth({ callers: 'app' })
  @RequiresAuth({ callers: 'any' })
  twice() {
    ran.push('twice');
    return {};
  }
}

@JsonController('/apps')
@RequiresAuth({ callers: 'app' })
class AppsController {
  @Get('/inherits')
  inherits() {
    return {};
  }

  @Get('/leaves-open')
  @RequiresAuth()
  leavesOpen() {
    return {};
  }

  @Get('/replaces')
  @RequiresAuth({ callers: 'user' })
  replaces() {
    return {};
  }

  @Get('/lifts')
  @RequiresAuth({ callers: 'any' })
  lifts() {
    return {};
  }

  @Get('/b2c')
  @RequiresB2cAuth()
  b2c() {
    return {};
  }

  @Get('/open')
  @AllowAnonymous()
  open() {
    return {};
  }
}

@JsonController('/files')
class FilesController {
  @Get('/read')
  @RequiresAuth()
  @RequiresScopeOrAppPermission({ scope: 'Files.Read', appPermission: 'Files.Read.All' })
  read() {
    ran.push('read');
    return {};
  }

  @Get('/several')
  @RequiresScopeOrAppPermission({
    scope: ['Files.Read', 'Files.Write'],
    appPermission: ['Files.Read.All', 'Files.Write.All'],
  })
  @RequiresAuth()
  several() {
    ran.push('several');
    return {};
  }

  @Get('/members')
  @DenyGuests()
  @RequiresAuth()
  members() {
    ran.push('members');
    return {};
  }

  @Get('/readers')
  @RequiresAuth()
  @RequiresGroup(readers, writers.toUpperCase())
  readers() {
    ran.push('readers');
    return {};
  }

  @Get('/both')
  @RequiresGroup(readers)
  @RequiresAuth()
  @RequiresGroup('FABRIKAM\\Domain Users')
  both() {
    ran.push('both');
    return {};
  }
}

@JsonController('/either')
class EitherController {
  @Get('/')
  @RequiresAnyAuth()
  either(@TokenClaims() claims: AccessTokenClaims) {
    ran.push('either');
    return { iss: claims.iss };
  }

  @Get('/scoped')
  @ValidateScope('write')
  @RequiresAnyAuth()
  scoped() {
    ran.push('scoped');
    return {};
  }
}

@JsonController('/entra-first')
@RequiresAuth({ callers: 'app' })
class EntraFirstController {
  @Get('/either')
  @RequiresAnyAuth()
  either() {
    return {};
  }
}

@RequiresAuth({ callers: 'app' })
abstract class AppsBase {
  @Get('/inherited')
  @RequiresScopeOrAppPermission({ scope: 'Files.Read', appPermission: 'Files.Read.All' })
  inherited() {
    ran.push('inherited');
    return {};
  }

  @Get('/overridden')
  @RequiresGroup(readers)
  overridden() {
    return {};
  }
}

@JsonController('/derived')
class DerivedController extends AppsBase {
  @Get('/overridden')
  @DenyGuests()
  @RequiresAuth({ callers: 'user' })
  override overridden() {
    ran.push('overridden');
    return {};
  }
}

const descriptions = {
  scope: 'The access token does not carry the scope this request needs.',
  role: 'The access token does not carry the role this request needs.',
  caller: 'This kind of caller is not accepted.',
  guest: 'Guests of the tenant are not accepted.',
  group: 'The caller is in none of the groups this request needs.',
  groups_overage: 'The access token does not say which groups the caller is in.',
};

/** Asserts a 403 whole. */
function expectForbidden(answer: Answer, reason: keyof typeof descriptions, scope?: string): void {
  const description = descriptions[reason];
  const challenge = `Bearer error="insufficient_scope", error_description="${description}"`;
  expect({ status: answer.status, challenge: answer.headers['www-authenticate'], body: answer.body }).toEqual({
    status: 403,
    challenge: scope === undefined ? challenge : `${challenge}, scope="${scope}"`,
    body: { error: 'insufficient_scope', error_description: description },
  });
  expect(answer.headers['cache-control']).toBe('no-store');
}

const controllers = [
  CallersController,
  AppsController,
  FilesController,
  EitherController,
  EntraFirstController,
  DerivedController,
];

function serveOnKoa(): Promise<Api> {
  const app = new Koa();
  app.silent = true;
  useKoaServer(app, { controllers });
  const handle = app.callback();
  return listen((request, response) => void handle(request, response));
}

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

/** What was asked of the network, beside the issuer's own documents. */
let asked: string[] = [];
const fetchOfIssuer: typeof fetch = (input, init) => {
  asked.push(input as string);
  return fetch(input, init);
};

function configure(options: IdentityOptions = {}): void {
  initialize({ ...issuer.options, b2c: issuer.b2cOptions, fetch: fetchOfIssuer, ...options });
}

describe.each([
  ['Express', () => serve(controllers)],
  ['Koa', serveOnKoa],
])('access on %s', (_, start) => {
  let api: Api;
  beforeAll(async () => {
    api = await start();
  });
  afterAll(() => api.close());
  beforeEach(() => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    configure();
    ran = [];
    asked = [];
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const user = (claims?: TokenOverrides) => issuer.token(claims);
  const app = (claims?: TokenOverrides) => issuer.appToken(claims);
  const get = async (path: string, token: Promise<string>) => api.call(path, { token: await token });
  const lets = async (path: string, token: Promise<string>) => {
    expect([path, (await get(path, token)).status]).toEqual([path, 200]);
  };

  describe('@RequiresAuth({ callers })', () => {
    it("accepts people alone with 'user'", async () => {
      await lets('/callers/user', user());
      await lets('/callers/user', user({ idtyp: 'user' }));
      await lets('/callers/user', issuer.v1Token());
      expectForbidden(await get('/callers/user', app()), 'caller');
      expectForbidden(await get('/callers/user', app({ idtyp: undefined })), 'caller');
      expectForbidden(await get('/callers/user', app({ idtyp: undefined, scp: '/' })), 'caller');
      expect(ran).toEqual(['user', 'user', 'user']);
    });

    it("accepts applications alone with 'app'", async () => {
      await lets('/callers/app', app());
      await lets('/callers/app', app({ idtyp: undefined }));
      await lets('/callers/app', app({ idtyp: undefined, scp: '' }));
      expectForbidden(await get('/callers/app', user()), 'caller');
      expectForbidden(await get('/callers/app', user({ roles: ['access_as_app'] })), 'caller');
      expect(ran).toEqual(['app', 'app', 'app']);
    });

    it('decides by idtyp first, and refuses both if idtyp is another word', async () => {
      expectForbidden(await get('/callers/user', user({ idtyp: 'app' })), 'caller');
      expectForbidden(await get('/callers/app', app({ idtyp: 'user' })), 'caller');
      for (const idtyp of ['device', 'App', '', ['app'], null]) {
        expectForbidden(await get('/callers/user', user({ idtyp })), 'caller');
        expectForbidden(await get('/callers/app', app({ idtyp })), 'caller');
      }
      expect(ran).toEqual([]);
    });

    it("accepts both with 'any'", async () => {
      await lets('/callers/any', user());
      await lets('/callers/any', app());
      expect(ran).toEqual(['any', 'any']);
    });

    it("keeps 'user' or 'app' if 'any' is on the same method", async () => {
      await lets('/callers/twice', app());
      expectForbidden(await get('/callers/twice', user()), 'caller');
    });

    it('uses the callers of the method, or those of the class if the method names none', async () => {
      for (const path of ['/apps/inherits', '/apps/leaves-open']) {
        await lets(path, app());
        expectForbidden(await get(path, user()), 'caller');
      }
      await lets('/apps/replaces', user());
      expectForbidden(await get('/apps/replaces', app()), 'caller');
      await lets('/apps/lifts', user());
      await lets('/apps/lifts', app());
    });

    it('does not apply to a method with another scheme', async () => {
      await lets('/apps/b2c', issuer.b2cToken());
      expectRefusal(await get('/apps/b2c', app()), { invalidToken: 'policy' });
      expect((await api.call('/apps/open')).status).toBe(200);
    });

    it('requires a token first', async () => {
      expectRefusal(await api.call('/callers/app'), 'missing_token');
      expectRefusal(await get('/callers/app', app({ exp: 1 })), { invalidToken: 'expired' });
    });
  });

  describe('@RequiresScopeOrAppPermission', () => {
    it('requires a scope of people, and a permission of applications', async () => {
      await lets('/files/read', user({ scp: 'openid Files.Read' }));
      await lets('/files/read', app({ roles: ['Files.Read.All'] }));
      expectForbidden(await get('/files/read', user()), 'scope', 'Files.Read');
      expectForbidden(await get('/files/read', app()), 'role');
      expect(ran).toEqual(['read', 'read']);
    });

    it('accepts no role of a person as a permission, and no permission with the name of a scope', async () => {
      expectForbidden(await get('/files/read', user({ roles: ['Files.Read.All'] })), 'scope', 'Files.Read');
      expectForbidden(
        await get('/files/read', user({ roles: ['Files.Read.All'], idtyp: 'user' })),
        'scope',
        'Files.Read',
      );
      expectForbidden(await get('/files/read', user({ scp: 'Files.Read.All' })), 'scope', 'Files.Read');
      expectForbidden(await get('/files/read', app({ roles: ['Files.Read'] })), 'role');
      expectForbidden(await get('/files/read', app({ scp: 'Files.Read', roles: ['other'] })), 'role');
      expect(ran).toEqual([]);
    });

    it('compares exactly, and names all accepted scopes', async () => {
      await lets('/files/several', user({ scp: 'Files.Write' }));
      await lets('/files/several', app({ roles: ['Files.Write.All'] }));
      expectForbidden(await get('/files/several', user({ scp: 'files.read' })), 'scope', 'Files.Read Files.Write');
      expectForbidden(await get('/files/several', app({ roles: ['Files.Read.All Files.Write.All'] })), 'role');
      expect(ran).toEqual(['several', 'several']);
    });
  });

  describe('@DenyGuests', () => {
    it('accepts members, however the token names them', async () => {
      const { tenantId } = issuer.options;
      await lets('/files/members', user());
      await lets('/files/members', user({ acct: 0 }));
      await lets('/files/members', user({ acct: 0, idp: 'live.com' }));
      await lets('/files/members', user({ idp: `https://sts.windows.net/${tenantId}/` }));
      await lets('/files/members', issuer.v1Token());
      await lets('/files/members', app({ idp: 'https://sts.windows.net/99999999-2222-4333-8444-555555555555/' }));
      expect(ran).toHaveLength(6);
    });

    it.each<[string, TokenOverrides]>([
      ['by acct', { acct: 1 }],
      ['by acct, written as text', { acct: '1' }],
      ['by an acct that means nothing', { acct: null }],
      ['by another tenant', { idp: 'https://sts.windows.net/99999999-2222-4333-8444-555555555555/' }],
      ['by a personal account', { idp: 'live.com' }],
      ['by an idp that means nothing', { idp: ['live.com'] }],
      ['that calls itself a person', { idtyp: 'user', acct: 1 }],
      ['that carries roles', { roles: ['access_as_app'], acct: 1 }],
    ])('refuses a guest %s', async (_what, claims) => {
      await lets('/files/members', user());
      expectForbidden(await get('/files/members', user(claims)), 'guest');
      expect(ran).toEqual(['members']);
    });
  });

  describe('@RequiresGroup', () => {
    const source = 'https://graph.example/members';
    const overage = { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: source } } };

    it('accepts a caller in any of the groups, with GUIDs in either letter case', async () => {
      await lets('/files/readers', user({ groups: [readers] }));
      await lets('/files/readers', user({ groups: ['other', writers] }));
      await lets('/files/readers', user({ groups: [readers.toUpperCase()] }));
      await lets('/files/readers', app({ groups: [readers] }));
      expect(ran).toHaveLength(4);
    });

    it.each<[string, TokenOverrides]>([
      ['in another group', { groups: [readers.replace('0f', '0e')] }],
      ['in no group', { groups: [] }],
      ['of whom the token says nothing', {}],
      ['whose groups are no list', { groups: readers }],
      ['whose group is part of a longer name', { groups: [`${readers} `] }],
      ['who has a role of that name', { roles: [readers], wids: [readers] }],
    ])('refuses a caller %s', async (_what, claims) => {
      expectForbidden(await get('/files/readers', user(claims)), 'group');
      expect(ran).toEqual([]);
    });

    it('requires all of several decorators, and compares names that are no GUIDs exactly', async () => {
      await lets('/files/both', user({ groups: [readers, 'FABRIKAM\\Domain Users'] }));
      expectForbidden(await get('/files/both', user({ groups: [readers] })), 'group');
      expectForbidden(await get('/files/both', user({ groups: [readers, 'FABRIKAM\\domain users'] })), 'group');
      expect(ran).toEqual(['both']);
    });

    it.each<[string, TokenOverrides]>([
      ['_claim_names', overage],
      ['hasgroups', { hasgroups: true }],
      ['hasgroups as text', { hasgroups: 'true' }],
    ])('refuses a caller in too many groups, by %s, and never requests the URL in the token', async (_what, claims) => {
      expectForbidden(await get('/files/readers', user(claims)), 'groups_overage');
      expect(ran).toEqual([]);
      expect(asked.filter((url) => !url.startsWith(`${issuer.url}/`))).toEqual([]);
    });

    it('calls resolveGroups with the verified claims, only if the token has no groups', async () => {
      const resolveGroups = vi.fn((claims: AccessTokenClaims) =>
        Promise.resolve(claims.sub === 'reader' ? [readers.toUpperCase()] : []),
      );
      configure({ resolveGroups });
      await lets('/files/readers', user({ ...overage, sub: 'reader' }));
      expectForbidden(await get('/files/readers', user({ ...overage, sub: 'stranger' })), 'group');
      expect(resolveGroups.mock.calls.map(([claims]) => [claims.sub, Object.isFrozen(claims)])).toEqual([
        ['reader', true],
        ['stranger', true],
      ]);
      await lets('/files/readers', user({ groups: [readers] }));
      await lets('/callers/user', user(overage));
      expectForbidden(await get('/files/readers', user({ groups: [] })), 'group');
      expectRefusal(await get('/files/readers', user({ ...overage, exp: 1 })), { invalidToken: 'expired' });
      expect(resolveGroups).toHaveBeenCalledTimes(2);
      expect(asked.filter((url) => !url.startsWith(`${issuer.url}/`))).toEqual([]);
    });

    it('accepts a list that resolveGroups returns without a promise', async () => {
      configure({ resolveGroups: () => [writers] });
      await lets('/files/readers', user(overage));
      expectForbidden(await get('/files/both', user(overage)), 'group');
    });

    it.each<[string, NonNullable<IdentityOptions['resolveGroups']>]>([
      [
        'throws',
        () => {
          throw new Error('the directory is down');
        },
      ],
      ['rejects', () => Promise.reject(new Error('the directory is down'))],
      ['gives no list', () => readers as unknown as readonly string[]],
      ['gives nothing', () => undefined as unknown as readonly string[]],
      ['gives a list of something else', () => [{ id: readers }] as unknown as readonly string[]],
    ])('answers 500 without the message if resolveGroups %s', async (_what, resolveGroups) => {
      configure({ resolveGroups });
      const answer = await get('/files/readers', user(overage));
      expectRefusal(answer, 'server_error');
      expect(answer.text).not.toContain('directory');
      expect(ran).toEqual([]);
      await lets('/files/readers', user({ groups: [readers] }));
    });
  });

  describe('@RequiresAnyAuth', () => {
    it('accepts a token of either authority, and refuses one of neither', async () => {
      const entra = await get('/either', user());
      const b2c = await get('/either', issuer.b2cToken());
      expect([entra.status, b2c.status]).toEqual([200, 200]);
      expect(entra.body).not.toEqual(b2c.body);
      await lets('/either', issuer.v1Token());
      expectRefusal(await api.call('/either'), 'missing_token');
      expectRefusal(await get('/either', user({ exp: 1 })), { invalidToken: 'expired' });
      expectRefusal(await get('/either', issuer.b2cToken({ aud: 'other' })), { invalidToken: 'audience' });
      expectRefusal(await get('/either', issuer.idToken()), { invalidToken: 'token_type' });
      expect(ran).toHaveLength(3);
    });

    it('checks each token against the authority it names, with the audience of that authority alone', async () => {
      const { clientId } = issuer.options;
      expectRefusal(await get('/either', user({ tfp: 'B2C_1_susi' })), { invalidToken: 'issuer' });
      expectRefusal(await get('/either', issuer.b2cToken({ tfp: undefined })), { invalidToken: 'issuer' });
      expectRefusal(await get('/either', issuer.b2cToken({ tfp: 'B2C_1_other' })), { invalidToken: 'issuer' });
      expectRefusal(await get('/either', issuer.b2cToken({ aud: clientId })), { invalidToken: 'audience' });
      expectRefusal(await get('/either', user({ aud: issuer.b2cOptions.clientId })), { invalidToken: 'audience' });
      expect(ran).toEqual([]);
    });

    it('combines with demands', async () => {
      await lets('/either/scoped', user({ scp: 'write' }));
      await lets('/either/scoped', issuer.b2cToken({ scp: 'write' }));
      expectForbidden(await get('/either/scoped', user()), 'scope', 'write');
      expectForbidden(await get('/either/scoped', issuer.b2cToken()), 'scope', 'write');
    });

    it('replaces the scheme of its class', async () => {
      await lets('/entra-first/either', issuer.b2cToken());
      await lets('/entra-first/either', user());
    });

    it.each<[string, () => IdentityOptions]>([
      ['Entra ID alone', () => issuer.options],
      ['B2C alone', () => ({ b2c: issuer.b2cOptions })],
    ])('answers 500, and runs no action, with %s configured', async (_what, options) => {
      initialize(options());
      expectRefusal(await get('/either', user()), 'server_error');
      expectRefusal(await get('/either', issuer.b2cToken()), 'server_error');
      expect(ran).toEqual([]);
    });
  });

  describe('inheritance', () => {
    it('requires what the base class and its method require', async () => {
      expectRefusal(await api.call('/derived/inherited'), 'missing_token');
      await lets('/derived/inherited', app({ roles: ['Files.Read.All'] }));
      expectForbidden(await get('/derived/inherited', app()), 'role');
      expectForbidden(await get('/derived/inherited', user({ scp: 'Files.Read' })), 'caller');
      expect(ran).toEqual(['inherited']);
    });

    it('adds the decorators of an override, whose callers replace those above', async () => {
      await lets('/derived/overridden', user({ groups: [readers] }));
      expectForbidden(await get('/derived/overridden', app({ groups: [readers] })), 'caller');
      expectForbidden(await get('/derived/overridden', user({ groups: [readers], acct: 1 })), 'guest');
      expectForbidden(await get('/derived/overridden', user()), 'group');
      expect(ran).toEqual(['overridden']);
    });
  });
});
