import type { IncomingMessage } from 'node:http';
import { describe, expect, it, vi } from 'vitest';
import * as express from '../../src/express.js';
import * as fetchEntry from '../../src/fetch.js';
import * as root from '../../src/index.js';
import { ConfigurationError, type IdentityOptions } from '../../src/index.js';
import { identityInForce } from '../../src/gate/identity-in-force.js';
import * as nestjs from '../../src/nestjs.js';
import { expressReleases, listen } from '../support/api.js';
import { forgetIdentity } from '../support/isolation.js';

const ids = { tenantId: '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2', clientId: 'de2656e6-585f-4684-8e65-3ce50a7770a8' };

/** The message of the ConfigurationError that is thrown where the arguments stand. */
function refusalOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as Error).message;
  }
  throw new Error('The arguments were taken.');
}

type Anything = (...given: unknown[]) => unknown;
type Functions = Readonly<Record<string, Anything>>;

const entries = [
  { entry: 'microsoft-identity-decorators', host: root as unknown as Functions },
  { entry: '…/express', host: express as unknown as Functions },
  { entry: '…/nestjs', host: nestjs as unknown as Functions },
  { entry: '…/fetch', host: fetchEntry as unknown as Functions },
];

const forms: Readonly<Record<string, string>> = {
  RequiresAuth: "@RequiresAuth() or @RequiresAuth({ callers: 'app' })",
  RequiresB2cAuth: "@RequiresB2cAuth() or @RequiresB2cAuth({ policy: 'B2C_1_signin' })",
  RequiresAnyAuth: '@RequiresAnyAuth()',
  ValidateScope: "@ValidateScope('access_as_user') or @ValidateScope('Reports.Read', 'Reports.Write')",
  RequiresRole: "@RequiresRole('Reports.Admin') or @RequiresRole('Reports.Admin', 'Reports.Editor')",
  RequiresScopeOrAppPermission:
    "@RequiresScopeOrAppPermission({ scope: 'Reports.Read', appPermission: 'Reports.Read.All' })",
  RequiresGroup: "@RequiresGroup('<object id of a group>')",
  DenyGuests: '@DenyGuests()',
  RequiresAuthContext: "@RequiresAuthContext('c1')",
  RequiresClaim: "@RequiresClaim('department', 'finance', 'legal') or @RequiresClaim('department')",
  ClaimCheck: '@ClaimCheck((claims, request) => boolean)',
  AllowAnonymous: '@AllowAnonymous()',
  TokenClaims: "@TokenClaims() or @TokenClaims('oid')",
  OnBehalfOf: "@OnBehalfOf('graph')",
  AsApplication: "@AsApplication('graph')",
};

describe.each(entries)('a decorator of $entry without its parentheses', ({ host }) => {
  it.each(Object.entries(forms))('is refused on a class, on a method and on a parameter: %s', (name, form) => {
    const decorator = host[name] as unknown as ClassDecorator & MethodDecorator & ParameterDecorator;
    const problem = `@${name} is used without its parentheses. Write ${form}.`;
    const onClass = () => {
      @decorator
      class Orders {}
      return Orders;
    };
    const onMethod = () => {
      class Orders {
        @decorator
        list(): void {
          return undefined;
        }
      }
      return Orders;
    };
    const onStaticMethod = () => {
      class Orders {
        @decorator
        static list(): void {
          return undefined;
        }
      }
      return Orders;
    };
    const onParameter = () => {
      class Orders {
        list(@decorator claims: unknown): unknown {
          return claims;
        }
      }
      return Orders;
    };
    expect(refusalOf(onClass)).toBe(`Orders: ${problem}`);
    expect(refusalOf(onMethod)).toBe(`Orders.list: ${problem}`);
    expect(refusalOf(onStaticMethod)).toBe(`Orders.list: ${problem}`);
    expect(refusalOf(onParameter)).toBe(`Orders.list: ${problem}`);
  });

  it.each(Object.entries(forms))('is refused as a standard decorator: %s', (name, form) => {
    const message = `@${name} is used without its parentheses. Write ${form}.`;
    const method = () => undefined;
    expect(refusalOf(() => host[name]?.(method, { kind: 'method', name: 'list' }))).toContain(message);
    expect(refusalOf(() => host[name]?.(undefined, { kind: 'field', name: 'list' }))).toContain(message);
  });
});

const partners = root.createMicrosoftIdentity(ids);

const people = { callers: 'user' };

class WithMisspeltGetter {
  get callesr(): string {
    return people.callers;
  }
}

class Derived extends WithMisspeltGetter {
  get callers(): string {
    return people.callers;
  }
}

const mistakes: readonly [decorator: string, given: readonly unknown[], problem: string][] = [
  ['RequiresAuth', ['app'], "got 'app'; it takes an object of options"],
  ['RequiresAuth', [{ caller: 'app' }], "got 'caller', which is no option; it takes callers"],
  ['RequiresAuth', [{ scopes: ['a'] }], "got 'scopes', which is no option; it takes callers"],
  ['RequiresAuth', [{ callers: 'app', scopes: [] }], "got 'scopes', which is no option; it takes callers"],
  ['RequiresAuth', [new Derived()], "got 'callesr', which is no option; it takes callers"],
  ['RequiresAuth', [null], 'got null; it takes an object of options'],
  ['RequiresAuth', [[]], 'got an empty list; it takes an object of options'],
  ['RequiresAuth', [true], 'got true; it takes an object of options'],
  ['RequiresAuth', [undefined, 'read'], 'got 2 arguments; it takes 1'],
  ['RequiresB2cAuth', ['B2C_1_x'], "got 'B2C_1_x'; it takes an object of options"],
  ['RequiresB2cAuth', [['B2C_1_x']], 'got a list of 1; it takes an object of options'],
  ['RequiresB2cAuth', [{ policies: 'B2C_1_x' }], "got 'policies', which is no option; it takes policy"],
  ['RequiresB2cAuth', [{ policyName: 'B2C_1_x' }], "got 'policyName', which is no option; it takes policy"],
  ['RequiresAnyAuth', [{ callers: 'app' }], 'it takes no argument'],
  ['RequiresAnyAuth', [null], 'it takes no argument'],
  ['ValidateScope', [['read', 'write']], 'got a list of 2; it takes a string'],
  ['RequiresRole', [{ role: 'Admin' }], 'got an object; it takes a string'],
  ['RequiresScopeOrAppPermission', [], 'got no scope, which is required'],
  ['RequiresScopeOrAppPermission', ['read'], "got 'read'; it takes an object of options"],
  ['RequiresScopeOrAppPermission', [{ scope: 'read' }], 'got no appPermission, which is required'],
  [
    'RequiresScopeOrAppPermission',
    [{ scope: 'read', appPermission: undefined }],
    'got no appPermission, which is required',
  ],
  [
    'RequiresScopeOrAppPermission',
    [{ scope: 'read', appPermission: 'Read.All', appPermissions: ['Write.All'] }],
    "got 'appPermissions', which is no option; it takes scope, appPermission",
  ],
  ['RequiresGroup', [['staff']], 'got a list of 1; it takes a string'],
  ['DenyGuests', [{ except: 'partners' }], 'it takes no argument'],
  ['RequiresAuthContext', ['c1', 'c2'], 'got 2 arguments; it takes 1'],
  ['RequiresClaim', ['department', ['finance']], 'got a list of 1; it takes a string, a number or a boolean'],
  ['RequiresClaim', [{ department: 'finance' }], 'got an object; it takes a string, a number or a boolean'],
  ['RequiresClaim', ['department', null], 'got null; it takes a string, a number or a boolean'],
  ['ClaimCheck', [], 'got undefined; it takes a function'],
  ['ClaimCheck', [undefined], 'got undefined; it takes a function'],
  ['ClaimCheck', ['department'], "got 'department'; it takes a function"],
  ['ClaimCheck', [{ check: 'department' }], 'got an object; it takes a function'],
  ['ClaimCheck', [[() => true]], 'got a list of 1; it takes a function'],
];

const mistakesOfDecoratorsAlone: typeof mistakes = [
  ['AllowAnonymous', ['x'], 'it takes no argument'],
  ['AllowAnonymous', [{ methods: ['GET'] }], 'it takes no argument'],
  ['TokenClaims', [['oid']], 'got a list of 1; it takes a string'],
  ['TokenClaims', [{ claim: 'oid' }], 'got an object; it takes a string'],
  ['TokenClaims', [null], 'got null; it takes a string'],
  ['TokenClaims', ['oid', 'tid'], 'got 2 arguments; it takes 1'],
  ['OnBehalfOf', [], 'got undefined; it takes the name of an API in downstream.apis, or { baseUrl, scopes }'],
  ['OnBehalfOf', ['my graph'], 'got a string of 8 characters; it takes the name of an API'],
  ['OnBehalfOf', [['graph']], 'got a list of 1; it takes a string'],
  ['OnBehalfOf', [null], 'got null; it takes a string'],
  ['OnBehalfOf', ['graph', 'orders'], 'got 2 arguments; it takes 1'],
  [
    'OnBehalfOf',
    [{ scope: 'api://a/b' }],
    "got 'scope', which is no option; it takes baseUrl, scopes, tenantId, timeoutMs, headers",
  ],
  ['AsApplication', [], 'got undefined; it takes the name of an API in downstream.apis, or { baseUrl, scopes }'],
  ['AsApplication', ['graph', {}, 'orders'], 'got 3 arguments; it takes 2'],
];

describe.each(entries)('arguments of a decorator of $entry', ({ host }) => {
  it.each([...mistakes, ...mistakesOfDecoratorsAlone])('are refused: %s %j', (name, given, problem) => {
    const message = refusalOf(() => host[name]?.(...given));
    expect(message.startsWith(`@${name}: ${problem}`)).toBe(true);
    expect(message.endsWith(`. Write ${forms[name] ?? ''}.`)).toBe(true);
  });

  it('are taken where they are right', () => {
    class Callers {
      get callers(): string {
        return people.callers;
      }
    }
    const right: readonly [string, readonly unknown[]][] = [
      ['RequiresAuth', []],
      ['RequiresAuth', [undefined]],
      ['RequiresAuth', [{}]],
      ['RequiresAuth', [{ callers: undefined }]],
      ['RequiresAuth', [new Callers()]],
      ['RequiresAuth', [Object.create({ callers: 'app' })]],
      ['RequiresAuth', [Object.create(null)]],
      ['RequiresB2cAuth', [{ policy: undefined }]],
      ['DenyGuests', [undefined]],
      ['RequiresClaim', ['department', 'finance', 7, false]],
      ['ClaimCheck', [() => true]],
      ['ClaimCheck', [async () => Promise.resolve(true), undefined]],
      ['AllowAnonymous', []],
      ['TokenClaims', [undefined]],
      ['TokenClaims', ['oid']],
      ['OnBehalfOf', ['graph']],
      ['OnBehalfOf', [{ scopes: 'api://orders/read' }]],
      ['AsApplication', ['graph', { tenantId: 'caller' }]],
      ['AsApplication', ['graph', undefined]],
    ];
    for (const [name, given] of right) expect(host[name]?.(...given)).toBeTypeOf('function');
  });
});

/** The middleware of a decorator: `requiresScope` of `ValidateScope`. */
function middlewareOf(decorator: string): string {
  if (decorator === 'ValidateScope') return 'requiresScope';
  return `${decorator[0]?.toLowerCase() ?? ''}${decorator.slice(1)}`;
}

const middlewares = Object.entries(forms)
  .filter(([decorator]) => !['AllowAnonymous', 'TokenClaims', 'OnBehalfOf', 'AsApplication'].includes(decorator))
  .map(([decorator, form]) => [middlewareOf(decorator), form.replaceAll(`@${decorator}`, middlewareOf(decorator))]);

const middleware = express as unknown as Functions;

describe('a middleware without its parentheses', () => {
  it.each(expressReleases)('is refused at the first request, on $release', async ({ express: createApp }) => {
    const told: string[] = [];
    const app = createApp();
    for (const [name = ''] of middlewares) app.get(`/${name}`, middleware[name] as never);
    app.use((error: Error, _request: unknown, response: { sendStatus(status: number): void }, _next: unknown) => {
      expect(error).toBeInstanceOf(ConfigurationError);
      told.push(error.message);
      response.sendStatus(500);
    });
    const api = await listen(app);
    const statuses: unknown[] = [];
    for (const [name = ''] of middlewares) statuses.push((await api.call(`/${name}`)).status);
    await api.close();
    expect(statuses).toEqual(middlewares.map(() => 500));
    expect(told).toEqual(
      middlewares.map(([name, form]) => `${name ?? ''} is used without its parentheses. Write ${form ?? ''}.`),
    );
  });
});

describe('arguments of a middleware', () => {
  it.each(mistakes)('are refused: of the middleware for %s %j', (decorator, given, problem) => {
    const name = middlewareOf(decorator);
    const form = forms[decorator]?.replaceAll(`@${decorator}`, name) ?? '';
    const message = refusalOf(() => middleware[name]?.(...given));
    expect(message).toContain(problem);
    expect(message.endsWith(`. Write ${form}.`)).toBe(true);
  });

  it('are refused of a configuration of its own too', () => {
    const bound = express.createMicrosoftIdentity(ids) as unknown as Functions;
    expect(refusalOf(() => bound['requiresAuth']?.('app'))).toContain("requiresAuth: got 'app'");
    expect(refusalOf(() => bound['RequiresAuth']?.('app'))).toContain("@RequiresAuth: got 'app'");
  });
});

describe('arguments of a checker', () => {
  const written =
    "Write authorizationChecker() or authorizationChecker({ scheme: 'entra' }) or authorizationChecker({ identity: partners }).";

  it.each<[string, readonly unknown[], string]>([
    ['a misspelt option', [{ identiy: partners }], "got 'identiy', which is no option; it takes scheme, identity"],
    ['an identity', [partners], 'which is no option; it takes scheme, identity'],
    ['what initialize returns', [root.initialize(ids)], 'which is no option; it takes scheme, identity'],
    ['a scheme', ['b2c'], "got 'b2c'; it takes an object of options"],
    ['null', [null], 'got null; it takes an object of options'],
    ['an action and roles', [{ request: {}, response: {} }, ['Admin']], 'is used without its parentheses'],
  ])('are refused: authorizationChecker of %s', (_, given, problem) => {
    const message = refusalOf(() => (root.authorizationChecker as Anything)(...given));
    expect(message).toContain(problem);
    expect(message.endsWith(written)).toBe(true);
  });

  it.each([null, {}, 'partners', false])('are refused: an identity that is none, %j', (identity) => {
    const message = 'identity takes what initialize() or createMicrosoftIdentity() returned.';
    expect(refusalOf(() => root.authorizationChecker({ identity } as never))).toBe(message);
    expect(refusalOf(() => root.withSecurity({}, [], { identity } as never))).toBe(message);
  });

  it.each([{ identity: undefined }, { request: {} }, 'partners', null])(
    'are refused: currentUserChecker of %j',
    (given) => {
      expect(refusalOf(() => (root.currentUserChecker as Anything)(given))).toBe(
        'currentUserChecker: it takes no argument. Write currentUserChecker().',
      );
    },
  );

  it('are taken where they are right', () => {
    expect(root.authorizationChecker({ scheme: undefined, identity: undefined })).toBeTypeOf('function');
    expect(root.authorizationChecker({ identity: partners })).toBeTypeOf('function');
    expect(root.currentUserChecker()).toBeTypeOf('function');
  });
});

describe('arguments of expressAuthentication', () => {
  const request = { headers: {} } as IncomingMessage;
  const outcome = (...given: unknown[]) =>
    (express.expressAuthentication as unknown as (...given: unknown[]) => Promise<unknown>)(...given).catch(
      (error: unknown) => error,
    );

  it.each<[string, readonly unknown[], string]>([
    ['no name', [request], "@Security() takes 'entra'"],
    ['a response in the place of a name', [request, { setHeader: () => undefined }, () => undefined], '@Security()'],
    ['a scope in the place of a list', [request, 'entra', 'read'], "Write @Security('entra', ['access_as_user'])."],
    ['null in the place of a list', [request, 'entra', null], "Write @Security('entra', ['access_as_user'])."],
    ['an object in the place of a list', [request, 'entra', { scope: 'a' }], 'takes a list of scopes'],
    ['a list in a list', [request, 'entra', [['read']]], 'A scope name is blank'],
  ])('are refused: %s', async (_, given, problem) => {
    root.initialize(ids);
    const error = await outcome(...given);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toContain(problem);
  });
});

describe('arguments of the functions of …/fetch', () => {
  const { authenticate, protect } = fetchEntry as unknown as Functions;
  const handler = () => new Response();
  const request = new Request('http://localhost/');
  const outcome = (...given: unknown[]) =>
    (authenticate?.(...given) as Promise<unknown>).catch((error: unknown) => error as Error);

  it.each<[string, readonly unknown[], string]>([
    ['no requirement', [handler], 'protect(): got a function; it takes an object of options'],
    ['nothing', [], 'protect(): got undefined'],
    ['null', [null, handler], 'protect(): got null'],
    ['a scope', ['read', handler], "protect(): got 'read'"],
    ['a misspelt member', [{ scopes: 'read' }, handler], "protect(): got 'scopes', which is no option"],
    ['an identity', [partners, handler], 'which is no option; it takes scheme, callers, policy'],
    ['no handler', [{ scope: 'read' }], 'protect() got no handler'],
    ['a response', [{ scope: 'read' }, new Response()], 'protect() got no handler'],
  ])('are refused where they stand: protect with %s', (_, given, problem) => {
    expect(refusalOf(() => protect?.(...given))).toContain(problem);
    expect(
      refusalOf(() => (fetchEntry.createMicrosoftIdentity(ids) as unknown as Functions)['protect']?.(...given)),
    ).toContain(problem);
  });

  it.each<[string, readonly unknown[], string]>([
    ['no request', [], 'authenticate() got no request'],
    ['a token', ['Bearer x'], 'authenticate() got no request'],
    ['an object without headers', [{}], 'authenticate() got an object without headers'],
    ['headers that are a text', [{ headers: 'authorization: x' }], 'authenticate() got an object without headers'],
    ['the promise of headers', [Promise.resolve(new Headers())], 'authenticate() got an object without headers'],
    ['a flat list of headers', [{ headers: ['authorization', 'x'] }], 'headers that are a list, and not of pairs'],
    ['a requirement that is null', [request, null], 'authenticate(): got null'],
    ['a scope in the place of a requirement', [request, 'read'], "authenticate(): got 'read'"],
    ['a misspelt member', [request, { roles: 'Admin' }], "authenticate(): got 'roles', which is no option"],
    ['an identity in the place of options', [request, {}, partners], 'which is no option; it takes identity'],
    ['a misspelt option', [request, {}, { identiy: partners }], "got 'identiy', which is no option; it takes identity"],
    ['options that are null', [request, {}, null], 'authenticate(): got null'],
    ['an identity that is null', [request, {}, { identity: null }], 'identity takes what initialize()'],
    ['an identity that is false', [request, {}, { identity: false }], 'identity takes what initialize()'],
  ])('are refused: authenticate with %s', async (_, given, problem) => {
    root.initialize(ids);
    const error = await outcome(...given);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toContain(problem);
  });

  it('are refused: the identity of another configuration', async () => {
    const bound = fetchEntry.createMicrosoftIdentity(ids) as unknown as Functions;
    const error = await (bound['authenticate']?.(request, {}, { identity: partners }) as Promise<unknown>).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toBe('authenticate() of one configuration got the identity of another.');
  });
});

describe('arguments of the functions for OpenAPI documents', () => {
  it.each<[string, unknown, string]>([
    [
      'a misspelt option',
      { scope: {} },
      "got 'scope', which is no option; it takes identity, scopes, appIdUri, prefix",
    ],
    ['an identity', partners, 'which is no option; it takes identity, scopes, appIdUri, prefix'],
    ['null', null, 'got null; it takes an object of options'],
    ['a prefix', 'partners-', "got 'partners-'; it takes an object of options"],
    ['a misspelt authority', { appIdUri: { entraId: 'api://a' } }, "got 'entraId', which is no option; it takes entra"],
    ['one Application ID URI', { appIdUri: 'api://weather' }, 'got a string of 13 characters; it takes an object'],
  ])('are refused: withSecurity with %s', (_, options, problem) => {
    root.initialize(ids);
    expect(refusalOf(() => root.withSecurity({}, [], options as never))).toMatch(
      new RegExp(`^withSecurity: .*${problem}.* Write withSecurity\\(document, routes, \\{`),
    );
  });

  it.each<[unknown, string]>([
    [{ prefx: 'partners-' }, "got 'prefx', which is no option; it takes scopes, appIdUri, prefix"],
    [{ identity: partners }, "got 'identity', which is no option; it takes scopes, appIdUri, prefix"],
    [null, 'got null; it takes an object of options'],
  ])('are refused: securitySchemes with %j', (options, problem) => {
    const message = refusalOf(() => root.securitySchemes(root.initialize(ids), options as never));
    expect(message).toContain(`securitySchemes: ${problem}. Write securitySchemes(identity, { scopes`);
  });
});

describe('arguments of the guard and the module of Nest', () => {
  it.each<[string, readonly unknown[], string]>([
    ['a misspelt option', [{ requireAuht: true }], "got 'requireAuht', which is no option; it takes requireAuth"],
    ['null', [null], 'got null; it takes an object of options'],
    ['true', [true], 'got true; it takes an object of options'],
    ['a word', ['requireAuth'], "got 'requireAuth'; it takes an object of options"],
  ])('are refused: %s', (_, given, problem) => {
    const Guard = nestjs.MicrosoftIdentityGuard as new (...given: unknown[]) => unknown;
    const { forRoot, forRootAsync } = {
      forRoot: nestjs.MicrosoftIdentityModule.forRoot.bind(nestjs.MicrosoftIdentityModule) as Anything,
      forRootAsync: nestjs.MicrosoftIdentityModule.forRootAsync.bind(nestjs.MicrosoftIdentityModule) as Anything,
    };
    expect(refusalOf(() => new Guard(...given))).toBe(
      `new MicrosoftIdentityGuard: ${problem}. Write new MicrosoftIdentityGuard() or new MicrosoftIdentityGuard({ requireAuth: true }).`,
    );
    const options = [ids, { useFactory: () => ids }];
    for (const [index, make] of [forRoot, forRootAsync].entries()) {
      expect(refusalOf(() => make(options[index], ...given))).toContain(`${problem}. Write MicrosoftIdentityModule.`);
    }
  });

  it.each<[unknown, string]>([
    [{ useClass: class {} }, "got 'useClass', which is no option; it takes imports, inject, useFactory"],
    [{ imports: [] }, 'got no useFactory, which is required'],
    [undefined, 'got no useFactory, which is required'],
  ])('are refused: forRootAsync of %j', (options, problem) => {
    expect(refusalOf(() => nestjs.MicrosoftIdentityModule.forRootAsync(options as never))).toContain(problem);
  });

  it('are refused: a further argument', () => {
    const { MicrosoftIdentityModule: module } = nestjs;
    const forRoot = module.forRoot.bind(module) as Anything;
    const forRootAsync = module.forRootAsync.bind(module) as Anything;
    for (const make of [forRoot, forRootAsync]) {
      expect(refusalOf(() => make({ useFactory: () => ids }, {}, { requireAuth: true }))).toMatch(
        /^MicrosoftIdentityModule\.forRoot(Async)?: got 3 arguments; it takes 2\. Write /,
      );
    }
  });

  it('are taken where they are right', () => {
    expect(new nestjs.MicrosoftIdentityGuard({ requireAuth: undefined })).toBeDefined();
    expect(nestjs.MicrosoftIdentityModule.forRoot(undefined, { requireAuth: true }).providers).toHaveLength(4);
  });
});

describe.each(entries)('options of initialize of $entry', ({ host }) => {
  it('are refused where they are undefined, and the configuration in force stays', () => {
    vi.stubEnv('AzureAd__TenantId', ids.tenantId);
    vi.stubEnv('AzureAd__ClientId', ids.clientId);
    const before = host['initialize']?.(ids);
    try {
      expect(refusalOf(() => host['initialize']?.(undefined))).toBe(
        'initialize: got undefined; it takes an object of options. To read the environment, write initialize().',
      );
      expect(identityInForce()).toBe(before);
      expect(host['initialize']?.()).toBeDefined();
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('are refused where the environment may restrict more than is read, and the configuration in force stays', () => {
    const before = host['initialize']?.(ids);
    const { tenantId, clientId } = ids;
    const environment = { AzureAd__TenantId: tenantId, AzureAd__ClientId: clientId, AZUREAD__ALLOWEDCLIENT: clientId };
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    try {
      expect(refusalOf(() => host['initialize']?.())).toMatch(
        /^AZUREAD__ALLOWEDCLIENT is not a name .* nearest name is AzureAd__AllowedClients\. .* read from the environment; all names: docs\/reference\.md#environment-variables\.$/,
      );
      expect(identityInForce()).toBe(before);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it.each([
    ['nothing is set', {}],
    ['what is set is blank', { AzureAd__TenantId: ' ', AzureAd__ClientId: '' }],
  ])('are refused with what to set where %s, and the configuration in force stays', (_, environment) => {
    const before = host['initialize']?.(ids);
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    try {
      expect(refusalOf(() => host['initialize']?.())).toBe(
        'initialize: set AzureAd__TenantId and AzureAd__ClientId (or AzureAdB2C__Domain and others), or give options. ' +
          'Without a registration: npx microsoft-identity-decorators issuer. ' +
          'Options were read from the environment; all names: docs/reference.md#environment-variables.',
      );
      expect(identityInForce()).toBe(before);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('are refused with the one that is missing where another is set', () => {
    vi.stubEnv('AzureAd__TenantId', ids.tenantId);
    try {
      expect(refusalOf(() => host['initialize']?.())).toBe(
        'initialize: clientId: got undefined; it is required beside tenantId. ' +
          'Options were read from the environment; all names: docs/reference.md#environment-variables.',
      );
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('are refused with the name that is meant where underscores are missing', () => {
    vi.stubEnv('AzureAd_TenantId', 'm4rk3r');
    try {
      const message = refusalOf(() => host['initialize']?.());
      expect(message).toContain('issuer. AzureAd_TenantId is not read: write AzureAd__TenantId. Options were read');
      expect(message).not.toContain('m4rk3r');
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('are the only argument', () => {
    expect(refusalOf(() => host['initialize']?.(ids, { allowedClients: [] }))).toBe(
      'initialize: got 2 arguments; it takes 1. Write initialize() or initialize(options).',
    );
    expect(refusalOf(() => host['createMicrosoftIdentity']?.(ids, { allowedClients: [] }))).toBe(
      'createMicrosoftIdentity: got 2 arguments; it takes 1. Write createMicrosoftIdentity(options).',
    );
  });

  class Config implements IdentityOptions {
    get tenantId(): string {
      return ids.tenantId;
    }
    get clientId(): string {
      return ids.clientId;
    }
  }

  it('are refused where a class has a misspelt getter or method', () => {
    class Misspelt extends Config {
      get allowedClient(): readonly string[] {
        return [ids.clientId];
      }
    }
    class Further extends Misspelt {}
    class WithMethod extends Config {
      resolveGroup(): readonly string[] {
        return [];
      }
    }
    forgetIdentity();
    const problem = (name: string) => `initialize: the options: got '${name}', which is no option; it takes tenantId, `;
    expect(refusalOf(() => host['initialize']?.(new Misspelt()))).toContain(problem('allowedClient'));
    expect(refusalOf(() => host['initialize']?.(new Further()))).toContain(problem('allowedClient'));
    expect(refusalOf(() => host['initialize']?.(new WithMethod()))).toContain(problem('resolveGroup'));
    expect(refusalOf(() => host['initialize']?.(Object.create({ ...ids, clientID: 'x' })))).toContain(
      problem('clientID'),
    );
    expect(refusalOf(() => host['initialize']?.({ ...ids, b2c: new Misspelt() }))).toContain('initialize: b2c: got');
    expect(refusalOf(() => host['initialize']?.('31baa16f'))).toContain('it takes an object of options');
    expect(refusalOf(() => host['initialize']?.(null))).toContain('got null; it takes an object of options');
  });

  it('are taken from a class, and where every object has another member', () => {
    expect(host['initialize']?.(new Config())).toBeDefined();
    Object.defineProperty(Object.prototype, 'everywhere', { value: true, configurable: true, writable: true });
    try {
      expect(host['initialize']?.(new Config())).toBeDefined();
      expect(host['initialize']?.({ ...ids, audience: undefined })).toBeDefined();
    } finally {
      Reflect.deleteProperty(Object.prototype, 'everywhere');
    }
  });
});
