/** Who calls: every helper and every demand, with the tokens of Entra ID and of Azure AD B2C. */
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuthError } from '../../src/core/errors.js';
import {
  authenticate,
  createMicrosoftIdentity,
  getTokenClaims,
  isAppOnly,
  mcpAuthInfo,
  userKey,
  validateScope,
  type AccessTokenClaims,
  type IdentityOptions,
  type RequirementOptions,
} from '../../src/fetch.js';
import { runAs, startTestIssuer, type TestIssuer, type TokenOverrides } from '../../src/testing.js';
import { expectRefused, refuses } from '../support/refusals.js';

const tenant = '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2';
const person = '5d6e7f80-1111-4a4a-8a8a-000000000001';
const service = '5d6e7f80-2222-4a4a-8a8a-000000000002';
const other = '5d6e7f80-3333-4a4a-8a8a-000000000003';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer({ tenantId: tenant });
});
afterAll(() => issuer.close());

type DaemonClients = (to: TestIssuer) => readonly string[];
const listed: DaemonClients = (to) => [to.b2cDaemonClient.toUpperCase()];
const otherListed: DaemonClients = () => [other];

function identityWith(daemonClients?: DaemonClients, options?: Pick<IdentityOptions, 'allowedClients'>) {
  const b2c = { ...issuer.b2cOptions, ...(daemonClients && { daemonClients: daemonClients(issuer) }) };
  return createMicrosoftIdentity({ ...issuer.options, b2c, ...options });
}

/** A configuration, and a token of which it is asked who calls with it. */
interface Case {
  readonly token: (overrides?: TokenOverrides) => Promise<string>;
  readonly daemonClients?: DaemonClients;
}

/** A request that was let in, by its token alone. */
interface Admitted {
  readonly request: Request;
  readonly claims: AccessTokenClaims;
  /** Runs code in a handler of the request. */
  readonly inside: <Result>(run: () => Result) => Promise<Result>;
  /** Whether the token satisfies a requirement, or the reason of the refusal. */
  readonly demand: (requirement: RequirementOptions) => Promise<string>;
}

const reasonOf = (error: unknown) =>
  error instanceof AuthError
    ? ((error as { readonly reason?: string }).reason ?? error.code)
    : expect.fail(String(error));

async function answerOf(run: () => unknown): Promise<string> {
  try {
    await run();
    return 'passes';
  } catch (error) {
    return reasonOf(error);
  }
}

async function admit({ token, daemonClients }: Case, overrides?: TokenOverrides): Promise<Admitted> {
  const identity = identityWith(daemonClients);
  const headers = { authorization: `Bearer ${await token(overrides)}` };
  const request = new Request('https://api.example/', { headers });
  async function inside<Result>(run: () => Result): Promise<Result> {
    const results: Result[] = [];
    const response = await identity.protect({ scheme: 'any' }, () => {
      results.push(run());
      return new Response();
    })(request);
    expect(response.status).toBe(200);
    return results[0] as Result;
  }
  const demand = (requirement: RequirementOptions) =>
    answerOf(() => identity.authenticate({ headers }, { scheme: 'any', ...requirement }));
  return { request, claims: await inside(() => getTokenClaims()), inside, demand };
}

/** The code of a page of the documentation, run with the helpers. */
function documented(page: string, name: string): (...given: readonly unknown[]) => unknown {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  const block = [...text.matchAll(/```ts\n(.*?)```/gs)]
    .map(([, code = '']) => code)
    .find((code) => code.includes(name));
  const exported: Record<string, (...given: readonly unknown[]) => unknown> = {};
  const helpers = { getTokenClaims, isAppOnly, userKey, validateScope };
  const options = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };
  const { outputText } = ts.transpileModule(block ?? expect.fail(`${page} has no ${name}`), {
    compilerOptions: options,
  });
  runInNewContext(outputText, { exports: exported, require: () => helpers });
  return exported[name] ?? expect.fail(`${name} is not exported`);
}

const rateLimitKey = documented('recipes.md', 'rateLimitKey');
const mayRead = documented('access.md', 'mayRead');

const app = { oid: service, sub: service };
const consumer = { sub: person, oid: person, idp: 'google.com', emails: ['ada@example.com'], name: 'Ada' };

// People have the scope Orders.Read, applications the permission Orders.Read.All.
const entra = {
  person: {
    token: (more) => issuer.token({ oid: person, scp: 'Orders.Read', roles: ['Orders.Read.All'], ...more }),
  },
  'person with idtyp': {
    token: (more) => issuer.token({ oid: person, scp: 'Orders.Read', idtyp: 'user', ...more }),
  },
  'person with a scope named as the permission': {
    token: (more) => issuer.token({ oid: person, scp: 'Orders.Read.All', ...more }),
  },
  'person, v1.0': { token: (more) => issuer.v1Token({ oid: person, scp: 'Orders.Read', ...more }) },
  guest: {
    token: (more) => issuer.token({ oid: person, scp: 'Orders.Read', idp: 'mail', ...more }),
  },
  application: { token: (more) => issuer.appToken({ ...app, roles: ['Orders.Read.All'], ...more }) },
  'application without idtyp': {
    token: (more) => issuer.appToken({ ...app, idtyp: undefined, roles: ['Orders.Read.All'], ...more }),
  },
  'application, v1.0': {
    token: (more) => issuer.v1Token({ ...app, scp: undefined, appidacr: '2', roles: ['Orders.Read.All'], ...more }),
  },
  'application with a permission in scp': {
    token: (more) => issuer.appToken({ ...app, scp: 'Orders.Read.All', roles: ['Other'], ...more }),
  },
  agent: { token: (more) => issuer.appToken({ ...app, scp: '/', roles: ['Orders.Read.All'], ...more }) },
  device: {
    token: (more) => issuer.token({ oid: person, scp: 'Orders.Read', idtyp: 'device', ...more }),
  },
} as const satisfies Record<string, Case>;

const b2cPerson = (claims?: TokenOverrides) => (more?: TokenOverrides) =>
  issuer.b2cToken({ sub: person, scp: 'Orders.Read', ...claims, ...more });
const b2cDaemon = (claims?: TokenOverrides) => (more?: TokenOverrides) =>
  issuer.b2cAppToken({ sub: service, scp: 'Orders.Read.All', ...claims, ...more });

const customPolicy = { tfp: undefined, acr: 'b2c_1a_signin', oid: person, roles: ['Orders.Read.All'] };
const ownClient = { ...consumer, scp: undefined, roles: ['Orders.Read.All', 'Orders.Read'] };

const b2c = {
  person: { token: b2cPerson() },
  'person with oid, by another provider': { token: b2cPerson(consumer) },
  'person of a custom policy': { token: b2cPerson(customPolicy) },
  'person whose client asked for no scope': { token: b2cPerson(ownClient) },
  'person beside daemons that are listed': { token: b2cPerson(), daemonClients: listed },
  'person with a scope named as the permission, beside daemons that are listed': {
    token: b2cPerson({ scp: 'Orders.Read.All' }),
    daemonClients: listed,
  },
  'daemon, where none is listed': { token: b2cDaemon() },
  'daemon with oid, where none is listed': { token: b2cDaemon(app) },
  'daemon that is listed': { token: b2cDaemon(), daemonClients: listed },
  'daemon with oid that is listed': { token: b2cDaemon(app), daemonClients: listed },
  'daemon of a custom policy that gives it roles': {
    token: b2cDaemon({ tfp: undefined, acr: 'b2c_1a_signin', scp: undefined, roles: ['Orders.Read.All'] }),
    daemonClients: listed,
  },
  'daemon of a custom policy that gives it idtyp': { token: b2cDaemon({ idtyp: 'app' }) },
  'daemon that is not listed beside others': { token: b2cDaemon(), daemonClients: otherListed },
} as const satisfies Record<string, Case>;

/** What each helper and each demand that asks who calls answers. */
interface Answers {
  readonly isAppOnly: boolean;
  /** The object id in the key. */
  readonly userKey: string | undefined;
  /** `validateScope('Orders.Read')`, and the demand of that scope. */
  readonly scope: string;
  /** `validateScope('Orders.Read.All')`, and the demand of that scope. */
  readonly appScope: string;
  readonly scopeOrAppPermission: string;
  readonly role: string;
  readonly denyGuests: string;
  /** Of Entra ID alone. */
  readonly callers?: readonly ['user' | 'app'] | readonly [];
  /** The claim that the recipe limits by. */
  readonly limited: 'userKey' | 'sub' | 'azp' | 'appid';
  /** Whether the caller may read an order of this person, and one of another. */
  readonly mayRead: readonly [own: boolean | string, other: boolean | string];
}

const isPerson = {
  isAppOnly: false,
  userKey: person,
  scope: 'passes',
  appScope: 'scope',
  scopeOrAppPermission: 'passes',
  role: 'role',
  denyGuests: 'passes',
  callers: ['user'],
  limited: 'userKey',
  mayRead: [true, false],
} as const satisfies Answers;

const isApp = {
  isAppOnly: true,
  userKey: undefined,
  scope: 'scope',
  appScope: 'passes',
  scopeOrAppPermission: 'passes',
  role: 'passes',
  denyGuests: 'passes',
  callers: ['app'],
  limited: 'azp',
  mayRead: [true, true],
} as const satisfies Answers;

const entraAnswers: Readonly<Record<keyof typeof entra, Answers>> = {
  person: { ...isPerson, role: 'passes' },
  'person with idtyp': isPerson,
  'person with a scope named as the permission': {
    ...isPerson,
    scope: 'scope',
    appScope: 'passes',
    scopeOrAppPermission: 'scope',
  },
  'person, v1.0': isPerson,
  guest: { ...isPerson, denyGuests: 'guest' },
  application: isApp,
  'application without idtyp': isApp,
  'application, v1.0': { ...isApp, limited: 'appid' },
  'application with a permission in scp': {
    ...isApp,
    appScope: 'scope',
    scopeOrAppPermission: 'role',
    role: 'role',
    mayRead: ['scope', 'scope'],
  },
  agent: isApp,
  device: { ...isPerson, userKey: undefined, callers: [], limited: 'sub', mayRead: [false, false] },
};

const { callers: _person, ...isB2cPerson } = isPerson;
const { callers: _app, ...isB2cApp } = isApp;
const withoutKey = { userKey: undefined, limited: 'sub', mayRead: [false, false] } as const;
// It cannot be told from a person, so it has nothing that an application alone has.
const isUnknown = { ...isB2cPerson, ...withoutKey, scope: 'scope', appScope: 'passes' } as const;

const b2cAnswers: Readonly<Record<keyof typeof b2c, Answers>> = {
  person: { ...isB2cPerson, ...withoutKey },
  'person with oid, by another provider': isB2cPerson,
  'person of a custom policy': { ...isB2cPerson, role: 'passes' },
  'person whose client asked for no scope': {
    ...isB2cPerson,
    scope: 'scope',
    scopeOrAppPermission: 'scope',
    role: 'passes',
  },
  'person beside daemons that are listed': { ...isB2cPerson, ...withoutKey },
  'person with a scope named as the permission, beside daemons that are listed': {
    ...isUnknown,
    scopeOrAppPermission: 'scope',
  },
  'daemon, where none is listed': isUnknown,
  'daemon with oid, where none is listed': {
    ...isUnknown,
    userKey: service,
    limited: 'userKey',
  },
  'daemon that is listed': isB2cApp,
  'daemon with oid that is listed': isB2cApp,
  'daemon of a custom policy that gives it roles': isB2cApp,
  'daemon of a custom policy that gives it idtyp': isB2cApp,
  'daemon that is not listed beside others': { ...isUnknown, scopeOrAppPermission: 'scope' },
};

type Row = readonly [name: string, given: Case, expected: Answers];

const rows = <Name extends string>(cases: Readonly<Record<Name, Case>>, answers: Readonly<Record<Name, Answers>>) =>
  (Object.keys(answers) as Name[]).map((name): Row => [name, cases[name], answers[name]]);

describe.each([
  ['Entra ID', rows(entra, entraAnswers)],
  ['B2C', rows(b2c, b2cAnswers)],
])('of %s,', (_, cases) => {
  it.each(cases)('isAppOnly knows: %s', async (__, given, { isAppOnly: expected }) => {
    const { claims } = await admit(given);
    expect(isAppOnly(claims)).toBe(expected);
  });

  it.each(cases)('userKey is the key of a person: %s', async (__, given, { userKey: expected }) => {
    const { claims } = await admit(given);
    const { tenantId } = given.daemonClients === undefined && claims.ver === '2.0' ? issuer.options : issuer.b2cOptions;
    const inTenant = claims.tid ?? tenantId;
    expect(userKey(claims)).toBe(expected && `${inTenant}.${expected}`);
  });

  it.each(cases)('validateScope and a demand for a scope: %s', async (__, given, { scope, appScope }) => {
    const { inside, demand } = await admit(given);
    const asked = ['Orders.Read', 'Orders.Read.All'];
    const helper = (name: string) =>
      inside(() =>
        answerOf(() => {
          validateScope(name);
        }),
      );
    expect(await Promise.all(asked.map(helper))).toEqual([scope, appScope]);
    expect(await Promise.all(asked.map((name) => demand({ scope: name })))).toEqual([scope, appScope]);
  });

  it.each(cases)('the scopes for tools of MCP: %s', async (__, given, { scope, appScope }) => {
    const { scopes } = mcpAuthInfo((await admit(given)).request);
    const answer = (name: string) => (scopes.includes(name) ? 'passes' : 'scope');
    expect([answer('Orders.Read'), answer('Orders.Read.All')]).toEqual([scope, appScope]);
  });

  it.each(cases)('a demand for a scope or an application permission: %s', async (__, given, answers) => {
    const { demand } = await admit(given);
    const permission = { scope: 'Orders.Read', appPermission: 'Orders.Read.All' };
    expect(await demand({ scopeOrAppPermission: permission })).toBe(answers.scopeOrAppPermission);
  });

  it.each(cases)('a demand for a role: %s', async (__, given, { role }) => {
    const { demand } = await admit(given);
    expect(await demand({ role: 'Orders.Read.All' })).toBe(role);
  });

  it.each(cases)('a refusal of guests: %s', async (__, given, { denyGuests }) => {
    const { demand } = await admit(given);
    expect(await demand({ denyGuests: true })).toBe(denyGuests);
  });

  it.each(cases)('the recipe for rate limits: %s', async (__, given, { limited }) => {
    const { request, claims } = await admit(given);
    const key = limited === 'userKey' ? userKey(claims) : claims[limited];
    expect(key).toBeTypeOf('string');
    expect(rateLimitKey(request)).toBe(key);
  });

  it.each(cases)('the check of an owner: %s', async (__, given, { mayRead: [own, others] }) => {
    const { claims, inside } = await admit(given);
    const owned = (oid: string) => ({ owner: `${claims.tid ?? issuer.b2cOptions.tenantId}.${oid}` });
    const answer = (owner: string) =>
      inside(() => {
        try {
          return mayRead(owned(owner));
        } catch (error) {
          return reasonOf(error);
        }
      });
    expect([await answer(person), await answer(other)]).toEqual([own, others]);
  });

  const independent: readonly [TokenOverrides, RequirementOptions, reason: string][] = [
    [{ groups: ['staff'] }, { group: 'staff' }, 'group'],
    [{ department: 'sales' }, { claim: { name: 'department', values: 'sales' } }, 'check'],
    [{ department: 'sales' }, { check: ({ department }) => department === 'sales' }, 'check'],
    [{ acrs: ['c1'] }, { authContext: 'c1' }, 'auth_context'],
  ];
  it.each(cases)(
    'a demand for a group, a claim, a check or an authentication context, by its claim: %s',
    async (__, given) => {
      for (const [claims, requirement, reason] of independent) {
        expect(await (await admit(given, claims)).demand(requirement)).toBe('passes');
        expect(await (await admit(given)).demand(requirement)).toBe(reason);
      }
    },
  );

  it.each(cases)('allowedClients by azp or appid: %s', async (__, given) => {
    const token = await given.token();
    const { claims } = await admit(given);
    const client = claims.azp ?? claims.appid ?? '';
    const allowing = (allowed: string) => {
      const identity = identityWith(given.daemonClients, { allowedClients: [allowed] });
      return identity.authenticate({ headers: { authorization: `Bearer ${token}` } }, { scheme: 'any' });
    };
    expect(await answerOf(() => allowing(client))).toBe('passes');
    await refuses(() => allowing(other), 'client');
  });
});

describe('of Entra ID,', () => {
  it.each(rows(entra, entraAnswers))('a demand for people or applications: %s', async (_, given, { callers = [] }) => {
    const { demand } = await admit(given);
    for (const asked of ['user', 'app'] as const) {
      const passes = (callers as readonly string[]).includes(asked);
      expect(await demand({ scheme: 'entra', callers: asked })).toBe(passes ? 'passes' : 'caller');
    }
  });
});

describe('a client of b2c.daemonClients', () => {
  const present = async (claims: TokenOverrides) => {
    const headers = { authorization: `Bearer ${await issuer.b2cAppToken(claims)}` };
    return authenticate({ headers }, { scheme: 'b2c' }, { identity: identityWith(listed) });
  };

  it('is let in', async () => {
    expect(isAppOnly(await present({}))).toBe(true);
  });

  it.each<[string, TokenOverrides]>([
    ['nonce', { nonce: 'n' }],
    ['auth_time', { auth_time: 1 }],
    ['idp', { idp: 'LocalAccount' }],
    ['emails', { emails: ['ada@example.com'] }],
    ['email', { email: 'ada@example.com' }],
    ['name', { name: 'Ada' }],
    ['given_name', { given_name: 'Ada' }],
    ['family_name', { family_name: 'L' }],
    ['preferred_username', { preferred_username: 'ada' }],
    ['upn', { upn: 'ada' }],
    ['unique_name', { unique_name: 'ada' }],
    ['oid and sub that differ', { oid: person, sub: service }],
    ['idtyp user', { idtyp: 'user' }],
    ['an unknown idtyp', { idtyp: 'device' }],
  ])("is refused with a person's token, known by %s", async (_, claims) => {
    await refuses(() => present(claims), 'client');
  });

  it('is no daemon for another configuration', async () => {
    const headers = { authorization: `Bearer ${await issuer.b2cAppToken()}` };
    const [listing, other] = [identityWith(listed), identityWith()];
    const [first, second] = [
      await authenticate({ headers }, { scheme: 'b2c' }, { identity: listing }),
      await authenticate({ headers }, { scheme: 'b2c' }, { identity: other }),
    ];
    expect([isAppOnly(first), isAppOnly(second)]).toEqual([true, false]);
  });

  it('is no daemon with a token of Entra ID: its scope is a scope', async () => {
    const headers = {
      authorization: `Bearer ${await issuer.token({ azp: issuer.b2cDaemonClient, scp: 'Orders.Read.All' })}`,
    };
    const identity = identityWith(listed);
    const claims = await authenticate({ headers }, { scheme: 'entra' }, { identity });
    expect(isAppOnly(claims)).toBe(false);
    const scopeOrAppPermission = { scope: 'Orders.Read', appPermission: 'Orders.Read.All' };
    const refused = authenticate({ headers }, { scheme: 'entra', scopeOrAppPermission }, { identity });
    expectRefused(await refused.catch((error: unknown) => error), 'scope', 'Orders.Read');
  });
});

describe('claims that this library did not verify', () => {
  it.each<[string, TokenOverrides, app: boolean]>([
    ['roles, and no scope', { roles: ['a'] }, true],
    ['a B2C policy, roles, and no scope', { tfp: 'B2C_1_susi', roles: ['a'] }, false],
    ['a B2C issuer, roles, and no scope', { iss: `https://contoso.b2clogin.com/${tenant}/v2.0/`, roles: ['a'] }, false],
    [
      'a B2C issuer with its policy',
      { iss: `https://login.contoso.com/tfp/${tenant}/b2c_1_susi/v2.0/`, roles: ['a'] },
      false,
    ],
    ['an issuer of Entra ID, and a tfp', { iss: `https://sts.windows.net/${tenant}/`, tfp: 'a', roles: ['a'] }, true],
    ['idtyp app', { tfp: 'B2C_1_susi', scp: 'a', idtyp: 'app' }, true],
  ])('are judged by themselves: %s', (_, claims, app) => {
    expect(runAs(claims, () => isAppOnly())).toBe(app);
    expect(isAppOnly(claims as unknown as AccessTokenClaims)).toBe(app);
  });

  it('are those of a copy, which no option speaks for', async () => {
    const { claims } = await admit(b2c['daemon that is listed']);
    expect([isAppOnly(claims), isAppOnly(structuredClone(claims))]).toEqual([true, false]);
  });
});
