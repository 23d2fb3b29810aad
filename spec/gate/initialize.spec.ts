import { afterEach, describe, expect, it, vi } from 'vitest';
import type { MicrosoftIdentity } from '../../src/core/access/requirement.js';
import type { IdentityOptions } from '../../src/core/configuration/options.js';
import { ConfigurationError } from '../../src/core/errors.js';
import { authenticatorOf } from '../../src/gate/identity-in-force.js';
import { initialize, optionsFromEnvironment } from '../../src/gate/initialize.js';
import { forgetWarnings } from '../support/isolation.js';

const id = '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

function refusalOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.message;
  }
}

describe('initialize with options that have no ids', () => {
  const refusal = () => refusalOf(() => initialize({ requireAuth: true }));
  const needed = 'initialize: the options: need tenantId and clientId (Entra ID), or b2c (Azure AD B2C).';

  it.each(['AzureAd__TenantId', 'AZUREAD__CLIENTID', 'AzureAdB2C__Domain'])(
    'names the variable %s, which is not read beside options',
    (name) => {
      expect(refusal()).toBe(needed);
      vi.stubEnv(name, 'm4rk3r');
      expect(refusal()).toBe(
        `${needed} ${name} is set, and the environment is read only by initialize() without an argument and by optionsFromEnvironment().`,
      );
      vi.stubEnv(name, ' ');
      expect(refusal()).toBe(needed);
    },
  );

  it('names no variable where an id is given', () => {
    vi.stubEnv('AzureAd__ClientId', id);
    expect(refusalOf(() => initialize({ tenantId: id }))).toBe(
      'initialize: clientId: got undefined; it is required beside tenantId.',
    );
  });

  it.each([null, 'tenant', 7])('refuses %j as before', (options) => {
    vi.stubEnv('AzureAd__ClientId', id);
    expect(refusalOf(() => Reflect.apply(initialize, undefined, [options]) as unknown)).not.toContain('is set');
  });
});

describe('initialize without options', () => {
  it('names a restriction once where its underscores are missing', () => {
    vi.stubEnv('AzureAd__TenantId', id);
    vi.stubEnv('AzureAd__ClientId', id);
    vi.stubEnv('AzureAd_AllowedClients', 'm4rk3r');
    expect(refusalOf(() => initialize())).toBe(
      'AzureAd_AllowedClients is not read, and it is a restriction: write AzureAd__AllowedClients, or remove it. ' +
        'Options were read from the environment; all names: docs/reference.md#environment-variables.',
    );
  });
});

function setVariables(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
}

const settingsOf = (identity: MicrosoftIdentity) => authenticatorOf(identity).settings;

const ids = { AzureAd__TenantId: id, AzureAd__ClientId: id };
const client = 'aaaaaaaa-0000-4000-8000-000000000001';

describe('optionsFromEnvironment', () => {
  it('gives what the variables set, and no other member, so that it can be spread over other options', () => {
    setVariables({
      ...ids,
      AzureAd__AllowedClients: client,
      AzureAd__ClientSecret: 's3cr3t',
      DownstreamApis__stock__BaseUrl: 'https://stock.contoso.com',
      DownstreamApis__stock__Scopes: 'api://stock/.default',
      AzureAdB2C__Domain: 'contoso',
    });
    expect(optionsFromEnvironment()).toStrictEqual({
      tenantId: id,
      clientId: id,
      allowedClients: [client],
      downstream: {
        credential: { clientSecret: 's3cr3t' },
        apis: { stock: { baseUrl: 'https://stock.contoso.com', scopes: ['api://stock/.default'] } },
      },
      b2c: { domainName: 'contoso' },
    });
  });

  it('configures with further options what initialize() configures', () => {
    setVariables({ ...ids, AzureAd__AllowedClients: client });
    const { fetch, now, ...settings } = settingsOf(initialize());
    expect([fetch, now]).toEqual([expect.any(Function), expect.any(Function)]);
    expect(settingsOf(initialize({ ...optionsFromEnvironment(), errors: 'forward' }))).toMatchObject({
      ...settings,
      errors: 'forward',
    });
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['nothing is set', {}],
    ['a restriction is misspelt', { ...ids, AzureAd__AllowedClint: client }],
    ['a restriction has a single underscore', { ...ids, AzureAd_AllowedClients: client }],
    ['two variables do not agree', { ...ids, AzureAd__Authority: `https://login.microsoftonline.com/${client}` }],
    [
      'an API has no credential',
      { ...ids, DownstreamApis__a__BaseUrl: 'https://a.b', DownstreamApis__a__Scopes: 'a/b' },
    ],
  ])('refuses as initialize() does where %s', (_, variables) => {
    setVariables(variables);
    const refusal = refusalOf(() => optionsFromEnvironment());
    expect(refusal).toContain('Options were read from the environment');
    expect(refusal).toBe(refusalOf(() => initialize()));
  });

  it('refuses an argument', () => {
    expect(refusalOf(() => Reflect.apply(optionsFromEnvironment, undefined, [process.env]) as unknown)).toBe(
      'optionsFromEnvironment: it takes no argument. Write optionsFromEnvironment().',
    );
  });
});

describe('initialize with options, where the environment has a restriction that they lack', () => {
  const options = { tenantId: id, clientId: id };
  const b2c = { domainName: 'contoso', policies: 'B2C_1_susi' };
  const tell = (variable: string, option: string) =>
    `${variable} restricts who may call, and it is not read: initialize() has options, without ${option}. ` +
    'Give that option, or write initialize({ ...optionsFromEnvironment(), … }). ' +
    'If the variable is not for this API, remove it.';

  function warningsOf(given: IdentityOptions): readonly unknown[] {
    forgetWarnings();
    const emitWarning = vi.spyOn(process, 'emitWarning').mockReturnValue();
    initialize(given);
    initialize(given);
    return emitWarning.mock.calls.map(([warning]) => warning);
  }

  it.each<[string, string, string, IdentityOptions]>([
    ['AzureAd__AllowedClients', 'AzureAd__AllowedClients', 'allowedClients', options],
    ['azuread__allowedclients__0', 'AzureAd__AllowedClients', 'allowedClients', options],
    ['AzureAdB2C__AllowedClients', 'AzureAdB2C__AllowedClients', 'allowedClients', { ...options, b2c }],
    ['AzureAdB2C__DaemonClients', 'AzureAdB2C__DaemonClients', 'b2c.daemonClients', { ...options, b2c }],
  ])('warns of %s, once', (name, variable, option, given) => {
    vi.stubEnv(name, client);
    expect(warningsOf(given)).toEqual([tell(variable, option)]);
  });

  it('warns of it where the client id beside it is that of the options', () => {
    setVariables({ AzureAd__AllowedClients: client, AzureAd__ClientId: id.toUpperCase() });
    expect(warningsOf(options)).toEqual([tell('AzureAd__AllowedClients', 'allowedClients')]);
  });

  it.each<[string, Readonly<Record<string, string>>, IdentityOptions]>([
    ['the option is given', { AzureAd__AllowedClients: client }, { ...options, allowedClients: [id] }],
    ['the variable is blank', { AzureAd__AllowedClients: ' ' }, options],
    ['the client id beside it is another one', { AzureAd__AllowedClients: client, AzureAd__ClientId: client }, options],
    ['no policy of B2C is accepted', { AzureAdB2C__DaemonClients: client }, options],
    ['one tenant may call', { AzureAd__AllowedTenants: client }, options],
    ['it restricts nothing', { AzureAd__Audience: client }, options],
  ])('does not warn where %s', (_, variables, given) => {
    setVariables(variables);
    expect(warningsOf(given)).toEqual([]);
  });

  it('does not warn where the options are those of the environment', () => {
    setVariables({ ...ids, AzureAd__AllowedClients: client });
    expect(warningsOf({ ...optionsFromEnvironment(), errors: 'forward' })).toEqual([]);
  });
});
