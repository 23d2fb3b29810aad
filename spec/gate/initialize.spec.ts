import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConfigurationError } from '../../src/core/errors.js';
import { initialize } from '../../src/gate/initialize.js';

const id = '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2';

afterEach(() => {
  vi.unstubAllEnvs();
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
        `${needed} ${name} is set, and the environment is read only where initialize() has no argument.`,
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
