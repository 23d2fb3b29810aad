import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { AuthError, initialize, InvalidTokenError, securitySchemes, type IdentityOptions } from '../src/index.js';

const require = createRequire(import.meta.url);

/** What every entry point exports for calls of other APIs. */
const ofCalls = [
  'ConsentRequiredError',
  'DownstreamApi',
  'DownstreamError',
  'InteractionRequiredError',
  'TokenUnavailableError',
  'asApplication',
  'onBehalfOf',
];

/** What every host's entry point exports. */
const ofEveryHost = [
  ...ofCalls,
  'AsApplication',
  'OnBehalfOf',
  'AccessTokenClaims',
  'AllowAnonymous',
  'AuthError',
  'ClaimCheck',
  'ClaimsChallengeError',
  'Cloud',
  'ConfigurationError',
  'DenyGuests',
  'InsufficientScopeError',
  'InvalidRequestError',
  'InvalidTokenError',
  'IssuerUnavailableError',
  'MissingTokenError',
  'RequiresAnyAuth',
  'RequiresAuth',
  'RequiresAuthContext',
  'RequiresB2cAuth',
  'RequiresClaim',
  'RequiresGroup',
  'RequiresRole',
  'RequiresScopeOrAppPermission',
  'TokenClaims',
  'ValidateScope',
  'createMicrosoftIdentity',
  'getTokenClaims',
  'initialize',
  'isAppOnly',
  'optionsFromEnvironment',
  'securitySchemes',
  'userKey',
  'validateScope',
  'withSecurity',
];

const entryPoints = [
  [
    'microsoft-identity-decorators',
    [
      ...ofEveryHost,
      'authorizationChecker',
      'currentUserChecker',
      'operationRoutes',
      'resourceMetadataController',
      'withAuthInfo',
    ],
  ],
  [
    'microsoft-identity-decorators/express',
    [
      ...ofEveryHost,
      'authErrorHandler',
      'claimCheck',
      'denyGuests',
      'expressAuthentication',
      'requiresAnyAuth',
      'requiresAuth',
      'requiresAuthContext',
      'requiresB2cAuth',
      'requiresClaim',
      'requiresGroup',
      'requiresRole',
      'requiresScope',
      'requiresScopeOrAppPermission',
      'resourceMetadata',
      'withAuthInfo',
    ],
  ],
  [
    'microsoft-identity-decorators/nestjs',
    [
      ...ofEveryHost,
      'MICROSOFT_IDENTITY',
      'MicrosoftIdentityGuard',
      'MicrosoftIdentityModule',
      'operationRoutes',
      'resourceMetadata',
      'withAuthInfo',
    ],
  ],
  [
    'microsoft-identity-decorators/fetch',
    [...ofEveryHost, 'authenticate', 'mcpAuthInfo', 'mcpTokenVerifier', 'protect', 'resourceMetadata', 'toResponse'],
  ],
  [
    'microsoft-identity-decorators/downstream',
    [
      ...ofCalls,
      'AuthError',
      'ClaimsChallengeError',
      'ConfigurationError',
      'InsufficientScopeError',
      'InvalidTokenError',
      'MissingTokenError',
      'redisTokenStore',
    ],
  ],
  ['microsoft-identity-decorators/testing', ['runAs', 'startTestIssuer', 'tokenError']],
] as const;

describe.each(entryPoints)('the entry point %s', (name, exported) => {
  it('exports these names and no others, to import and to require', async () => {
    const imported = (await import(name)) as object;
    const required = require(name) as object;
    expect(Object.keys(imported).sort()).toEqual([...exported].sort());
    expect(Object.keys(required).sort()).toEqual([...exported].sort());
  });
});

describe('the package', () => {
  it('publishes no file but its entry points', () => {
    const { exports } = require('microsoft-identity-decorators/package.json') as { exports: object };
    expect(Object.keys(exports)).toEqual([
      '.',
      './express',
      './nestjs',
      './fetch',
      './downstream',
      './testing',
      './package.json',
    ]);
    expect(() => require('microsoft-identity-decorators/core/verifier') as unknown).toThrow('not defined by "exports"');
  });

  it('shares configuration and error classes between ES modules and CommonJS', async () => {
    const required = require('microsoft-identity-decorators') as typeof import('../src/index.js');
    const imported = await import('microsoft-identity-decorators');
    const options: IdentityOptions = {
      tenantId: 'aaaaaaaa-0000-4000-8000-000000000001',
      clientId: 'aaaaaaaa-0000-4000-8000-000000000002',
    };
    const identity = required.initialize(options);
    // The names of scopes begin with the client id.
    const scopes = { read: 'Read' };
    for (const copy of [required, imported, { securitySchemes }]) {
      expect(copy.securitySchemes(undefined, { scopes })).toEqual(required.securitySchemes(identity, { scopes }));
    }
    const later = imported.initialize({ ...options, clientId: 'aaaaaaaa-0000-4000-8000-000000000003' });
    expect(required.securitySchemes(undefined, { scopes })).toEqual(imported.securitySchemes(later, { scopes }));
    expect(imported.securitySchemes(later, { scopes })).not.toEqual(required.securitySchemes(identity, { scopes }));
    expect(required.InvalidTokenError).not.toBe(InvalidTokenError);
    const error = new required.InvalidTokenError('expired');
    expect(error).toBeInstanceOf(InvalidTokenError);
    expect(error).toBeInstanceOf(imported.AuthError);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(imported.MissingTokenError);
    expect(new Error('other')).not.toBeInstanceOf(AuthError);
  });

  it('returns the configuration in force from initialize, and keeps it when a later call fails', () => {
    const identity = initialize({ b2c: { domainName: 'contoso', policies: 'B2C_1_a', clientId: crypto.randomUUID() } });
    expect(Object.keys(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(identity)))).toEqual(
      expect.arrayContaining(['ready', 'close']),
    );
    expect(() => initialize({ tenantId: 'x' })).toThrow('tenantId');
    const scopes = { read: 'Read' };
    expect(securitySchemes(undefined, { scopes })).toEqual(securitySchemes(identity, { scopes }));
  });
});

describe('the executable', () => {
  it('is what the package names, and examines a token', () => {
    const { bin, version } = require('microsoft-identity-decorators/package.json') as {
      bin: Record<string, string>;
      version: string;
    };
    const file = bin['microsoft-identity-decorators'] ?? '';
    const run = (...parameters: string[]) => spawnSync(process.execPath, [file, ...parameters], { encoding: 'utf8' });
    expect(run('--version')).toMatchObject({ status: 0, stdout: `${version}\n` });
    const ids = [
      '--tenant-id',
      'aaaaaaaa-0000-4000-8000-000000000001',
      '--client-id',
      'aaaaaaaa-0000-4000-8000-000000000002',
    ];
    const examined = run('doctor', 'nonsense', '--offline', ...ids);
    expect(examined.status).toBe(1);
    expect(examined.stdout).toContain('does not pass');
  });
});

describe('the built package', () => {
  const program = `initialize({ tenantId: '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2', clientId: 'de2656e6-585f-4684-8e65-3ce50a7770a8' });
const response = { setHeader() {}, removeHeader() {}, end() {} };
requiresAuth()({ method: 'GET', url: '/', headers: {}, rawHeaders: [] }, response, () => {});`;
  const names = '{ initialize, requiresAuth }';
  const formats = {
    module: `import ${names} from 'microsoft-identity-decorators/express';\n${program}`,
    commonjs: `const ${names} = require('microsoft-identity-decorators/express');\n${program}`,
  };

  it.each([
    ['module', 'development', 1],
    ['commonjs', 'development', 1],
    ['module', 'production', 0],
    ['commonjs', 'production', 0],
  ] as const)('explains refusals as %s where NODE_ENV is %s: %i', (format, NODE_ENV, lines) => {
    const env = { ...process.env, NODE_ENV, DEBUG: 'microsoft-identity-decorators' };
    const { stderr } = spawnSync(process.execPath, [`--input-type=${format}`, '--eval', formats[format]], {
      env,
      encoding: 'utf8',
    });
    expect(stderr.match(/^microsoft-identity-decorators 401 missing_token \(no_token\)/gm) ?? []).toHaveLength(lines);
  });
});
