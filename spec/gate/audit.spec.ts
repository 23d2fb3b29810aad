import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ConfigurationError } from '../../src/core/errors.js';
import { beginAudit, endAudit } from '../../src/gate/audit.js';
import { initialize, initializeWithRequireAuth, optionsFromEnvironment } from '../../src/gate/initialize.js';
import { enforcesRequireAuth } from '../../src/gate/require-auth.js';
import { forgetIdentity } from '../support/isolation.js';
import { errorOf } from '../support/refusals.js';

vi.mock('@azure/msal-node', () => {
  throw new Error('not found');
});

const fetch = vi.fn(() => Promise.reject(new Error('There is no network.')));
const options = {
  tenantId: 'aaaaaaaa-0000-4000-8000-000000000001',
  clientId: 'aaaaaaaa-0000-4000-8000-000000000002',
  fetch,
};

enforcesRequireAuth('Nest');
beforeEach(beginAudit);
afterEach(() => {
  endAudit();
  forgetIdentity();
});

it('sends no request for ready(), whatever configures the process', async () => {
  await initialize(options).ready();
  await initializeWithRequireAuth(options).ready();
  expect(fetch).not.toHaveBeenCalled();
});

it('finds a package that is not installed', async () => {
  const identity = initialize({ ...options, downstream: { credential: { clientSecret: 'x' } } });
  const error = await errorOf(() => identity.ready());
  expect(error).toBeInstanceOf(ConfigurationError);
  expect((error as Error).message).toContain('npm install @azure/msal-node');
});

it('loads an application that adds options to those of the environment, where no variable is set', () => {
  expect(optionsFromEnvironment()).toEqual({});
  expect(() => initialize({ ...optionsFromEnvironment(), errors: 'forward' })).not.toThrow();
  endAudit();
  expect(optionsFromEnvironment).toThrow('set AzureAd__TenantId and AzureAd__ClientId');
});

it('ends: ready() then loads keys again', async () => {
  endAudit();
  await expect(initialize(options).ready()).rejects.toThrow('The signing keys could not be loaded');
  expect(fetch).toHaveBeenCalled();
});
